#!/usr/bin/env bash
# Asks about whole rasters in real QGIS with the embedded model; pictures and figures in build/whole-layer/.
#   scripts/whole_layer.sh RASTER QUERY [RASTER QUERY …]      (GEO_R1_COARSER=2: pixels twice as large;
#   GEO_R1_STOP_AFTER_S=360: Stop then, QGIS anew, Resume for a third of that)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ $# -ge 2 ] || { echo "usage: whole_layer.sh RASTER QUERY [RASTER QUERY …]" >&2; exit 1; }
export GEO_R1_OUT=$PWD/build/whole-layer GEO_R1_SCRIPTS=$PWD/scripts GEO_R1_SCREEN=xvfb GDAL_PAM_ENABLED=NO
GEO_R1_ASKED=$(printf '%s\n' "$@")
export GEO_R1_ASKED
rm -rf "$GEO_R1_OUT"
mkdir -p "$GEO_R1_OUT"
export GEO_R1_HOME=$GEO_R1_OUT/qgis/geo-r1
timeout "${GEO_R1_LONGEST_S:-3600}" scripts/qgis.sh "$GEO_R1_OUT/qgis" --code "$PWD/scripts/whole_layer.py" \
  >"$GEO_R1_OUT/qgis.log" 2>&1 || true
if [ -n "${GEO_R1_STOP_AFTER_S:-}" ]; then
  GEO_R1_GO_ON=1 GEO_R1_TABLE=rest.md timeout "${GEO_R1_LONGEST_S:-3600}" scripts/qgis.sh "$GEO_R1_OUT/qgis" \
    --code "$PWD/scripts/whole_layer.py" >"$GEO_R1_OUT/qgis-again.log" 2>&1 || true
  [ ! -f "$GEO_R1_OUT/rest.md" ] || tail -n +3 "$GEO_R1_OUT/rest.md" >>"$GEO_R1_OUT/table.md"
fi
pid=$(/usr/bin/python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["pid"])' \
  "$GEO_R1_OUT/qgis/geo-r1/server.json" 2>/dev/null || true)
[ -z "$pid" ] || kill "$pid" 2>/dev/null || true
[ -f "$GEO_R1_OUT/table.md" ] || { tail -n 20 "$GEO_R1_OUT/qgis.log" >&2; exit 1; }
cat "$GEO_R1_OUT/table.md"
! grep -q FAILED "$GEO_R1_OUT/table.md"
