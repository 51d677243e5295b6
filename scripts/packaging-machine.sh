#!/bin/sh
# A throwaway machine: this one's files under an overlay in memory, with a systemd of its own as process 1 and no
# network but loopback. packaging-machine.sh DIR: runs DIR/trial there, as root; DIR is /trial in the machine. Exits 3,
# saying why, where no such machine can be made.
set -eu

if [ "${2:-}" != inside ]; then
    dir=$1
    refuse() {
        echo "no machine: $1"
        exit 3
    }
    [ "$(id -u)" = 0 ] || refuse "only root can make one"
    [ -x /lib/systemd/systemd ] || refuse "systemd is not installed"
    groups=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
    [ -n "$groups" ] || refuse "cgroup version 2 is not mounted"
    group=$groups/bugsink-health-packaging.$$
    mkdir "$group" 2>/dev/null || refuse "no control group can be made"
    # The machine's processes end with it; its groups are empty soon after.
    remove_groups() {
        tries=50
        while [ -d "$group" ] && [ "$tries" -gt 0 ]; do
            find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.1
            tries=$((tries - 1))
        done
    }
    trap remove_groups EXIT
    # shellcheck disable=SC2016 # expanded by the shell that enters the group
    timeout -k 5 180 sh -c 'echo $$ >"$1/cgroup.procs" && exec unshare --pid --fork --kill-child --mount --net --uts \
        --ipc --cgroup --propagation private sh "$2" "$3" inside' sh "$group" "$0" "$dir" || [ -f "$dir/log" ] ||
        refuse "its parts cannot be set up"
    exit 0
fi

dir=$(realpath "$1")
memory=$dir/memory
mkdir "$memory"
mount -t tmpfs tmpfs "$memory"
mkdir "$memory/upper" "$memory/work" "$memory/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$memory/upper,workdir=$memory/work" "$memory/root"
cd "$memory/root"
mkdir -p trial old
mount --bind "$dir" trial
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount -t tmpfs tmpfs dev
# Nothing of the real machine may be changed from there: its settings are read-only, and devices are few.
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
for device in null zero full random urandom tty; do
    touch "dev/$device"
    mount --bind "/dev/$device" "dev/$device"
done
ln -s /proc/self/fd dev/fd
mkdir dev/shm dev/pts
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
touch "$dir/console" dev/console
mount --bind "$dir/console" dev/console
# Only what the trial starts runs: nothing of a usual start, which would set up this machine's devices and more.
for wanted in lib etc; do
    rm -rf "$wanted"/systemd/system/*.wants
done
ip link set lo up
hostname trial
mkdir -p run/systemd/system
cat >run/systemd/system/trial.service <<END
[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
TimeoutStartSec=170
ExecStart=/bin/sh -c '/trial/trial >/trial/log 2>&1; systemctl exit'
END
printf '[Unit]\nDefaultDependencies=no\nWants=trial.service\n' >run/systemd/system/trial.target
pivot_root . old
umount -l old
mount --make-rshared /
exec env -i PATH="$PATH" container=trial /lib/systemd/systemd --system --unit=trial.target --show-status=no
