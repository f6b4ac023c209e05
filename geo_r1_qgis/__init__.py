"""Geo-R1 for QGIS: ask an image in plain words, see the reasoning, get polygons."""

from __future__ import annotations

from typing import Any


def classFactory(iface: Any) -> Any:
    """Entry point of the plugin."""
    from .plugin import (
        GeoR1Plugin,
    )  # qgis_process and the pure tests import this package without a window

    return GeoR1Plugin(iface)
