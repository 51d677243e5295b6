/* One run of the PostgreSQL kind, in a worker, and the connection that it keeps for the next. */
#ifndef BH_KINDS_POSTGRES_POSTGRES_H
#define BH_KINDS_POSTGRES_POSTGRES_H

#include "kinds/postgres/login.h"
#include "run/resolve.h"
#include "run/run.h"

#include <libpq-fe.h>

/* Between runs: a connection on which a login is complete and no transaction open. conn NULL: none. */
struct postgres_kept {
    PGconn *conn;
    bool is_noisy; /* it has said what nobody had asked for */
    int64_t expires_ms;
    struct postgres_login login; /* what held when it was made */
    struct resolve_answer found; /* the last good addresses of the DSN's names */
    bool is_unaskable; /* the server lets us see no catalogs: nothing is kept, and they are not asked again */
};

/* Refuses a configuration that no run could serve. */
int postgres_check_config(const struct check_config *config, struct error *err);

void postgres_examine(struct run *run);

/* Of the kept connection: what to watch, whether the server has closed it, and the farewell. */
int postgres_watched(const void *data);
bool postgres_is_gone(void *kept);
void postgres_hang_up(void *data);

#endif
