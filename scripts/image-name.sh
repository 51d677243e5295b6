#!/bin/sh
# Gives all recipes, pages and tests the name of your own image, in place of the one they have: scripts/image-name.sh NAME
# NAME has a registry, if you have one, and no tag: ghcr.io/acme/bugsink-health. The tag is the version's.
set -eu
cd "$(dirname "$0")/.."

name=${1:-}
echo "$name" | grep -Eqx '([a-z0-9.-]+(:[0-9]+)?/)?[a-z0-9._-]+(/[a-z0-9._-]+)*' || {
    echo "usage: scripts/image-name.sh NAME: lower case, without a tag, such as ghcr.io/acme/bugsink-health" >&2
    exit 2
}
# The recipes themselves say what it is called now.
old=$(sed -n 's/^ *image: \(.*\):[^:]*$/\1/p' deploy/kubernetes/components/sidecar/make/sidecar.yaml)
pattern=$(printf '%s' "$old" | sed 's/[.]/\\./g')
grep -rlIF --exclude-dir=.git --exclude-dir='build*' --exclude-dir=node_modules -e "$old" . | while read -r file; do
    sed -i "s#$pattern#$name#g" "$file"
done
