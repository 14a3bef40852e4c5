# Unpacks packages of another Debian release, without installing or upgrading any of the system. A
# script that sources this file sets `scratch` to an empty folder, and deletes it.
# shellcheck shell=bash disable=SC2154

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

# download RELEASE PACKAGE...
download() {
    local mirror release=$1
    mkdir -p "$scratch"/{lists,archives}/partial
    touch "$scratch/status"
    mirror=$(apt-get indextargets --format "\$(REPO_URI)" | awk '/\/debian\/$/ && !found++')
    printf '%s\n' 'Types: deb' "URIs: $mirror" "Suites: $release" 'Components: main' \
        'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg' >"$scratch/release.sources"
    apt_of_release update
    apt_of_release --yes --download-only --no-install-recommends install "${@:2}"
}

# unpack FOLDER [OPTION OF TAR...]: in one tree, with /lib linked to /usr/lib, as in Debian.
unpack() {
    local folder=$1 name package
    for name in bin lib lib64 sbin; do
        mkdir -p "$folder/usr/$name"
        ln -sfn "usr/$name" "$folder/$name"
    done
    for package in "$scratch"/archives/*.deb; do
        dpkg-deb --fsys-tarfile "$package" |
            tar --extract --directory "$folder" --keep-directory-symlink --no-same-owner "${@:2}"
    done
}
