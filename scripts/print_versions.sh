#!/usr/bin/env bash
# The versions that a test report must name: operating system, QGIS, Qt, GDAL, and both Pythons.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. /etc/os-release 2>/dev/null || PRETTY_NAME=$(uname -s)
echo "system    $PRETTY_NAME, $(nproc) cores, $(python3 --version) first on PATH"
[ -x .venv/bin/python ] && echo "service   $(.venv/bin/python --version) in .venv"
[ ! -x .venv-qgis/bin/python ] || .venv-qgis/bin/python scripts/print_versions.py
