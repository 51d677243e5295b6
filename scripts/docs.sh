#!/bin/sh
# Writes the README's table of codes anew, from what the program PROGRAM says of its own reason table.
set -eu
program=$1
cd "$(dirname "$0")/.."

table=$(mktemp) && page=$(mktemp)
trap 'rm -f "$table" "$page"' EXIT
"$program" explain --markdown >"$table"
awk -v table="$table" '
    /^<!-- end of codes -->/ { is_inside = 0 }
    !is_inside { print }
    /^<!-- codes:/ { is_inside = 1; while ((getline line < table) > 0) print line }
' README.md >"$page"
cat "$page" >README.md
