#!/usr/bin/env bash
# Makes the release of the last commit twice, of two folders of different names, and tries what comes out: the same bytes; what the
# image and the packages hold; both images started, the foreign one under emulation. usage: release-test.sh BUILD
# Exit status: 0 all passed, 1 something failed, 77 it cannot be done on this machine.
set -Eeuo pipefail
cd "$(dirname "$0")/.."
mkdir -p "$1"
build=$(cd "$1" && pwd)
size_max=14000000

# As the first process of namespaces of its own: starts an image's program, with `qemu` before it where it needs one.
if [ "${2:-}" = start ]; then
    root=$3 emulator=${4:-}
    mount -t tmpfs tmpfs "$root/tmp"
    mount -t proc proc "$root/proc"
    if [ -n "$emulator" ]; then
        touch "$root/run/emulator"
        mount --bind "$emulator" "$root/run/emulator"
        emulator=/run/emulator
    fi
    ip link set lo up
    # shellcheck disable=SC2206 # none or one
    program=(chroot --userspec=14237:14237 "$root" $emulator /usr/bin/bugsink-health)
    "${program[@]}" --version
    begun=${EPOCHREALTIME/./}
    "${program[@]}" serve 2>/dev/null &
    until { exec 3<>/dev/tcp/127.0.0.1/8000; } 2>/dev/null; do
        [ $((${EPOCHREALTIME/./} - begun)) -lt 60000000 ]
    done
    printf 'GET /health/self/ HTTP/1.0\r\n\r\n' >&3
    read -r -t 30 line <&3
    echo "${line%$'\r'}, $(((${EPOCHREALTIME/./} - begun) / 1000)) ms after its start"
    kill -INT $!
    wait $!
    exit
fi

[ "$(id -u)" = 0 ] || { echo "release-test: skipped: needs root" && exit 77; }
work=$(mktemp -d "$build/release-test.XXXXXX")
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

check() { # TEXT COMMAND...
    local text=$1
    shift
    if "$@" >"$work/output" 2>&1; then
        passed=$((passed + 1))
        echo "ok      $text"
    else
        failed=$((failed + 1))
        echo "FAILED  $text: $*"
        sed 's/^/        /' "$work/output"
    fi
}

equals() { # VALUE WANTED
    [ "$1" = "$2" ] || { echo "is: $1"; echo "not: $2" && return 1; }
}

git clone -q . "$work/one"
git clone -q "$work/one" "$work/another folder" # of the same commit, whatever happens here meanwhile
for folder in one "another folder"; do
    RELEASE_CROSS=${RELEASE_CROSS:-$build/cross} "$work/$folder/scripts/release.sh" "$work/$folder/build" >"$work/log" 2>&1 || {
        cat "$work/log"
        exit 1
    }
done
release=$work/one/build/release
version=$(cat VERSION)
name=bugsink-health-$version

check "two builds in two folders: the same bytes" diff -r "$release" "$work/another folder/build/release"
cd "$release"
check "the checksums are right, and of all" sha256sum --check --strict SHA256SUMS
check "nothing is without a checksum" equals "$(find . -type f ! -name SHA256SUMS -printf '%P\n' | sort)" "$(sed 's/.*  //' SHA256SUMS | sort)"

# blob DIGEST: a blob of the image layout
mkdir "$work/layout"
tar -x -C "$work/layout" -f "$name-oci.tar"
blob() { echo "$work/layout/blobs/sha256/${1#sha256:}"; }
index=$(blob "$(jq -r '.manifests[0].digest' "$work/layout/index.json")")
check "every blob has the digest that is its name" bash -c "cd '$work/layout/blobs/sha256' && sha256sum * | awk '\$1 != \$2 { exit 1 }'"
check "an index of two architectures" equals "$(jq -c '[.manifests[].platform.architecture]' "$index")" '["amd64","arm64"]'
check "the sources are those of the commit" equals \
    "$(tar -tf "$name.tar.xz" | sed "s|^$name/||" | LC_ALL=C sort)" "$(git -C "$work/one" ls-files | LC_ALL=C sort)"

try_image() { # ARCH
    local arch=$1 manifest config root=$work/root-$1 emulator='' size
    manifest=$(blob "$(jq -r ".manifests[] | select(.platform.architecture == \"$arch\").digest" "$index")")
    config=$(blob "$(jq -r .config.digest "$manifest")")
    check "$arch: user, command, version and health check as in the Dockerfile" equals \
        "$(jq -c '[.architecture, .config.User, .config.Entrypoint, .config.Cmd, .config.StopSignal, .config.Healthcheck.Test,
            .config.Labels["org.opencontainers.image.version"]]' "$config")" \
        "[\"$arch\",\"14237:14237\",[\"bugsink-health\"],[\"serve\"],\"SIGTERM\",[\"CMD\",\"bugsink-health\",\"probe\"],\"$version\"]"
    mkdir "$root"
    tar -xz -C "$root" -f "$(blob "$(jq -r '.layers[0].digest' "$manifest")")"
    check "$arch: the layer unpacked has its diff_id" equals \
        "sha256:$(gzip -dc "$(blob "$(jq -r '.layers[0].digest' "$manifest")")" | sha256sum | cut -d ' ' -f 1)" "$(jq -r '.rootfs.diff_ids[0]' "$config")"
    size=$(find "$root" -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum }')
    check "$arch: $((size / 1000)) kB unpacked, less than $((size_max / 1000)) kB, with libpq, Connector/C, SQLite and OpenSSL" \
        bash -c "[ $size -lt $size_max ] && ls '$root'/usr/lib/*/libpq.so.5 '$root'/usr/lib/*/libmariadb.so.3 '$root'/usr/lib/*/libsqlite3.so.0 '$root'/usr/lib/*/libssl.so.3"
    check "$arch: one program, nothing set-uid, all of it root's, only /tmp open to all" equals \
        "$(find "$root" -type f -perm /111 ! -name '*.so.*' -printf '/%P '; find "$root" ! -type l \( -perm /6000 -o ! -user root -o ! -group root -o -perm /002 \) -printf '/%P ')" \
        "/usr/bin/bugsink-health /tmp "
    check "$arch: the SBOM names every package of the image" equals \
        "$(jq -r '.packages[].externalRefs[0].referenceLocator // empty' "$name-$arch.spdx.json" | sed 's|.*/\(.*\)@.*|\1|')" "$(ls "$root/var/lib/dpkg/status.d")"
    check "$arch: and every file, with its checksum" bash -c "cd '$root' && jq -r '.files[] | .checksums[1].checksumValue + \"  \" + .fileName' '$release/$name-$arch.spdx.json' >'$work/files' &&
        sha256sum --quiet --check '$work/files' && [ \$(wc -l <'$work/files') = \$(find . -type f | wc -l) ]"
    [ "$arch" = "$(dpkg --print-architecture)" ] || emulator=$(command -v "qemu-$(dpkg-architecture -a "$arch" -q DEB_HOST_GNU_CPU 2>/dev/null)-static")
    check "$arch: starts and answers${emulator:+, emulated}" unshare --mount --net --pid --fork --kill-child --propagation private \
        timeout -k 5 120 "$work/one/scripts/release-test.sh" "$build" start "$root" $emulator
    sed 's/^/        /' "$work/output"
    check "$arch: the package is for it" equals "$(dpkg-deb -f "bugsink-health_${version}_$arch.deb" Architecture Version | xargs)" "Architecture: $arch Version: $version"
    check "$arch: the package holds program, manual, unit and configuration" bash -c "dpkg-deb -c bugsink-health_${version}_$arch.deb >'$work/list' &&
        grep -q '/usr/bin/bugsink-health\$' '$work/list' && grep -q bugsink-health.1.gz '$work/list' && grep -q bugsink-health.service '$work/list' && grep -q '/etc/bugsink-health/config.json' '$work/list'"
}

for arch in amd64 arm64; do
    try_image "$arch"
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
