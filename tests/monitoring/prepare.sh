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

"$here/../../scripts/unpack-packages.sh" "$into" "$@"
