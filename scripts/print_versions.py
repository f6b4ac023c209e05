#!/usr/bin/env python3
"""Prints the QGIS of the Python that runs it, with its Qt, GDAL and numpy; for the head of a test report."""

import os
import platform

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy
from osgeo import gdal
from qgis.core import Qgis
from qgis.PyQt.QtCore import QT_VERSION_STR

print(
    f"QGIS      {Qgis.QGIS_VERSION}, Qt {QT_VERSION_STR}, GDAL {gdal.__version__}, numpy {numpy.__version__}, "
    f"Python {platform.python_version()}"
)
