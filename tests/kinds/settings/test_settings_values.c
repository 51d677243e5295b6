/* Tests of what is known of the values that settings are given, by what the rules say of them. */
#include "kinds/settings/settings_judged.h"

#include <check.h>
#include <string.h>

static const char SHORT[] = "SECRET_KEY is shorter than 50 characters";

/* Forms of SECRET_KEY = 'x' that must be recognised. */
static const char *const PLAIN[] = {
    "SECRET_KEY = 'x'",
    "SECRET_KEY: str = \"x\"",
    "SECRET_KEY = OTHER = '''x'''",
    "OTHER = SECRET_KEY = r'x\\n'",
    "SECRET_KEY = 'x' 'y' \\\n  U\"z\"  # comment",
    "SECRET_KEY = f()\nSECRET_KEY = 'x'",
    "SECRET_KEY = 'x'; OTHER = f()",
    "from base import *\nSECRET_KEY = 'x'",
    "if X: OTHER = 1\nSECRET_KEY = 'x'",
    "SECRET_KEY = 'x'\nOTHER += 1\ndel THIRD",
    "SECRET_KEY = 'x'\ndef f():\n  SECRET_KEY = g()\n",
    "a.b = SECRET_KEY = 'x'",
    "BUGSINK = {}\nSECRET_KEY = 'x'\nBUGSINK.update(a=1)",
};

/* Forms whose value may be anything. */
static const char *const COMPUTED[] = {
    "SECRET_KEY = os.getenv('SECRET_KEY')",
    "SECRET_KEY = os.environ['SECRET_KEY']",
    "SECRET_KEY = 'x' + f()",
    "SECRET_KEY = 'x' * 50",
    "SECRET_KEY = 'x' % y",
    "SECRET_KEY = 'x'.join(y)",
    "SECRET_KEY = 'x' if y else z",
    "SECRET_KEY = ('x')",
    "SECRET_KEY = 'x',",
    "SECRET_KEY = f'x'",
    "SECRET_KEY = 'x' f'{y}'",
    "SECRET_KEY = b'x'",
    "SECRET_KEY = rb'x'",
    "SECRET_KEY = '\\x41'",
    "SECRET_KEY = 'x' 'y\\n'",
    "SECRET_KEY, OTHER = 'x', 'y'",
    "SECRET_KEY, OTHER = 'xy'",
    "(SECRET_KEY) = 'x'\nSECRET_KEY += 'y'",
    "[SECRET_KEY] = 'x'",
    "SECRET_KEY = (OTHER := 'x')",
    "SECRET_KEY = lambda: 'x'",
    "SECRET_KEY = 'x' or f()",
    "SECRET_KEY = not 'x'",
    "SECRET_KEY = 'x' == y",
    "SECRET_KEY = 'x'\nSECRET_KEY += f()",
    "SECRET_KEY = 'x'\nif y: SECRET_KEY = z",
    "SECRET_KEY = 'x'\nif y:\n  SECRET_KEY = z",
    "SECRET_KEY = 'x'\ntry:\n  SECRET_KEY = z\nexcept E: pass",
    "SECRET_KEY = 'x'\nSECRET_KEY = f()",
    "SECRET_KEY = 'x'\nfrom local import *",
    "SECRET_KEY = 'x'\nfrom local import SECRET_KEY",
    "SECRET_KEY = 'x'\nfrom local import (A, B as SECRET_KEY)",
    "SECRET_KEY = 'x'\nglobals().update(f())",
    "SECRET_KEY = 'x'\nexec(open('y').read())",
    "SECRET_KEY = 'x'\nvars()['SECRET_KEY'] = y",
    "SECRET_KEY = 'x'\nimport sys\nsetattr(sys.modules[__name__], 'SECRET_KEY', y)",
    "def f():\n  global SECRET_KEY\n  SECRET_KEY = y\nSECRET_KEY = 'x'\nf()",
    "if y: SECRET_KEY = 'x'",
    "if y:\n  SECRET_KEY = 'x'",
    "SECRET_KEY = 'x'\ndel SECRET_KEY",
    "SECRET_KEY = 'x'\n(SECRET_KEY := y)",
    "SECRET_KEY = 'x'\ndef SECRET_KEY(): pass",
    "SECRET_KEY = 5.5",
};

START_TEST(a_plain_literal_is_known_in_all_its_forms) {
    struct strbuf list = settings_judged(PLAIN[_i], SETTINGS_PYTHON);
    ck_assert_msg(strcmp(list.data, SHORT) == 0, "%s --> %s", PLAIN[_i], list.data);
    strbuf_release(&list);
}
END_TEST

START_TEST(what_is_computed_or_may_have_changed_is_not_judged) {
    struct strbuf list = settings_judged(COMPUTED[_i], SETTINGS_PYTHON);
    ck_assert_msg(strcmp(list.data, "") == 0, "%s --> %s", COMPUTED[_i], list.data);
    strbuf_release(&list);
}
END_TEST

START_TEST(the_keys_of_bugsink_are_known_while_nothing_may_have_changed_them) {
    static const char WRONG[] = "BUGSINK.BASE_URL must begin with http:// or https://";
    static const char *const known[] = {
        "BUGSINK = {'BASE_URL': 'x'}",
        "BUGSINK: dict = {\n  # comment\n  'A': {'BASE_URL': f(1)}, \"BASE_URL\": \"x\",\n}\n",
        "BUGSINK = {'A': [1, 2], 'BASE_URL': 'x' 'y', 'B': f(a=1), 'C': lambda a: {1: 2}}",
        "BUGSINK = {KEY: 1, **OTHER, 'BASE_URL': 'x'}",
        "BUGSINK = {'BASE_URL': f(), 'BASE_URL': 'x'}",
        "BUGSINK = f()\nBUGSINK = {'BASE_URL': 'x'}\nHOSTS = deduce(BUGSINK['BASE_URL'])",
    };
    static const char *const unknown[] = {
        "BUGSINK = {'BASE_URL': os.getenv('BASE_URL', 'x')}",
        "BUGSINK = {'BASE_URL': 'x' + y}",
        "BUGSINK = {'BASE_URL': 'x', KEY: y}",
        "BUGSINK = {'BASE_URL': 'x', **OTHER}",
        "BUGSINK = {'BASE_URL': 'x'} | OTHER",
        "BUGSINK = {'BASE_URL': 'x'}\nBUGSINK['BASE_URL'] = y",
        "BUGSINK = {'BASE_URL': 'x'}\nBUGSINK.update(y)",
        "BUGSINK = {'BASE_URL': 'x'}\nBUGSINK |= y",
        "BUGSINK = {'BASE_URL': 'x'}\nf(BUGSINK)",
        "BUGSINK = {'BASE_URL': 'x'}\ndel BUGSINK['BASE_URL']",
        "BUGSINK = {'BASE_URL': 'x'}\nif y:\n  BUGSINK['BASE_URL'] = y",
        "BUGSINK = {'BASE_URL': 'x'}\nBUGSINK = f()",
        "BUGSINK = {'BASE_URL': 'x'}\nif y: BUGSINK = z",
        "BUGSINK = {'BASE_URL': 'x'}\nfrom local import *",
        "BUGSINK = {'BASE_URL': 'x' for y in z}",
        "BUGSINK = dict(BASE_URL='x')",
        "BUGSINK = [{'BASE_URL': 'x'}]",
        "BUGSINK = {'BASE_URL'}",
        "if y:\n  BUGSINK = {'BASE_URL': 'x'}",
        "OTHER = {'BASE_URL': 'x'}",
        "BUGSINK = {'A': {'BASE_URL': 'x'}}",
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        settings_judged_assert(&(const struct judged_row){known[i], WRONG}, 1, SETTINGS_PYTHON);
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        settings_judged_assert(&(const struct judged_row){unknown[i], ""}, 1, SETTINGS_PYTHON);
}
END_TEST

START_TEST(values_of_environment_files_are_known_where_all_readers_agree) {
    static const struct judged_row ROWS[] = {
        {"SECRET_KEY='x'", "SECRET_KEY is shorter than 50 characters"},
        {"SECRET_KEY=\"x\" # comment", "SECRET_KEY is shorter than 50 characters"},
        {"SECRET_KEY=\"x\\ny\"", ""},
        {"SECRET_KEY=\"x${Y}\"", ""},
        {"SECRET_KEY='x${Y}'", "SECRET_KEY is shorter than 50 characters"},
        {"SECRET_KEY=x$Y", ""},
        {"SECRET_KEY='x'y", ""},
        {"export SECRET_KEY = x # " KEY50, "SECRET_KEY is shorter than 50 characters"},
        {"SECRET_KEY=x\nSECRET_KEY=" KEY50, ""},
        {"MAX_EVENT_SIZE= 5 \t", ""},
        {"MAX_EVENT_SIZE=5#6", "MAX_EVENT_SIZE is not a whole number"},
        /* Docker keeps the quotes, Docker and systemd the comment: what is wrong to one is right to another
         */
        {"DEBUG=true", "DEBUG must not be true"},
        {"DEBUG='true'", ""},
        {"DEBUG=true # for now", ""},
        {"MAX_EVENT_SIZE='5'", ""},
        {"MAX_EVENT_SIZE='x'", "MAX_EVENT_SIZE is not a whole number"},
        {"SECRET_KEY='0123456789abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKL'", ""},
        {"SECRET_KEY=x \\\ny", ""}, /* systemd joins these */
        {"A=\\\nSECRET_KEY=x", ""},
        {"A=\\\\\nSECRET_KEY=x", "SECRET_KEY is shorter than 50 characters"},
    };
    ASSERT_ROWS(ROWS, SETTINGS_ENV);
}
END_TEST

START_TEST(a_breach_names_its_place_and_more_are_counted_than_kept) {
    static const char TEXT[] = "A = 1\n\nSECRET_KEY = 'x'\nBUGSINK = {\n  'BASE_URL': 'y'}\nSITE_TITLE = 1\n";
    struct settings_names names = {0};
    struct settings_breach breaches[2];
    ck_assert_int_eq(settings_judged_parse(TEXT, SETTINGS_PYTHON, &names), 0);
    settings_names_settle(&names);
    ck_assert_uint_eq(settings_rules_judge(&names, SETTINGS_PYTHON, breaches, 2), 3);
    ck_assert_ptr_eq(TEXT + breaches[0].offset, strstr(TEXT, "SECRET_KEY"));
    ck_assert_ptr_eq(TEXT + breaches[1].offset, strstr(TEXT, "'BASE_URL'"));
    ck_assert_uint_eq(settings_names_count(&names), 4);
    settings_names_release(&names);
}
END_TEST

Suite *settings_values_suite(void) {
    Suite *suite = suite_create("settings_values");
    TCase *tcase = tcase_create("settings_values");
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, a_plain_literal_is_known_in_all_its_forms, 0, sizeof PLAIN / sizeof PLAIN[0]);
    tcase_add_loop_test(
        tcase, what_is_computed_or_may_have_changed_is_not_judged, 0, sizeof COMPUTED / sizeof COMPUTED[0]);
    tcase_add_test(tcase, the_keys_of_bugsink_are_known_while_nothing_may_have_changed_them);
    tcase_add_test(tcase, values_of_environment_files_are_known_where_all_readers_agree);
    tcase_add_test(tcase, a_breach_names_its_place_and_more_are_counted_than_kept);
    return suite;
}
