/* explain: what a code means and what to do about it, from the reason table; no sidecar is asked. */
#include "cmd/all.h"

#include "base/str.h"
#include "cmd/cmd.h"
#include "config/suggest.h"
#include "report/reason.h"

#include <stdio.h>
#include <string.h>

static int run(struct args *args);

static const struct own_flag FLAGS[] = {
    {"--markdown", NULL, false, "all of them, as a table in Markdown"},
    {0},
};

const struct command command_explain = {
    .name = "explain",
    .words = "[CODE...]",
    .flags = FLAGS,
    .help = "what a code means and what to do about it; without a code, all of them",
    .run = run,
};

static const char *const RETRIES[] = {
    [RETRY_NORMAL] = "after the usual interval",
    [RETRY_FAST] = "after the retry interval",
    [RETRY_SLOW] = "after pauses that grow to half a minute: asking itself does harm",
    [RETRY_SLOWER] = "after pauses that grow: asking brings a lock-out nearer",
    [RETRY_PAUSE] = "after minutes: until somebody mends it, asking is of no use",
};

static void print_one(const struct reason_info *info) {
    printf("%s (%s)\n  %s\n", info->slug, status_name(info->verdict), info->sentence);
    if (info->hint)
        printf("  %s\n", info->hint);
    if (info->is_mild_when_plain)
        puts("  Only degraded for a database of role plain.");
    if (info->verdict == STATUS_ERROR)
        printf("  Looked at again %s.\n", RETRIES[info->retry]);
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
    for (size_t i = 0; i < args->word_count; i++)
        print_one(reason_find(args->words[i]));
    if (args_has(args, "--markdown"))
        print_markdown();
    else if (args->word_count == 0)
        print_all();
    return fflush(stdout) == 0 ? EXIT_READY : cmd_refuse("cannot write to standard output");
}
