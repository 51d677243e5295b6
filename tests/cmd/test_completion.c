/* The shells' completion offers what the program has, no more and no less: asked of the shells themselves. */
#include "base/log.h"
#include "cmd/commands.h"
#include "cmd/documents.h"
#include "config/config.h"
#include "harness/program.h"
#include "harness/skip.h"
#include "report/reason.h"

#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COMMAND_SIZE = 4096 };

/* The program and its completion as a user has them: by name. Words are those of the line, the last to be
 * completed. */
static const char BASH[] =
    "bash --norc -c '. deploy/completion/bugsink-health.bash; COMP_WORDS=(\"$@\"); "
    "COMP_CWORD=$(($# - 1)); $(complete -p bugsink-health | sed \"s/.*-F //; s/ .*//\"); "
    "printf \"%%s\\n\" \"${COMPREPLY[@]}\"' - '%s' %s";

/* In zsh the arguments of _arguments are the offer: "(- *)--flag=[text]:what:(values)". */
static const char ZSH[] = "zsh -f -c '_arguments() { print -rl -- \"$@\"; }; words=(\"$@\"); CURRENT=$#; "
                          "emulate zsh; . deploy/completion/_bugsink-health' - '%s' %s";

/* The outcome is read line by line into *found, each line up to the first of ends. */
static void ask_shell(const char *format, const char *line, const char *ends, struct words *found) {
    char command[COMMAND_SIZE], text[1024], program[PATH_MAX];
    ck_assert_ptr_nonnull(realpath(program_path(), program));
    *found = (struct words){.count = 0};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(command, sizeof command, format, program, line);
#pragma GCC diagnostic pop
    FILE *output = popen(command, "r");
    ck_assert_ptr_nonnull(output);
    while (fgets(text, sizeof text, output)) {
        const char *word = text;
        if (strncmp(word, "(- *)", 5) == 0)
            word += 5;
        size_t length = strcspn(word, ends);
        if (length > 0)
            words_add(found, word, length);
    }
    ck_assert_msg(pclose(output) == 0, "%s", command);
}

static bool has_shell(const char *test, const char *name) {
    char command[64];
    snprintf(command, sizeof command, "command -v %s >/dev/null 2>&1", name);
    if (system(command) == 0)
        return true;
    snprintf(command, sizeof command, "there is no %s here", name);
    skip_test(test, command);
    return false;
}

static struct words *found, *expected;

static void set_up(void) {
    found = calloc(1, sizeof *found);
    expected = calloc(1, sizeof *expected);
}

static void tear_down(void) {
    free(found);
    free(expected);
}

/* The long flags of a command, or (NULL) those where none is named. */
static void expect_flags(const struct command *command) {
    *expected = (struct words){.count = 0};
    words_add_all(expected, "--help --version", " ");
    if (!command || command->takes_options)
        words_add_options(expected);
    for (const struct own_flag *flag = command ? command->flags : NULL; flag && flag->name; flag++)
        words_add(expected, flag->name, strlen(flag->name));
}

START_TEST(bash_offers_the_flags_of_each_command) {
    if (!has_shell("bash_offers_the_flags_of_each_command", "bash"))
        return;
    for (size_t i = 0; command_at(i); i++) {
        char line[64];
        snprintf(line, sizeof line, "%s --", command_at(i)->name);
        ask_shell(BASH, line, "\n", found);
        expect_flags(command_at(i));
        words_assert_same(found, expected, line);
    }
    ask_shell(BASH, "--", "\n", found);
    expect_flags(NULL);
    words_assert_same(found, expected, "without a command");
    /* The value of a flag is no command. */
    ask_shell(BASH, "--log-level info check --timeout 2s --js", "\n", found);
    words_assert_same(found, &(struct words){{"--json"}, 1}, "behind other flags");
}
END_TEST

START_TEST(zsh_offers_the_flags_of_each_command) {
    if (!has_shell("zsh_offers_the_flags_of_each_command", "zsh"))
        return;
    for (size_t i = 0; command_at(i); i++) {
        struct words *flags = calloc(1, sizeof *flags);
        char line[64];
        snprintf(line, sizeof line, "%s --", command_at(i)->name);
        ask_shell(ZSH, line, "=[", found);
        for (size_t j = 0; j < found->count; j++)
            if (strncmp(found->words[j], "--", 2) == 0)
                words_add(flags, found->words[j], strlen(found->words[j]));
        expect_flags(command_at(i));
        words_assert_same(flags, expected, line);
        free(flags);
    }
}
END_TEST

START_TEST(bash_offers_the_commands_and_zsh_knows_them) {
    char text[8192];
    ck_assert_uint_gt(program_read_file("deploy/completion/_bugsink-health", text, sizeof text), 0);
    for (size_t i = 0; command_at(i); i++) {
        char entry[64];
        snprintf(entry, sizeof entry, "        '%s:", command_at(i)->name);
        words_add(expected, command_at(i)->name, strlen(command_at(i)->name));
        ck_assert_msg(strstr(text, entry), "zsh: %s", command_at(i)->name);
    }
    words_add_all(expected, "help version", " ");
    ck_assert(strstr(text, "        'help:") && strstr(text, "        'version:"));
    if (!has_shell("bash_offers_the_commands_and_zsh_knows_them", "bash"))
        return;
    ask_shell(BASH, "''", "\n", found);
    words_assert_same(found, expected, "commands");
}
END_TEST

/* What each of these lines is completed with. */
static const struct {
    const char *line, *offer;
} VALUES[] = {
    {"probe ''", "live ready started self"},
    {"wait --for ''", "ready start"},
    {"wait --for = ''", "ready start"},
    {"wait --for =", "ready start"},
    {"wait --for = s", "start"},
    {"--log-level ''", "debug info warning error"},
    {"check --log-format ''", "text json"},
    {"wait --timeout ''", ""},
    {"config ''", ""},
    {"check --watch --js", "--json"},
    {"check --watch = 5s --js", "--json"},
    {"ch", "check"},
    {"check --output ''", "json table"},
    {"check --quiet --js", "--json"},
    {"help ''", "serve check wait probe config explain options"},
    {"explain lo", "locked"},
    {"--config config/bugsink-health.j", "config/bugsink-health.json"},
};

START_TEST(bash_offers_the_values_of_flags_and_words) {
    if (!has_shell("bash_offers_the_values_of_flags_and_words", "bash"))
        return;
    ask_shell(BASH, VALUES[_i].line, "\n", found);
    words_add_all(expected, VALUES[_i].offer, " ");
    words_assert_same(found, expected, VALUES[_i].line);
}
END_TEST

/* What the shells offer by heart is what the program's own tables have. */
START_TEST(the_values_known_by_heart_are_those_of_the_program) {
    static const size_t IN_ZSH[] = {0, 1, 5, 6};
    char zsh[8192], list[64];
    program_read_file("deploy/completion/_bugsink-health", zsh, sizeof zsh);
    for (size_t i = 0; i < sizeof IN_ZSH / sizeof IN_ZSH[0]; i++) {
        snprintf(list, sizeof list, ":(%s)'", VALUES[IN_ZSH[i]].offer);
        ck_assert_msg(strstr(zsh, list), "zsh: %s", list);
    }
    const char *words = command_find("probe")->words;
    words_add_all(found, VALUES[0].offer, " ");
    words_add_all(expected, words, "[|]");
    ck_assert(words_have(expected, "URL"));
    words_add(found, "URL", 3);
    words_assert_same(found, expected, "probe");
    ck_assert_str_eq(command_find("wait")->flags[1].value, "ready|start");
    *found = *expected = (struct words){.count = 0};
    words_add_all(found, VALUES[5].offer, " ");
    for (int level = LOG_DEBUG; level <= LOG_ERROR; level++)
        words_add_all(expected, log_level_name((enum log_level)level), " ");
    words_assert_same(found, expected, "log levels");
    *found = *expected = (struct words){.count = 0};
    words_add_all(found, VALUES[6].offer, " ");
    for (int format = LOG_TEXT; format <= LOG_JSON; format++)
        words_add_all(expected, log_format_name((enum log_format)format), " ");
    words_assert_same(found, expected, "log formats");
}
END_TEST

START_TEST(bash_offers_every_code_to_explain) {
    if (!has_shell("bash_offers_every_code_to_explain", "bash"))
        return;
    for (int i = 0; i < REASON_COUNT; i++)
        words_add_all(expected, reason_info((enum reason)i)->slug, " ");
    ask_shell(BASH, "explain ''", "\n", found);
    words_assert_same(found, expected, "codes");
}
END_TEST

Suite *completion_suite(void) {
    Suite *suite = suite_create("completion");
    TCase *tcase = tcase_create("completion");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, bash_offers_the_flags_of_each_command);
    tcase_add_test(tcase, zsh_offers_the_flags_of_each_command);
    tcase_add_test(tcase, bash_offers_the_commands_and_zsh_knows_them);
    tcase_add_loop_test(
        tcase, bash_offers_the_values_of_flags_and_words, 0, sizeof VALUES / sizeof VALUES[0]);
    tcase_add_test(tcase, the_values_known_by_heart_are_those_of_the_program);
    tcase_add_test(tcase, bash_offers_every_code_to_explain);
    return suite;
}
