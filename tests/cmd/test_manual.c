/* The manual and --help name what the program has: commands, flags, variables, keys, signals and exit
 * statuses; and nothing that it has not. */
#include "base/io.h"
#include "base/str.h"
#include "cmd/commands.h"
#include "cmd/documents.h"
#include "config/config.h"
#include "harness/program.h"
#include "render/pages.h"
#include "report/route.h"

#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *manual; /* without the formatter's backslashes */
static struct words *found, *expected;

static void set_up(void) {
    size_t length;
    struct error err;
    ck_assert_msg(
        io_read_file("docs/bugsink-health.1", 1 << 20, &manual, &length, &err) == 0, "%s", err.text);
    char *to = manual;
    for (const char *from = manual; *from; from++)
        if (*from == '\\' && from[1] == 'f')
            from += 2;
        else if (*from != '\\')
            *to++ = *from;
    *to = '\0';
    found = calloc(1, sizeof *found);
    expected = calloc(1, sizeof *expected);
}

static void tear_down(void) {
    free(manual);
    free(found);
    free(expected);
}

/* The text of one section. The caller frees. */
static char *section(const char *title) {
    char heading[64];
    snprintf(heading, sizeof heading, "\n.SH %s\n", title);
    const char *start = strstr(manual, heading);
    ck_assert_msg(start, "there is no section %s", title);
    start += strlen(heading);
    const char *end = strstr(start, "\n.SH ");
    return str_dup_n(start, end ? (size_t)(end + 1 - start) : strlen(start));
}

/* Adds the words of a text that are made of certain characters, and begin with one of these texts. */
static void find_words(struct words *words, const char *text, const char *begin) {
    while (*text) {
        size_t length = 0;
        while (isalnum((unsigned char)text[length]) || (text[length] && strchr("_-.", text[length])))
            length++;
        size_t whole = length;
        while (length > 0 && text[length - 1] == '.') /* the end of a sentence */
            length--;
        if (length > strlen(begin) && strncmp(text, begin, strlen(begin)) == 0)
            words_add(words, text, length);
        text += whole > 0 ? whole : 1;
    }
}

START_TEST(the_manual_names_every_flag_and_no_other) {
    find_words(found, manual, "--");
    words_add_options(expected);
    for (size_t i = 0; command_at(i); i++)
        for (const struct own_flag *flag = command_at(i)->flags; flag && flag->name; flag++)
            words_add(expected, flag->name, strlen(flag->name));
    words_add_all(expected, "--help --version", " ");
    words_assert_same(found, expected, "the manual's flags");
}
END_TEST

START_TEST(the_manual_names_every_variable_and_no_other_of_ours) {
    for (size_t i = 0; config_option_doc(i); i++) {
        const char *variable = config_option_doc(i)->variable;
        if (variable && strncmp(variable, "BUGSINK_HEALTH_", 15) == 0)
            words_add(expected, variable, strlen(variable));
        else if (variable)
            ck_assert_msg(strstr(manual, variable), "the manual lacks %s", variable);
    }
    find_words(found, manual, "BUGSINK_HEALTH_");
    words_assert_same(found, expected, "the manual's variables");
    static const char *const OTHERS[] = {
        "SECRET_KEY", "NO_COLOR", "TERM", "LC_ALL", "LC_CTYPE", "LANG", "_FILE"};
    char *environment = section("ENVIRONMENT");
    for (size_t i = 0; i < sizeof OTHERS / sizeof OTHERS[0]; i++)
        ck_assert_msg(strstr(environment, OTHERS[i]), "the manual lacks %s", OTHERS[i]);
    free(environment);
}
END_TEST

START_TEST(the_manual_names_every_key_of_the_file_with_its_standard_value_and_no_other) {
    static const char *const GROUPS[] = {"databases.", "directories.", "settings.", "app."};
    char *flags = section("FLAGS"), *files = section("FILES");
    for (size_t i = 0; i < sizeof GROUPS / sizeof GROUPS[0]; i++) {
        find_words(found, flags, GROUPS[i]);
        find_words(found, files, GROUPS[i]);
    }
    for (size_t i = 0; config_option_doc(i); i++) {
        const struct config_option_doc *doc = config_option_doc(i);
        char line[WORD_SIZE + 8];
        if (!doc->key)
            continue;
        if (strchr(doc->key, '.'))
            words_add(expected, doc->key, strlen(doc->key));
        snprintf(line, sizeof line,
            doc->flag               ? ".BR %s ."
            : strchr(doc->key, '.') ? ".B %s\n"
                                    : ".BR %s ",
            doc->key);
        const char *entry = strstr(manual, line);
        ck_assert_msg(entry, "the manual has no entry for the key %s", doc->key);
        /* A standard value of one word stands there as it is. */
        const char *next = strstr(entry, "\n.TP\n");
        char *text = str_dup_n(entry, next ? (size_t)(next - entry) : strlen(entry));
        bool is_word = doc->standard && doc->flag && !strpbrk(doc->standard, " ,");
        ck_assert_msg(
            !is_word || strstr(text, doc->standard), "%s: no %s in\n%s", doc->key, doc->standard, text);
        free(text);
    }
    words_assert_same(found, expected, "the manual's keys");
    free(flags);
    free(files);
}
END_TEST

/* What "help WORD" prints. */
static void print_help(const char *word, struct program_result *help) {
    struct envlist *environment = malloc(sizeof *environment);
    envlist_init(environment);
    const struct program_setup setup = {environment, (const char *const[]){"help", word, NULL}, 0};
    program_run(&setup, 5000, help);
    ck_assert_int_eq(help->exit_status, 0);
    free(environment);
}

/* Whether text has these words in a row, whatever white space stands between them. */
static bool has_words(const char *text, const char *words) {
    for (; *text; text++) {
        const char *at = text, *word = words;
        while (*word && *at && (*at == *word || (*word == ' ' && *at == '\n'))) {
            at += isspace((unsigned char)*at) ? strspn(at, " \n") : 1;
            word++;
        }
        if (!*word)
            return true;
    }
    return false;
}

/* 80 columns and 24 lines; each flag with what it does, and its letter. */
START_TEST(the_help_of_each_command_fits_a_screen_and_has_its_flags) {
    struct program_result *help = malloc(sizeof *help);
    for (size_t i = 0; i == 0 || command_at(i - 1); i++) {
        const struct command *command = i > 0 ? command_at(i - 1) : NULL;
        int lines = 0;
        print_help(command ? command->name : NULL, help);
        for (const char *line = help->output; *line; line += strcspn(line, "\n") + 1, lines++)
            ck_assert_msg(strcspn(line, "\n") <= 80, "%s", line);
        ck_assert_msg(lines <= 24, "%d lines:\n%s", lines, help->output);
        for (const struct own_flag *flag = command ? command->flags : NULL; flag && flag->name; flag++) {
            ck_assert_msg(has_words(help->output, flag->help), "%s lacks %s", command->name, flag->name);
            ck_assert_msg(strstr(help->output, flag->name), "%s lacks %s", command->name, flag->name);
            ck_assert_msg(!flag->letter || strstr(help->output, flag->letter), "%s", flag->name);
        }
    }
    free(help);
}
END_TEST

START_TEST(help_options_has_every_option_with_its_variable) {
    struct program_result *help = malloc(sizeof *help);
    print_help("options", help);
    for (size_t i = 0; config_option_doc(i); i++) {
        const struct config_option_doc *doc = config_option_doc(i);
        ck_assert_msg(!doc->flag || (strstr(help->output, doc->flag) && strstr(help->output, doc->variable) &&
                                        has_words(help->output, doc->help)),
            "%s", doc->flag);
    }
    free(help);
}
END_TEST

/* Whether the section on commands has an entry for it, a name in bold alone on a line. */
START_TEST(the_manual_and_help_have_every_command) {
    char *commands = section("COMMANDS"), *synopsis = section("SYNOPSIS");
    struct program_result *help = malloc(sizeof *help);
    print_help(NULL, help);
    for (size_t i = 0; command_at(i); i++) {
        const struct command *command = command_at(i);
        char text[64];
        snprintf(text, sizeof text, ".TP\n.B %s\n", command->name);
        ck_assert_msg(strstr(commands, text), "the manual has no entry for %s", command->name);
        ck_assert_msg(strstr(synopsis, command->name), "the synopsis lacks %s", command->name);
        ck_assert_msg(has_words(help->output, command->help), "help lacks %s", command->name);
        ck_assert_msg(strstr(synopsis, command->name), "the synopsis lacks %s", command->name);
        for (const struct own_flag *flag = command->flags; flag && flag->name; flag++)
            ck_assert_msg(strstr(synopsis, flag->name), "the synopsis lacks %s", flag->name);
    }
    free(help);
    free(commands);
    free(synopsis);
}
END_TEST

START_TEST(the_manual_has_every_endpoint) {
    const struct check_view checks[] = {{.name = "NAME", .kind = "sqlite", .is_critical = true}};
    const struct snapshot snapshot = {.checks = checks,
        .check_count = 1,
        .app_version = "1",
        .sidecar_version = "1",
        .sidecar_config = "ok"};
    struct page_set set;
    char *endpoints = section("ENDPOINTS");
    ck_assert_int_eq(pages_render(&snapshot, 0, &set), 0);
    ck_assert_uint_gt(set.count, 6);
    for (size_t i = 0; i < set.count; i++) {
        char entry[64];
        enum route_id id = route_find(set.pages[i].path, strlen(set.pages[i].path));
        ck_assert_int_ne(id, ROUTE_OTHER);
        snprintf(entry, sizeof entry, ".I %s\n", route_of(id)->label);
        ck_assert_msg(strstr(endpoints, entry), "%s", entry);
    }
    pages_release(&set);
    free(endpoints);
}
END_TEST

START_TEST(the_manual_has_signals_exit_statuses_and_examples) {
    static const char *const SIGNALS[] = {"SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGTSTP"};
    char *signals = section("SIGNALS"), *statuses = section("EXIT STATUS"), *examples = section("EXAMPLES");
    for (size_t i = 0; i < sizeof SIGNALS / sizeof SIGNALS[0]; i++)
        ck_assert_msg(strstr(signals, SIGNALS[i]), "%s", SIGNALS[i]);
    for (int status = 0; status <= 2; status++) {
        char entry[32];
        snprintf(entry, sizeof entry, ".TP\n.B %d\n", status);
        ck_assert_msg(strstr(statuses, entry), "exit status %d", status);
    }
    for (size_t i = 0; command_at(i); i++)
        if (strcmp(command_at(i)->name, "serve") != 0) /* whose name may be left out */
            ck_assert_msg(strstr(examples, command_at(i)->name), "no example of %s", command_at(i)->name);
    free(signals);
    free(statuses);
    free(examples);
}
END_TEST

Suite *manual_suite(void) {
    Suite *suite = suite_create("manual");
    TCase *tcase = tcase_create("manual");
    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, the_manual_names_every_flag_and_no_other);
    tcase_add_test(tcase, the_manual_names_every_variable_and_no_other_of_ours);
    tcase_add_test(tcase, the_manual_names_every_key_of_the_file_with_its_standard_value_and_no_other);
    tcase_add_test(tcase, the_manual_and_help_have_every_command);
    tcase_add_test(tcase, the_help_of_each_command_fits_a_screen_and_has_its_flags);
    tcase_add_test(tcase, help_options_has_every_option_with_its_variable);
    tcase_add_test(tcase, the_manual_has_signals_exit_statuses_and_examples);
    tcase_add_test(tcase, the_manual_has_every_endpoint);
    return suite;
}
