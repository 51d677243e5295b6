#!/bin/sh
# Writes a table of the README anew, between its marks "<!-- NAME: ... -->" and "<!-- end of NAME -->": scripts/docs.sh NAME TABLE
set -eu
name=${1:?usage: scripts/docs.sh NAME TABLE} table=$(realpath "${2:?usage: scripts/docs.sh NAME TABLE}")
cd "$(dirname "$0")/.."

page=$(mktemp)
trap 'rm -f "$page"' EXIT
awk -v table="$table" -v name="$name" '
    index($0, "<!-- end of " name " -->") == 1 { is_inside = 0 }
    !is_inside { print }
    index($0, "<!-- " name ":") == 1 { is_inside = 1; while ((getline line < table) > 0) print line }
' README.md >"$page"
cat "$page" >README.md
