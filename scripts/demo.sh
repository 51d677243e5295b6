#!/bin/sh
# Serves from the build directory named as argument: with demo databases and settings, unless the environment names others.
set -eu

build=${1:?usage: scripts/demo.sh BUILD_DIRECTORY}
program=$build/bugsink-health

for name in DATABASE_URL DATABASE_URL_FILE DATABASE_PATH SNAPPEA_DATABASE_PATH BUGSINK_HEALTH_QUEUE BUGSINK_HEALTH_CONFIG BUGSINK_HEALTH_SETTINGS; do
    if printenv "$name" >/dev/null; then
        echo "demo: $name is set, so no demo databases" >&2
        exec "$program" serve
    fi
done

demo=$(cd "$build" && pwd)/demo
sources=$(dirname "$0")/../config/demo
mkdir -p "$demo"

# Made aside and moved into place, so that an interrupted run leaves no half of one.
make_database() {
    [ -e "$demo/$1" ] && return
    rm -f "$demo/$1-wal" "$demo/$1-shm" "$demo/$1.new"
    sqlite3 "$demo/$1.new" <"$sources/$2" >/dev/null
    mv "$demo/$1.new" "$demo/$1"
}

make_database db.sqlite3 default.sql
make_database snappea.sqlite3 snappea.sql
[ -e "$demo/bugsink_conf.py" ] || cp "$sources/bugsink_conf.py" "$demo/bugsink_conf.py"

export DATABASE_PATH="$demo/db.sqlite3"
export BUGSINK_HEALTH_QUEUE="$demo/snappea.sqlite3"
export BUGSINK_HEALTH_SETTINGS="$demo/bugsink_conf.py"

listen=${BUGSINK_HEALTH_LISTEN:-[::]:8000}
cat >&2 <<END
demo: look:   curl -i http://localhost:${listen##*:}/health/ready/   (and /health/, /health/live/)
demo: why:    $program probe http://localhost:${listen##*:}/health/ready/
demo: break:  rm $demo/db.sqlite3     or: echo 'BROKEN = (' >>$demo/bugsink_conf.py
demo: repair: sqlite3 $demo/db.sqlite3 <config/demo/default.sql     or: cp config/demo/bugsink_conf.py $demo/
END
exec "$program" serve
