#!/bin/sh
# Proves what the compiler does not: the directions of includes, banned functions, layout, and the linters' opinion.
set -eu
cd "$(dirname "$0")/.."

failures=$(mktemp)
trap 'rm -f "$failures"' EXIT
sources=$(find src include -name '*.[ch]' | sort)
all_code=$(find src include tests tools -name '*.[ch]' | sort)

complain() {
    echo "lint: $*" >&2
    echo "$*" >>"$failures"
}

# Each room, and what it may include of ours besides itself: includes point down only. What all kinds share is the room
# kinds; each kind is a room of its own in it, which knows no other kind.
rooms() {
    cat <<END
base
report base
config report base
render report base
link report base
run config report base
kinds run config report base
$(for kind in src/kinds/*/; do echo "kinds/$(basename "$kind") kinds run config report base"; done)
responder link report base
checker kinds run render link config report base
cmd checker responder kinds run render link config report base
main cmd responder checker link config base
END
}

# The room of a file or header is its folder: src/ROOM/x.c, src/kinds/KIND/x.c, include/ROOM/x.h, src/main.c.
room_of() {
    case "$1" in
    */*) dirname "$1" ;;
    *) echo main ;;
    esac
}

# What the table of kinds and who stands above the rooms of kinds may have of one: its public headers.
may_include() { # ROOM HEADER
    to=$(room_of "$2")
    [ "$1" = "$to" ] && return 0
    [ "$1 $to" = "base filters" ] && return 0 # made at build time, by tools/filters.c
    [ -f "include/$2" ] || return 1 # private
    case "$1:$to" in
    kinds:kinds/* | checker:kinds/* | cmd:kinds/*) return 0 ;;
    esac
    case " $(rooms | awk -v room="$1" '$1 == room { $1 = ""; print }') " in
    *" $to "*) return 0 ;;
    *) return 1 ;;
    esac
}

includes_of() {
    sed -n 's/^# *include "\([^"]*\)"/\1/p' "$1"
}

check_rooms() {
    for file in $sources; do
        room=$(room_of "${file#*/}")
        rooms | grep -q "^$room\( \|$\)" || complain "$file: there is no room $room in the list of scripts/lint.sh"
        includes_of "$file" | while read -r header; do
            may_include "$room" "$header" || complain "$file: $room must not include $header"
        done
    done
}

# A header in include/ is a contract: another room includes it, or another contract does.
check_contracts() {
    for header in $(find include -name '*.h' | sort); do
        name=${header#include/}
        room=$(room_of "$name")
        grep -lF "#include \"$name\"" $sources |
            grep -vxE "$header|src/$room/[^/]*" | grep -q . ||
            complain "$header: its own room alone includes it: it belongs beside its source, in src/"
    done
}

# No files use each other in a circle, but for these.
known_circles() {
    cat <<END
src/base/log.c+src/base/process.c+src/base/str.c
END
}

check_circles() {
    for file in $sources; do
        [ "${file%.c}" != "$file" ] || continue
        echo "== $file"
        without_comments "$file"
    done | awk -v known="$(known_circles | xargs)" -f scripts/lint/circles.awk |
        while read -r line; do
            complain "$line"
        done
}

without_comments() {
    cc -fpreprocessed -dD -E -P -x c "$1" 2>/dev/null
}

# Who judges and tells asks what a kind is like (run/traits.h), never which it is. Comments may name one.
check_kinds() {
    kinds=$(for kind in src/kinds/*/; do basename "$kind"; done | xargs | tr ' ' '|')
    for file in $(in_rooms checker); do
        found=$(without_comments "$file" |
            grep -niE "KIND_($kinds)|\"($kinds)\"|mysql|mariadb|postgres|libpq|sqlite|kinds/[a-z]*/") || continue
        complain "$file: names a kind: $found"
    done
}

# Everything a file includes, directly and through others.
all_includes() {
    # shellcheck disable=SC2046 # flags are meant to be split
    cc -std=c11 -D_GNU_SOURCE -DWITH_MYSQL -Iinclude -Isrc $(pkg-config --cflags libevent_core libpq sqlite3 jansson libmariadb) -M -MG -x c "$1" |
        tr ' ' '\n' | sort -u
}

# forbid PATTERN FILE...: no such header may be seen by these files, not even through another.
forbid() {
    pattern=$1
    shift
    for file in "$@"; do
        [ -f "$file" ] || continue
        found=$(all_includes "$file" | grep -E "$pattern" | head -n 1) || true
        [ -z "$found" ] || complain "$file: must not see $found"
    done
}

in_rooms() {
    for room in "$@"; do
        find "src/$room" "include/$room" -name '*.[ch]' 2>/dev/null || true
    done
}

check_foreign_headers() {
    # shellcheck disable=SC2046 # lists of files without blanks
    forbid '/event2?[./]' $(in_rooms base report config render) src/checker/policy.c src/checker/schedule.c
    # shellcheck disable=SC2046
    forbid '/(libpq-fe|sqlite3|mysql|errmsg)\.h' $(in_rooms base report config render link responder)
    # shellcheck disable=SC2086
    grep -lE '^# *include <jansson' $sources | grep -vE '^(src|include)/(render|config|cmd)/|^src/(kinds/settings/json|checker/versions)\.c$' |
        while read -r file; do
            complain "$file: jansson belongs to render, config, cmd and kinds/settings/json.c (and versions.c asks its version)"
        done
}

# Few files speak to each of the libraries that may block or crash: who calls it, and who loads it.
check_database_headers() {
    # shellcheck disable=SC2086 # a list of files without blanks
    grep -lE '^# *include <(mysql|errmsg|mysqld_error)' $sources | grep -vE '^src/kinds/mysql/(mysql|connect|login|talk|questions|library|tls)\.[ch]$' |
        while read -r file; do
            complain "$file: mysql.h belongs to a run in kinds/mysql (and library.c loads it)"
        done
}

check_banned() {
    banned='strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|gmtime|localtime|alloca'
    # shellcheck disable=SC2086 # a list of files without blanks
    ! grep -nE "(^|[^A-Za-z0-9_])($banned)[[:space:]]*\(" $all_code || complain "banned functions: see the lines above"
}

# A child that asserts writes into what libcheck's runner reads: see tests/harness/fork.h. The benchmark's programs have
# no runner.
check_forks() {
    ! grep -rnE '(^|[^A-Za-z0-9_])fork[(][)]' tests --include='*.c' | grep -Ev '^tests/(harness/fork[.]c|bench/[a-z_]*[.]c):' ||
        complain "tests fork by test_fork: see the lines above"
}

check_file_length() {
    # shellcheck disable=SC2086 # a list of files without blanks
    wc -l $all_code | awk '$1 > 450 && $2 ~ /[.]c$/ { print $2, $1 }' |
        while read -r file count; do
            complain "$file: $count lines are more than 450"
        done
}

check_layout() {
    for file in $all_code; do
        head -n 1 "$file" | grep -q '^/\* ' || complain "$file: the first line says in a comment what the file is for"
    done
    scripts/wants.sh clang-format 14 "the layout is not looked at" || return 0
    for file in $all_code; do
        clang-format --dry-run -Werror "$file" 2>/dev/null || complain "$file: layout: run make format"
    done
}

# A function of clang-formatted code opens with a line at the margin and ends with a brace at the margin.
check_function_length() {
    # shellcheck disable=SC2086
    awk '
        FNR == 1 { start = 0 }
        /^[A-Za-z_].*\(/ && !/;$/ && !/=/ { start = FNR; name = $0 }
        /^}$/ && start { if (FNR - start + 1 > 80) print FILENAME ":" start ": " FNR - start + 1 " lines: " name; start = 0 }
    ' $sources tools/*.c | while read -r line; do
        complain "function over 80 lines: $line"
    done
}

# Bracketed letters keep this script from finding itself.
check_paths() {
    ! grep -rnE '(^|[^A-Za-z0-9_.-])/wor[k]/|\.\./share[d]' --exclude=.git --exclude-dir=.git --exclude-dir="build*" . ||
        complain "paths of somebody's machine: see the lines above"
}

# Links, headings, widths, spelling, and the functions of the tour through the house.
check_documents() {
    python3 scripts/lint/documents.py || complain "the documents: see the lines above"
}

# The picture of the house is the code's.
check_house() {
    awk '/^<!-- end of house/ { is_inside = 0 } is_inside { print } /^<!-- house:/ { is_inside = 1 }' docs/design.md >"$failures.house"
    scripts/house.sh | cmp -s - "$failures.house" || complain "docs/design.md: the picture of the house is not the code's: run make docs"
    rm -f "$failures.house"
}

# A page names a file of ours (`src/x.c`) where it is. Capitals stand for any name.
check_named_files() {
    git ls-files '*.md' | while read -r page; do
        grep -oE '`(src|include|tests|scripts|tools)/[^` ]*`' "$page" | tr -d '`' | sort -u | while read -r named; do
            case "$named" in
            *[A-Z]*) continue ;;
            esac
            # shellcheck disable=SC2086 # it may be a pattern
            ls -d $named >/dev/null 2>&1 || complain "$page: there is no $named"
        done
    done
}

check_scripts() {
    scripts/wants.sh shellcheck 0.9 "it may find what is not found elsewhere" || true
    shellcheck --severity=warning scripts/*.sh .ci/* deploy/debian/p* tests/*/*.sh deploy/kubernetes/overlays/helm/*.sh || complain "shellcheck"
    shellcheck --severity=warning --shell=bash deploy/completion/*.bash || complain "shellcheck"
}

# What pkg-config says is asked when make starts: a target that installs packages builds by a make of its own, after that.
check_makefile() {
    ! grep -nE '^[a-z-]+:.*deps-[a-z]+ [^#]*[$][(]BUILD[)]' Makefile ||
        complain "Makefile: a target that installs packages builds what it needs by \$(MAKE): see the lines above"
}

check_manual() {
    mandoc -T lint -W style docs/*.1 || complain "the manual: see the lines above"
}

# cppcheck sees no system headers: jansson's loop must be told (without a semicolon, at which it would split). And it knows who
# does not return by gcc's word alone.
check_cppcheck() {
    loop='json_object_foreach(o,k,v)=while(((k)=json_key(o))&&((v)=json_value(o)))'
    set -- --quiet --inline-suppr --error-exitcode=1 --std=c11 --suppress=missingIncludeSystem -j "$(nproc)" \
        -D"$loop" -D'_Noreturn=__attribute__((noreturn))' -D_GNU_SOURCE -DWITH_MYSQL -DBH_VERSION='""' -D__linux__ -Iinclude -Isrc
    scripts/wants.sh cppcheck 2.10 "it may find what is not found elsewhere" || true
    cppcheck --enable=warning,performance,portability,style "$@" src || complain "cppcheck"
    # Without style: libcheck's macros hide from it what a test uses.
    cppcheck --enable=warning,performance,portability "$@" -Itests tests || complain "cppcheck"
}

check_rooms
check_contracts
check_circles
check_kinds
check_foreign_headers
check_database_headers
check_banned
check_forks
check_file_length
check_layout
check_function_length
check_paths
check_documents
check_house
check_named_files
check_scripts
check_makefile
check_manual
check_cppcheck

[ -s "$failures" ] && exit 1
echo "lint: ok"
