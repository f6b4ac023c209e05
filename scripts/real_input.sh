#!/usr/bin/env bash
# Asks about real photographs (GEO_R1_DATA) in real QGIS and keeps every answer and picture in build/real-input/.
# What is right and wrong there is for a person to judge: docs/experiments.md has the table.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ -d "${GEO_R1_DATA:-}" ] || { echo "GEO_R1_DATA names no folder with the real images." >&2; exit 1; }
export GEO_R1_DATA GEO_R1_OUT=$PWD/build/real-input GEO_R1_SCRIPTS=$PWD/scripts
export GEO_R1_SCREEN=xvfb GDAL_PAM_ENABLED=NO  # statistics of QGIS are not left beside other people's rasters
rm -rf "$GEO_R1_OUT"
mkdir -p "$GEO_R1_OUT"
timeout 900 scripts/qgis.sh "$GEO_R1_OUT/qgis" --code "$PWD/scripts/real_input.py" >"$GEO_R1_OUT/qgis.log" 2>&1 || true
pid=$(/usr/bin/python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["pid"])' \
  "$GEO_R1_OUT/qgis/geo-r1/server.json" 2>/dev/null || true)
[ -z "$pid" ] || kill "$pid" 2>/dev/null || true
[ -f "$GEO_R1_OUT/table.md" ] || { tail -n 20 "$GEO_R1_OUT/qgis.log" >&2; exit 1; }
cat "$GEO_R1_OUT/table.md"
! grep -q '^| .* | FAILED' "$GEO_R1_OUT/table.md"
