#!/usr/bin/env bash
# Starts the QGIS desktop with the plugin from build/ and a profile of its own; your own profile and settings stay untouched.
#
#   scripts/qgis.sh FOLDER [ARGUMENTS OF QGIS…]
#
# FOLDER takes profile, home, and the service's data. Uses the screen where there is one, else a virtual one (Xvfb);
# GEO_R1_SCREEN=xvfb insists on the virtual one. QGIS ends with 0 whatever happened inside: look at what it left behind.
set -euo pipefail
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=$1; shift
mkdir -p "$folder"; folder=$(cd "$folder" && pwd)
profile=$folder/profiles/profiles/geo-r1
mkdir -p "$profile/QGIS" "$folder/home" "$folder/run"
chmod 700 "$folder/run"

ini=$profile/QGIS/QGIS3.ini
if [ ! -f "$ini" ]; then
  cat >"$ini" <<'INI'
[PythonPlugins]
geo_r1_qgis=true
processing=true

[qgis]
showTips=false
checkVersion=false

[app]
news-feed/httpsfeedqgisorg/disabled=true

[core]
NewsFeed/httpsfeedqgisorg/disabled=true
INI
fi
# QGIS switches a plugin off when an earlier start was killed while loading it; here it is what we came for
sed -i -e '/^watchDog.geo_r1_qgis=/d' -e 's/^geo_r1_qgis=false$/geo_r1_qgis=true/' "$ini"

# /usr/bin first: inside QGIS, sys.executable is the first python3 on PATH, and it must be QGIS's own
export PATH=/usr/bin:$PATH LC_ALL=${LC_ALL:-C.UTF-8} QGIS_PLUGINPATH=$project/build HOME=$folder/home
export GEO_R1_COMMAND=${GEO_R1_COMMAND:-$project/.venv/bin/geo-r1} GEO_R1_HOME=${GEO_R1_HOME:-$folder/geo-r1}
unset PYTHONPATH PYTHONHOME PROJ_LIB PROJ_DATA GDAL_DATA

command=(qgis --nologo --noversioncheck --profiles-path "$folder/profiles" --profile geo-r1 "$@")
if [ "${GEO_R1_SCREEN:-}" != xvfb ] && [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then exec "${command[@]}"; fi
export XDG_RUNTIME_DIR=$folder/run
exec xvfb-run -a -s "-screen 0 1400x900x24" "${command[@]}"
