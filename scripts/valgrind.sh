#!/bin/sh
# Runs the checker's main paths under valgrind: `check` where all is well, `check` where all fails, and `serve` from
# start to drain, with reloads while runs are in flight. Any error, in whichever process, fails, and any definite leak.
# $BH_PROGRAM is the program. More is checked where these name it: $BH_PG_DSN, a PostgreSQL database;
# $BH_PG_WRONG_DSN, one that refuses the password; $BH_HUNG_DSN, a server that accepts and never answers.
set -eu

program=${BH_PROGRAM:?set BH_PROGRAM to the path of the program}
listen=${BH_LISTEN:-127.0.0.1:18765}
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
# Without the star import, which may bring any name: some are to be missing.
sed '/ import \*/d' "$sources/bugsink_conf.py" >"$work/bugsink_conf.py"
echo "BUGSINK = {" >"$work/broken_conf.py"
cp "$sources/default.sql" "$work/garbage.sqlite3"
export BUGSINK_HEALTH_CONFIG="$work/config.json"
# valgrind makes system calls of its own in the program's place, and knows neither seccomp nor Landlock.
export BUGSINK_HEALTH_SANDBOX=off

# A database for the configuration, to stand behind others: name, DSN, role, whether it is critical. No DSN: nothing.
database() {
    [ -z "$2" ] || printf ', "%s": {"dsn": "%s", "role": "%s", "critical": %s}' "$1" "$2" "$3" "${4:-true}"
}

# Writes a configuration in which all is well, but for the databases ($1) and required settings ($2) given besides.
write_config() {
    cat >"$work/config.json" <<END
{"interval": "2m", "timeout": "100s", "drain": "1s", "listen": "$listen",
 "databases": {"default": {"dsn": "$work/db.sqlite3", "role": "main"},
               "snappea": {"dsn": "$work/snappea.sqlite3", "role": "queue"}$1},
 "settings": {"path": "$work/bugsink_conf.py", "format": "python", "require": ["SECRET_KEY", "BUGSINK"$2]}}
END
}

write_failing_config() {
    cat >"$work/config.json" <<END
{"interval": "2m", "timeout": "60s",
 "databases": {"default": {"dsn": "$work/nosuch.sqlite3", "role": "main"},
               "snappea": {"dsn": "$work/garbage.sqlite3", "role": "queue"},
               "dead": {"dsn": "postgresql://u@localhost:1/d"},
               "nameless": {"dsn": "postgresql://u@no..invalid/d"}
               $(database wrong "${BH_PG_WRONG_DSN:-}" main)},
 "settings": {"path": "$work/broken_conf.py", "format": "python"}}
END
}

# Its one database takes its whole timeout: with those that may take long on a busy machine they would all wait for it.
write_hung_config() {
    cat >"$work/config.json" <<END
{"interval": "20s", "timeout": "6s", "databases": {"default": {"dsn": "$BH_HUNG_DSN", "role": "plain"}}}
END
}

# A worker that is ended while it opens its library leaves there what the loader had just begun: known to a register alone, which
# valgrind does not ask any more then. Only what the loader itself allocates; the program's own it never hides.
cat >"$work/suppressions" <<'END'
{
   ended while it opens a library
   Memcheck:Leak
   match-leak-kinds: definite
   fun:*alloc
   obj:*/ld-linux*
   ...
   fun:_dl_open
}
END

# Replaces the shell, so that a process in the background is valgrind itself and gets our signals.
become_valgrind() {
    log=$1
    shift
    exec valgrind --quiet --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite \
        --num-callers=24 --suppressions="$work/suppressions" --error-exitcode=9 --trace-children=yes --child-silent-after-fork=no \
        --log-file="$work/$log.%p.log" \
        "$program" "$@"
}

fail() {
    echo "valgrind: $1" >&2
    cat "$work"/*.log "$work"/*.err >&2 || true
    exit 1
}

# Waits until the output of a command ($2...) has the text ($1).
await() {
    text=$1
    shift
    tries=1200
    until "$@" 2>&1 | grep -q "$text"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || fail "no \"$text\" from $*, but: $("$@" 2>&1)"
        sleep 0.1
    done
}

# A configuration is read and tried within five seconds, which valgrind on a busy machine may not keep: then we ask again.
echo 0 >"$work/late"
ask_again_if_late() {
    late=$(grep "reload failed" "$work/serve.err" | grep -cv "ends too early" || true)
    [ "$late" -eq "$(cat "$work/late")" ] || kill -HUP "$served"
    echo "$late" >"$work/late"
}

# Reloads a configuration with these databases and required settings besides, and with a mark: a new check, which fails.
# Once that shows, all other new checks have begun.
mark=0
reload() {
    mark=$((mark + 1))
    write_config "$1$(database "mark$mark" /nosuch plain false)" "$2"
    kill -HUP "$served"
    await file_missing probe_mark
}

probe_mark() {
    ask_again_if_late
    "$program" probe "http://$listen/health/ready/mark$mark"
}

reload_bad() {
    refused=$(count_refused)
    echo "{" >"$work/config.json"
    kill -HUP "$served"
    await refused tell_refused
}

count_refused() {
    grep -c "reload failed.*ends too early" "$work/serve.err" || true
}

tell_refused() {
    ask_again_if_late
    [ "$(count_refused)" -eq "$refused" ] || echo refused
}

reload_in_flight() {
    reload "$(database postgres "${BH_PG_DSN:-}" plain)$(database hung "${BH_HUNG_DSN:-}" plain)" ""
    reload "$(database postgres "${BH_PG_DSN:-}" main)$(database hung "${BH_HUNG_DSN:-}" main)" ', "NO_SUCH_SETTING"'
    reload_bad
    reload "$(database wrong "${BH_PG_WRONG_DSN:-}" main)" ', "NO_SUCH_SETTING"'
    reload "$(database hung "${BH_HUNG_DSN:-}" main)" ', "NO_SUCH_SETTING_EITHER"'
    reload "" ""
}

# Runs `check`, whose log is called $1. Its configuration is tried within five seconds, which valgrind on a busy machine may not
# keep: then it is tried again.
status=0
run_check() {
    for _ in 1 2 3 4 5; do
        status=0
        (become_valgrind "$1" check >"$work/$1.out" 2>"$work/$1.err") || status=$?
        grep -q 'has died, or hangs' "$work/$1.err" || break
    done
}

write_config "$(database postgres "${BH_PG_DSN:-}" main)" ""
run_check check
[ "$status" = 0 ] || fail "check: exit status $status: $(cat "$work/check.out")"

# Runs `check` with the configuration as it stands, which must fail with these codes ($2...). $1 names its log.
check_fails() {
    name=$1
    shift
    run_check "$name"
    [ "$status" = 1 ] || fail "check of what fails: exit status $status: $(cat "$work/$name.out")"
    for code in "$@"; do
        grep -q "$code" "$work/$name.out" || fail "check of what fails: no $code: $(cat "$work/$name.out")"
    done
}

write_failing_config
check_fails failing file_missing not_a_database refused unresolved parse_error ${BH_PG_WRONG_DSN:+auth_failed}
if [ -n "${BH_HUNG_DSN:-}" ]; then
    write_hung_config
    check_fails hung timeout
fi

write_config "$(database postgres "${BH_PG_DSN:-}" main)" ""
become_valgrind serve serve 2>"$work/serve.err" &
served=$!
await '^ok' "$program" probe "http://$listen/health/ready"
reload_in_flight
reload_in_flight
reload "$(database postgres "${BH_PG_DSN:-}" main)$(database hung "${BH_HUNG_DSN:-}" plain false)" ""
await '^ok' "$program" probe "http://$listen/health/ready"
kill -TERM "$served"
wait "$served" || fail "serve: exit status $?"
served=

# The children's own exit status is lost; what valgrind had to say about them is not.
[ -z "$(cat "$work"/*.log)" ] || fail "errors:"
echo "valgrind: ok"
