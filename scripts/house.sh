#!/bin/sh
# Prints the picture of the house, in mermaid: each room, and an arrow to each whose headers it includes. What other arrows lead
# to has none of its own. Every kind is in one room: lint proves that none knows another.
set -eu
cd "$(dirname "$0")/.."

arrows() {
    find src include -name '*.[ch]' | sort | while read -r file; do
        from=$(echo "$file" | cut -d/ -f2)
        [ "$from" != main.c ] || from=main
        sed -n 's/^# *include "\([^"/]*\)\/.*/\1/p' "$file" | sed "s/^/$from /"
    done | awk '$1 != $2' | sort -u
}

kinds=$(for kind in src/kinds/*/; do basename "$kind"; done | xargs | sed 's/ /, /g')
printf '```mermaid\nflowchart TD\n'
printf '    kinds["kinds<br/>%s"]\n' "$kinds"
arrows | awk '
    { has[$1, $2] = 1; rooms[$1]; rooms[$2] }
    function reaches(from, to, room) { # by more than one arrow
        for (room in rooms)
            if (room != to && (from, room) in has && ((room, to) in has || reaches(room, to)))
                return 1
        return 0
    }
    { order[++count] = $0; from[count] = $1; to[count] = $2 }
    END { for (i = 1; i <= count; i++) if (!reaches(from[i], to[i])) printf "    %s --> %s\n", from[i], to[i] }
'
printf '```\n'
