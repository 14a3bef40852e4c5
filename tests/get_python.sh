#!/usr/bin/env bash
# Puts a newer CPython of Debian, with the libraries that it was built with, into a folder of an
# older Debian, in a few seconds. Nothing is installed, upgraded or hidden by it. As root:
#
#   tests/get_python.sh [version] [release of Debian that has it] [folder]
#
# The tests look for it in the default folder. Elsewhere, name the program itself: uv cannot make an
# environment from a link to it.
set -euo pipefail
version=${1:-3.14}
release=${2:-forky}
folder=${3:-/opt/python$version}
python=$folder/bin/python$version

if [[ -x $python ]] && "$python" -c ''; then exit; fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# An apt of its own, which takes nothing as installed: so it downloads the libraries too.
apt_of_release() {
    apt-get --quiet=2 \
        --option Dir::Etc::SourceList="$scratch/release.sources" \
        --option Dir::Etc::SourceParts=/dev/null \
        --option Dir::Etc::PreferencesParts=/dev/null \
        --option Dir::State::Lists="$scratch/lists" \
        --option Dir::State::Status="$scratch/status" \
        --option Dir::Cache::Archives="$scratch/archives" \
        --option APT::Sandbox::User=root "$@"
}

download() {
    mkdir -p "$scratch"/{lists,archives}/partial
    touch "$scratch/status"
    local mirror
    mirror=$(apt-get indextargets --format "\$(REPO_URI)" | awk '/\/debian\/$/ && !found++')
    printf '%s\n' 'Types: deb' "URIs: $mirror" "Suites: $release" 'Components: main' \
        'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg' >"$scratch/release.sources"
    apt_of_release update
    apt_of_release --yes --download-only --no-install-recommends install "python$version" patchelf
}

# Into one tree where /lib is /usr/lib, as in Debian itself.
unpack() {
    local name package
    for name in bin lib lib64 sbin; do
        mkdir -p "$folder/usr/$name"
        ln -sfn "usr/$name" "$folder/$name"
    done
    for package in "$scratch"/archives/*.deb; do
        dpkg-deb --fsys-tarfile "$package" |
            tar --extract --directory "$folder" --keep-directory-symlink --no-same-owner \
                --exclude ./etc --exclude ./var --exclude ./usr/share --exclude '*/gconv'
    done
}

# Its loader and its libraries are those beside it. One change at a time: both at once give a
# program that crashes (patchelf 0.18).
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

download
unpack
patch
# On a PATH, it brings that one program.
find "$folder"/usr/{bin,sbin} -mindepth 1 ! -name "*$version" -delete
"$python" -c 'import ctypes, sqlite3, ssl, sys, zoneinfo; print(sys.executable, sys.version)'
