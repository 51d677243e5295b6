#!/bin/sh
# Fetches what the tests of deploy/monitoring run with: tests/monitoring/prepare.sh DIRECTORY PACKAGE... (Debian's, unpacked), and npm packages.
set -eu

into=${1:?usage: tests/monitoring/prepare.sh DIRECTORY PACKAGE...}
shift
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$into"

if ! cmp -s "$here/package-lock.json" "$into/package-lock.json" || ! [ -e "$into/packages.done" ]; then
    rm -rf "$into/packages.done" "$into/node_modules"
    cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$into"
    npm --prefix "$into" ci --no-progress --loglevel=error >&2
    touch "$into/packages.done"
fi

# Unpacked and not installed: Debian would start a Prometheus of its own on port 9090, and here nobody need be root.
for package in "$@"; do
    [ -e "$into/$package.done" ] && continue
    cd "$into"
    rm -rf "$package"_*.deb
    apt-get download -qq "$package" >/dev/null 2>&1 || {
        as_root=
        [ "$(id -u)" -eq 0 ] || as_root="sudo -n"
        $as_root apt-get update -qq
        apt-get download -qq "$package"
    }
    dpkg -x "$package"_*.deb debian
    touch "$package.done"
    cd - >/dev/null
done
