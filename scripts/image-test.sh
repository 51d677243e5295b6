#!/usr/bin/env bash
# Builds the image with buildah on a base image made with mmdebstrap, and tries it: see image-trial.sh. All of it happens
# in namespaces of its own, with everything it makes in one directory; both are gone in the end, however it ends.
# Exit status: 0 all passed, 1 something failed, 77 it cannot be done on this machine.
set -euo pipefail

cd "$(dirname "$0")/.."
mkdir -p "${1:-build}"
build=$(cd "${1:-build}" && pwd)

skip() {
    echo "image-test: skipped: $1"
    exit 77
}

[ "$(id -u)" = 0 ] || skip "needs root"
for tool in buildah podman runc conmon mmdebstrap dnsmasq socat jq curl ip readelf; do
    command -v "$tool" >/dev/null || skip "there is no $tool"
done
unshare --net --mount --pid --fork --mount-proc true 2>/dev/null || skip "no namespaces can be made here"

# The base image has the tag that the Dockerfile names, and this machine's own sources of packages.
codename=$(sed -n 's/^ARG DEBIAN_VERSION=\([a-z]*\).*/\1/p' Dockerfile)
sources=$(grep -lsw "$codename-security" /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources} || true)
[ -n "$sources" ] || skip "this machine's sources of packages have no $codename"

work=$(mktemp -d "$build/image-test.XXXXXX")
chmod 755 "$work"
cgroup=/bugsink-health-image-test-$$
inner=

cleanup() {
    # With its first process the whole process namespace ends: servers, containers, builds. unshare ends with it, and
    # itself ignores SIGTERM meanwhile.
    if [ -n "$inner" ]; then
        # shellcheck disable=SC2046 # one process, or none yet
        kill -KILL $(pgrep -P "$inner" || echo "$inner") 2>/dev/null || true
        wait "$inner" || true
    fi
    find /sys/fs/cgroup -depth -type d -path "*$cgroup*" -exec rmdir {} + 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

run_inside() {
    unshare --mount --pid --fork --kill-child --mount-proc scripts/image-trial.sh "$@" &
    inner=$!
    wait "$inner" || return
    inner=
}

# A week's packages will do: the build stage installs its own anew.
base=$build/$codename.tar
if [ -z "$(find "$base" -mtime -7 2>/dev/null)" ]; then
    echo "image-test: making the base image"
    # shellcheck disable=SC2086 # the list is meant to be split
    mmdebstrap --quiet --variant=minbase "$codename" "$work/base.tar" $sources
    mv "$work/base.tar" "$base"
fi
run_inside "$work" "$base" "$cgroup"
