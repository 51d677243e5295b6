#!/bin/sh
# Unpacks Debian packages into DIRECTORY/debian where they are missing: scripts/unpack-packages.sh DIRECTORY PACKAGE...
# Unpacked and not installed: Debian would start a service of its own, and here nobody need be root.
set -eu

into=${1:?usage: scripts/unpack-packages.sh DIRECTORY PACKAGE...}
shift
mkdir -p "$into"
cd "$into"
for package in "$@"; do
    [ -e "$package.done" ] && continue
    rm -rf "$package"_*.deb
    apt-get download -qq "$package" >/dev/null 2>&1 || {
        as_root=
        [ "$(id -u)" -eq 0 ] || as_root="sudo -n"
        $as_root apt-get update -qq
        apt-get download -qq "$package"
    }
    dpkg -x "$package"_*.deb debian
    touch "$package.done"
done
