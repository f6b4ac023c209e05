#!/usr/bin/env bash
# Reloads the plugin ten times in each of five states in the real desktop, and prints what grew; 0 only if nothing did.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
out=${1:-$PWD/build/reload}
rm -rf "$out"; mkdir -p "$out/service"
/usr/bin/python3 scripts/make_demo_raster.py "$out/tank-farm.tif"
export GEO_R1_RELOAD_OUT=$out GEO_R1_SCRIPTS=$PWD/scripts GDAL_PAM_ENABLED=NO GEO_R1_SCREEN=xvfb
export GEO_R1_HOME=$out/service GEO_R1_COMMAND=$out/service/command.py
timeout 200 scripts/qgis.sh "$out/qgis" --code "$PWD/scripts/reload.py" >"$out/qgis.log" 2>&1 || true
[ -f "$out/report.json" ] || { tail -n 20 "$out/qgis.log" >&2; exit 1; }
cat "$out/report.json"; echo
grep -q '"passed": true' "$out/report.json"
