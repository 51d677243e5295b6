/* explain: what a code means and what to do about it, from the reason table; no sidecar is asked. */
#include "cmd/all.h"

#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/terminal.h"
#include "config/suggest.h"
#include "render/text.h"
#include "report/reason.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int run(struct args *args);
static int refuse_word(const char *word);

static const struct own_flag FLAGS[] = {
    {"--markdown", NULL, false, "all of them, as the documentation's table", NULL},
    {0},
};

const struct command command_explain = {
    .name = "explain",
    .words = "[CODE...]",
    .flags = FLAGS,
    .help = "what a code means and what to do about it; without a code, all of them",
    .about = "Says what a code means, what to do about it, and when the sidecar looks again.\n"
             "Without a code, lists them all. No sidecar is asked.\n\n"
             "  bugsink-health explain refused\n",
    .refuse_word = refuse_word,
    .run = run,
};

static const char *const RETRIES[] = {
    [RETRY_NORMAL] = "after the usual interval",
    [RETRY_FAST] = "after the retry interval",
    [RETRY_SLOW] = "after pauses that grow to half a minute, because each attempt does harm",
    [RETRY_SLOWER] = "after pauses that grow, because each attempt brings a lock-out nearer",
    [RETRY_PAUSE] = "after 5 minutes, because looking is useless until it is repaired",
};

/* "    postgres: Start PostgreSQL, ...", broken between words. */
static void print_words(const char *label, const char *text, size_t width) {
    char *lines = text_indented(label, text, width);
    fputs(lines ? lines : "", stdout);
    free(lines);
}

/* Of no check: there is nothing to look at again, and what is critical does not matter. */
static bool is_of_the_sidecar(enum reason reason) {
    return reason == REASON_STALE || reason == REASON_DRAINING || reason == REASON_MAINTENANCE;
}

/* What follows from the code. */
static void print_verdict(enum reason reason, size_t width) {
    const struct reason_info *info = reason_info(reason);
    if (is_of_the_sidecar(reason)) {
        fputs("\n", stdout);
        print_words(
            NULL, "This is about the sidecar as a whole. Readiness fails as long as it lasts.", width);
        return;
    }
    if (info->verdict == STATUS_ERROR)
        puts("\n  Readiness fails while a critical check has this code.");
    if (info->verdict == STATUS_DEGRADED)
        puts("\n  Bugsink stays ready: this is a warning.");
    if (info->is_mild_when_plain)
        puts("  Only degraded for a database of role plain.");
    if (info->verdict != STATUS_ERROR)
        return;
    char text[128];
    snprintf(text, sizeof text, "The sidecar looks again %s.", RETRIES[info->retry]);
    print_words(NULL, text, width);
}

/* The hints that are for this kind alone, and for a role of it. Returns whether there is one. */
static bool print_kind(enum reason reason, const char *kind, size_t width) {
    static const enum role ROLES[] = {ROLE_MAIN, ROLE_QUEUE, ROLE_PLAIN};
    const char *general = reason_hint(reason, kind, NULL);
    bool has_special = general != reason_info(reason)->hint;
    for (size_t i = 0; i < sizeof ROLES / sizeof ROLES[0]; i++) {
        char label[64];
        const char *hint = reason_hint(reason, kind, role_name(ROLES[i]));
        if (hint == general)
            continue;
        has_special = true;
        snprintf(label, sizeof label, "%s, role %s", kind, role_name(ROLES[i]));
        print_words(label, hint, width);
    }
    if (general != reason_info(reason)->hint)
        print_words(kind, general, width);
    return has_special;
}

static void print_one(const struct reason_info *info, size_t width) {
    enum reason reason = (enum reason)(info - reason_info(REASON_OK));
    printf("%s (%s)\n", info->slug, status_name(info->verdict));
    print_words(NULL, info->sentence, width);
    if (info->hint)
        puts("\n  What to do");
    bool has_special = false;
    for (int kind = 0; kind < KIND_COUNT; kind++)
        has_special = print_kind(reason, check_kind_id_name((enum check_kind_id)kind), width) || has_special;
    if (info->hint)
        print_words(has_special ? "others" : "", info->hint, width);
    if (reason_teller(reason))
        print_words("", reason_teller(reason), width);
    print_verdict(reason, width);
}

/* The table in docs/troubleshooting.md, which a test compares. */
static void print_markdown(void) {
    puts("| code | verdict | what it means | what to do |\n|---|---|---|---|");
    for (int i = 0; i < REASON_COUNT; i++) {
        const struct reason_info *info = reason_info((enum reason)i);
        const char *teller = reason_teller((enum reason)i);
        printf("| `%s` | %s | %s | %s%s%s |\n", info->slug, status_name(info->verdict), info->sentence,
            info->hint ? info->hint : "", teller ? " " : "", teller ? teller : "");
    }
}

static void print_all(void) {
    for (int i = 0; i < REASON_COUNT; i++) {
        const struct reason_info *info = reason_info((enum reason)i);
        printf("%-17s %-9s %s\n", info->slug, status_name(info->verdict), info->sentence);
    }
}

static int refuse_word(const char *word) {
    if (reason_find(word))
        return -1;
    char text[256];
    struct suggestion suggestion;
    suggestion_init(&suggestion, word);
    for (int i = 0; i < REASON_COUNT; i++)
        suggestion_consider(&suggestion, reason_info((enum reason)i)->slug);
    if (suggestion.best)
        snprintf(text, sizeof text, "there is no code \"%s\"; did you mean %s?", str_quotable(word, ""),
            suggestion.best);
    else
        snprintf(text, sizeof text, "there is no code \"%s\"; bugsink-health explain lists all",
            str_quotable(word, ""));
    return cmd_refuse(text);
}

static int run(struct args *args) {
    if (args->flag_count > 0 || (args->word_count > 0 && args_has(args, "--markdown")))
        return cmd_refuse("explain takes codes, or --markdown alone");
    for (size_t i = 0; i < args->word_count; i++)
        if (!reason_find(args->words[i]))
            return refuse_word(args->words[i]);
    size_t width = terminal_width(args->source.environment, STDOUT_FILENO);
    for (size_t i = 0; i < args->word_count; i++) {
        if (i > 0)
            putchar('\n');
        print_one(reason_find(args->words[i]), width);
    }
    if (args_has(args, "--markdown"))
        print_markdown();
    else if (args->word_count == 0)
        print_all();
    return fflush(stdout) == 0 ? EXIT_READY : cmd_refuse("cannot write to standard output");
}
