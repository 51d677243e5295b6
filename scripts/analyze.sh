#!/bin/sh
# analyze.sh FILE FLAGS...: what gcc's analyzer and clang-tidy find in one C file of src/, or clang-tidy alone in one of tests/.
# An exception is a comment NOLINT(check) on the line, or NOLINTNEXTLINE(check) above it, with its reason; for gcc's findings
# the check is gcc's name of them.
set -eu
file=$1
shift
found=$(mktemp)
trap 'rm -f "$found"' EXIT

# A finding of gcc's that has no exception where it stands.
report_gcc() {
    grep -E '^[^ ]+:[0-9]+:[0-9]+: (warning|error):' "$found" | while IFS=: read -r at line column text; do
        name=$(echo "$text" | sed -n 's/.*\[-\(Wanalyzer-[a-z-]*\)\]$/\1/p')
        sed -n "${line}p" "$at" | grep -q "NOLINT(${name}[,)]" ||
            sed -n "$((line - 1))p" "$at" | grep -q "NOLINTNEXTLINE(${name}[,)]" ||
            echo "$at:$line:$column:$text"
    done
}

case $file in
src/*)
    checks=
    case $file in
    # It is in the libraries' headers that the parameters have other names, where no comment of ours can stand.
    src/kinds/*/library.c) checks=-readability-inconsistent-declaration-parameter-name ;;
    esac
    gcc "$@" -O1 -fanalyzer -S -o /dev/null "$file" 2>"$found" || { cat "$found" >&2 && exit 1; }
    new=$(report_gcc)
    [ -z "$new" ] || { echo "$new" >&2 && exit 1; }
    ;;
*)
    gcc "$@" -E -o /dev/null "$file" # for make: which headers it depends on
    # Of tests: what can be wrong in them, and not their style. Left out besides what .clang-tidy leaves out: macros that paste
    # texts, tables with texts of several lines, and bytes for a socket, which end in no NUL.
    checks='-readability-*,-misc-*,-cert-*,-performance-*,-bugprone-macro-parentheses'
    checks=$checks,-bugprone-suspicious-missing-comma,-bugprone-not-null-terminated-result
    ;;
esac
clang-tidy --quiet ${checks:+"--checks=$checks"} "$file" -- "$@" >"$found" 2>/dev/null || { cat "$found" >&2 && exit 1; }
