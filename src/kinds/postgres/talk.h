/* One conversation with a PostgreSQL server, for the sources of a run: connection, questions, what is kept.
 */
#ifndef BH_KINDS_POSTGRES_TALK_H
#define BH_KINDS_POSTGRES_TALK_H

#include "kinds/postgres/login.h"
#include "kinds/postgres/postgres.h"
#include "kinds/postgres/target.h"
#include "run/run.h"

#include <stdbool.h>
#include <stdint.h>

/* A run with its connection. */
struct postgres_talk {
    struct run *run;
    struct postgres_kept *kept; /* the connection, also a fresh one */
    struct postgres_target target;
    int64_t
        silence_max_ms; /* after so long without a sign of life a kept one counts as dead; 0: it is fresh */
    bool may_be_silent; /* it has shown that it lives, and has something to think about */
    bool has_met;       /* the server may have spoken */
    bool is_decided;    /* nothing that comes later changes the outcome */
    int rows;           /* of the answer that have come */
    int64_t address_ends_ms; /* until then the address of the moment may take; 0: as long as the run */
    bool is_name_slow;       /* its last good addresses were used, or kept to */
    enum reason noted;       /* degraded at most: it counts where nothing worse is found */
    const char *noted_detail;
    struct postgres_login login; /* as the answer has it */
};

void postgres_talk_enter(struct postgres_talk *talk, enum phase phase);

/* Fill the outcome, unless that is decided: the second with what may be shown of told, which it frees; the
 * third where the connection failed, or was lost: libpq has
 * the cause. Return false, so that a failing function can return it. */
bool postgres_talk_decide(
    struct postgres_talk *talk, enum reason reason, const char *code, const char *detail);
bool postgres_talk_decide_told(
    struct postgres_talk *talk, enum reason reason, const char *sqlstate, char *told);
bool postgres_talk_fail(struct postgres_talk *talk);

/* Waits for the server. Returns what came; 0: nothing, which is decided then, unless another address may have
 * its turn. */
int postgres_talk_await(struct postgres_talk *talk, short events);

/* Resolves the names of the target, and where that takes long, takes what they were last; makes the
 * connection and logs in. Return false where the outcome is decided. */
bool postgres_resolve(struct postgres_talk *talk, struct resolve_answer *answer);

/* Whether the names still lead where they led at the login. */
bool postgres_leads_there_still(struct postgres_talk *talk);
bool postgres_log_in(struct postgres_talk *talk, const struct resolve_answer *answer);

#endif
