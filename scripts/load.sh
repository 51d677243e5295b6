#!/usr/bin/env bash
# Attacks the program with slowhttptest and wrk while probes are sent as the kubelet sends them, and writes what became of the
# probes to BUILD_DIRECTORY/load.md. Exit status: 0 when every probe was answered, and in time.
set -euo pipefail

build=${1:?usage: scripts/load.sh BUILD_DIRECTORY}
probes=${LOAD_PROBES:-1000}
seconds=${LOAD_SECONDS:-20}
goal_ms=${LOAD_GOAL_MS:-100}
connections=${LOAD_CONNECTIONS:-5000}
limit=${LOAD_LIMIT:-15s} # of each of wrk's own timeouts; generous, for it is not wrk that is judged
report=$build/load.md
work=$(mktemp -d)
failures=0

ulimit -n $((connections * 2 + 1000)) || {
    echo "load: $connections connections need more descriptors than 'ulimit -Hn' allows: $(ulimit -Hn)" >&2
    exit 1
}

end() {
    stop_attack
    [ -z "${daemon:-}" ] || kill -KILL "$daemon" || true
    rm -rf "$work"
}

# The attack is a process group of its own: waves of a tool, one after the other.
stop_attack() {
    [ -z "${attack:-}" ] || { kill -TERM -- "-$attack" 2>/dev/null && wait "$attack"; } || true
    attack=
}

start_attack() {
    setsid bash -c 'while :; do echo wave; "$@" || sleep 0.1; done' attack "$@" >"$work/attack.log" 2>&1 &
    attack=$!
}

start_daemon() {
    rm -f "$work"/*.sqlite3*
    sqlite3 "$work/db.sqlite3" <config/demo/default.sql >"$work/sqlite.log"
    sqlite3 "$work/snappea.sqlite3" <config/demo/snappea.sql >>"$work/sqlite.log"
    cp config/demo/bugsink_conf.py "$work"
    port=$((20000 + RANDOM % 10000))
    env -i PATH="$PATH" DATABASE_PATH="$work/db.sqlite3" BUGSINK_HEALTH_QUEUE="$work/snappea.sqlite3" \
        BUGSINK_HEALTH_SETTINGS="$work/bugsink_conf.py" BUGSINK_HEALTH_LISTEN="127.0.0.1:$port" \
        "$build/bugsink-health" serve >"$work/daemon.log" 2>&1 &
    daemon=$!
    await_ready || {
        cat "$work/daemon.log" >&2
        exit 1
    }
}

await_ready() {
    for _ in $(seq 100); do
        "$build/bugsink-health" probe "http://127.0.0.1:$port/health/ready/" >/dev/null 2>&1 && return 0
        sleep 0.1
    done
    return 1
}

# value NAME FILE: of a line of NAME=VALUE.
value() {
    tr ' ' '\n' <"$2" | sed -n "s/^$1=//p"
}

in_ms() {
    awk -v us="$1" 'BEGIN { printf "%.1f", us / 1000 }'
}

# A counter of the daemon's own, in total.
count_of() {
    curl -s --max-time 10 "http://127.0.0.1:$port/metrics" | awk -v name="bugsink_health_$1" '
        $1 == name || index($1, name "{") == 1 { total += $2 } END { printf "%d", total }'
}

# One row: what it is called, and the command of the attack, if any.
measure() {
    name=$1
    shift
    before=$(count_of http_connections_accepted_total) evicted=$(count_of http_connections_evicted_total)
    requests=$(count_of http_requests_total)
    if [ $# -gt 0 ]; then
        start_attack "$@"
        sleep 2 # it has to have its connections first
    fi
    line=$work/probes
    $prefer "$build/probe-client" -n "$probes" -d "$seconds" -t 1000 "127.0.0.1:$port" /health/live/ /health/ready/ >"$line" || true
    waves=$([ $# -eq 0 ] || grep -c '^wave$' "$work/attack.log")
    stop_attack
    await_ready || true
    answered=$(value answered "$line") sent=$(value sent "$line") slowest=$(value took_max_us "$line")
    printf '| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n' "$name" \
        "$(awk -v a="$answered" -v s="$sent" 'BEGIN { printf "%g %% of %d", 100 * a / s, s }')" "$(value statuses "$line")" \
        "$(in_ms "$(value took_p50_us "$line")")" "$(in_ms "$(value took_p99_us "$line")")" "$(in_ms "$slowest")" \
        "$(in_ms "$(value behind_max_us "$line")")" \
        "$(($(count_of http_connections_accepted_total) - before))" "$(($(count_of http_connections_evicted_total) - evicted))" \
        "$(($(count_of http_requests_total) - requests))" "${waves:--}" | tee -a "$report"
    if [ "$answered" != "$sent" ] || [ "$slowest" -gt $((goal_ms * 1000)) ]; then
        echo "load: $name: the goal is missed: $(cat "$line")" >&2
        failures=$((failures + 1))
    fi
}

slow() {
    slowhttptest -c "$connections" -r 1000 -l $((seconds + 10)) -p 5 -u "http://127.0.0.1:$port$1" "${@:2}"
}

# -- the flood: more clients than places, beside nginx and haproxy with the same backlog --

flood_clients=${LOAD_FLOOD_CLIENTS:-10000}
flood_pipelined=${LOAD_FLOOD_PIPELINED:-8}
flood_rounds=${LOAD_FLOOD_ROUNDS:-3}
declare -A lost_by
backlog=4096 # as ours; the kernel cuts it to net.core.somaxconn

# One worker process, as many connections as a Debian of its own kind gives it.
start_nginx() {
    mkdir -p "$work/nginx"
    cat >"$work/nginx/conf" <<CONF
daemon off; master_process off; worker_processes 1; pid $work/nginx/pid; error_log $work/nginx/log;
events { worker_connections 768; }
http { access_log off; default_type text/plain;
client_body_temp_path $work/nginx/body; proxy_temp_path $work/nginx/proxy; fastcgi_temp_path $work/nginx/fastcgi;
uwsgi_temp_path $work/nginx/uwsgi; scgi_temp_path $work/nginx/scgi;
server { listen 127.0.0.1:$port backlog=$backlog; location / { return 200 "OK\n"; } } }
CONF
    PATH=$build/load/usr/sbin:$PATH nginx -e "$work/nginx/log" -p "$work/nginx" -c "$work/nginx/conf" >>"$work/peer.log" 2>&1 &
    daemon=$!
}

start_haproxy() {
    cat >"$work/haproxy.conf" <<CONF
global
 nbthread 1
defaults
 mode http
 backlog $backlog
 timeout client 5s
 timeout http-request 5s
frontend flooded
 bind 127.0.0.1:$port
 http-request return status 200 content-type text/plain string "OK"
CONF
    PATH=$build/load/usr/sbin:$PATH haproxy -db -f "$work/haproxy.conf" >>"$work/peer.log" 2>&1 &
    daemon=$!
}

await_peer() {
    for _ in $(seq 100); do
        curl -s -o "$work/peer.answer" --max-time 1 "http://127.0.0.1:$port/health/live/" && return 0
        sleep 0.1
    done
    echo "load: $1 does not answer" >&2
    return 1
}

# haproxy, started in the background, ignores SIGINT; to us SIGTERM is the beginning of drain.
end_daemon() {
    signal=INT
    [ "${1:-}" != haproxy ] || signal=TERM
    [ -z "${daemon:-}" ] || { kill -"$signal" "$daemon" && wait "$daemon"; } || true
    daemon=
}

# How many of 100 probes were lost while the clients come, ask and come back; sets lost, median and worst.
flood_one() {
    port=$((20000 + RANDOM % 10000))
    if [ "$1" = bugsink-health ]; then start_daemon; else
        "start_$1"
        await_peer "$1"
    fi
    "$build/flood-client" -c "$flood_clients" -p "$flood_pipelined" -d 14 "127.0.0.1:$port" /health/live/ >"$work/flood" &
    attack=$!
    sleep 2
    $prefer "$build/probe-client" -n 100 -d 10 -t 1000 "127.0.0.1:$port" /health/live/ >"$work/probes" || true
    wait "$attack"
    attack=
    end_daemon "$1"
    lost=$((100 - $(value answered "$work/probes")))
    median=$(in_ms "$(value took_p50_us "$work/probes")")
    served=$(($(value connected "$work/flood") / 14))
}

flood() {
    {
        echo
        echo "## A flood"
        echo
        echo "$flood_clients clients, each of which sends $flood_pipelined requests at once, reads, and comes back on a new connection;"
        echo "a backlog of $backlog for each server (net.core.somaxconn here: $(cat /proc/sys/net/core/somaxconn)). Probes lost of 100,"
        echo "each with 1 s for its answer; the median of those answered, in ms; clients that came in, per second."
        echo
        echo "| round | server | lost | p50 | clients/s |"
        echo "|---|---|---|---|---|"
    } | tee -a "$report"
    for round in $(seq "$flood_rounds"); do
        for server in bugsink-health nginx haproxy; do
            flood_one "$server"
            printf '| %s | %s | %s | %s | %s |\n' "$round" "$server" "$lost" "$median" "$served" | tee -a "$report"
            lost_by[$server]=$((${lost_by[$server]:-0} + lost))
        done
    done
    if [ "${lost_by[bugsink-health]}" -gt "${lost_by[nginx]}" ] || [ "${lost_by[bugsink-health]}" -gt "${lost_by[haproxy]}" ]; then
        echo "load: in the flood we lost more probes than a peer" >&2
        failures=$((failures + 1))
    fi
}

trap end EXIT
prefer=
[ "$(id -u)" != 0 ] || prefer="nice -n -5" # so that the client's own waiting is not taken for the server's
if [ "${LOAD_ONLY:-}" = flood ]; then
    : >"$report"
    flood
    exit "$failures"
fi
start_daemon
export -f slow
export connections seconds port
{
    echo "# Probes under load"
    echo
    echo "$probes probes in $seconds s, on /health/live/ and /health/ready/ in turn, each on a new connection, during each attack;"
    echo "$(nproc) processors ($(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)), load average at the start $(cut -d' ' -f1 /proc/loadavg), $(uname -sr)."
    echo "Times are from before connect() to the last byte, in ms. Behind: how late the probing client itself was, at most."
    echo
    echo "| attack | answered | statuses | p50 | p99 | slowest | behind | connections | evicted | requests | waves |"
    echo "|---|---|---|---|---|---|---|---|---|---|---|"
} | tee "$report"
measure "none: the reference"
measure "slowhttptest -H, slow headers, $connections connections" bash -c 'slow /health/ -H -i 2 -x 24'
measure "slowhttptest -B, slow body, $connections connections" bash -c 'slow /health/ -B -i 2 -s 8192 -x 24'
measure "slowhttptest -X, slow read, $connections connections" bash -c 'slow /health/ -X -k 3 -w 10 -y 20 -n 5 -z 32'
measure "slowhttptest -R, Range headers, $connections connections" bash -c 'slow /health/ -R -a 10 -b 3000'
measure "wrk, all paths, 200 connections" wrk -t2 -c200 -d$((seconds + 10)) --timeout "$limit" -s tests/bench/all-paths.lua "http://127.0.0.1:$port"
measure "wrk, all paths, 2,000 connections" wrk -t2 -c2000 -d$((seconds + 10)) --timeout "$limit" -s tests/bench/all-paths.lua "http://127.0.0.1:$port"
measure "wrk, a connection for each request" wrk -t2 -c200 -d$((seconds + 10)) --timeout "$limit" -H "Connection: close" "http://127.0.0.1:$port/health/"
measure "none again"
end_daemon
flood
echo "load: $report"
[ "$failures" = 0 ]
