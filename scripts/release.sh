#!/bin/sh
# Makes a release of the last commit in BUILD/release: release.sh BUILD
# An image for two architectures with an index, a Debian package for each, the sources, what each image holds (SPDX), which
# packages it was built with, and the checksums. The same commit and the same Debian packages give the same bytes, wherever it
# is built: in a Debian of its own (scripts/chroot.sh, with PACKAGES), at a path of its own, at the time of the commit.
set -eu

architectures="amd64 arm64"

# In the Debian for one architecture: what is built for it.
if [ "${1:-}" = inside-build ]; then
    arch=$DEB_HOST_ARCH
    make -s -j"$(nproc)" BUILD="out/$arch" all
    scripts/deb.sh "out/$arch" >/dev/null
    scripts/image-root.sh "out/$arch/bugsink-health" "out/$arch/root"
    mkdir -p out/release
    cp "out/$arch"/*.deb out/release
    dpkg-query -W -f '${Package}:${Architecture} ${Version}\n' | sort >"out/release/$2-$arch.buildinfo"
    exit
fi

# In the Debian for the machine itself: what is made of both.
if [ "${1:-}" = inside-pack ]; then
    name=$2 version=$3 revision=$4
    set --
    for arch in $architectures; do
        python3 scripts/sbom.py "out/$arch/root" "$arch" "$version" >"out/release/$name-$arch.spdx.json"
        set -- "$@" "$arch=out/$arch/root"
    done
    digest=$(python3 scripts/oci.py Dockerfile "$version" "$revision" "out/release/$name-oci.tar" "$@")
    find . -path ./out -prune -o -type f -print | sed 's|^\./||' | LC_ALL=C sort >out/sources
    tar --create --no-recursion --files-from out/sources --transform "s|^|$name/|" --format ustar --owner 0 --group 0 --numeric-owner \
        --mode 'go=u,go-w' --mtime "@$SOURCE_DATE_EPOCH" | xz -9 --threads 1 >"out/release/$name.tar.xz"
    cd out/release
    sha256sum ./* | sed 's|\./||' >../SHA256SUMS
    mv ../SHA256SUMS .
    echo "image $digest"
    exit
fi

cd "$(dirname "$0")/.."
mkdir -p "${1:?usage: scripts/release.sh BUILD}"
build=$(cd "$1" && pwd)
cross=${RELEASE_CROSS:-$build/cross} # where the Debians are, which take some minutes to make
version=$(cat VERSION)
name=bugsink-health-$version
revision=$(git rev-parse HEAD)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH

work=$(mktemp -d "$build/release.XXXXXX")
trap 'rm -rf "$work"' EXIT
git diff --quiet HEAD || echo "release: what is not committed is not in it" >&2
git archive HEAD | tar -x -C "$work"
for arch in $architectures; do
    # shellcheck disable=SC2086 # the list is meant to be split
    CHROOT_TARGET=$arch scripts/chroot.sh make bookworm "$cross/$arch" ${PACKAGES:?}
    scripts/chroot.sh build "$cross/$arch" "$arch" "$work" scripts/release.sh inside-build "$name"
done
own=$(dpkg --print-architecture)
scripts/chroot.sh build "$cross/$own" "$own" "$work" scripts/release.sh inside-pack "$name" "$version" "$revision"
rm -rf "$build/release"
mv "$work/out/release" "$build/release"
ls -l "$build/release"
