#!/bin/sh
# Tries this project's last commit on another Debian that has git, make and sudo and nothing else:
#   test-on.sh DIRECTORY SUITE "WHO..." TARGET...
# as root and as a user with sudo (WHO: root, user), each in a fresh one under DIRECTORY. TARGET: those of the Makefile,
# and variables for those that follow (FUZZ_SECONDS=1); run is asked over HTTP. CHROOT_ARCHITECTURE: that Debian's, if not this
# machine's. Exit status 77: it cannot be done on this machine.
set -eu
here=$(dirname "$0")

# In it, in the clone: the targets, one after the other.
if [ "$1" = inside ]; then
    shift
    ask() {
        BUGSINK_HEALTH_LISTEN="127.0.0.1:$1" make run >run.log 2>&1 &
        make=$!
        tries=600
        until curl -fsS "http://127.0.0.1:$1/health/ready/" 2>/dev/null; do
            tries=$((tries - 1))
            kill -0 "$make" && [ "$tries" -gt 0 ] || {
                cat run.log
                return 1
            }
            sleep 1
        done
        kill "$make"
        wait "$make" || true
    }
    export NODE_EXTRA_CA_CERTS=/etc/machine-authorities.crt # npm's way to the registry may lead through a proxy of this machine's
    cd "$HOME/bugsink health" # make can build in a directory of such a name
    failed=
    for target in "$@"; do
        case $target in *=*) export "${target?}" && continue ;; esac
        echo "== make $target, as $(id -un)"
        status=0
        case $target in
        run) ask "$(shuf -n 1 -i 20000-29999)" || status=$? ;;
        *) make "$target" </dev/null || status=$? ;;
        esac
        [ "$status" = 0 ] || failed="$failed $target"
    done
    [ -z "$failed" ] || echo "== failed as $(id -un):$failed"
    [ -z "$failed" ]
    exit
fi

directory=$1 suite=$2 who=$3
shift 3
other=$directory/$suite${CHROOT_ARCHITECTURE:+.$CHROOT_ARCHITECTURE}
git rev-parse --quiet --verify HEAD >/dev/null || {
    echo "test-on: there is no commit here to be tried" >&2
    exit 77
}
git diff --quiet HEAD || echo "test-on: what is not committed is not tried" >&2
"$here/chroot.sh" make "$suite" "$other" git make sudo
result=0
for user in $who; do
    root=$other.$user
    rm -rf --one-file-system "$root"
    cp -a "$other" "$root"
    home=/root
    if [ "$user" != root ]; then
        home=/home/$user
        chroot "$root" useradd --create-home "$user"
        echo "$user ALL=(ALL) NOPASSWD: ALL" >"$root/etc/sudoers.d/$user"
    fi
    cp /etc/ssl/certs/ca-certificates.crt "$root/etc/machine-authorities.crt" 2>/dev/null || true
    git clone -q . "$root$home/bugsink health"
    chroot "$root" chown -R "$user:" "$home"
    "$here/chroot.sh" enter "$root" "$user" sh "$home/bugsink health/scripts/test-on.sh" inside "$@" || result=1
    rm -rf --one-file-system "$root"
done
exit $result
