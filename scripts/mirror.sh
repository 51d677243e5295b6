#!/bin/sh
# Prints where this machine has its packages from: mirror.sh prints Debian's mirror, mirror.sh security that of its security updates.
set -eu
case ${1:-} in
security) wanted='-security$' ;;
*) wanted='^[a-z]*$' ;;
esac
# shellcheck disable=SC2016 # the names are apt's own
found=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Identifier: Packages' | awk -v wanted="$wanted" '$2 ~ wanted { print $1; exit }')
if [ -z "$found" ]; then
    echo "mirror: apt names none here: is this Debian, and has apt-get update run?" >&2
    exit 1
fi
echo "${found%/}"
