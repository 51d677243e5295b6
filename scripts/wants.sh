#!/bin/sh
# wants.sh TOOL VERSION CONSEQUENCE: whether that is the version here, 14 being any 14.x. Linters change their minds from one to the
# next; those that this project keeps to are Debian 12's. If not, says which is wanted, which is here, and what comes of it.
set -eu
found=$("$1" --version | grep -oE '[0-9]+(\.[0-9]+)+' | head -n 1)
case $found. in
"$2".*) exit 0 ;;
esac
echo "$1: version $2 is wanted, of Debian 12, and $found is here: $3" >&2
exit 1
