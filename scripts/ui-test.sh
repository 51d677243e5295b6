#!/bin/sh
# Tests the status page in headless Chromium: scripts/ui-test.sh BUILD_DIRECTORY [PACKAGE...]. Where no browser can be had, says so and ends well.
set -eu

build=${1:?usage: scripts/ui-test.sh BUILD_DIRECTORY [PACKAGE...]}
shift

skip() {
    echo "ui-test: SKIPPED, the page was not looked at: $1" >&2
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
}

[ $# -eq 0 ] || scripts/install-packages.sh "$@" || skip "no browser can be installed here"
browser=$(command -v chromium) || skip "there is no chromium here"
command -v npm >/dev/null || skip "there is no npm here"

mkdir -p "$build/ui-node"
cp tests/ui/package.json tests/ui/package-lock.json tests/ui/.npmrc "$build/ui-node/"
(cd "$build/ui-node" && npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1) ||
    skip "playwright-core and axe-core cannot be installed (see $build/ui-node/npm.log)"

exec node tests/ui/run.mjs "$build" "$build/ui-node" "$browser"
