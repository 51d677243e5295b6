"""Compares what our reader of Python settings refuses with what this machine's Python refuses to compile.

compare.py READER [--mutations N] [--seed N] [DIRECTORY...]

Every .py file below the directories (standard: /), and N mutations of them (10,000), are given to both. A file that
Python takes and our reader refuses is an error, is shown, and makes the exit code 1.
"""
import argparse
import os
import random
import subprocess
import sys
import tempfile
import warnings

MAX_BYTES = 1024 * 1024  # SETTINGS_MAX_BYTES
SKIPPED = {"/proc", "/sys", "/dev"}
TOKENS = ["(", ")", "[", "]", "{", "}", ",", ":", ";", "=", "==", "+", "*", "**", ".", "...", "'", '"', '"""', "#", "\\",
          "\n", " ", "    ", "\t", "if", "else", "for", "in", "not", "lambda", "x", "1", "f'{", "}'", "match ", "as ",
          "async ", "await ", "yield ", "return ", "\u00e9", "0x", "1_", "->", ":=", "@", "~", "!"]


def python_files(roots):
    for root in roots:
        for directory, names, files in os.walk(root):
            names[:] = [n for n in names if os.path.join(directory, n) not in SKIPPED]
            for name in files:
                path = os.path.join(directory, name)
                if name.endswith(".py") and os.path.isfile(path):
                    if 0 < os.path.getsize(path) <= MAX_BYTES:
                        yield path


def read(path):
    """None where the file has gone."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def python_takes(source):
    try:
        compile(source, "f", "exec", dont_inherit=True)
        return True
    except (SyntaxError, ValueError, MemoryError, RecursionError, OverflowError):
        return False


class Reader:
    """Our reader, as a process that is given one path after the other."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def says(self, path):
        self.process.stdin.write(os.fsencode(path) + b"\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().decode(errors="replace").strip()


def mutate(source, dice):
    """A few characters, lines or tokens taken out, doubled, exchanged or put in."""
    source = bytearray(source[: 20000])
    for _ in range(dice.choice([1, 1, 1, 2, 3])):
        at = dice.randrange(len(source) + 1)
        kind = dice.randrange(7)
        if kind == 0:
            del source[at : at + dice.choice([1, 1, 2, 5])]
        elif kind == 1:
            source[at:at] = dice.choice(TOKENS).encode()
        elif kind == 2:
            source[at : at + 1] = dice.choice(TOKENS).encode()
        elif kind == 3:
            source[at:at] = source[at : at + dice.randrange(1, 40)]
        else:
            lines = source.split(b"\n")
            n = dice.randrange(len(lines))
            if kind == 4:
                del lines[n]
            elif kind == 5:
                lines[n] = dice.choice([b" ", b"  ", b"    ", b"\t"]) + lines[n]
            else:
                lines[n] = lines[n].lstrip()
            source = bytearray(b"\n".join(lines))
    return bytes(source)


class Tally:
    def __init__(self):
        self.taken = self.both = self.missed = self.wrong = 0

    def add(self, takes, says, show):
        refuses = not says.startswith("ok")
        self.taken += takes and not refuses
        self.both += not takes and refuses
        self.missed += not takes and not refuses
        self.wrong += takes and refuses
        if takes and refuses:
            print(f"WRONG {show()}: {says}", flush=True)

    def __str__(self):
        return (f"taken by both {self.taken}, refused by both {self.both}, refused by Python alone {self.missed}, "
                f"refused by us alone {self.wrong}")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("reader")
    options.add_argument("directories", nargs="*", default=["/"])
    options.add_argument("--mutations", type=int, default=10000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--keep", help="a directory for what is refused by us alone, or by Python alone")
    options.add_argument("--files", type=int, help="only so many files, taken at random")
    options = options.parse_args()
    warnings.simplefilter("ignore")
    sys.setrecursionlimit(10000)
    dice = random.Random(options.seed)
    reader = Reader(options.reader)
    paths = sorted(python_files(options.directories))
    if options.files is not None:
        paths = dice.sample(paths, min(options.files, len(paths)))
    files, mutations = Tally(), Tally()
    with tempfile.TemporaryDirectory() as directory:
        copy = os.path.join(directory, "copy.py")

        def compare(source, tally, name):
            """Both read the same bytes, whatever becomes of the file."""
            with open(copy, "wb") as file:
                file.write(source)
            takes, says = python_takes(source), reader.says(copy)
            tally.add(takes, says, lambda: name)
            if options.keep and takes != says.startswith("ok"):
                kept = os.path.join(options.keep, f"{'wrong' if takes else 'missed'}-{name.replace('/', '_')[-80:]}.py")
                with open(kept, "wb") as file:
                    file.write(source)

        for path in paths:
            source = read(path)
            if source:
                compare(source, files, path)
        print(f"{sys.version.split()[0]}, {len(paths)} files: {files}", flush=True)
        n = 0
        while n < options.mutations:
            source = read(dice.choice(paths))
            if source:
                compare(mutate(source, dice), mutations, f"mutation {n}")
                n += 1
    print(f"{options.mutations} mutations, seed {options.seed}: {mutations}")
    return 1 if files.wrong or mutations.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
