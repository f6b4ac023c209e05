#!/usr/bin/env bash
# The service as its users get it: sdist → wheel → pipx install, with an empty home and nothing of this clone or of the
# caller's environment; its files are then closed to writing, and `geo-r1 doctor` must be content.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
say() { printf 'wheel-check: %s\n' "$*"; }
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
python=$PWD/.venv/bin/python
cache=$("$python" -m pip cache dir 2>/dev/null || echo "$folder/cache")

mkdir "$folder/dist" "$folder/home" "$folder/elsewhere"
(cd backend && "$python" -m hatchling build --target sdist --directory "$folder/dist" >/dev/null)
tar -xzf "$folder"/dist/*.tar.gz -C "$folder/elsewhere"
(cd "$folder"/elsewhere/* && "$python" -m hatchling build --target wheel --directory "$folder/dist" >/dev/null)
wheel=$(ls "$folder"/dist/*.whl)
say "$(basename "$wheel"), $(du -h "$wheel" | cut -f1)"

quiet="--quiet --disable-pip-version-check --root-user-action ignore"
"$python" -m venv "$folder/pipx-env"
# shellcheck disable=SC2086
"$folder/pipx-env/bin/python" -m pip install $quiet 'pipx>=1.7'   # what the user guide tells to use
as_user() {  # nothing but what pip needs to find an index
  env -i PATH=/usr/local/bin:/usr/bin:/bin HOME="$folder/home" LANG=C.UTF-8 PIP_CACHE_DIR="$cache" \
    ${PIP_INDEX_URL:+PIP_INDEX_URL="$PIP_INDEX_URL"} ${PIP_EXTRA_INDEX_URL:+PIP_EXTRA_INDEX_URL="$PIP_EXTRA_INDEX_URL"} \
    ${PIP_CONFIG_FILE:+PIP_CONFIG_FILE="$PIP_CONFIG_FILE"} ${PIP_CERT:+PIP_CERT="$PIP_CERT"} "$@"
}
cd "$folder/home"
as_user PIP_CONSTRAINT="$OLDPWD/scripts/constraints.txt" \
  "$folder/pipx-env/bin/pipx" install --python "$(readlink -f "$python")" "$wheel" >"$folder/pipx.log" 2>&1 || {
  cat "$folder/pipx.log"; exit 1; }
geo_r1=$folder/home/.local/bin/geo-r1
chmod -R a-w "$folder/home/.local/share/pipx/venvs" 2>/dev/null || chmod -R a-w "$folder/home/.local/pipx/venvs"

say "$(as_user "$geo_r1" --version) installed by pipx $("$folder/pipx-env/bin/pipx" --version)"
as_user "$geo_r1" doctor
as_user "$geo_r1" doctor --json | "$python" -c '
import json, sys
events = [json.loads(line) for line in sys.stdin]
assert events[0]["event"] == "plan" and events[-1]["well"], events[-1]
assert [e["step"] for e in events if e["event"] == "ok"] == events[0]["steps"]'
if as_user "$(dirname "$(readlink -f "$geo_r1")")/python" -c 'import torch' 2>/dev/null; then
  say "torch came with it"; exit 1; fi
left=$(find "$folder/home" -newer "$folder/pipx.log" -type f -not -path '*/.local/*' | head)
[ -z "$left" ] || { say "the doctor left files behind: $left"; exit 1; }
say "well, with an empty home and read-only packages"
