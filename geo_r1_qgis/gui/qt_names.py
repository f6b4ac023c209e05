"""What differs between Qt 5 and Qt 6: where actions live, and whether flags are numbers."""

from __future__ import annotations

from typing import Any

from qgis.PyQt import QtGui, QtWidgets

QAction = getattr(QtGui, "QAction", None) or QtWidgets.QAction
QActionGroup = getattr(QtGui, "QActionGroup", None) or QtWidgets.QActionGroup


def as_number(flags: Any) -> int:
    """Flags as the number that some Qt functions want; the enums of PyQt6 do not turn into one by themselves."""
    return int(getattr(flags, "value", flags))
