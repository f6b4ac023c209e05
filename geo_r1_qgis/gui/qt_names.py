"""Names that moved between the Qt versions: in Qt 6 actions and shortcuts belong to QtGui, in Qt 5 to QtWidgets."""

from __future__ import annotations

from qgis.PyQt import QtGui, QtWidgets

QAction = getattr(QtGui, "QAction", None) or QtWidgets.QAction
QShortcut = getattr(QtGui, "QShortcut", None) or QtWidgets.QShortcut
QActionGroup = getattr(QtGui, "QActionGroup", None) or QtWidgets.QActionGroup
