#!/usr/bin/env bash
# Builds the image and tries all that it must do, as the first process of namespaces that image-test.sh made:
# usage: image-trial.sh WORK BASE CGROUP: a directory for everything made here, the base image as a tar file, and the
# control group for the containers. Prints what was passed and failed, and the image's figures.
set -Eeuo pipefail
trap 'echo "image-trial: line $LINENO: failed: $BASH_COMMAND" >&2' ERR

work=$1 base=$2 cgroup=$3
image=localhost/bugsink-health
dir=/mnt # short, as paths of sockets must be, and open to the servers' users wherever the source tree lies
size_max=14000000
memory_max=32m

sources=$PWD
passed=0 failed=0

check() { # TEXT COMMAND...
    local text=$1
    shift
    if "$@" >$dir/output 2>&1; then
        passed=$((passed + 1))
        echo "ok      $text"
    else
        failed=$((failed + 1))
        echo "FAILED  $text: $*"
        sed 's/^/        /' $dir/output
    fi
}

equals() { # VALUE WANTED
    [ "$1" = "$2" ] || { echo "is: $1"; echo "not: $2" && return 1; }
}

await() { # SECONDS COMMAND...
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $deadline ] || { "$@"; return 1; }
        sleep 0.05
    done
}

not() { ! "$@"; }

# -- the image --

configure_podman() {
    mkdir $dir/lower $dir/upper $dir/scratch $dir/merged
    local driver=vfs
    if mount -t overlay -o "lowerdir=$dir/lower,upperdir=$dir/upper,workdir=$dir/scratch" overlay $dir/merged 2>/dev/null; then
        driver=overlay
        umount $dir/merged
    fi
    printf '[storage]\ndriver = "%s"\ngraphroot = "%s"\nrunroot = "%s"\n' $driver $dir/storage $dir/run >$dir/storage.conf
    cat >$dir/containers.conf <<END
[containers]
default_ulimits = ["nofile=16384:16384", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
END
    export CONTAINERS_CONF=$dir/containers.conf CONTAINERS_STORAGE_CONF=$dir/storage.conf TMPDIR=$dir
}

build_image() {
    local container tag
    tag=$(sed -n 's/^ARG DEBIAN_VERSION=//p' Dockerfile)
    container=$(buildah from scratch)
    buildah add -q "$container" "$base" / >/dev/null
    buildah commit -q --rm "$container" "localhost/debian:$tag" >/dev/null
    timeout 600 buildah bud -q --isolation chroot --network host --pull-never --format docker -t $image . \
        >$dir/build.log 2>&1 || { cat $dir/build.log; echo "image-test: the build failed"; exit 1; }
}

metadata() { # JQ-FILTER
    podman image inspect $image | jq -c ".[0] | $1"
}

lacks_no_library() {
    find "$root" -type f \( -name '*.so*' -o -path '*/bin/*' \) -exec readelf -dW {} + |
        sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | sort -u | while read -r library; do
        [ -n "$(find "$root" -name "$library")" ] || echo "$library is missing"
    done >$dir/missing
    cat $dir/missing
    [ ! -s $dir/missing ]
}

try_contents() {
    root=$(podman image mount $image)
    size=$(find "$root" -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum }')
    check "$((size / 1000)) kB unpacked, less than $((size_max / 1000)) kB" [ "$size" -lt $size_max ]
    check "one program, no shell" equals \
        "$(find "$root" -type f -perm /111 ! -name '*.so.*' -printf '/%P ')" "/usr/bin/bugsink-health "
    check "nothing set-uid, of others than root, or open to all but /tmp" equals \
        "$(find "$root" ! -type l \( -perm /6000 -o ! -user root -o ! -group root -o -perm /002 \) -printf '/%P ')" "/tmp "
    check "every library is there" lacks_no_library
    check "a licence for every package" equals "$(find "$root/usr/share/doc" -name copyright | wc -l)" \
        "$(($(find "$root/var/lib/dpkg/status.d" -type f | wc -l) + 1))"
    check "version" equals "$(metadata '.Labels["org.opencontainers.image.version"]')" "\"$(cat VERSION)\""
    check "user" equals "$(metadata .User)" '"14237:14237"'
    check "port" equals "$(metadata '.Config.ExposedPorts|keys')" '["8000/tcp"]'
    check "signal" equals "$(metadata .Config.StopSignal)" '"SIGTERM"'
    check "health check" equals "$(metadata .Healthcheck.Test)" '["CMD","bugsink-health","probe"]'
    check "no architecture is named" not grep -nE 'x86_64|amd64|aarch64|arm64' Dockerfile scripts/image-root.sh
    find "$root" -type f -printf '%s %f\n' | sort -nr | head -n 8 | sed 's/^/        /'
}

# -- what it checks: a PostgreSQL and a MariaDB with TLS, named by DNS; Bugsink's SQLite files; its own endpoint --

make_certificates() {
    cd $dir/servers
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=authority \
        -keyout authority.key -out authority.pem 2>/dev/null
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=servers \
        -addext subjectAltName=DNS:postgres.test,DNS:mariadb.test -keyout server.key -out server.csr 2>/dev/null
    openssl x509 -req -in server.csr -CA authority.pem -CAkey authority.key -CAcreateserial -days 2 -copy_extensions copy \
        -out server.pem 2>/dev/null
    for server in postgres mysql; do
        install -d -m 700 -o $server -g $server $server
        install -m 600 -o $server -g $server server.key server.pem $server
    done
    cd "$sources"
}

bugsink_tables() {
    cat <<END
CREATE TABLE django_migrations (id int, app varchar(255), name varchar(255));
INSERT INTO django_migrations VALUES (1, 'phonehome', '0001_initial');
CREATE TABLE phonehome_installation (id int, quota_exceeded_until timestamp NULL);
INSERT INTO phonehome_installation VALUES (1, NULL);
END
}

as() { # USER COMMAND...: in that user's directory
    local user=$1
    shift
    (cd $dir/servers/"$user" && TMPDIR=$PWD exec setpriv --reuid "$user" --regid "$user" --clear-groups "$@")
}

start_postgres() {
    local programs
    programs=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
    as postgres "$programs/initdb" -D data -U postgres --auth=reject --no-sync >/dev/null
    echo 'hostssl postgres bugsink 127.0.0.1/32 scram-sha-256' >$dir/servers/postgres/data/pg_hba.conf
    { bugsink_tables && cat <<END; } | as postgres "$programs/postgres" --single -D data postgres >/dev/null 2>$dir/servers/postgres.log
CREATE USER bugsink PASSWORD 'in a file';
GRANT SELECT, INSERT, UPDATE, DELETE ON django_migrations, phonehome_installation TO bugsink;
END
    as postgres "$programs/postgres" -D data -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c ssl=on \
        -c ssl_cert_file=../server.pem -c ssl_key_file=../server.key >$dir/servers/postgres.log 2>&1 &
}

start_mariadb() {
    { printf '%s\n' 'CREATE DATABASE bugsink;' 'USE bugsink;' && bugsink_tables && cat <<END; } >$dir/servers/mysql/init.sql
CREATE USER bugsink@'%' IDENTIFIED VIA ed25519 USING PASSWORD('in a file') REQUIRE SSL;
GRANT ALL ON bugsink.* TO bugsink@'%';
END
    mkdir $dir/servers/mysql/data
    chown mysql:mysql $dir/servers/mysql/data
    as mysql mariadb-install-db --no-defaults --datadir=$dir/servers/mysql/data --skip-test-db >$dir/servers/mysql.log 2>&1
    as mysql mariadbd --no-defaults --datadir=$dir/servers/mysql/data --tmpdir=$dir/servers/mysql --socket=socket \
        --bind-address=127.0.0.1 --plugin-load-add=auth_ed25519 --init-file=$dir/servers/mysql/init.sql \
        --ssl-cert=$dir/servers/mysql/server.pem --ssl-key=$dir/servers/mysql/server.key >>$dir/servers/mysql.log 2>&1 &
}

# Says what a MySQL 8 server would: its greeting (protocol 10, no TLS), and to the answer that it wants
# caching_sha2_password; hangs up once the client, which needs its plug-in for that, has sent one.
start_greeter() {
    cat >$dir/servers/greeter <<'END'
printf 'J\0\0\0\n8.0.36\0\1\0\0\0abcdefgh\0\11\242\41\2\0\10\0\25'
printf '\0\0\0\0\0\0\0\0\0\0ijklmnopqrst\0caching_sha2_password\0'
dd bs=4096 count=1 of=/dev/null
printf ',\0\0\2\376caching_sha2_password\0abcdefghijklmnopqrst\0'
dd bs=4096 count=1 of=/dev/null
END
    socat TCP-LISTEN:3307,bind=127.0.0.1,fork,reuseaddr EXEC:"sh $dir/servers/greeter" 2>/dev/null &
}

# Bugsink's own endpoint.
start_bugsink() {
    cat >$dir/servers/bugsink <<'END'
while read -r line && [ "${line%?}" != "" ]; do :; done
printf 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK'
END
    socat TCP-LISTEN:9000,bind=127.0.0.1,fork,reuseaddr EXEC:"sh $dir/servers/bugsink" 2>/dev/null &
}

make_files() {
    mkdir $dir/data $dir/tmp $dir/config
    sqlite3 $dir/data/db.sqlite3 <config/demo/default.sql >/dev/null
    sqlite3 $dir/tmp/snappea.sqlite3 <config/demo/snappea.sql >/dev/null
    cp config/demo/bugsink_conf.py $dir/servers/authority.pem $dir/config
    printf 'in a file' >$dir/config/password
    cat >$dir/config/well.json <<'END'
{"databases": {
    "default": {"dsn": "postgresql://bugsink@postgres.test/postgres?sslmode=verify-full&sslrootcert=/config/authority.pem",
                "password_file": "/config/password"},
    "mariadb": {"dsn": "mysql://bugsink@mariadb.test/bugsink?ssl-mode=verify-identity", "role": "main",
                "password_file": "/config/password"},
    "sqlite": {"dsn": "/data/db.sqlite3", "role": "main"},
    "snappea": {"dsn": "/tmp/snappea.sqlite3"}},
 "settings": {"path": "/config/bugsink_conf.py", "require": ["SECRET_KEY", "BUGSINK"]},
 "app": {"url": "http://127.0.0.1:9000"}}
END
    cat >$dir/config/strangers.json <<'END'
{"databases": {
    "postgres": {"dsn": "postgresql://bugsink@postgres.test/postgres?sslmode=verify-full&sslrootcert=/etc/ssl/certs/ca-certificates.crt",
                 "password_file": "/config/password"},
    "mariadb": {"dsn": "mysql://bugsink@mariadb.test/bugsink?ssl-mode=verify-identity", "password_file": "/config/password"},
    "mysql8": {"dsn": "mysql://bugsink@127.0.0.1:3307/bugsink?ssl-mode=disabled", "password_file": "/config/password"}}}
END
    printf '%s\n' '[directory]' 'ldap://127.0.0.1/dc=test?value?one?(cn=bugsink)' >$dir/config/service.conf
    chown -R 14237:14237 $dir/data $dir/tmp $dir/config
    chmod 400 $dir/config/*
}

start_servers() {
    mkdir $dir/servers
    make_certificates
    make_files
    ip link set lo up
    dnsmasq --conf-file=/dev/null --keep-in-foreground --no-resolv --no-hosts --user=root --pid-file= --listen-address=127.0.0.1 \
        --bind-interfaces --address=/test/127.0.0.1 &
    start_postgres
    start_mariadb
    start_greeter
    start_bugsink
    for port in 53 3306 3307 5432 9000; do
        await 30 bash -c "exec 3<>/dev/tcp/127.0.0.1/$port" || { cat $dir/servers/*.log; exit 1; }
    done
}

# -- its life --

# A container as a careful cluster would run it; the network is this namespace's.
confine() { # PODMAN-COMMAND ARGUMENTS...
    local command=$1
    shift
    podman "$command" --pull never --network host --dns 127.0.0.1 --cgroup-parent "$cgroup" --memory $memory_max \
        --read-only --read-only-tmpfs=false --cap-drop=all --security-opt no-new-privileges \
        -v $dir/data:/data -v $dir/tmp:/tmp -v $dir/config:/config:ro "$@" 2>>$dir/podman.log
}

status_of() { # PATH
    curl -s -o $dir/body -w '%{http_code}' -m 5 "http://127.0.0.1:8000$1"
}

answers() { # PATH STATUS
    equals "$(status_of "$1")" "$2" || { cat $dir/body; return 1; }
}

fails_with() { # CODE NAME: in the table of `check`
    grep -E " $2 +[a-z]+ +error +$1 " $dir/table || { cat $dir/table; return 1; }
}

probe_says() { # TEXT
    { podman exec sidecar bugsink-health probe || true; } 2>&1 | grep "$1"
}

# Waits for the first answer at a port and keeps its first line and the time in microseconds.
await_answer() { # PORT
    until { exec 3<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null; do
        [ $((${EPOCHREALTIME/./} - begun)) -lt 20000000 ] || return 1
    done
    printf 'GET /health/self/ HTTP/1.0\r\n\r\n' >&3
    read -r -t 5 answer <&3
    took_us=$((${EPOCHREALTIME/./} - begun))
    exec 3>&-
}

# From exec to the first answer: without podman, whose own work takes far longer, but of the image's files and as its user.
measure_start() {
    local program
    for _ in 1 2 3 4 5; do
        begun=${EPOCHREALTIME/./}
        BUGSINK_HEALTH_LISTEN=127.0.0.1:8001 chroot --userspec=14237:14237 "$root" /usr/bin/bugsink-health \
            2>>$dir/chroot.log &
        program=$!
        await_answer 8001
        echo $((took_us / 1000))
        kill -INT $program
        wait $program || true
    done | sort -n | sed -n 3p
}

# Takes the image's files out of the page cache, so that reading them is charged to the container.
forget_files() {
    sync -f $dir
    find "$root" -type f -exec dd if={} iflag=nocache count=0 status=none \;
}

start_container() {
    forget_files
    confine create --name sidecar -e BUGSINK_HEALTH_CONFIG=/config/well.json \
        -v $dir/servers/authority.pem:/etc/ssl/certs/ca-certificates.crt:ro $image >/dev/null
    begun=${EPOCHREALTIME/./}
    podman start sidecar >/dev/null 2>>$dir/podman.log &
    await_answer 8000 || { cat $dir/podman.log; exit 1; }
    wait $!
    check "the first answer, ${took_us%???} ms after podman was told to start it: $answer" grep -q ' \(200\|503\) ' <<<"$answer"
    checker=$(podman inspect -f '{{.State.Pid}}' sidecar)
    responder=$(pgrep -P "$checker" | head -n 1)
}

try_endpoints() {
    check "all is well within 10 s" await 10 answers /health/ 200
    for path in live ready self started ready/default ready/mariadb ready/sqlite ready/snappea; do
        check "/health/$path/" answers "/health/$path/" 200
    done
    for target in "" live ready started self; do
        check "probe $target" podman exec sidecar bugsink-health probe $target
    done
    check "the image's health check" podman healthcheck run sidecar
    check "no shell can be run" not podman exec sidecar sh -c true
    mv $dir/data/db.sqlite3 $dir/data/away
    check "without the SQLite file: not ready" await 10 answers /health/ready/ 503
    check "without the SQLite file: alive" answers /health/live/ 200
    check "without the SQLite file: probe says so" probe_says '^sqlite: error: file_missing'
    check "without the SQLite file: unhealthy" not podman healthcheck run sidecar
    mv $dir/data/away $dir/data/db.sqlite3
    check "with it: ready again" await 10 answers /health/ready/ 200
}

field() { # PID FIELD
    sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status" | tr '\t' ' '
}

try_confinement() {
    local none=0000000000000000
    check "its root is read-only" grep -qE '^[0-9]+ [0-9]+ [^ ]+ / / ro[, ]' "/proc/$checker/mountinfo"
    for name in checker responder; do
        check "$name: user" equals "$(field ${!name} Uid)" "14237 14237 14237 14237"
        check "$name: no new privileges" equals "$(field ${!name} NoNewPrivs)" 1
        check "$name: no capabilities" equals "$(field ${!name} 'Cap[A-Z][a-z]*' | xargs)" "$none $none $none $none $none"
    done
}

# The most that was charged to the container: both processes, their children, files read.
peak_kb() {
    local group
    group=$(sed -n 's/^[0-9]*:memory://p' "/proc/$checker/cgroup")
    if [ -n "$group" ]; then
        echo $(($(cat "/sys/fs/cgroup/memory$group/memory.max_usage_in_bytes") / 1024))
    else
        echo $(($(cat "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$checker/cgroup")/memory.peak") / 1024))
    fi
}

own_kb() { # PID: its share of memory
    sed -n 's/^Pss: *\([0-9]*\) kB/\1/p' "/proc/$1/smaps_rollup"
}

try_end() {
    memory="checker $(own_kb "$checker") kB, responder $(own_kb "$responder") kB, container at most $(peak_kb) kB"
    check "was never out of memory" equals "$(podman inspect -f '{{.State.OOMKilled}}' sidecar)" false
    check "ends on SIGTERM" podman stop -t 20 sidecar
    check "with status 0" equals "$(podman inspect -f '{{.State.ExitCode}}' sidecar)" 0
}

try_commands() {
    check "wait, with nothing set, as an init container" confine run --rm $image wait --for start --timeout 20s
    check "check" confine run --rm -e BUGSINK_HEALTH_CONFIG=/config/well.json \
        -v $dir/servers/authority.pem:/etc/ssl/certs/ca-certificates.crt:ro $image check
    confine run --rm -e BUGSINK_HEALTH_CONFIG=/config/strangers.json $image check >$dir/table || true
    check "an unknown authority: PostgreSQL" fails_with tls postgres
    check "an unknown authority: MariaDB" fails_with tls mariadb
    check "caching_sha2_password is known: the login goes on until the server hangs up" fails_with reset mysql8
    confine run --rm -e BUGSINK_HEALTH_CONFIG=/config/well.json -e PGSERVICE=directory -e PGSERVICEFILE=/config/service.conf \
        $image check >$dir/table || true
    check "a service in LDAP is refused by libpq itself" grep -q 'could not create LDAP structure' $dir/table
}

if [ "${4:-}" != trial ]; then
    mount --bind "$work" $dir
    configure_podman
    build_image
    exec unshare --net "$0" "$@" trial # the build needed the network
fi
start_servers
try_contents
start_ms=$(measure_start)
start_container
try_endpoints
try_confinement
try_end
try_commands
echo "size: $((size / 1000)) kB; start to first answer: $start_ms ms; memory: $memory"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
