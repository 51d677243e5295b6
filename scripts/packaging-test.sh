#!/bin/sh
# Tests the build from an awkward tree, deploy/compose*.yaml, the systemd unit and the Debian package: by schema, by
# systemd-analyze and lintian, and in a throwaway machine under a real systemd. packaging-test.sh BUILD: BUILD holds the program.
set -eu
cd "$(dirname "$0")/.."

build=$(realpath "$1")
work=$(mktemp -d)
trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT
results=$work/results
unit=deploy/systemd/bugsink-health.service
: >"$results"

# check NAME COMMAND...: whether the command succeeds; if not, what it printed is shown.
check() {
    name=$1
    shift
    if "$@" >"$work/output" 2>&1; then
        echo "ok $name" | tee -a "$results"
    else
        echo "FAILED $name" | tee -a "$results"
        cat "$work/output"
    fi
}

not() { ! "$@"; }

# -- the build --

# A copy of the sources with a blank in its path, as a umask of 077 leaves it, that cannot be written to.
lay_out_tree() {
    tree="$work/read-only tree"
    mkdir "$tree"
    git ls-files -z | tar -c --null --files-from=- | (umask 077 && tar -x --no-same-permissions -C "$tree")
    chmod -R a-w "$tree"
    [ "$(id -u)" = 0 ] || return 0
    mkdir "$work/dev"
}

# Runs a command there, under a umask of 077. Root is not stopped by modes: for it the tree is mounted read-only; and it can have
# a /dev without /dev/fd.
in_tree() {
    if [ "$(id -u)" != 0 ]; then
        (umask 077 && cd "$tree" && "$@")
        return
    fi
    # shellcheck disable=SC2016 # expanded by the shell in the namespace
    unshare --mount --propagation private sh -euc '
        tree=$1 dev=$2
        shift 2
        mount --bind "$tree" "$tree"
        mount -o remount,bind,ro "$tree"
        mount -t tmpfs tmpfs "$dev"
        for device in null zero full random urandom; do
            touch "$dev/$device"
            mount --bind "/dev/$device" "$dev/$device"
        done
        mount --rbind "$dev" /dev
        umask 077
        cd "$tree"
        exec "$@"
    ' in_tree "$tree" "$work/dev" "$@"
}

builds_elsewhere() {
    in_tree make -s -j2 CFLAGS=-O0 BUILD="$work/elsewhere" all </dev/null &&
        "$work/elsewhere/bugsink-health" --version | grep "^bugsink-health $(cat VERSION)"
}

refuses_a_blank() {
    ! make -s BUILD="$work/two words" all 2>&1 && make -s BUILD="two words" all 2>&1 | grep 'BUILD is "two words"'
}

test_build() {
    lay_out_tree
    check "build: of a read-only tree with a blank in its path, under umask 077, without /dev/fd" builds_elsewhere
    check "build: in a directory with a blank in its name it says why it cannot" refuses_a_blank
    check "build: nothing may be written there" not in_tree touch written
}

# -- Compose --

fetch_schema() {
    mkdir -p "$build/packaging"
    cp tests/packaging/package.json tests/packaging/package-lock.json "$build/packaging/"
    (cd "$build/packaging" && npm ci --ignore-scripts --no-audit --no-fund)
}

# podman-compose starts both files, with a stand-in for podman that does nothing.
start_compose() {
    mkdir "$work/compose"
    cp deploy/compose.yaml deploy/compose.postgres.yaml "$work/compose/"
    touch "$work/compose/bugsink.env" "$work/compose/database.env"
    # shellcheck disable=SC2016 # expanded by the stand-in
    printf '#!/bin/sh\n[ "$1" != --version ] || echo podman version 4.3.1\n' >"$work/podman"
    chmod +x "$work/podman"
    (cd "$work/compose" && podman-compose --podman-path "$work/podman" -f compose.yaml -f compose.postgres.yaml up -d) \
        >"$work/merged" 2>&1
}

# The command of each service is one that the program knows: it fails, for there is no database, but not as bad usage.
runs_wait() {
    status=0
    DATABASE_URL=postgresql://u@127.0.0.1:1/d "$build/bugsink-health" wait --for start --timeout 100ms || status=$?
    [ "$status" = 1 ]
}

test_compose() {
    check "compose: the schema is fetched" fetch_schema
    check "compose: podman-compose takes both files" start_compose
    /usr/bin/python3 scripts/packaging-compose.py \
        "$build/packaging/node_modules/dclint/schemas/compose.schema.json" "$work/merged" | tee -a "$results"
    check "compose: the command of wait is understood" runs_wait
}

# -- the unit --

# The unit in $work/unit, changed by a sed script, with a program that is there.
make_unit() {
    rm -rf "$work/unit"
    mkdir -p "$work/unit/bugsink-health.service.d"
    sed -e "s|/usr/bin/bugsink-health|$build/bugsink-health|" -e "$1" "$unit" >"$work/unit/bugsink-health.service"
    cp deploy/systemd/postgres.conf "$work/unit/bugsink-health.service.d/"
}

# What systemd does not understand it only mentions.
verify() {
    make_unit "$1"
    systemd-analyze verify --man=no "$work/unit/bugsink-health.service" >"$work/said" 2>&1 && [ ! -s "$work/said" ] || {
        cat "$work/said"
        return 1
    }
}

# The exposure that systemd-analyze counts, of 10, is below 2.
is_confined() {
    make_unit "$1"
    systemd-analyze security --offline=true --threshold=19 --no-pager "$work/unit/bugsink-health.service"
}

test_unit() {
    check "unit: systemd finds nothing wrong with it" verify ''
    check "unit: a misspelt key is found" not verify 's/^ProtectHome=/ProtectHouse=/'
    check "unit: a wrong value is found" not verify 's/^WatchdogSec=.*/WatchdogSec=soon/'
    check "unit: its exposure is below 2" is_confined ''
    check "unit: without its confinement it is not" not is_confined '/^Protect/d'
    systemd-analyze security --offline=true --no-pager "$unit" | tail -n 1
}

# -- the package --

is_reproducible() {
    scripts/deb.sh "$build" >"$work/path" && cp "$(cat "$work/path")" "$work/bugsink-health.deb" &&
        scripts/deb.sh "$build" && cmp "$(cat "$work/path")" "$work/bugsink-health.deb"
}

contents() {
    dpkg-deb --contents "$work/bugsink-health.deb" | awk '$1 !~ /^d/ { print $1, $2, $6 }'
}

has_contents() {
    contents | diff - tests/packaging/contents
}

is_unpacked_and_runs() {
    dpkg-deb --extract "$work/bugsink-health.deb" "$work/root"
    "$work/root/usr/bin/bugsink-health" --version | grep "^bugsink-health $(cat VERSION)" &&
        "$work/root/usr/bin/bugsink-health" config --config "$work/root/etc/bugsink-health/config.json"
}

# Its modes are its own: neither a umask nor those of the sources make a difference.
is_same_of_tree() {
    mkdir "$work/of-tree"
    cp -p "$build/bugsink-health" "$work/of-tree/"
    in_tree scripts/deb.sh "$work/of-tree" && cmp "$work/of-tree"/*.deb "$work/bugsink-health.deb" &&
        (umask 002 && scripts/deb.sh "$work/of-tree") && cmp "$work/of-tree"/*.deb "$work/bugsink-health.deb"
}

# No library is named that the program does not need, and none is missing: the names are dpkg-shlibdeps' own. Those
# that are loaded on demand are recommended, by the names that the program has for who lacks one.
depends_on_libraries() {
    dpkg-deb --field "$work/bugsink-health.deb" Depends >"$work/depends"
    for library in libc6 libevent-core libjansson4 libsqlite3-0; do
        grep -q "$library" "$work/depends" || return 1
    done
    ! grep -qE 'libpq|libmariadb' "$work/depends" || return 1
    dpkg-deb --field "$work/bugsink-health.deb" Recommends >"$work/recommends"
    for library in $(sed -n 's/.*\.package = "\(.*\)".*/\1/p' src/kinds/*/library.c); do
        grep -q "$library" "$work/recommends" || return 1
    done
}

test_package() {
    check "package: made twice, it is the same" is_reproducible
    check "package: made of a tree with other modes, and under umask 077 and 002, it is the same" is_same_of_tree
    check "package: it holds what it should" has_contents
    check "package: the program in it runs, and takes the configuration in it" is_unpacked_and_runs
    check "package: it needs the libraries of the program" depends_on_libraries
    check "package: lintian finds nothing" lintian --allow-root --fail-on error,warning "$work/bugsink-health.deb"
}

# -- all of it, in a machine --

test_machine() {
    mkdir "$work/machine"
    cp scripts/packaging-trial.sh "$work/machine/trial"
    cp "$work/bugsink-health.deb" "$work/machine/"
    cp -R config/demo "$work/machine/"
    status=0
    scripts/packaging-machine.sh "$work/machine" >"$work/why" || status=$?
    if [ "$status" = 3 ]; then
        echo "skipped $(cat "$work/why")" | tee -a "$results"
        return
    fi
    sed -e 's/^ok /ok machine: /' -e 's/^FAILED /FAILED machine: /' "$work/machine/log"
    grep -E '^(ok|FAILED) ' "$work/machine/log" >>"$results" || true
    check "machine: the trial came to its end" grep -qx end "$work/machine/log"
}

test_build
test_compose
test_unit
test_package
test_machine
passed=$(grep -c '^ok ' "$results") || true
failed=$(grep -c '^FAILED ' "$results") || true
skipped=$(grep -c '^skipped ' "$results") || true
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
