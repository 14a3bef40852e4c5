#!/usr/bin/env bash
# Unpacks CPython of a newer Debian, with its libraries, into a folder of an older one, in a few
# seconds. It does not install or upgrade any package of the system. As root:
#
#   tests/get_python.sh [version] [Debian release] [folder]
#
# The tests look for it in the default folder. Do not link to the program: uv cannot create an
# environment from a link.
set -euo pipefail
version=${1:-3.14}
release=${2:-forky}
folder=${3:-/opt/python$version}
python=$folder/bin/python$version

if [[ -x $python ]] && "$python" -c ''; then exit; fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/debian.sh"

# Make it use the loader and libraries beside it, in two steps: with both options in one command,
# patchelf 0.18 writes a program that crashes.
patch() {
    local libraries loader
    libraries=$(echo "$folder"/usr/lib/*-linux-gnu)
    loader=$(echo "$libraries"/ld-linux*.so.*)
    run_patchelf() {
        "$loader" --library-path "$libraries" "$folder/usr/bin/patchelf" "$@" "$python"
    }
    run_patchelf --force-rpath --set-rpath "$libraries"
    run_patchelf --set-interpreter "$loader"
}

download "$release" "python$version" patchelf
unpack "$folder" --exclude ./etc --exclude ./var --exclude ./usr/share --exclude '*/gconv'
patch
# So that the folder can be on PATH without hiding other programs.
find "$folder"/usr/{bin,sbin} -mindepth 1 ! -name "*$version" -delete
"$python" -c 'import ctypes, sqlite3, ssl, sys, zoneinfo; print(sys.executable, sys.version)'
