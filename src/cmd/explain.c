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

static void print_one(const struct reason_info *info, size_t width) {
    enum reason reason = (enum reason)(info - reason_info(REASON_OK));
    printf("%s (%s)\n", info->slug, status_name(info->verdict));
    print_words(NULL, info->sentence, width);
    if (info->hint)
        puts("\n  What to do");
    bool has_special = false;
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        const char *name = check_kind_id_name((enum check_kind_id)kind), *hint = reason_hint(reason, name);
        if (hint == info->hint)
            continue;
        has_special = true;
        print_words(name, hint, width);
    }
    if (info->hint)
        print_words(has_special ? "others" : "", info->hint, width);
    print_verdict(reason, width);
}

/* The table in docs/troubleshooting.md, which a test compares. */
static void print_markdown(void) {
    puts("| code | verdict | what it means | what to do |\n|---|---|---|---|");
    for (int i = 0; i < REASON_COUNT; i++) {
        const struct reason_info *info = reason_info((enum reason)i);
        printf("| `%s` | %s | %s | %s |\n", info->slug, status_name(info->verdict), info->sentence,
            info->hint ? info->hint : "");
    }
}

static void print_all(void) {
    for (int i = 0; i < REASON_COUNT; i++) {
        const struct reason_info *info = reason_info((enum reason)i);
        printf("%-17s %-9s %s\n", info->slug, status_name(info->verdict), info->sentence);
    }
}

static int refuse_code(const char *word) {
    char text[256];
    struct suggestion suggestion;
    suggestion_init(&suggestion, word);
    for (int i = 0; i < REASON_COUNT; i++)
        suggestion_consider(&suggestion, reason_info((enum reason)i)->slug);
    if (suggestion.best)
        snprintf(text, sizeof text, "there is no code \"%s\"; did you mean %s?", str_quotable(word, ""),
            suggestion.best);
    else
        snprintf(text, sizeof text, "there is no code \"%s\"; explain without a word lists all",
            str_quotable(word, ""));
    return cmd_refuse(text);
}

static int run(struct args *args) {
    if (args->flag_count > 0 || (args->word_count > 0 && args_has(args, "--markdown")))
        return cmd_refuse("explain takes codes, or --markdown alone");
    for (size_t i = 0; i < args->word_count; i++)
        if (!reason_find(args->words[i]))
            return refuse_code(args->words[i]);
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
