#!/usr/bin/env bash
# Makes this clone ready to work. Everything lands in the project folder, except Debian packages that are missing.
#
#   scripts/setup.sh core   .venv with the service (no torch)
#   scripts/setup.sh run    core + QGIS and a virtual screen: what `make demo` and `make run` need
#   scripts/setup.sh full   run + tests and tools, torch included, and .venv-qgis (tests inside QGIS's Python)
#   scripts/setup.sh qt6    .venv-qt6 alone: PyQt6 and pytest, for the widgets on Qt 6
#
# A second call finds its stamps and takes no time. PYTHON=… chooses the interpreter of .venv,
# QGIS_PYTHON=… the one that QGIS belongs to (Debian: /usr/bin/python3).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
level=${1:-full}
TORCH='torch==2.13.0'            # exact: pip then takes a CPU build where one is offered; see docs/development.md
TOOLS=scripts/requirements-tools.txt
PINS=scripts/constraints.txt      # versions that were seen working together, for Debian 12's Python; `make lock`
QGIS_PYTHON=${QGIS_PYTHON:-/usr/bin/python3}

say() { printf 'setup: %s\n' "$*"; }
stop() { printf 'setup: %s\n' "$@" >&2; exit 1; }

has_module() { "$1" -c 'import importlib.util as u, sys; sys.exit(any(u.find_spec(m) is None for m in sys.argv[1:]))' "${@:2}" 2>/dev/null; }
is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; }

# ---- Debian packages, only those that are missing ------------------------------------------------------------------

pick_python() {  # the distribution's own Python first: `python3` on PATH may be one without venv or of another build
  local candidate
  for candidate in ${PYTHON:-} /usr/bin/python3 python3.13 python3.12 python3.11 python3.10 python3; do
    if command -v "$candidate" >/dev/null && is_new_enough "$candidate"; then command -v "$candidate"; return; fi
  done
  stop "No Python 3.10 or newer was found. Install one, or name it: make setup PYTHON=/path/to/python3"
}

missing_packages() {
  local interpreters=("$1")
  [ "$level" != full ] || interpreters+=("$QGIS_PYTHON")
  local interpreter
  for interpreter in "${interpreters[@]}"; do
    if ! has_module "$interpreter" venv ensurepip; then echo python3-venv; break; fi
  done
  [ "$level" != core ] || return 0
  has_module "$QGIS_PYTHON" qgis || echo python3-qgis
  command -v qgis >/dev/null || echo qgis
  command -v xvfb-run >/dev/null || echo xvfb
  command -v xauth >/dev/null || echo xauth
  # compiles translations; without it the plugin speaks English
  [ "$level" != full ] || [ -x /usr/lib/qt5/bin/lrelease ] || command -v lrelease >/dev/null || echo qttools5-dev-tools
  return 0
}

install_packages() {
  local root=()
  [ "$(id -u)" = 0 ] || root=(sudo)
  command -v apt-get >/dev/null || stop "These Debian packages are missing: $*." \
    "This machine has no apt-get; install QGIS 3.22 or newer with its Python, Xvfb, xauth and Python's venv by hand."
  [ ${#root[@]} = 0 ] || command -v sudo >/dev/null || stop "These Debian packages are missing: $*." \
    "Neither root nor sudo is at hand. Ask for: apt-get install --no-install-recommends $*"
  say "installing Debian packages: $*"
  mkdir -p build/log
  { "${root[@]}" apt-get update -q &&
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
  } >build/log/apt.log 2>&1 </dev/null || { tail -n 15 build/log/apt.log >&2
    stop "apt-get failed (whole log: build/log/apt.log). Missing are: $*"; }
}

# ---- environments --------------------------------------------------------------------------------------------------

stamp_of() { { echo "$PWD"; cat "$@"; } | sha256sum | cut -c1-64; }
is_current() { [ -x "$1/bin/python" ] && [ -f "$1/.stamp-$2" ] && [ "$(cat "$1/.stamp-$2")" = "$3" ]; }

make_venv() {  # FOLDER INTERPRETER [OPTIONS]: keeps a working one that lies where it was made
  local folder=$1 python=$2; shift 2
  if is_new_enough "$folder/bin/python" && grep -qsF "$PWD/$folder" "$folder/bin/activate"; then return; fi
  say "making $folder with $("$python" --version) ($python)"
  "$python" -m venv --clear "$@" "$folder"
}

pip_install() {  # FOLDER ARGUMENTS: quiet unless it fails
  local folder=$1; shift
  mkdir -p build/log
  "$folder/bin/python" -m pip install --disable-pip-version-check --root-user-action ignore --quiet "$@" \
    >build/log/pip.log 2>&1 </dev/null || { tail -n 15 build/log/pip.log >&2
    stop "pip failed for $folder (whole log: build/log/pip.log)." "Without network the first setup cannot work."; }
}

set_up_service() {
  local core full
  core=$(stamp_of backend/pyproject.toml backend/hatch_build.py metadata.txt "$PINS")
  full=$(stamp_of backend/pyproject.toml backend/hatch_build.py metadata.txt "$PINS" "$TOOLS")
  if [ "$level" != full ]; then
    is_current .venv core "$core" && return
    make_venv .venv "$python"
    say "installing the service into .venv"
    pip_install .venv --constraint "$PINS" --editable backend
  else
    is_current .venv full "$full" && return
    make_venv .venv "$python"
    # torch first and alone: what comes after it must not choose another build
    say "installing torch into .venv"
    pip_install .venv --constraint "$PINS" "$TORCH"
    say "installing the service, tests and tools into .venv"
    pip_install .venv --constraint "$PINS" --editable 'backend[test]' --requirement "$TOOLS"
    echo "$full" >.venv/.stamp-full
  fi
  echo "$core" >.venv/.stamp-core
}

set_up_qgis_tests() {
  local stamp
  stamp=$(stamp_of scripts/requirements-qgis.txt)
  is_current .venv-qgis qgis "$stamp" && return
  make_venv .venv-qgis "$QGIS_PYTHON" --system-site-packages
  say "installing test tools into .venv-qgis"
  pip_install .venv-qgis --requirement scripts/requirements-qgis.txt
  echo "$stamp" >.venv-qgis/.stamp-qgis
}

set_up_qt6_tests() {  # a Python without QGIS: the system's packages would bring PyQt5 along
  local stamp
  stamp=$(stamp_of scripts/requirements-qt6.txt)
  is_current .venv-qt6 qt6 "$stamp" && return
  make_venv .venv-qt6 "$python"
  say "installing PyQt6 into .venv-qt6"
  pip_install .venv-qt6 --requirement scripts/requirements-qt6.txt
  echo "$stamp" >.venv-qt6/.stamp-qt6
}

case $level in core | run | full | qt6) ;; *) stop "usage: scripts/setup.sh core|run|full|qt6" ;; esac
mkdir -p build
if command -v flock >/dev/null; then exec 9>build/.setup-lock; flock 9; fi   # two makes at once wait for each other
python=$(pick_python)
if [ "$level" = qt6 ]; then set_up_qt6_tests; exit; fi
mapfile -t missing < <(missing_packages "$python")
if [ ${#missing[@]} -gt 0 ]; then install_packages "${missing[@]}"; fi
set_up_service
if [ "$level" = full ]; then set_up_qgis_tests; fi
