#!/usr/bin/env bash
# The versions that a test report must name: operating system, QGIS, Qt, GDAL, and both Pythons.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. /etc/os-release 2>/dev/null || PRETTY_NAME=$(uname -s)
echo "system    $PRETTY_NAME, $(nproc) cores, $(python3 --version) first on PATH"
[ -x .venv/bin/python ] && echo "service   $(.venv/bin/python --version) in .venv"
if [ -x .venv-qgis/bin/python ]; then
  QT_QPA_PLATFORM=offscreen .venv-qgis/bin/python - <<'PYTHON'
import platform

from osgeo import gdal
from qgis.core import Qgis
from qgis.PyQt.QtCore import QT_VERSION_STR

print(f"QGIS      {Qgis.QGIS_VERSION}, Qt {QT_VERSION_STR}, GDAL {gdal.__version__}, Python {platform.python_version()}")
PYTHON
fi
