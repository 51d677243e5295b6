#!/bin/sh
# Runs a command in a Debian made for building, so that nothing else of this machine gets into what is built:
#   scripts/cross.sh ARCH DIRECTORY SOURCES COMMAND...
# ARCH is Debian's name of the architecture to build for: amd64, arm64. The Debian is made in DIRECTORY/ARCH, the first time, with the
# packages that CROSS_TOOLS and, of ARCH itself, CROSS_LIBRARIES name (the Makefile sets both). In it SOURCES is /src, the working
# directory; CC, HOST_CC, STRIP and the like are those for ARCH. There is no network. CROSS_MIRROR, CROSS_SECURITY_MIRROR:
# where the packages come from (as this machine's own).
set -eu

arch=$1 directory=$2 sources=$(cd "$3" && pwd)
shift 3
suite=bookworm
own_scripts=$(cd "$(dirname "$0")" && pwd)
own=$(dpkg --print-architecture)
root=$directory/$arch

die() {
    echo "cross: $1" >&2
    exit 1
}

list_packages() {
    echo "${CROSS_TOOLS:?}"
    [ "$arch" = "$own" ] || echo "crossbuild-essential-$arch"
    for library in ${CROSS_LIBRARIES:?}; do
        echo "$library:$arch"
    done
}

make_root() {
    echo "cross: making a $suite for $arch in $root" >&2
    rm -rf "$root"
    mkdir -p "$directory"
    mirror=${CROSS_MIRROR:-$("$own_scripts/mirror.sh")}
    security=${CROSS_SECURITY_MIRROR:-$("$own_scripts/mirror.sh" security)}
    mmdebstrap --quiet --variant=apt --architectures="$own$([ "$arch" = "$own" ] || echo ",$arch")" \
        --include="$(list_packages | tr -s ' \n' ',,')" "$suite" "$root" \
        "deb $mirror $suite main" "deb $mirror $suite-updates main" "deb $security $suite-security main"
    mkdir -p "$root/src"
    touch "$root/made"
}

[ "$(id -u)" = 0 ] || die "needs root, as does every chroot"
command -v mmdebstrap >/dev/null || die "there is no mmdebstrap"
[ -e "$root/made" ] || make_root

if [ "$arch" = "$own" ]; then
    prefix=
else
    prefix=$(dpkg-architecture -a "$arch" -q DEB_HOST_GNU_TYPE 2>/dev/null)-
fi
multiarch=$(dpkg-architecture -a "$arch" -q DEB_HOST_MULTIARCH 2>/dev/null)

# The namespaces take the mounts along when they end.
# shellcheck disable=SC2016 # expanded by the shell in the namespaces
exec unshare --mount --net --pid --fork --kill-child --propagation private sh -euc '
    root=$1 sources=$2
    shift 2
    mount --bind "$sources" "$root/src"
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    exec chroot "$root" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 TZ=UTC0 \
        "$@"
' cross "$root" "$sources" \
    DEB_HOST_ARCH="$arch" CC="${prefix}gcc" HOST_CC=gcc STRIP="${prefix}strip" ${SOURCE_DATE_EPOCH:+"SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH"} \
    PKG_CONFIG_LIBDIR="/usr/lib/$multiarch/pkgconfig:/usr/share/pkgconfig" sh -c 'umask 022 && cd /src && exec "$@"' sh "$@"
