#!/bin/sh
# Runs the checker's main paths under valgrind: `check`, then `serve` from start to drain. Any error or definite leak,
# in whichever process, fails. $BH_PROGRAM is the program; $BH_PG_DSN adds a PostgreSQL database to what is checked.
set -eu

program=${BH_PROGRAM:?set BH_PROGRAM to the path of the program}
sources=$(dirname "$0")/../config/demo
work=$(mktemp -d)
served=
cleanup() {
    [ -z "$served" ] || kill -9 "$served" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

sqlite3 "$work/db.sqlite3" <"$sources/default.sql" >/dev/null
sqlite3 "$work/snappea.sqlite3" <"$sources/snappea.sql" >/dev/null
cp "$sources/bugsink_conf.py" "$work/"
extra=
[ -z "${BH_PG_DSN:-}" ] || extra=", \"postgres\": {\"dsn\": \"$BH_PG_DSN\", \"role\": \"plain\"}"
cat >"$work/config.json" <<END
{"interval": "20s", "timeout": "15s", "drain": "1s", "listen": "${BH_LISTEN:-127.0.0.1:18765}",
 "databases": {"default": {"dsn": "$work/db.sqlite3", "role": "main"},
               "snappea": {"dsn": "$work/snappea.sqlite3", "role": "queue"}$extra},
 "settings": {"path": "$work/bugsink_conf.py", "format": "python", "require": ["SECRET_KEY", "BUGSINK"]}}
END
export BUGSINK_HEALTH_CONFIG="$work/config.json"

# Replaces the shell, so that a process in the background is valgrind itself and gets our signals.
become_valgrind() {
    log=$1
    shift
    exec valgrind --quiet --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite --error-exitcode=9 \
        --trace-children=yes --child-silent-after-fork=no --log-file="$work/$log.%p.log" "$program" "$@"
}

fail() {
    echo "valgrind: $1" >&2
    cat "$work"/*.log "$work"/*.err >&2 || true
    exit 1
}

(become_valgrind check check >"$work/check.out") || fail "check: exit status $?: $(cat "$work/check.out")"

become_valgrind serve serve 2>"$work/serve.err" &
served=$!
tries=120
until "$program" probe ready >"$work/probe.out" 2>&1; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || fail "serve did not become ready: $(cat "$work/probe.out")"
    sleep 0.5
done
kill -TERM "$served"
wait "$served" || fail "serve: exit status $?"
served=

# The children's own exit status is lost; what valgrind had to say about them is not.
[ -z "$(cat "$work"/*.log)" ] || fail "errors:"
echo "valgrind: ok"
