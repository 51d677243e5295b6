#!/bin/sh
# In the emulated machine of `make arm64-test`: the program from start to end, and each attempt of the hole, with patience, for a
# second there may be a minute here. trial.sh ATTEMPTS: a file with a line "NAME SYSTEM_CALL" for each attempt. Prints a line for each test.
set -u
program=build/bugsink-health
hole=build/bugsink-health-hole
attempts=$1
url=http://127.0.0.1:8000
log=/tmp/log
failed=0
export DATABASE_PATH=/tmp/trial/db.sqlite3 SNAPPEA_DATABASE_PATH=/tmp/trial/snappea.sqlite3 BUGSINK_HEALTH_SETTINGS=/tmp/trial/bugsink_conf.py
export BUGSINK_HEALTH_LISTEN=127.0.0.1:8000 BUGSINK_HEALTH_TIMEOUT=15s BUGSINK_HEALTH_INTERVAL=30s BUGSINK_HEALTH_DRAIN=1s BUGSINK_HEALTH_SLOW=14s
cp -r trial /tmp/trial # from where this runs

# check NAME COMMAND...: whether it succeeds; if not, the log is shown.
check() {
    name=$1
    shift
    if "$@" >/tmp/output 2>&1; then
        echo "ok $name"
    else
        echo "FAILED $name"
        cat /tmp/output
        tail -n 20 "$log"
        failed=1
    fi
}

# Until the command succeeds, two minutes at most.
await() {
    tries=600
    until "$@"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
        sleep 0.2
    done
}

start() {
    : >"$log"
    "$@" 2>"$log" &
    checker=$!
    await grep -q 'event=listening' "$log"
}

has() { wget -q -O - "$url$1" | grep -q "$2"; }
says() { grep -q "$1" "$log"; }
is_ready() { "$program" probe >/dev/null 2>&1; }
stop() {
    kill -TERM "$checker"
    wait "$checker"
}

serve() {
    check "serve starts" start "$program" serve
    check "its sandbox is whole" await says 'process=responder event=sandbox sandbox="seccomp landlock=[0-9]*"$'
    check "probe: it becomes ready" await is_ready
    check "/health/live/" has /health/live/ OK
    check "/health/started/" has /health/started/ .
    check "/health/self/" has /health/self/ .
    check "/health/ready/" has /health/ready/ '"status"'
    check "/health/ready/default" has /health/ready/default '"status"'
    check "/health/" has /health/ '"checks"'
    check "/metrics" has /metrics '^bugsink_health_'
    check "what is none is not found" sh -c "wget -O - $url/nothing 2>&1 | grep -q 404"
    kill -HUP "$checker"
    check "SIGHUP: it reloads" await says 'event=reloaded'
    check "and is ready after it" await is_ready
    check "SIGTERM: it drains, and ends well" stop
    check "which it tells" says 'event=draining\|event=stopp'
}

# An attempt ends the responder, by name; where the kernel does that itself there is no name.
attempt() {
    start "$hole" serve || return 1
    wget -q -O - "$url/hole/$1/$checker" >/dev/null 2>&1
    await says 'event="responder gone"' || { kill -KILL "$checker"; return 1; }
    wait "$checker"
    says "event=\"sandbox violation\" system_call=$2 " && ! says 'event=hole'
}

check "check: all is well" "$program" check
check "config" "$program" config
check "explain" "$program" explain
serve
while read -r name call; do
    check "attempt: $name" attempt "$name" "$call"
done <"$attempts"
exit "$failed"
