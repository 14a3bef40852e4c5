#!/usr/bin/env bash
# Makes a root file system of Debian with CPython in /usr/local/bin, as in Docker's `python` images,
# in a few seconds. As root:
#
#   tests/make_base_image.sh FOLDER [version] [Debian release]
set -euo pipefail
folder=$1
version=${2:-3.13}
release=${3:-trixie}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/debian.sh"

download "$release" "python$version" coreutils dash libstdc++6
unpack "$folder" --exclude ./usr/share --exclude ./var --exclude '*/gconv' --exclude '*/perl-base'
mkdir -p "$folder"/{dev,etc/ssl/certs,proc,root,run,sys,tmp,usr/local/bin}
chmod 1777 "$folder/tmp"
for name in "python$version" python3 python; do
    ln -sfn "/usr/bin/python$version" "$folder/usr/local/bin/$name"
done
echo 'root:x:0:0:root:/root:/bin/sh' >"$folder/etc/passwd"
echo 'root:x:0:' >"$folder/etc/group"
echo '127.0.0.1 localhost' >"$folder/etc/hosts"
# Trust the registries as this machine does, which may be behind a proxy.
authorities=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
[[ ! -r $authorities ]] || cp "$authorities" "$folder/etc/ssl/certs/ca-certificates.crt"
