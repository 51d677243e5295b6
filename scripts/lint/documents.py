#!/usr/bin/env python3
"""Proves of the documents what a reader would find out: links lead somewhere, lines are short, words are spelt, names exist.

documents.py: complains on standard error, a line each; exits with 1 if there was something to say.
"""
import re
import subprocess
import sys
from pathlib import Path

WIDTH = 120
FRONT_PAGE_LINES = 150
WORDS = Path('docs/words')
failures = []


def complain(text):
    failures.append(text)
    print('lint:', text, file=sys.stderr)


def tracked(*patterns):
    out = subprocess.run(['git', 'ls-files', *patterns], capture_output=True, text=True, check=True).stdout
    return [Path(name) for name in out.split('\n') if name and Path(name).exists()]


def lines_outside_code(text):
    """(number, line) of all that is no code block."""
    fence = None
    for number, line in enumerate(text.split('\n'), 1):
        mark = re.match(r' *(```+)', line)
        if mark and fence in (None, mark.group(1)):
            fence = None if fence else mark.group(1)
        elif not fence and not line.startswith('    ' * 2) and not re.match(r'    \S', line):
            yield number, line


def slug(heading):
    """The anchor that a forge gives a heading."""
    heading = re.sub(r'\[([^]]*)\]\([^)]*\)', r'\1', heading)
    return re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-')


def anchors_of(page):
    found = {}
    for _, line in lines_outside_code(page.read_text()):
        heading = re.match(r'#+ +(.*)', line)
        if heading:
            name = slug(heading.group(1).strip())
            found[name] = found.get(name, -1) + 1
    repeated = {f'{name}-{n}' for name, last in found.items() for n in range(1, last + 1)}
    return set(found) | repeated | set(re.findall(r'<a id="([^"]*)"', page.read_text()))


def check_links(page):
    text = '\n'.join(line for _, line in lines_outside_code(page.read_text()))
    for target in re.findall(r'\]\(([^) ]*)\)', re.sub(r'`[^`]*`', '', text)):
        if re.match(r'[a-z]+:', target):
            continue
        path, _, anchor = target.partition('#')
        there = page.parent / path if path else page
        if not there.exists():
            complain(f'{page}: a link leads nowhere: {target}')
        elif anchor and there.suffix == '.md' and anchor not in anchors_of(there):
            complain(f'{page}: there is no such heading: {target}')


def check_width(page):
    for number, line in lines_outside_code(page.read_text()):
        prose = re.sub(r'\]\([^)]*\)|<https?:[^>]*>|https?:\S*', '', line)
        if len(prose) > WIDTH and not line.startswith('|'):
            complain(f'{page}:{number}: {len(prose)} characters are more than {WIDTH}')


def check_opening(page):
    """A page says first which question it answers."""
    opening = page.read_text().split('\n\n')[1]
    if '?' not in opening:
        complain(f'{page}: its first paragraph is no question that it answers')


def check_functions(page, functions):
    for name in re.findall(r'`(\w+)\(\)`', page.read_text()):
        if name not in functions:
            complain(f'{page}: there is no function {name}() in src')


def functions_of_the_program():
    text = '\n'.join(path.read_text() for path in tracked('src/*.c'))
    return set(re.findall(r'^[a-z][\w \n*]*?\b(\w+)\([^;{}]*\)\s*\{$', text, re.M))


def prose_of(page):
    """What is spelt: no code, no addresses, no HTML."""
    text = '\n'.join(line for _, line in lines_outside_code(page.read_text()))
    text = re.sub(r'`[^`]*`', ' ', text)
    return re.sub(r'\]\([^)]*\)|<[^>]*>|https?:\S*|[^\s|]*[/_@\\][^\s|]*', ' ', text)


def spell(text, mode='none'):
    result = subprocess.run(['aspell', '--lang=en_GB', '--encoding=utf-8', f'--mode={mode}', 'list'], input=text,
                            capture_output=True, text=True, check=False)
    if result.returncode:
        complain(f'aspell: {result.stderr.strip()}')
    return set(result.stdout.split())


def check_spelling(pages, manuals):
    known = WORDS.read_text().split('\n')[:-1]
    if known != sorted(set(known), key=lambda word: (word.lower(), word)):
        complain(f'{WORDS}: not sorted, or a word twice')
    unknown = {page: spell(prose_of(page)) for page in pages}
    unknown |= {manual: spell(re.sub(r'\\f[A-Z]|\\', '', re.sub(r'^\.[BI].*$', '', manual.read_text(), flags=re.M)), 'nroff') for manual in manuals}
    for page, words in unknown.items():
        for word in sorted(words - set(known)):
            complain(f'{page}: {word}: misspelt, or a word for {WORDS}')
    everything = ' '.join(page.read_text() for page in [*pages, *manuals])
    for word in known:
        if not re.search(rf'(?<![A-Za-z]){re.escape(word)}(?![A-Za-z])', everything):
            complain(f'{WORDS}: {word} is in no document')


def main():
    pages = tracked('*.md')
    for page in pages:
        check_links(page)
        check_width(page)
    check_functions(Path('docs/design.md'), functions_of_the_program())
    for page in tracked('docs/*.md'):
        check_opening(page)
        if f'docs/{page.name}' not in Path('README.md').read_text() and page.name != 'coverage.md':
            complain(f'README.md: its index lacks {page}')
    if len(Path('README.md').read_text().split('\n')) - 1 > FRONT_PAGE_LINES:
        complain(f'README.md: more than {FRONT_PAGE_LINES} lines')
    check_spelling(pages, tracked('docs/*.1'))
    sys.exit(1 if failures else 0)


main()
