#!/bin/sh
# Another Debian, in a directory of its own; only root can make one or run anything in it.
#   chroot.sh make SUITE ROOT [PACKAGE...]                makes the smallest one with these packages, unless it is there and less than a week old
#   chroot.sh enter ROOT USER COMMAND...                  runs a command in it
#   chroot.sh build ROOT ARCHITECTURE SOURCES COMMAND...  the same, building for that architecture (Debian's name: amd64, arm64), so that
#                                                         nothing else of this machine gets into what is built: SOURCES is the working
#                                                         directory, CC, STRIP and the like are set, and there is no network
# What runs in it ends with the command, and no mount is left behind. CHROOT_ARCHITECTURE: its own (this machine's). CHROOT_TARGET: the one that is
# built for in it (its own); packages named NAME:target are of that, and there is a cross compiler where it is another.
# CHROOT_MIRROR, CHROOT_SECURITY_MIRROR: where packages come from (as this machine's own; empty: none). Exit status 77: it cannot be done on this
# machine; it says why.
set -eu
umask 022

refuse() {
    echo "chroot: $1" >&2
    exit 77
}

# The first mirror from which this machine has a suite of such a name.
find_mirror() {
    # shellcheck disable=SC2016 # the names are apt's own
    apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Identifier: Packages' 2>/dev/null |
        awk -v wanted="$1" '$2 ~ wanted { sub("/$", "", $1); print $1; exit }'
}

# The suite and, where it has them, its updates.
list_sources() {
    echo "deb $mirror $1 main"
    [ "$1" != sid ] || return 0
    echo "deb $mirror $1-updates main"
    [ -z "$security" ] || echo "deb $security $1-security main"
}

make_root() {
    suite=$1 root=$2
    shift 2
    own=${CHROOT_ARCHITECTURE:-$(dpkg --print-architecture)}
    target=${CHROOT_TARGET:-$own}
    packages=$(echo "$*" | sed "s/:target/:$target/g")
    [ "$own" = "$target" ] || packages="$packages crossbuild-essential-$target"
    made="$suite $own $packages"
    if [ -n "$(find "$root.made" -mtime -7 2>/dev/null)" ] && [ "$(cat "$root.made")" = "$made" ]; then
        return
    fi
    command -v mmdebstrap >/dev/null || refuse "there is no mmdebstrap"
    mirror=${CHROOT_MIRROR:-$(find_mirror '^[a-z]*$')}
    security=${CHROOT_SECURITY_MIRROR-$(find_mirror '-security$')}
    [ -n "$mirror" ] || refuse "apt names no mirror: is this Debian, and has apt-get update run?"
    mkdir -p "$(dirname "$root")"
    /usr/lib/apt/apt-helper download-file "$mirror/dists/$suite/InRelease" "$root.release" >/dev/null 2>&1 || refuse "no $suite can be had from this machine's mirror"
    rm -rf --one-file-system "$root" "$root.made" "$root.release"
    echo "chroot: making a $suite in $root" >&2
    # sid's lists expire within a week: of a mirror that lags they are good enough for a test.
    dated=true
    [ "$suite" != sid ] || dated=false
    # In a namespace: were it ended midway, this machine's /sys and /dev/shm would stay mounted in there.
    list_sources "$suite" | unshare --mount --propagation private mmdebstrap --quiet --variant=minbase --aptopt="Acquire::Check-Valid-Until \"$dated\"" \
        --architectures="$(echo "$own $target" | tr ' ' '\n' | uniq | paste -sd,)" \
        --include="$(echo "$packages" | tr -s ' ' ,)" "$suite" "$root" - || refuse "mmdebstrap makes no $suite here"
    # No service is to start with its package: the machine's own may be at its port.
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod 0755 "$root/usr/sbin/policy-rc.d"
    cp -L /etc/resolv.conf "$root/etc/resolv.conf"
    mkdir -p "$root/src"
    printf "127.0.0.1 localhost\n::1 localhost\n" >"$root/etc/hosts"
    echo "$made" >"$root.made"
}

# in_root ROOT USER COMMAND...: the namespaces take processes and mounts along when they end.
in_root() {
    root=$1 user=$2
    shift 2
    # shellcheck disable=SC2016,SC2086 # expanded by the shell in the namespaces; none or one
    exec unshare --mount --pid --ipc --uts ${sources:+--net} --fork --kill-child --propagation private sh -euc '
        root=$1 user=$2 sources=$3
        shift 3
        mount --bind "$root" "$root" # so that its / is a mount of its own, which the tests make private
        [ -z "$sources" ] || mount --bind "$sources" "$root/src"
        mount -t proc proc "$root/proc"
        mount --rbind /sys "$root/sys"
        mount --rbind /dev "$root/dev"
        home=$(awk -F: -v user="$user" "\$1 == user { print \$6 }" "$root/etc/passwd")
        exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME="$home" USER="$user" LANG=C.UTF-8 \
            ${SOURCE_DATE_EPOCH:+"SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH"} chroot --userspec="$user" "$root" "$@"
    ' chroot "$root" "$user" "${sources:-}" "$@"
}

build_in_root() {
    root=$1 architecture=$2 sources=$(cd "$3" && pwd)
    shift 3
    # shellcheck disable=SC2016 # expanded by the shell in it
    in_root "$root" root sh -euc '
        DEB_HOST_ARCH=$1
        shift
        ask() { dpkg-architecture -a "$DEB_HOST_ARCH" -q "$1" 2>/dev/null; }
        prefix=
        [ "$DEB_HOST_ARCH" = "$(dpkg --print-architecture)" ] || prefix=$(ask DEB_HOST_GNU_TYPE)-
        export DEB_HOST_ARCH CC="${prefix}gcc" HOST_CC=gcc STRIP="${prefix}strip"
        export PKG_CONFIG_LIBDIR="/usr/lib/$(ask DEB_HOST_MULTIARCH)/pkgconfig:/usr/share/pkgconfig" TZ=UTC0
        cd /src
        exec "$@"
    ' build "$architecture" "$@"
}

[ "$(id -u)" = 0 ] || refuse "only root can make another Debian, and run something in it"
unshare --mount --pid --ipc --uts --net --fork true 2>/dev/null || refuse "no namespaces can be made here"
command=$1
shift
case $command in
make) make_root "$@" ;;
enter) in_root "$@" ;;
build) build_in_root "$@" ;;
*) echo "chroot: what is $command?" >&2 && exit 2 ;;
esac
