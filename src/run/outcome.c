/* Outcomes: their texts, and whether they can be true. */
#include "run/outcome.h"

#include "base/str.h"

#include <string.h>

void outcome_set_detail(struct outcome *outcome, const struct check_config *config, const char *text) {
    char *copy = strdup(text);
    if (copy) {
        check_config_blank(config, copy);
        str_flatten(copy);
    }
    bool is_withheld = copy && *text && !*copy;
    str_copy(outcome->detail, sizeof outcome->detail,
        is_withheld ? "(not shown: it may quote a secret)"
        : copy      ? copy
                    : "(out of memory)");
    str_free_secret(copy);
}

void outcome_set_garbled(struct outcome *outcome) {
    *outcome = (struct outcome){.reason = REASON_CRASHED};
    str_copy(outcome->detail, sizeof outcome->detail, "the child's report is garbled");
}

struct outcome outcome_checked(const struct outcome *outcome) {
    struct outcome checked = *outcome;
    checked.code[sizeof checked.code - 1] = '\0';
    checked.detail[sizeof checked.detail - 1] = '\0';
    if ((unsigned)checked.reason >= REASON_COUNT || (unsigned)checked.phase >= PHASE_COUNT ||
        (unsigned)checked.asked >= QUESTION_COUNT || (unsigned)checked.answer >= ANSWER_KINDS)
        outcome_set_garbled(&checked);
    return checked;
}
