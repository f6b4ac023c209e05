#!/usr/bin/env bash
# The whole chain in real QGIS, driven like a person; what is left is in demo-output/.
#
#   scripts/demo.sh             types a question, waits for the answer, checks it; ends with 0 only if all of it worked
#   scripts/demo.sh --by-hand   the same QGIS with the demo raster, without the script
#
# Where there is a screen, QGIS stays open. GEO_R1_SCREEN=xvfb insists on a virtual one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
out=$PWD/demo-output
has_screen() { [ "${GEO_R1_SCREEN:-}" != xvfb ] && [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; }

stop_service() {  # the one that this demo's QGIS started, and no other
  local file=$out/qgis/geo-r1/server.json pid
  [ -f "$file" ] || return 0
  pid=$(/usr/bin/python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["pid"])' "$file" 2>/dev/null) || return 0
  kill "$pid" 2>/dev/null || return 0
  for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || return 0; sleep 0.1; done  # it takes its leave in about a second
}

stop_service          # of a demo that was left open
rm -rf "$out"         # everything fresh: profile, project, GeoPackage, picture
mkdir -p "$out"
/usr/bin/python3 scripts/make_demo_raster.py "$out/tank-farm.tif"

if [ "${1:-}" = --by-hand ]; then
  if ! has_screen; then
    echo "There is no screen here to work on; \`make demo\` needs none." >&2
    exit 1
  fi
  exec scripts/qgis.sh "$out/qgis" "$out/tank-farm.tif"
fi

limit=(timeout 240)
export GEO_R1_DEMO_OUT=$out GEO_R1_DEMO_STAY= GEO_R1_SCRIPTS=$PWD/scripts GDAL_PAM_ENABLED=NO
if has_screen; then GEO_R1_DEMO_STAY=1; limit=(setsid); fi  # stays when this terminal is closed
"${limit[@]}" scripts/qgis.sh "$out/qgis" --code "$PWD/scripts/demo.py" >"$out/qgis.log" 2>&1 &
qgis=$!
for _ in $(seq 1200); do  # QGIS ends with 0 whatever happened: the report is the verdict
  if [ -f "$out/report.json" ] || grep -qs "during execution of following code" "$out/qgis.log" || ! kill -0 "$qgis" 2>/dev/null; then break; fi
  sleep 0.1
done
if [ -z "$GEO_R1_DEMO_STAY" ]; then
  for _ in $(seq 100); do kill -0 "$qgis" 2>/dev/null || break; sleep 0.1; done
  kill "$qgis" 2>/dev/null || true
  wait "$qgis" 2>/dev/null || true
  stop_service
fi
exec /usr/bin/python3 scripts/show_report.py "$out"
