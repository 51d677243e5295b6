# Finds circles of files. Reads sources without their comments, each behind a line "== FILE". A file leads to another one
# where it uses what that one defines: a function, a table. -v known="a.c+b.c c.c+d.c" are the circles that stand.

# "const struct style *style_of(", "const struct style STYLES[] =": the name before bracket or equals sign.
function defined_by(line) {
    sub(/[=({].*/, "", line)
    gsub(/\[[^]]*\]| +$/, "", line)
    return match(line, /[A-Za-z_0-9]+$/) && RSTART > 1 ? substr(line, RSTART) : ""
}

# Whether both stand in one circle that is known.
function is_known(a, b,    i, n, circles) {
    n = split(known, circles, " ")
    for (i = 1; i <= n; i++)
        if (index("+" circles[i] "+", "+" a "+") && index("+" circles[i] "+", "+" b "+"))
            return 1
    return 0
}

$1 == "==" {
    file = $2
    files[file] = 1
    next
}

# In formatted code what begins at the margin, and does not end there, defines.
/^static .*[({=]/ { is_own[file, defined_by(substr($0, 8))] = 1 }
/^[A-Za-z_]/ && !/^(static|extern|typedef|_Static_assert)[ (]/ && !/;$/ { home[defined_by($0)] = file }

{
    gsub(/"([^"\\]|\\.)*"|(\.|->)[A-Za-z_0-9]+/, "")
    n = split($0, words, /[^A-Za-z0-9_]+/)
    for (i = 1; i <= n; i++)
        if (words[i] ~ /^[A-Za-z]+_/)
            is_used[file, words[i]] = 1
}

function find_edges(    use, part, to) {
    for (use in is_used) {
        split(use, part, SUBSEP)
        to = home[part[2]]
        if (to == "" || to == part[1] || (use in is_own))
            continue
        if (is_known(part[1], to))
            known_leads[part[1]] = known_is_led[to] = 1
        else
            edges[part[1], to] = part[2]
    }
}

# Whoever leads to nobody that is left is in no circle, nor is he to whom nobody leads: what is left in the end is
# circles, and what lies between two.
function leave_circles(    edge, part, file, leads, is_led, is_smaller) {
    do {
        is_smaller = 0
        split("", leads)
        split("", is_led)
        for (edge in edges) {
            split(edge, part, SUBSEP)
            if ((part[1] in files) && (part[2] in files))
                leads[part[1]] = is_led[part[2]] = 1
        }
        for (file in files)
            if (!(file in leads) || !(file in is_led)) {
                delete files[file]
                is_smaller = 1
            }
    } while (is_smaller)
}

# What stands in the list and is in its circle no more.
function check_known(    i, n, names) {
    n = split(known, names, /[ +]/)
    for (i = 1; i <= n; i++)
        if (!(names[i] in known_leads) || !(names[i] in known_is_led))
            print names[i] " is in no circle any more: it leaves the list in scripts/lint.sh"
}

END {
    find_edges()
    check_known()
    leave_circles()
    for (edge in edges) {
        split(edge, part, SUBSEP)
        if ((part[1] in files) && (part[2] in files))
            print "a circle of files: " part[1] " uses " edges[edge] " of " part[2]
    }
}
