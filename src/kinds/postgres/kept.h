/* A PostgreSQL connection that is kept between runs: the socket on which a one-shot child has logged in, and
 * nothing of libpq. It is asked on the checker's own loop, by a reader that neither waits, computes nor
 * allocates.
 *
 * It gives answers that are well, or not quite; whatever else happens on it (an error, its end, silence,
 * garbage) only says that it is of no more use: the truth is then found by a fresh login. */
#ifndef BH_KINDS_POSTGRES_KEPT_H
#define BH_KINDS_POSTGRES_KEPT_H

#include "run/check.h"

struct postgres_kept;

/* Keeps that connection, on which a login is complete and no query is under way. fd is taken in any case, and
 * closed where it is no connected stream socket or memory is out: then NULL is returned. */
struct postgres_kept *postgres_kept_new(const struct check_env *env, int fd);

/* Takes leave of the server, without waiting for it, and closes. A question under way is forgotten. NULL is
 * nothing. */
void postgres_kept_free(struct postgres_kept *kept);

struct postgres_kept_question {
    enum role role;
    int64_t remaining_ms; /* of the run */
    int64_t silence_ms;   /* after so long without any sign of life it counts as dead */
    /* The end, once: reason is that of an answer; cause is NULL then, and else says for the log why there is
     * none. It may come before postgres_kept_ask returns, and may free the connection. */
    void (*answered)(void *arg, enum reason reason, const char *detail, const struct observed *observed,
        const char *cause);
    void *arg;
};

/* Asks the role's questions. No other may be under way. */
void postgres_kept_ask(struct postgres_kept *kept, const struct postgres_kept_question *question);

#endif
