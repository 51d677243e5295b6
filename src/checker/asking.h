/* Asking Bugsink what only its database can answer: which question is due, and what the answers have shown.
 * Pure. A question takes the place of a look at Bugsink's endpoint, for an answer of any kind is life as
 * well. */
#ifndef BH_CHECKER_ASKING_H
#define BH_CHECKER_ASKING_H

#include "config/config.h"
#include "report/reason.h"
#include "run/outcome.h"

#include <stdbool.h>
#include <stdint.h>

/* How often the project question is asked of a Bugsink that answers it well: it leaves a traceback in
 * Bugsink's log. */
enum { ASKING_PROJECT_MS = 60 * 60 * 1000 };

/* One question. Times are monotonic, -1 = never. */
struct asked {
    enum answer answer;  /* the last that said something: WELL, FAILS or SILENCE; else NONE */
    int64_t answered_ms; /* when */
    int64_t asked_ms;
    bool is_absent; /* this Bugsink does not know it; until it arrives again */
    bool is_mute;   /* its last answer said nothing */
    bool is_wanted; /* at the next look */
};

struct asking {
    struct asked questions[QUESTION_COUNT]; /* but for QUESTION_NONE */
    bool is_ready;                          /* the endpoint was well at the last look at it */
    int64_t looks_without;                  /* looks in a row that were questions */
    enum app_question left;                 /* the last one that met silence */
    bool is_awaiting;                       /* its answer is still waited for: no other is asked */
    bool is_withheld;                       /* a question would do harm: none is asked */
    bool is_second_wanted;                  /* the token question, once more after the one that is wanted */
};

void asking_init(struct asking *asking);

/* Bugsink has arrived: what it may have learnt since is not known, and both are asked next. */
void asking_arrive(struct asking *asking);

/* Something has changed in the database: it is asked at the next look; one that Bugsink does not know is
 * replaced by the other. */
void asking_want(struct asking *asking, enum app_question question);

/* The same of the token question, twice: now and, unless it fails, a retry interval later. */
void asking_want_twice(struct asking *asking);

/* Whether the second one is still to come. */
bool asking_is_unfinished(const struct asking *asking, const struct check_config *config, int64_t now_ms);

/* Whether a question would have Bugsink make something that is missing. What is wanted meanwhile is asked
 * afterwards. */
void asking_withhold(struct asking *asking, bool is_withheld);

/* What the next look is to ask: QUESTION_NONE for the endpoint. */
enum app_question asking_next(const struct asking *asking, const struct check_config *config, int64_t now_ms);

/* Whether that is wanted, and not merely due. */
bool asking_is_urgent(const struct asking *asking, const struct check_config *config, int64_t now_ms);

/* A look begins, and asks this. */
void asking_begin(struct asking *asking, enum app_question question, int64_t now_ms);

/* Takes note of how it ended. Returns whether that is worth a line in the log: the first answer that says
 * nothing of the database. */
bool asking_note(struct asking *asking, const struct outcome *outcome, int64_t now_ms);

/* Whether a run was a question that Bugsink took and left without an answer: that says nothing of whether it
 * lives, for it may wait for its database. */
bool asking_is_silence(const struct outcome *outcome);

/* What the answers that are recent enough have shown: REASON_OK where nothing speaks against Bugsink's
 * database. */
enum reason asking_fault(const struct asking *asking, const struct check_config *config, int64_t now_ms);

/* Whether Bugsink was seen, of late, to answer with its database. */
bool asking_is_well(const struct asking *asking, const struct check_config *config, int64_t now_ms);

#endif
