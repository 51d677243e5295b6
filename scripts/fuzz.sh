#!/bin/sh
# What is done with the fuzzers once they are built:
#   fuzz.sh run BUILD SECONDS NAME...   runs each for so long, on a copy of its corpus; stops at the first finding
#   fuzz.sh merge BUILD NAME...         writes what the copies reach beyond the corpora into tests/fuzz/corpus
#   fuzz.sh coverage BUILD NAME...      says which lines of their sources the corpora reach; fails below 95 %
set -eu
cd "$(dirname "$0")/.."
command=$1
build=$2
shift 2

corpora=tests/fuzz/corpus
size_max=16384 # bytes of an input that is tried
merge_max=4096 # and of one that joins a corpus: the few that must be longer are called seed-*

# Runs a fuzzer: any input that takes 5 s or 512 MB is a finding.
fuzz() {
    name=$1
    shift
    options=
    [ -f "tests/fuzz/$name.dict" ] && options="-dict=tests/fuzz/$name.dict"
    # shellcheck disable=SC2086 # one option, or none
    "$build/fuzz/fuzz_$name" $options -max_len=$size_max -timeout=5 -rss_limit_mb=512 -malloc_limit_mb=256 "$@"
}

run() {
    seconds=$1
    shift
    for name in "$@"; do
        mkdir -p "$build/fuzz/corpus/$name" "$build/fuzz/findings"
        log="$build/fuzz/$name.log"
        echo "fuzz: $name, ${seconds} s" >&2
        if ! fuzz "$name" -max_total_time="$seconds" -print_final_stats=1 -artifact_prefix="$build/fuzz/findings/$name-" \
            "$build/fuzz/corpus/$name" "$corpora/$name" >"$log" 2>&1; then
            tail -n 60 "$log" >&2
            echo "fuzz: $name: a finding; the input stands in $build/fuzz/findings" >&2
            exit 1
        fi
        grep -E '^stat::number_of_executed_units' "$log"
    done
}

# Short names, by content: nothing is renamed that stays. What is called found-*, a finding once, and seed-* stays.
merge() {
    for name in "$@"; do
        rm -rf "$build/fuzz/merged"
        mkdir -p "$build/fuzz/merged" "$build/fuzz/corpus/$name"
        fuzz "$name" -set_cover_merge=1 -max_len=$merge_max "$build/fuzz/merged" "$corpora/$name" "$build/fuzz/corpus/$name" >"$build/fuzz/$name.log" 2>&1
        find "$corpora/$name" -type f ! -name 'found-*' ! -name 'seed-*' -delete
        for input in "$build/fuzz/merged"/*; do
            mv "$input" "$corpora/$name/$(basename "$input" | cut -c 1-10)"
        done
        echo "fuzz: $name: $(find "$corpora/$name" -type f | wc -l) inputs, $(du -sb "$corpora/$name" | cut -f 1) bytes"
    done
}

# The sources that a target is for stand in its first comment.
sources_of() {
    sed '/\*\//q' "tests/fuzz/fuzz_$1.c" | grep -oE 'src/[a-z_/]+\.c'
}

coverage() {
    directory=$build/fuzz-coverage
    rm -f "$directory/missed"
    failed=
    printf '%-16s %-36s %6s %6s %8s\n' fuzzer source lines missed reached
    for name in "$@"; do
        LLVM_PROFILE_FILE="$directory/$name.raw" "$directory/fuzz_$name" -runs=0 "$corpora/$name" >"$directory/$name.log" 2>&1
        llvm-profdata merge -o "$directory/$name.profile" "$directory/$name.raw"
        for source in $(sources_of "$name"); do
            llvm-cov show "$directory/fuzz_$name" -instr-profile="$directory/$name.profile" "$source" >"$directory/lines"
            # A line: its number, how often it was reached (nothing where there is nothing to reach), its text.
            awk -F'|' -v name="$name" -v source="$source" '
                $1 ~ /^ *[0-9]+$/ && $2 ~ /[0-9]/ {
                    lines++
                    if ($2 ~ /^ *0$/) { missed++; list = list sprintf("    %s:%d:%s\n", source, $1, substr($0, length($1 $2) + 3)) }
                }
                END {
                    printf "%-16s %-36s %6d %6d %7.1f%%\n", name, source, lines, missed, 100 * (lines - missed) / lines
                    printf "%s", list >"/dev/stderr"
                    exit 100 * (lines - missed) <= 95 * lines
                }' "$directory/lines" 2>>"$directory/missed" || failed="$failed $source"
        done
    done
    echo 'not reached:'
    cat "$directory/missed"
    [ -z "$failed" ] || {
        echo "fuzz: not above 95 %:$failed" >&2
        exit 1
    }
}

"$command" "$@"
