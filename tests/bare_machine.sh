#!/usr/bin/env bash
# Runs the README's test command in a new Debian with Python, venv and git only: once as root, and
# once as an ordinary user whose HOME does not exist. It tests the commit that is checked out, not
# uncommitted changes. It needs root and debootstrap:
#
#   tests/bare_machine.sh                   the default run of the tests
#   tests/bare_machine.sh -m "not slow"     with options for pytest
#
# BARE_SUITE is the release of Debian. The root file system is created in BARE_ROOT and kept there;
# without it, in a temporary folder.
set -euo pipefail
checkout=$(git -C "$(dirname "$0")" rev-parse --show-toplevel)
command=$(grep '^python3 -m venv .*/pytest$' "$checkout/README.md")
suite=${BARE_SUITE:-bookworm}

# The mounts end with this namespace, before the folder is deleted.
if [[ ! -v BARE_ENTERED ]]; then
    root=${BARE_ROOT:-$(mktemp -d)}
    status=0
    BARE_ENTERED='' BARE_ROOT=$root unshare --mount --pid --fork "$0" "$@" || status=$?
    [[ $root == "${BARE_ROOT:-}" ]] || rm -rf --one-file-system "$root"
    exit "$status"
fi

root=$BARE_ROOT
if [[ ! -x $root/usr/bin/git ]]; then
    mirror=$(apt-get indextargets --format "\$(REPO_URI)" | awk '/\/debian\/$/ && !found++')
    debootstrap --variant=minbase --include=python3,python3-venv,git "$suite" "$root" "$mirror"
    chroot "$root" useradd --create-home plain
    # The installer and container engines write this file; debootstrap does not.
    echo "127.0.0.1 localhost" > "$root/etc/hosts"
fi
mount --make-rprivate /
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
ln -sf pts/ptmx "$root/dev/ptmx"

# For a proxy with its own certificate authority, trust the authorities of this machine.
authorities=/etc/ssl/certs/ca-certificates.crt
variables=("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" "TERM=${TERM:-dumb}")
if [[ -r $authorities ]]; then
    install -D --mode=644 "$authorities" "$root$authorities"
    for name in PIP_CERT SSL_CERT_FILE NODE_EXTRA_CA_CERTS; do variables+=("$name=$authorities"); done
fi
[[ ! -v CI ]] || variables+=("CI=$CI")
# The README's command takes no options.
(($# == 0)) || variables+=("PYTEST_ADDOPTS=${*@Q}")

for user in root plain; do
    home=$(chroot "$root" sh -c "echo ~$user")
    rm -rf "$root$home/checkout"
    git clone --quiet "$checkout" "$root$home/checkout"
    chroot "$root" chown -R "$user:" "$home/checkout"
    [[ $user == root ]] || home=/nonexistent
    printf '\n%s on %s, with HOME=%s: %s\n' "$user" "$suite" "$home" "$command"
    time chroot "$root" setpriv --reuid "$user" --regid "$user" --init-groups \
        env --ignore-environment "${variables[@]}" "HOME=$home" \
        sh -c "cd ~$user/checkout && $command"
done
