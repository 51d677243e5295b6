#!/bin/sh
# Writes a generated part of a page again, between its marks "<!-- NAME: ... -->" and "<!-- end of NAME -->".
# docs.sh PAGE NAME TEXT: TEXT is a file. Tables stay as they are; prose is wrapped.
set -eu
usage="usage: scripts/docs.sh PAGE NAME TEXT"
page=${1:?$usage} name=${2:?$usage} text=$(realpath "${3:?$usage}")
cd "$(dirname "$0")/.."

wrapped=$(mktemp) new=$(mktemp)
trap 'rm -f "$wrapped" "$new"' EXIT
while IFS= read -r line; do
    case "$line" in
    '|'*) printf '%s\n' "$line" ;;
    *) printf '%s\n' "$line" | fold -s -w 118 | sed 's/ *$//' ;;
    esac
done <"$text" >"$wrapped"
grep -q "^<!-- $name:" "$page" || {
    echo "docs.sh: $page has no place for $name" >&2
    exit 1
}
awk -v text="$wrapped" -v name="$name" '
    index($0, "<!-- end of " name " -->") == 1 { is_inside = 0 }
    !is_inside { print }
    index($0, "<!-- " name ":") == 1 { is_inside = 1; while ((getline line < text) > 0) print line }
' "$page" >"$new"
cat "$new" >"$page"
