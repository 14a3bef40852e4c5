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

# With an empty package database, apt downloads all dependencies.
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

# In one tree, with /lib linked to /usr/lib, as in Debian.
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

download
unpack
patch
# So that the folder can be on PATH without hiding other programs.
find "$folder"/usr/{bin,sbin} -mindepth 1 ! -name "*$version" -delete
"$python" -c 'import ctypes, sqlite3, ssl, sys, zoneinfo; print(sys.executable, sys.version)'
