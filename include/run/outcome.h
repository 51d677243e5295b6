/* What a run found: made by the kind, where it may be in a process of its own, and judged by policy. */
#ifndef BH_RUN_OUTCOME_H
#define BH_RUN_OUTCOME_H

#include "config/config.h"
#include "report/identity.h"
#include "report/observed.h"
#include "report/reason.h"
#include "run/question.h"

#include <stdbool.h>

enum { OUTCOME_DETAIL_SIZE = 256, OUTCOME_CODE_SIZE = 24 };

/* Plain bytes: it crosses from one process to another as it stands. */
struct outcome {
    enum reason reason;
    enum phase phase; /* in which it failed; filled by check_finish where the kind leaves PHASE_NONE and
                         reason is not ok */
    char code[OUTCOME_CODE_SIZE];     /* the driver's own code, for the log: "28P01", "SQLITE_BUSY" */
    char detail[OUTCOME_DETAIL_SIZE]; /* driver text or a name, for the log alone; check_finish blanks secrets
                                         in it */
    bool is_mild; /* what the reason leads to elsewhere has been seen not to follow here: degraded at most */
    struct observed observed;
    struct identity identity; /* of the file that was looked at */
    enum app_question asked;  /* of Bugsink; filled by check_finish */
    enum answer answer; /* to what was asked; where nothing was, to a question that an earlier run left */
    bool is_awaiting;   /* a question of an earlier run is still unanswered, and waited for */
};

/* Puts a text for the log into the outcome: secrets of config's DSN blanked first, then control characters
 * flattened, then cut to fit. A text that may hold a secret must come this way, for one that is cut can no
 * longer be found. One that cannot be told safe is left out, and said to be. */
void outcome_set_detail(struct outcome *outcome, const struct check_config *config, const char *text);

/* The outcome as it may be used: one of a process whose memory a driver may have spoilt counts as that
 * process's crash where it names a reason or a phase that does not exist. Its texts end. */
struct outcome outcome_checked(const struct outcome *outcome);

/* A crash of the process that made it: what it reports makes no sense. */
void outcome_set_garbled(struct outcome *outcome);

#endif
