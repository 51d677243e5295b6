/* Tests of the Python parser: the names it finds, and the places where it gives up. */
#include "base/str.h"
#include "kinds/settings/python.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The names bound by text, sorted, with spaces between; or "line:column what". */
static void parse(const char *text, char *found, size_t size) {
    struct settings_names names = {0};
    struct settings_fault fault = {0};
    struct strbuf line = {0};
    strbuf_append(&line, "");
    if (settings_python_parse(text, &names, &fault) < 0)
        strbuf_format(&line, "%d:%d %s", (int)fault.line, (int)fault.column, fault.what);
    else
        settings_names_settle(&names);
    for (size_t i = 0; !fault.what && i < names.count; i++)
        if (!names.items[i].is_nested)
            strbuf_format(&line, "%s%s", line.length > 0 ? " " : "", names.items[i].text);
    str_copy(found, size, line.data);
    strbuf_release(&line);
    settings_names_release(&names);
}

struct row {
    const char *text, *found;
};

static void assert_rows(const struct row *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char found[512];
        parse(rows[i].text, found, sizeof found);
        ck_assert_msg(
            strcmp(found, rows[i].found) == 0, "%s\n--> %s\nnot %s", rows[i].text, found, rows[i].found);
    }
}

#define ASSERT_ROWS(rows) assert_rows(rows, sizeof rows / sizeof rows[0])

START_TEST(assignments_of_all_forms_bind_names) {
    static const struct row ROWS[] = {
        {"", ""},
        {"\n\n# only a comment = 1\n", ""},
        {"A = 1", "A"},
        {"A=1;B=2 ; C = 3", "A B C"},
        {"A = B = C = 1\n", "A B C"},
        {"A, B = 1, 2\n(C, D) = 3, 4\n[E, *F] = x\n(G) = 1", "A B C D E F G"},
        {"A, (B, [C, D]) = x", "A B C D"},
        {"A: int = 5\nB: \"Dict[str, int]\" = {}\nC: Dict[str, int] = {}", "A B C"},
        {"A: int\nB: int = 1", "B"},
        {"A += 1\nB -= 1\nC //= 2\nD **= 2\nE >>= 1\nF |= G", ""},
        {"a.b = 1\na[b] = 2\nf(x).y = 3\na.b[c], D = 4, 5\nx[y:z] = 1\nA[B].c = D = 1", "D"},
        {"A == B\nA <= B\nA != B\nA >= B", ""},
        {"f(A=1, B=2)\nX = dict(A=1)\nprint(1, end='')", "X"},
        {"X = lambda a=1, b=2: a\nY = 1", "X Y"},
        {"A = {\n  'k': v,\n  # B = 1\n  'l': [1,\n  2],\n}\nB = 2\n", "A B"},
        {"A = \\\n  1\nB \\\n  = 2", "A B"},
        {"if (A := f()): pass\n(B := 1)\nx = [C := 1, C]", "A B C x"},
        {"\xc3\xa4 = 1\n_x1 = 2", "_x1 \xc3\xa4"},
        {"type X = int\ntype = type(X)\ntype", "X type"},
        {"A = 1\r\nB = 2\rC = 3\n", "A B C"},
        {"A = 1\f\n\f\nB = 1", "A B"},
        {"True = 1", ""},
    };
    ASSERT_ROWS(ROWS);
}
END_TEST

START_TEST(imports_and_definitions_bind_names) {
    static const struct row ROWS[] = {
        {"import os", "os"},
        {"import os.path, sys as system, a.b as c", "c os system"},
        {"from a import b as c, d", "c d"},
        {"from a.b import (\n  c,  # x\n  d as e,\n)\n", "c e"},
        {"from . import x\nfrom .. import y\nfrom .m import z", "x y z"},
        {"from bugsink.conf import *", ""},
        {"import", "1:7 something is missing in front of this"},
        {"from x import ,", "1:15 something is missing in front of this"},
        {"from x import y,", "1:17 something is missing in front of this"},
        {"from x import (y,)\nfrom .z import *", "y"},
        {"from x", "1:7 import is missing here"},
        {"import a; B = 1", "B a"},
        {"def f(a=1, b: int = 2) -> int:\n  A = 1\n  return 1\nB = 1", "B f"},
        {"async def f():\n  A = 1\nB = 1", "B f"},
        {"class C(D, metaclass=E):\n  A = 1\n  def g(self):\n    X = 1\n  Y = 2\nB = 1", "B C"},
        {"def f(): A = 1\nB = 1", "B f"},
        {"def f():\n  import a\n  def g():\n    B = 1\n  C = 2\n\n# x\n  D = 3\nE = 4", "E f"},
        {"@decorate(x=1)\ndef f(): pass", "f"},
        {"def f(x=lambda: 1): A = 1", "f"},
    };
    ASSERT_ROWS(ROWS);
}
END_TEST

START_TEST(blocks_at_module_level_are_looked_into) {
    static const struct row ROWS[] = {
        {"if x:\n  A = 1\nelif y:\n  B = 2\nelse:\n  C = 3", "A B C"},
        {"if x: A = 1; B = 2\nelse: C = 3", "A B C"},
        {"try:\n  A = 1\nexcept E as e:\n  B = 2\nfinally: C = 3", "A B C e"},
        {"with open('x') as f:\n\tA = 1", "A f"},
        {"for i in range(3): A = i\nwhile x: B = 1", "A B i"},
        {"if x == {1: 2}[1]: A = 1", "A"},
        {"if (lambda a: a)(1): A = 1", "A"},
        {"while lambda a: b: A = 1", "A"},
        {"if x:\n  def f():\n    A = 1\n  B = 1", "B f"},
        {"match x:\n  case 'a': A = 1\n  case 1 | 2: B = 1\n  case None: C = 1\n  case _:\n    D = 1",
            "A B C D"},
        {"match = 1\ncase = 2\nmatch in x\nmatch.a = 1\nmatch[0] = 1", "case match"},
    };
    ASSERT_ROWS(ROWS);
}
END_TEST

START_TEST(strings_of_all_kinds_are_skipped) {
    static const struct row ROWS[] = {
        {"A = 'B = 1'", "A"},
        {"A = \"it's\"; B = 'say \"x\"'", "A B"},
        {"A = '\\''; B = '\\\\'; C = 1", "A B C"},
        {"A = '''\nB = 1\n'\n''\n'''\nC = 1", "A C"},
        {"A = \"\"\"x\"\"\" \"\"\"y\\\"\"\"\"\nB = 1", "A B"},
        {"A = r'\\'",
            "1:6 this string is never closed"}, /* the backslash hides the quote in a raw string, too */
        {"A = r'\\''\nB = 1", "A B"},
        {"A = b'x'; B = rb'x'; C = Rb\"x\"; D = u'x'; E = BR'''x'''", "A B C D E"},
        {"A = 'a\\\nb'\nB = 1", "A B"},
        {"A = 'a\\\r\nb'\nB = 1", "A B"},
        {"A = ''\nB = \"\"\nC = ''''''", "A B C"},
        {"A = ('x'\n  'y')\nB = 1", "A B"},
        {"A = fun'x'", "1:8 an operator or a comma is missing in front of this"},
        {"A = bu'x'", "1:7 an operator or a comma is missing in front of this"},
        {"A = 'x' b'y'", "1:9 bytes and text cannot be one string"},
        {"A = b'\xc3\xa4'", "1:7 bytes have ASCII characters only"},
        {"A = 'C:\\Users'", "1:8 this escape has too few digits; a path is best written r'...'"},
        {"A = r'C:\\Users'; B = b'\\u'; C = '\\x4a\\u00e4\\U0001f600\\N{DIGIT ONE}'", "A B C"},
        {"A = '\\x4'", "1:6 this escape has too few digits; a path is best written r'...'"},
        {"A = '\\U00110000'", "1:6 this escape names no character"},
        {"A = '\\N'", "1:6 this escape names no character"},
    };
    ASSERT_ROWS(ROWS);
}
END_TEST

START_TEST(f_strings_are_skipped_as_python_3_12_does) {
    static const struct row ROWS[] = {
        {"A = f'{x}'; B = 1", "A B"},
        {"A = f'{{'; B = f'}}'; C = 1", "A B C"},
        {"A = f\"{d['k']}\"; B = 1", "A B"},
        {"A = f\"{d[\"k\"]}\"; B = 1", "A B"},
        {"A = f'{'\"'}'; B = 1", "A B"},
        {"A = f'{x!r:>{width}}' ; B = 1", "A B"},
        {"A = f'{x != y}'; B = f'{ {1: 2}[1] }'; C = f'{x:%H:%M}'", "A B C"},
        {"A = f'{\n x # }\n}'\nB = 1", "A B"},
        {"A = f'''{\nx}\n'''\nB = 1", "A B"},
        {"A = rf'\\{x}'; B = fR'{x}\\d'; C = t'{x}'", "A B C"},
        {"A = f'\\N{LATIN SMALL LETTER A}{x}'; B = 1", "A B"},
        {"A = f'{f\"{f'{x}'}\"}'; B = 1", "A B"},
        {"A = f'{x'\nB = 1", "1:9 this string is never closed"},
        {"A = f'''{x", "1:9 this brace is never closed"},
        {"A = f'{x:>3'\n", "1:12 a brace in this string is never closed"},
        {"t = 1\nA = f'{t:%H o\\'clock}'; B = f\"{t:\\\"^9}\"; C = f'{1:\\'>10}'", "A B C t"},
        {"A = f'{x:{{y}}}'; B = f'{x!r:^{w}.{p}}'; C = f'{x = !s}'; D = f'{x=:>3}'", "A B C D"},
        {"A = f'{*a, b}'; B = f'{x if y else z}'; C = f'{(lambda x: 1)}'; D = f'{a[\"b\"]:=5}'", "A B C D"},
        {"A = f\"{(1]}\"", "1:10 this bracket closes one of another kind"},
        {"A = f\"}\"", "1:7 this brace was never opened"},
        {"A = f\"{1)}\"", "1:9 this bracket was never opened"},
        {"A = f\"{}\"", "1:8 nothing stands between these braces"},
        {"A = f'{ !r}'", "1:9 nothing stands between these braces"},
        {"A = f'{x!z}'", "1:9 only !r, !s or !a may stand here"},
        {"A = f'{a b}'", "1:10 an operator or a comma is missing in front of this"},
        {"A = f'{a +}'", "1:11 something is missing in front of this"},
        {"A = f'{x:\\x4}'", "1:10 this escape has too few digits; a path is best written r'...'"},
        {"A = f'{lambda x: 1}'", "1:16 a lambda within braces needs parentheses"},
    };
    ASSERT_ROWS(ROWS);
}
END_TEST

START_TEST(what_is_not_closed_is_told_where_it_was_opened) {
    static const struct row ROWS[] = {
        {"A = 1\nB = 'x\nC = 1", "2:5 this string is never closed"},
        {"A = \"\"\"x\n\"\" ", "1:5 this string is never closed"},
        {"\xc3\xa4\xc3\xb6 = (\n1,\n", "1:6 this bracket is never closed"},
        {"A = [\n{1: (2}\n]", "2:7 this bracket closes one of another kind"},
        {"A = 1\n)", "2:1 this bracket was never opened"},
        {"A = {'x': [1, 2}", "1:16 this bracket closes one of another kind"},
        {"A = '\\", "1:5 this string is never closed"},
        {"A = \\", "1:5 nothing but a line's end may follow this backslash"},
        {"A = \\ \n1", "1:5 nothing but a line's end may follow this backslash"},
        {"A = 1 \\\n", "1:7 nothing but a line's end may follow this backslash"},
        {"A = 1\r\nB = 'x\r\n", "2:5 this string is never closed"},
        {"A =\nB = 1", "1:3 nothing is assigned here"},
        {"A = 1\nSECRET_KEY = # later\n", "2:12 nothing is assigned here"},
        {"A: int =", "1:8 nothing is assigned here"},
        {"A = $x", "1:5 this character may not stand outside of a string"},
        {"A = x ! y", "1:7 this character may not stand outside of a string"},
        {"A = \xe2\x80\x9cx\xe2\x80\x9d", "1:5 this character may not stand outside of a string"},
        {"A\xc2\xa0= 1", "1:2 this character may not stand outside of a string"},
    };
    ASSERT_ROWS(ROWS);
}
END_TEST

START_TEST(names_are_bound_by_whatever_binds_in_python) {
    static const struct row ROWS[] = {
        {"for A in x: pass", "A"},
        {"for i, (B, *C) in x: pass\nfor x[j], d.e, f(g).h in y: pass\nfor D, in z: pass", "B C D i"},
        {"async def f():\n  async for i in x: pass\n  async with a as b: pass", "f"},
        {"with a as A, b() as (B, [C]), c as d.e, f as g[h]: pass", "A B C"},
        {"with (a as A, b(c=1) as B): pass\nwith (a, b) as C: pass", "A B C"},
        {"try: pass\nexcept (E, F) as A: pass\nexcept* G as B: pass", "A B"},
        {"match x, 1:\n  case ('p', A): B = 1\n  case [C, *D] if E: pass\n  case F.G | H(i=I) | {'j': J, "
         "**K} as L: pass\n"
         "  case M: pass",
            "A B C D I J K L M"},
        {"A = [i for i in x if (B := i)]\nif C := f(D): pass\nwhile (E := 1): pass", "A B C E"},
        {"def f(a=(A := 1)):\n  global B\n  for C in x: pass", "A f"},
    };
    ASSERT_ROWS(ROWS);
}
END_TEST

/* Whether names may have come that nobody sees. */
static bool is_open(const char *text) {
    struct settings_names names = {0};
    struct settings_fault fault;
    ck_assert_msg(settings_python_parse(text, &names, &fault) == 0, "%s: %s", text, fault.what);
    bool result = names.is_open;
    settings_names_release(&names);
    return result;
}

START_TEST(names_may_have_come_unseen_by_a_star_import_or_by_computing_them) {
    static const char *const OPEN[] = {"from a import *", "if x:\n  from .a import *",
        "for k in 'A', 'B': globals()[k] = 1", "exec('A = 1')",
        "import sys\nsetattr(sys.modules[__name__], 'A', 1)", "locals().update(x)", "vars()['A'] = 1",
        "configure(__name__)", "include('base.py')", "def f():\n  global A\n  A = 1",
        "sys.modules['x'].A = 1"};
    static const char *const CLOSED[] = {"import a", "from a import b", "A = 1\ndef f(): A = 1",
        "for i in x: pass", "a.b = 1\na['b'] = 1", "'exec'"};
    for (size_t i = 0; i < sizeof OPEN / sizeof OPEN[0]; i++)
        ck_assert_msg(is_open(OPEN[i]), "%s", OPEN[i]);
    for (size_t i = 0; i < sizeof CLOSED / sizeof CLOSED[0]; i++)
        ck_assert_msg(!is_open(CLOSED[i]), "%s", CLOSED[i]);
}
END_TEST

#define INDENTED  "this line is indented, and nothing before it asks for that"
#define TWO       "an operator or a comma is missing in front of this"
#define MISSING   "something is missing in front of this"
#define MISPLACED "this may not stand here"

START_TEST(blocks_are_indented_as_python_wants_them) {
    static const struct row ROWS[] = {
        {"if x:\n  A = 1\n\n # comment\n  B = 1\n    # comment\nC = 1", "A B C"},
        {"if x:\n  A = 1\n ", "A"},
        {"if x: # comment\n\n  # comment\n  A = 1", "A"},
        {"if x:\n\tA = 1\n\tif y:\n\t    B = 1", "A B"},
        {"A = (\n1,\n  2)\nB = \\\n    3", "A B"},
        {" A = 1", "1:2 " INDENTED},
        {"A = 1\n  B = 2", "2:3 " INDENTED},
        {"if x:\nA = 1", "2:1 an indented block was expected here"},
        {"if x:\n", "2:1 an indented block was expected here"},
        {"if x:\n    A = 1\n  B = 1", "3:3 this line is indented like none of the blocks before it"},
        {"if x:\n\tif y:\n        A = 1", "3:9 an indented block was expected here"},
        {"if x:\n        A = 1\n\tB = 1",
            "3:2 tabs and spaces are mixed here so that Python cannot tell the indentation"},
        {"try:\n  A = 1\nB = 1", "3:1 the try before this has neither except nor finally"},
        {"try: A = 1", "1:11 the try before this has neither except nor finally"},
        {"else: A = 1", "1:1 there is nothing before this that it could belong to"},
        {"if x: A = 1\nB = 1\nelif y: C = 1", "3:1 there is nothing before this that it could belong to"},
        {"for i in x: A = 1\nelse: B = 1\ntry: C = 1\nexcept: D = 1\nelse: E = 1\nfinally: F = 1",
            "A B C D E F i"},
        {"@x\nA = 1", "2:1 a decorator needs a function or class behind it"},
        {"return 1", "1:1 return stands outside of a function"},
        {"class A:\n  return", "2:3 return stands outside of a function"},
        {"while 1:\n  if x: break\n  def f(): return\n  continue", "f"},
        {"if x: break", "1:7 break and continue stand in loops alone"},
        {"match x:\n  A = 1", "2:3 case was expected here"},
    };
    ASSERT_ROWS(ROWS);
}
END_TEST

START_TEST(operands_and_operators_come_in_turn) {
    static const struct row ROWS[] = {
        {"A = {'a': 1 'b': 2}", "1:13 " TWO},
        {"A = [\n  'a',\n  'b'\n  c,\n]", "4:3 " TWO},
        {"A = f(x y)", "1:9 " TWO},
        {"A = B C", "1:7 " TWO},
        {"print 'x'", "1:7 " TWO},
        {"A = (1 +)", "1:9 " MISSING},
        {"A = [1,, 2]", "1:8 " MISSING},
        {"A = 1 +\nB = 2", "1:8 " MISSING},
        {"A = x.", "1:7 " MISSING},
        {"A = x.1", "1:6 " TWO},
        {"A = x[]", "1:7 " MISSING},
        {"A = (B = 1)", "1:8 " MISPLACED},
        {"A = [1: 2]", "1:7 " MISPLACED},
        {"A = x if y", "1:11 this if has no else"},
        {"A = x else y", "1:7 this else has no if"},
        {"A = [x for x]", "1:13 this for has no in"},
        {"A = lambda x", "1:13 this lambda has no colon"},
        {"if x\n  A = 1", "1:5 a colon is missing here"},
        {"if x = 1: pass", "1:6 " MISPLACED},
        {"A + B = 1", "1:7 nothing can be assigned to what stands before this"},
        {"f() = 1", "1:5 nothing can be assigned to what stands before this"},
        {"A = B += 1", "1:7 " MISPLACED},
        {"A = f(x=1, y)", "1:13 the argument before this has no name, and one before it has"},
        {"A = 5a", "1:5 this is not a number"},
        {"A = 0777", "1:5 this is not a number"},
        {"A = 1__0", "1:5 this is not a number"},
        {"A = pass", "1:5 " MISPLACED},
        {"A = 1; if x: B = 1", "1:8 " MISPLACED},
        {"A = 1;; B = 1", "1:7 " MISPLACED},
        {"A = 0xfor 1; B = 1if x else 2; C = 1_0.5e-3j; D = .5; E = 00; F = 1..real", "A B C D E F"},
        {"A = x[1:2, ::3, ...]; B = {**a, 'b': 1}; C = f(*a, b, **c, d=1); D = *a, b", "A B C D"},
        {"A = lambda *a, b=1, **c: (yield); B = lambda: 0; C = [lambda x: x for x in y if x]", "A B C"},
        {"A = not x in y; B = x not in y is not z; C = -+~x ** -y; D = await_", "A B C D"},
        {"def f(a, /, b: int = 1, *, c=(), **d) -> x[1]: pass\nA: x = 1", "A f"},
        {"A = x if y else z if v else w; B = [x if y else z for x in y if z]", "A B"},
        {"match = case = type = 1\nmatch[0]: int = 1\nmatch(x).y = type(x)\ncase[0] = -match",
            "case match type"},
    };
    ASSERT_ROWS(ROWS);
}
END_TEST

/* before, times over, then after. */
static char *repeat(const char *before, int times, const char *after) {
    struct strbuf text = {0};
    for (int i = 0; i < times; i++)
        strbuf_append(&text, before);
    strbuf_append(&text, after);
    return text.data;
}

START_TEST(nesting_is_bounded) {
    const struct {
        const char *piece;
        int fine, too_many;
    } rows[] = {{"(", 200, 201}, {"f'{", 150, 152}, {"f'{x:{", 75, 152}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char found[512];
        char *text = repeat(rows[i].piece, rows[i].fine, "");
        parse(text, found, sizeof found);
        ck_assert_msg(strstr(found, "never closed") != NULL, "%s", found);
        free(text);
        text = repeat(rows[i].piece, rows[i].too_many, "");
        parse(text, found, sizeof found);
        ck_assert_msg(strstr(found, "nested too deeply") != NULL, "%s", found);
        free(text);
    }
    char *text = repeat("f'{x:{", 100000, "");
    char found[512];
    parse(text, found, sizeof found);
    ck_assert_ptr_nonnull(strstr(found, "nested too deeply"));
    free(text);
}
END_TEST

START_TEST(a_name_assigned_often_is_one_name) {
    char *text = repeat("A = 1\n", 10000, "B = 2\n");
    char found[512];
    parse(text, found, sizeof found);
    ck_assert_str_eq(found, "A B");
    free(text);
}
END_TEST

START_TEST(a_file_cut_anywhere_is_parsed_or_refused_but_never_overrun) {
    static const char WHOLE[] =
        "import os\nfrom a import (b as c)\nBUGSINK = {'X': f'{os.environ[\"Y\"]!r:>{3}}', 'Z': 0x1e-5}\n"
        "if (n := 3) << 4: A, *B = rb'''x'' ''' , \"\\N{DASH}\" # end\nclass C: x: int = \\\n 1\n";
    for (size_t length = 0; length <= sizeof WHOLE - 1; length++) {
        char *text = malloc(length + 1); /* exactly as long, for the sanitizer to see an overrun */
        memcpy(text, WHOLE, length);
        text[length] = '\0';
        char found[512];
        parse(text, found, sizeof found);
        free(text);
    }
    char found[512];
    parse(WHOLE, found, sizeof found);
    ck_assert_str_eq(found, "A B BUGSINK C c n os");
}
END_TEST

Suite *settings_python_suite(void) {
    Suite *suite = suite_create("settings_python");
    TCase *tcase = tcase_create("settings_python");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, assignments_of_all_forms_bind_names);
    tcase_add_test(tcase, imports_and_definitions_bind_names);
    tcase_add_test(tcase, blocks_at_module_level_are_looked_into);
    tcase_add_test(tcase, strings_of_all_kinds_are_skipped);
    tcase_add_test(tcase, f_strings_are_skipped_as_python_3_12_does);
    tcase_add_test(tcase, what_is_not_closed_is_told_where_it_was_opened);
    tcase_add_test(tcase, names_are_bound_by_whatever_binds_in_python);
    tcase_add_test(tcase, names_may_have_come_unseen_by_a_star_import_or_by_computing_them);
    tcase_add_test(tcase, blocks_are_indented_as_python_wants_them);
    tcase_add_test(tcase, operands_and_operators_come_in_turn);
    tcase_add_test(tcase, nesting_is_bounded);
    tcase_add_test(tcase, a_name_assigned_often_is_one_name);
    tcase_add_test(tcase, a_file_cut_anywhere_is_parsed_or_refused_but_never_overrun);
    return suite;
}
