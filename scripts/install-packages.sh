#!/bin/sh
# Installs the Debian packages named as arguments where they are missing, or says plainly what to install. Exit status 77: it
# cannot be done on this machine.
set -eu

missing=
for package in "$@"; do
    status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
    [ "$status" = "install ok installed" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

refuse() {
    echo "bugsink-health: missing packages:$missing" >&2
    echo "bugsink-health: $1" >&2
    exit 77
}

command -v apt-get >/dev/null 2>&1 || refuse "there is no apt-get here; install their counterparts with your system's package manager"
as_root=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null ||
        refuse "not root; as root run: apt-get install$missing"
    as_root=sudo
fi
echo "bugsink-health: installing$missing" >&2
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # the list is meant to be split
$as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null 2>&1 || {
    $as_root apt-get update -qq
    $as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
} || refuse "apt-get does not install them: is the mirror within reach?"
