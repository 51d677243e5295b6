#!/bin/sh
# coverage.sh BUILD JOBS: builds with gcc's counters, runs all tests, and reports what they reach of src/ (BUILD/report.md).
# The counters of each program stand in one file that all its processes share (tests/coverage.c).
set -eu
build=$1 jobs=$2
cd "$(dirname "$0")/.."

make -j2 BUILD="$build" COVERAGE=1 CFLAGS="-O0 -g" "$build/bugsink-health" "$build/run-tests"
find "$build" -name '*.gcda' -delete
programs=$(find "$build" -maxdepth 1 -type f -perm -u+x ! -name '*.so')
for program in $programs; do
    : >"$program.counters"
    chmod a+rw "$program.counters" # daemons of other users count as well
done
result=0
BH_PROGRAM=$build/bugsink-health "$build/run-tests" -j "$jobs" || result=1
for program in $programs; do
    BH_COVERAGE_WRITE=1 "$program"
done
python3 scripts/coverage.py "$build/obj" docs/coverage.md "$build/report.md" || result=1
exit $result
