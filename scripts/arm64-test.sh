#!/bin/sh
# arm64-test.sh BUILD SUITE...: builds the program and its tests for arm64, in a Debian of its own and by a cross compiler,
# packs the Debian package, and runs these suites under Debian's arm64 kernel in an emulated machine, where seccomp and Landlock
# are enforced. PACKAGES: those of that Debian. Exit status 77: it cannot be done on this machine.
set -eu
cd "$(dirname "$0")/.."

build=$1
shift
root=$build/arm64/debian
source=$build/arm64/source
guest=$build/arm64/guest
libraries=/usr/lib/aarch64-linux-gnu
seconds=${ARM64_SECONDS:-1500}

in_debian() {
    scripts/chroot.sh build "$root" arm64 "$source" sh -euc "$1"
}

make_debian() {
    # shellcheck disable=SC2086 # the list is meant to be split
    CHROOT_TARGET=arm64 scripts/chroot.sh make bookworm "$root" $PACKAGES
}

cross_build() {
    mkdir -p "$source"
    git ls-files -z | tar -c --null --files-from=- | tar -x -C "$source"
    # shellcheck disable=SC2016 # expanded there
    in_debian 'make -j"$(nproc)" all build/run-tests && scripts/deb.sh build'
}

# Debian's kernel, unpacked: it needs no module for what is tried here.
fetch_kernel() {
    [ -e "$build/arm64/vmlinuz" ] || scripts/chroot.sh enter "$root" root sh -euc "mkdir -p /tmp/kernel && cd /tmp/kernel && apt-get update -qq
        image=\$(apt-cache depends linux-image-arm64:arm64 | sed -n 's/.*Depends: \\(linux-image-[^:]*\\).*/\\1/p')
        apt-get download -qq \"\$image:arm64\" && dpkg -x linux-image-*.deb ."
    cp -n "$root"/tmp/kernel/boot/vmlinuz-* "$build/arm64/vmlinuz"
}

# The libraries that a program needs, and those they need in turn.
list_libraries() {
    readelf -dW "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | while read -r name; do
        grep -qx "$name" "$build/arm64/libraries" && continue
        echo "$name" >>"$build/arm64/libraries"
        list_libraries "$root$libraries/$name"
    done
}

# Each attempt of tests/hole.c that there is on arm64, and the system call that the test of the sandbox expects of it.
list_attempts() {
    # shellcheck disable=SC2016 # expanded there
    in_debian '$CC -E -P -D_GNU_SOURCE -Iinclude -Isrc tests/hole.c' | tr -d '\n' | sed 's/.* ATTEMPTS\[\] = //; s/};.*//' |
        grep -o '"[a-z0-9_]*"' | tr -d '"' | while read -r name; do
        sed -n "s/^    {\"$name\", \"\([a-z0-9_]*\)\".*/$name \1/p" tests/e2e/test_e2e_sandbox.c
    done
}

# Everything that the machine has: the programs where the tests look for them, the libraries, a shell.
lay_out_guest() {
    rm -rf "$guest"
    mkdir -p "$guest/bin" "$guest/dev" "$guest/etc" "$guest/lib" "$guest/proc" "$guest/root" "$guest/sys" "$guest/tmp" "$guest/project/build"
    cp "$root/usr/bin/busybox" "$guest/bin/"
    for name in cat echo env grep head kill ls mkdir mount poweroff printenv ps rm sh sleep sync tail true umount ip wget cp tr; do
        ln -s busybox "$guest/bin/$name"
    done
    git ls-files -z config deploy docs tests README.md Makefile VERSION | tar -c --null --files-from=- | tar -x -C "$guest/project"
    for name in bugsink-health bugsink-health-hole run-tests faults.so filters; do
        cp -r "$source/build/$name" "$guest/project/build/"
    done
    mkdir -p "$guest/project/trial"
    sqlite3 "$guest/project/trial/db.sqlite3" <config/demo/default.sql >/dev/null
    sqlite3 "$guest/project/trial/snappea.sqlite3" <config/demo/snappea.sql >/dev/null
    cp config/demo/bugsink_conf.py "$guest/project/trial/"
    list_attempts >"$guest/project/attempts"
    [ "$(wc -l <"$guest/project/attempts")" -gt 30 ] || { echo "arm64-test: where are the attempts?" >&2 && exit 1; }
    : >"$build/arm64/libraries"
    for file in "$guest/bin/busybox" "$source/build/bugsink-health" "$source/build/run-tests"; do
        list_libraries "$file"
    done
    for name in $(sort -u "$build/arm64/libraries") libpq.so.5 libmariadb.so.3 libnss_files.so.2; do
        [ ! -e "$root$libraries/$name" ] || cp -L "$root$libraries/$name" "$guest/lib/"
    done
    cp -L "$root/lib/ld-linux-aarch64.so.1" "$guest/lib/" 2>/dev/null || cp -L "$root$libraries/ld-linux-aarch64.so.1" "$guest/lib/"
    printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n' >"$guest/etc/passwd"
    printf 'root:x:0:\nnogroup:x:65534:\n' >"$guest/etc/group"
    printf '127.0.0.1 localhost\n::1 localhost\n' >"$guest/etc/hosts"
    write_init "$@" >"$guest/init"
    chmod 0755 "$guest/init"
    (cd "$guest" && find . | cpio --quiet -o -H newc | gzip -1) >"$build/arm64/initramfs"
}

write_init() {
    cat <<END
#!/bin/sh
# Process 1 of the machine: runs the tests and ends it.
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
ln -s /proc/self/fd /dev/fd
mkdir -p /dev/pts /dev/shm
mount -t devpts pts /dev/pts
mount -t tmpfs -o size=16g tmp /tmp # more than there is: what is nearly full is degraded
ip link set lo up
export PATH=/bin HOME=/root LD_LIBRARY_PATH=/lib
cd /project
head -n 1 /proc/version
build/bugsink-health --version
result=0
tests/arm64/trial.sh attempts || result=1
CK_TIMEOUT_MULTIPLIER=20 BH_PROGRAM=build/bugsink-health build/run-tests $* || result=1
echo "arm64: exit status \$result"
sync
poweroff -f
END
}

run_guest() {
    timeout "$seconds" qemu-system-aarch64 -machine virt -cpu cortex-a72 -smp "$(nproc)" -m 1536 -nographic -no-reboot -nic none \
        -kernel "$build/arm64/vmlinuz" -initrd "$build/arm64/initramfs" -append "console=ttyAMA0 quiet panic=-1" </dev/null |
        sed -u 's/\r$//' | tee "$build/arm64/console"
    grep -q '^arm64: exit status 0$' "$build/arm64/console"
}

make_debian
cross_build
fetch_kernel
lay_out_guest "$@"
run_guest
