#!/bin/sh
# What the package and its unit do under a real systemd: runs in the throwaway machine of packaging-machine.sh, as root.
# /trial holds bugsink-health.deb and config/demo. Prints a line a check: "ok NAME" or "FAILED NAME".
set -u

unit=bugsink-health.service
url=http://127.0.0.1:8001
drop_ins=/run/systemd/system/$unit.d
password=correct-horse
failed() {
    echo "FAILED $1"
    cat /tmp/output
    systemctl status --no-pager -l $unit || true
    tail -n 20 /trial/journal 2>/dev/null || true
}

# check NAME COMMAND...: whether the command succeeds.
check() {
    name=$1
    shift
    if "$@" >/tmp/output 2>&1; then echo "ok $name"; else failed "$name"; fi
}

# await COMMAND...: asks again until it succeeds, for 20 s at most.
await() {
    tries=100
    until "$@"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
        sleep 0.2
    done
}

value() { systemctl show -P "$1" $unit; }
is() { [ "$(value "$1")" = "$2" ]; }
status_is() { await is StatusText "$1"; }
responder() { pgrep -P "$(value MainPID)" -o; }
not() { ! "$@"; }
logged() { grep -q "$1" /trial/journal; }

# drop_in NAME LINE...: adds to the unit, in its section [Service].
drop_in() {
    mkdir -p "$drop_ins"
    file=$drop_ins/$1.conf
    shift
    printf '%s\n' '[Service]' "$@" >"$file"
    systemctl daemon-reload
}

# The files that bear the package's name, wherever a package may put some.
list_files() { find /etc /usr /var/lib -xdev -name '*bugsink-health*' -not -name '*.log' | sort; }

# As Bugsink's documentation has it, and something that answers in its place.
install_bugsink() {
    useradd --create-home bugsink
    for name in default snappea; do
        file=/home/bugsink/$([ $name = default ] && echo db || echo snappea).sqlite3
        runuser -u bugsink -- sqlite3 "$file" <"/trial/demo/$name.sql" >/dev/null
    done
    mkdir -p /home/bugsink/app/health /home/bugsink/snappea/wakeup /home/bugsink/ingestion
    cp /trial/demo/bugsink_conf.py /home/bugsink/
    printf OK >/home/bugsink/app/health/ready
    chown -R bugsink: /home/bugsink
    systemd-run --quiet --unit=trial-app --uid=bugsink /usr/bin/python3 -m http.server 8000 --bind 127.0.0.1 --directory /home/bugsink/app
}

# Another home stands beside Bugsink's: nothing of it may be seen.
install_neighbour() {
    useradd --create-home neighbour
    chmod 0755 /home/neighbour
}

try_installation() {
    list_files >/tmp/before
    check "the package installs" dpkg --install /trial/bugsink-health.deb
    check "the program runs" sh -c 'bugsink-health --version | grep -q "^bugsink-health"'
    check "the manual page is found" sh -c 'man -w bugsink-health >/dev/null'
    check "systemd finds nothing wrong with the unit" sh -c "[ -z \"\$(systemd-analyze verify $unit 2>&1 | tee /dev/stderr)\" ]"
    check "the service is not enabled by itself" not systemctl --quiet is-enabled $unit
    check "the service is not started by itself" not systemctl --quiet is-active $unit
}

# From here on a forbidden system call is the end of the process, and what it logs is in a file.
try_start() {
    echo BUGSINK_HEALTH_DRAIN=1s >>/etc/bugsink-health/environment
    drop_in strict SystemCallErrorNumber=kill StandardError=append:/trial/journal
    check "the service starts, and its start ends when it answers" systemctl start $unit
    systemctl --quiet is-active $unit || exit 1
    check "it answers at once" bugsink-health probe $url/health/self/
    check "the verdict is its status" status_is Ready.
    check "it is ready" bugsink-health probe $url/health/ready/
    ls -A /home/bugsink >/tmp/home
    check "the main process is who speaks" [ "$(value NotifyAccess)" = main ]
}

# Of a process: that a line of its status says so.
holds() { grep -q "^$2\$" "/proc/$1/status"; }

try_confinement() {
    for process in $(value MainPID) $(responder); do
        check "process $(cat "/proc/$process/comm"): seccomp" holds "$process" 'Seccomp:.2'
        check "process $(cat "/proc/$process/comm"): no new privileges" holds "$process" 'NoNewPrivs:.1'
        check "process $(cat "/proc/$process/comm"): no capabilities" holds "$process" 'CapBnd:.0000000000000000'
        check "process $(cat "/proc/$process/comm"): Bugsink's user" [ "$(stat -c %U "/proc/$process/task")" = bugsink ]
    done
    check "its own sandbox is whole within the unit's" grep -q 'event=sandbox sandbox="seccomp landlock=[0-9]*"$' /trial/journal
    main=/proc/$(value MainPID)/root
    check "it sees Bugsink's home" [ -e "$main/home/bugsink/db.sqlite3" ]
    check "it sees no other home" [ ! -e "$main/home/neighbour" ]
}

try_faults() {
    mv /home/bugsink/db.sqlite3 /home/bugsink/away
    check "a fault is its status" status_is "Not ready: default: file_missing."
    mv /home/bugsink/away /home/bugsink/db.sqlite3
    check "and its end" status_is Ready.
    touch /run/bugsink-health/maintenance
    check "root may take it out of service" status_is "Not ready: maintenance."
    rm /run/bugsink-health/maintenance
    check "and back" status_is Ready.
}

try_reload() {
    config=/etc/bugsink-health/config.json
    process=$(value MainPID)
    cp $config /tmp/config.json
    sed -i 's|"databases": {|&"extra": {"dsn": "/home/bugsink/nosuch", "role": "plain", "critical": false},|' $config
    systemctl reload $unit
    check "a reload takes force" status_is "Ready, but degraded: extra: file_missing."
    echo '{' >$config
    systemctl reload $unit
    check "a bad configuration is told" await logged "reload failed"
    check "and the service goes on" await is SubState running
    cp /tmp/config.json $config
    systemctl reload $unit
    check "a good one takes force again" status_is Ready.
    check "all in the same process" is MainPID "$process"
}

# A database of another user, in a directory of its own, which answers with TLS.
start_postgres() {
    bin=$(echo /usr/lib/postgresql/*/bin)
    mkdir /tmp/pg && chown postgres /tmp/pg && cd /tmp/pg || return 1
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout key.pem -out cert.pem 2>/dev/null
    chown postgres key.pem && chmod 0600 key.pem
    echo $password >password && chown postgres password
    runuser -u postgres -- "$bin/initdb" -D /tmp/pg/data -U bugsink -A scram-sha-256 --pwfile=/tmp/pg/password -N >/dev/null &&
        sed -i 's/^host /hostssl /' data/pg_hba.conf &&
        systemd-run --quiet --unit=trial-postgres --uid=postgres "$bin/postgres" -D /tmp/pg/data -k /tmp/pg -c ssl=on \
            -c ssl_cert_file=/tmp/pg/cert.pem -c ssl_key_file=/tmp/pg/key.pem -c fsync=off &&
        await "$bin/pg_isready" -q -h localhost
    cd /
}

start_mysql() {
    mkdir /tmp/my && chown mysql /tmp/my
    mariadb-install-db --no-defaults --user=mysql --datadir=/tmp/my/data --auth-root-authentication-method=normal \
        >/dev/null 2>&1 &&
        systemd-run --quiet --unit=trial-mysql --uid=mysql mariadbd --no-defaults --datadir=/tmp/my/data --socket=/tmp/my/socket \
            --bind-address=127.0.0.1 &&
        await mariadb-admin --no-defaults --silent -u root -S /tmp/my/socket ping >/dev/null 2>&1 &&
        mariadb --no-defaults -u root -S /tmp/my/socket -e \
            "CREATE DATABASE bugsink; CREATE USER bugsink@'127.0.0.1' IDENTIFIED BY '$password'; GRANT ALL ON bugsink.* TO bugsink@'127.0.0.1'"
}

# Every driver under the same system call filter, and the password as a credential.
try_servers() {
    check "PostgreSQL starts" start_postgres
    check "MariaDB starts" start_mysql
    echo "postgresql://bugsink:$password@localhost/postgres" >/etc/bugsink-health/database-url
    echo "mysql://bugsink:$password@127.0.0.1/bugsink" >/etc/bugsink-health/mysql-url
    chmod 0600 /etc/bugsink-health/*-url
    cp /usr/share/doc/bugsink-health/postgres.conf "$drop_ins/"
    drop_in mysql LoadCredential=mysql-url:/etc/bugsink-health/mysql-url
    # Not Bugsink's own databases: what is asked of those is more than a round trip.
    sed -i -e 's|"default": {.*|"default": {"role": "plain"},|' -e \
        's|"databases": {|&"my": {"dsn_file": "/run/credentials/bugsink-health.service/mysql-url", "role": "plain"}, "main": {"dsn": "/home/bugsink/db.sqlite3", "role": "main"},|' \
        /etc/bugsink-health/config.json
    check "with credentials it starts" systemctl restart $unit
    check "PostgreSQL by TLS, MariaDB and SQLite are well" status_is Ready.
    systemctl stop trial-postgres
    check "a server that is gone is told" status_is "Not ready: default: refused."
    check "no password in the environment" not grep -q $password "/proc/$(value MainPID)/environ"
    check "no password in the log" not logged $password
    rm "$drop_ins/postgres.conf" "$drop_ins/mysql.conf"
    cp /tmp/config.json /etc/bugsink-health/config.json
    systemctl daemon-reload
    systemctl restart $unit
    check "without them it is as before" status_is Ready.
}

try_watchdog() {
    drop_in watchdog WatchdogSec=2s RestartSec=100ms
    systemctl restart $unit
    restarts=$(value NRestarts)
    kill -STOP "$(responder)"
    check "a responder that hangs is a restart of both" await is NRestarts $((restarts + 1))
    check "after which all is well" status_is Ready.
    kill -STOP "$(value MainPID)"
    check "a checker that hangs likewise" await is NRestarts $((restarts + 2))
    check "and all is well" status_is Ready.
    kill -KILL "$(responder)"
    check "a responder that dies likewise" await is NRestarts $((restarts + 3))
    check "and all is well again" status_is Ready.
}

try_end() {
    check "nothing was left in Bugsink's home" sh -c 'ls -A /home/bugsink | cmp - /tmp/home'
    check "no process was ended by the system call filter" not logged SIGSYS
    systemctl stop $unit
    check "it stops in good order" is Result success
    check "after the drain" logged drain_ms=1000
    echo '{' >/etc/bugsink-health/config.json
    check "a configuration that is wrong is refused" not systemctl start $unit
    check "and not tried again" is NRestarts 0
    cp /tmp/config.json /etc/bugsink-health/config.json
    systemctl start $unit
    check "one that is right starts" status_is Ready.
}

try_removal() {
    rm -r "$drop_ins"
    check "the package is removed" dpkg --remove bugsink-health
    check "its service has been stopped in good order" sh -c 'tail -n 1 /trial/journal | grep -q event=drained'
    check "the program is gone" [ ! -e /usr/bin/bugsink-health ]
    check "the configuration stays" [ -e /etc/bugsink-health/config.json ]
    rm -f /etc/bugsink-health/*-url
    check "the package is purged" dpkg --purge bugsink-health
    list_files >/tmp/after
    check "nothing is left" diff /tmp/before /tmp/after
}

rm -f /usr/sbin/policy-rc.d # a container's image forbids with it what a machine does
install_neighbour
install_bugsink
try_installation
try_start
try_confinement
try_faults
try_reload
try_servers
try_watchdog
try_end
try_removal
echo end
