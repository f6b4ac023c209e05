#!/usr/bin/env bash
# Newer QGIS than this machine has: a Debian folder with its own QGIS, in which the tests of this clone run.
#
#   scripts/qgis_chroot.sh make SUITE               build the folder, or keep the one that is there
#   scripts/qgis_chroot.sh run SUITE COMMAND…       run a command of that system in this clone
#   scripts/qgis_chroot.sh test SUITE [PYTEST…]     tests/qgis in that QGIS
#
# SUITE: trixie (QGIS 3.40) or trixie-backports (3.44). Folders lie in build/chroots/, or where GEO_R1_CHROOTS says; they
# take 2 GB each and are kept. Needs root (a mount namespace of its own, in which everything that was mounted or started
# ends with the command). Packages come from where apt gets them on this machine.
#
# Inside, the clone, /tmp and GEO_R1_DATA have the same paths as outside. The service is the one in .venv: it belongs to
# this machine's Python, so its commands are replaced by one-liners that step back out (/host) and start it there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
project=$PWD
REQUIREMENTS=scripts/requirements-qgis.txt
PACKAGES=python3-qgis,qgis,xvfb,xauth,fonts-dejavu-core,fonts-open-sans

say() { printf 'chroot: %s\n' "$*"; }
stop() { printf 'chroot: %s\n' "$@" >&2; exit 1; }

[ $# -ge 2 ] || stop "usage: scripts/qgis_chroot.sh make|run|test SUITE [ARGUMENTS…]"
action=$1 suite=$2; shift 2
case $suite in trixie | trixie-backports) ;; *) stop "unknown suite $suite; known are: trixie trixie-backports" ;; esac
folder=${GEO_R1_CHROOTS:-$project/build/chroots}/$suite

# ---- making --------------------------------------------------------------------------------------------------------

need_root() {
  [ "$(id -u)" = 0 ] || stop "A folder with another Debian in it can be made and entered by root only; you are $(id -un)." \
    "Run: sudo make test-qgis-new     (make test-qgis tests in this machine's QGIS and needs no root)"
}

need_mmdebstrap() {
  if command -v mmdebstrap >/dev/null; then return; fi
  command -v apt-get >/dev/null || stop "mmdebstrap is missing, and this machine has no apt-get to install it with."
  say "installing mmdebstrap"
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends mmdebstrap
  } >build/log/mmdebstrap.log 2>&1 </dev/null || { tail -n 15 build/log/mmdebstrap.log >&2
    stop "apt-get failed (whole log: build/log/mmdebstrap.log)."; }
}

package_source() {  # where apt gets the packages of this machine's own Debian
  local codename
  codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    sed -n "s/^$codename //p" | head -n 1
}

apt_options() {  # a machine whose apt accepts a Release file past its date says so here too; signatures are still checked
  local name value
  for name in Acquire::Check-Valid-Until Acquire::Check-Date; do
    value=$(apt-config dump --format '%v' "$name")
    [ -z "$value" ] || echo "--aptopt=$name \"$value\""
  done
}

stamp() { { echo "$suite $PACKAGES"; cat "$REQUIREMENTS"; } | sha256sum | cut -c1-64; }

make_folder() {
  local base=${suite%-backports} source options tools new=$folder.new
  if [ -f "$folder/.geo-r1" ] && [ "$(cat "$folder/.geo-r1")" = "$(stamp)" ]; then return; fi
  need_root
  mkdir -p build/log "${folder%/*}"
  need_mmdebstrap
  source=$(package_source)
  [ -n "$source" ] || stop "apt on this machine names no Debian package source, so there is nothing to make $suite from." \
    "make test-qgis-new needs Debian; make test-qgis tests in this machine's QGIS."
  say "making $folder: about 90 s and 2 GB, once"
  mapfile -t options < <(apt_options)
  rm -rf "$new"
  { echo "deb $source $base main"; [ "$base" = "$suite" ] || echo "deb $source $suite main"; } |
    mmdebstrap --variant=minbase --include="$PACKAGES" --aptopt='APT::Install-Recommends "false"' "${options[@]}" \
      --setup-hook='mkdir -p "$1/etc/apt/preferences.d"
        printf "Package: *qgis*\nPin: release n=*-backports\nPin-Priority: 900\n" >"$1/etc/apt/preferences.d/qgis"' \
      "$base" "$new" - >"build/log/$suite.log" 2>&1 ||
    { tail -n 15 "build/log/$suite.log" >&2; rm -rf "$new"; stop "mmdebstrap failed (whole log: build/log/$suite.log)."; }
  # newer than Debian's own pytest; but GDAL and QGIS need the numpy that Debian built them with
  tools=$(echo "$new"/usr/lib/python3.*/ | xargs basename)
  grep -v '^numpy' "$REQUIREMENTS" >build/log/requirements-chroot.txt
  .venv-qgis/bin/python -m pip install --disable-pip-version-check --root-user-action ignore --quiet \
    --target "$new/usr/local/lib/$tools/dist-packages" --python-version "${tools#python}" --only-binary :all: \
    --requirement build/log/requirements-chroot.txt \
    >build/log/pip.log 2>&1 </dev/null || { tail -n 15 build/log/pip.log >&2
    stop "pip failed for $folder (whole log: build/log/pip.log)."; }
  mkdir -p "$new/host"
  stamp >"$new/.geo-r1"
  rm -rf --one-file-system "$folder"
  mv "$new" "$folder"
}

# ---- running -------------------------------------------------------------------------------------------------------

# Sources for `sh -c`, run as the first process of namespaces of its own: mounts and processes end with it
ENTER='
set -e
root=$1 project=$2 data=$3; shift 3
same_path() { mkdir -p "$root$1"; mount --rbind "$1" "$root$1"; }
mount -t proc proc /proc
mkdir -p "$root/host"; mount --rbind / "$root/host"
for path in /dev /proc /tmp "$project" ${data:+"$data"}; do same_path "$path"; done
mkdir -p "$root/root/bin"
for name in geo-r1 python; do
  printf "#!/bin/sh\nexec /usr/sbin/chroot /host /bin/sh -c '"'"'cd \"\$0\" && exec \"\$@\"'"'"' \"\$PWD\" %s/.venv/bin/%s \"\$@\"\n" "$project" "$name" >"$root/root/bin/$name"
  chmod 755 "$root/root/bin/$name"
done
mount --bind "$root/root/bin" "$root$project/.venv/bin"
exec chroot "$root" /bin/sh -c '"'"'cd "$0" && exec "$@"'"'"' "$project" "$@"
'

run_inside() {
  local home status=0 keep=() name
  need_root
  [ -f "$folder/.geo-r1" ] || make_folder
  home=$(mktemp -d "${TMPDIR:-/tmp}/geo-r1-home-XXXXXX")
  mkdir -m 700 "$home/run"
  for name in CI GEO_R1_DATA GEO_R1_TEST_SEED GEO_R1_SCREEN; do
    [ -z "${!name:-}" ] || keep+=("$name=${!name}")
  done
  unshare --mount --pid --fork --kill-child --propagation private sh -c "$ENTER" enter "$folder" "$project" "${GEO_R1_DATA:-}" \
    /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME="$home" XDG_RUNTIME_DIR="$home/run" \
    PYTHONDONTWRITEBYTECODE=1 QT_QPA_PLATFORM="${QT_QPA_PLATFORM-offscreen}" "${keep[@]}" "$@" || status=$?
  rm -rf "$home"
  return "$status"
}

case $action in
  make) make_folder ;;
  run) make_folder; run_inside "$@" ;;
  test) make_folder
    run_inside python3 scripts/print_versions.py
    # hypothesis imports itself for the summary when QGIS has gone already, which Python 3.13 does not survive
    run_inside python3 -m pytest -p no:cacheprovider -p no:hypothesispytest -o pythonpath="build ." \
      --junitxml="build/test-results/qgis-$suite.xml" -q "${@:-tests/qgis}" ;;
  *) stop "unknown action $action; known are: make run test" ;;
esac
