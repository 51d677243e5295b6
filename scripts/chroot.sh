#!/bin/sh
# Another Debian, in a directory:
#   chroot.sh make SUITE ROOT [PACKAGE...]    makes it anew, the smallest one with these packages
#   chroot.sh enter ROOT USER COMMAND...      runs a command in it, in namespaces that leave no mount behind
# CHROOT_MIRROR: where the packages come from (as this machine's own); CHROOT_FOREIGN: another architecture, for packages named PACKAGE:ARCHITECTURE. Only
# root can do either.
set -eu

die() {
    echo "chroot: $1" >&2
    exit 1
}

make_root() {
    suite=$1 root=$2
    shift 2
    rm -rf "$root"
    mkdir -p "$(dirname "$root")"
    native=$(dpkg --print-architecture)
    mirror=${CHROOT_MIRROR:-$("$(dirname "$0")/mirror.sh")}
    mmdebstrap --quiet --variant=minbase --architectures="$native${CHROOT_FOREIGN:+,$CHROOT_FOREIGN}" --include="$(echo "$@" | tr ' ' ,)" "$suite" "$root" "deb $mirror $suite main"
    # No service is to start with its package: the machine's own may be at its port.
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod 0755 "$root/usr/sbin/policy-rc.d"
    cp -L /etc/resolv.conf "$root/etc/resolv.conf"
}

enter_root() {
    root=$1 user=$2
    shift 2
    # shellcheck disable=SC2016 # expanded by the shell in the namespaces
    exec unshare --mount --pid --ipc --uts --fork --kill-child --propagation private sh -euc '
        root=$1 user=$2
        shift 2
        mount --bind "$root" "$root" # so that its / is a mount of its own, which the tests make private
        mount -t proc proc "$root/proc"
        mount --rbind /sys "$root/sys"
        mount --rbind /dev "$root/dev"
        home=$(awk -F: -v user="$user" "\$1 == user { print \$6 }" "$root/etc/passwd")
        exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME="$home" USER="$user" LANG=C.UTF-8 \
            chroot --userspec="$user" "$root" "$@"
    ' enter "$root" "$user" "$@"
}

[ "$(id -u)" = 0 ] || die "only root can make another Debian, and enter it"
command=$1
shift
case $command in
make) make_root "$@" ;;
enter) enter_root "$@" ;;
*) die "what is $command?" ;;
esac
