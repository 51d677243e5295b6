#!/usr/bin/env python3
"""Makes the report of `make coverage`: what each file of src/ has covered, and each line that no test has reached.

usage: coverage.py OBJECTS DOCS.md REPORT.md

OBJECTS is the folder with the counters that the tests have left, read by gcov.

DOCS.md (docs/coverage.md) holds the reasons: its lines "- `src/x.c`: `one`, `two`" name functions that have lines which no
test reaches. Fails below 95 % of lines overall, and on a line not reached in a function that is not named there.
"""

import json
import os
import re
import subprocess
import sys

LINES_WANTED = 95.0
ENTRY = re.compile(r"^- `(src/[^`]+)`: (.*)$")


def reasons(path):
    """The functions named in the document: {file: {function}}."""
    named = {}
    with open(path, encoding="utf-8") as document:
        for line in document:
            entry = ENTRY.match(line)
            if entry:
                named.setdefault(entry[1], set()).update(re.findall(r"`([^`]+)`", entry[2]))
    return named


def share(reached, count):
    return "%.1f" % (100.0 * reached / count) if count else "-"


def counters(objects):
    """What gcov says of each C file of ours: {file: {"functions": [...], "lines": [...]}}."""
    found = {}
    for folder, _, names in os.walk(objects):
        for name in sorted(names):
            if not name.endswith(".gcno"):
                continue
            path = os.path.abspath(os.path.join(folder, name))
            text = subprocess.run(
                ["gcov", "--branch-probabilities", "--json-format", "--stdout", path],
                check=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            ).stdout
            for data in json.loads(text)["files"]:
                if data["file"].startswith("src/") and data["file"].endswith(".c"):
                    found[data["file"]] = data
    return found


def was_reached(counted):
    """Counts that gcov works out from others may be off, even below 0, where a process was killed between two of them."""
    return counted["count"] != 0


class File:
    def __init__(self, data):
        self.name = data["file"]
        lines = {line["line_number"]: line for line in data["lines"]}
        branches = [branch for line in lines.values() for branch in line["branches"]]
        self.line_count = len(lines)
        self.lines_reached = sum(was_reached(line) for line in lines.values())
        self.branch_count = len(branches)
        self.branches_reached = sum(was_reached(branch) for branch in branches)
        self.functions = sorted((function["start_line"], function["name"]) for function in data["functions"])
        with open(self.name, encoding="utf-8") as source:
            text = source.read().split("\n")
        self.missed = [
            (number, self.function_at(number), text[number - 1].strip())
            for number, line in sorted(lines.items())
            if not was_reached(line)
        ]

    def function_at(self, number):
        before = [name for start, name in self.functions if start <= number]
        return before[-1] if before else "?"

    def row(self):
        return "| %s | %s | %s | %d of %d |" % (
            self.name,
            share(self.lines_reached, self.line_count),
            share(self.branches_reached, self.branch_count),
            self.line_count - self.lines_reached,
            self.line_count,
        )


def write_report(path, files, total):
    with open(path, "w", encoding="utf-8") as report:
        report.write("# What the tests reach of src/\n\n")
        report.write("| file | lines, % | branches, % | lines not reached |\n|---|---|---|---|\n")
        for file in files:
            report.write(file.row() + "\n")
        report.write(total + "\n\n## Lines not reached\n\nThe reasons are in docs/coverage.md.\n")
        for file in files:
            if file.missed:
                report.write("\n%s\n\n" % file.name)
                for number, function, text in file.missed:
                    report.write("    %5d %s: %s\n" % (number, function, text))


def without_reason(files, named):
    """The lines that the document does not explain, and the names in it that do not exist."""
    found = []
    for file in files:
        known = named.get(file.name, set())
        found += ["%s:%d: %s: %s" % ((file.name,) + line) for line in file.missed if line[1] not in known]
        gone = known - {name for _, name in file.functions}
        found += ["%s: named in the document, but there is no such function: %s" % (file.name, name) for name in gone]
    names = {file.name for file in files}
    return found + ["there is no such file: %s" % name for name in named if name not in names]


def main(objects, document_path, report_path):
    files = [File(data) for _, data in sorted(counters(objects).items())]
    line_count = sum(file.line_count for file in files)
    reached = sum(file.lines_reached for file in files)
    branch_count = sum(file.branch_count for file in files)
    branches = sum(file.branches_reached for file in files)
    total = "| all | %s | %s | %d of %d |" % (
        share(reached, line_count),
        share(branches, branch_count),
        line_count - reached,
        line_count,
    )
    write_report(report_path, files, total)
    print("coverage: %s %% of lines, %s %% of branches: %s" % (share(reached, line_count), share(branches, branch_count), report_path))
    unexplained = without_reason(files, reasons(document_path))
    for line in unexplained:
        print("coverage: no test reaches, and docs/coverage.md does not say why:", line)
    if 100.0 * reached < LINES_WANTED * line_count:
        print("coverage: under %s %% of lines" % LINES_WANTED)
        return 1
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
