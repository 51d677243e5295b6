/* One run of the MySQL kind, in a worker, and the connection that it keeps for the next. */
#ifndef BH_KINDS_MYSQL_MYSQL_H
#define BH_KINDS_MYSQL_MYSQL_H

#include "kinds/mysql/login.h"
#include "run/resolve.h"
#include "run/run.h"

#include <mysql.h>

/* Between runs: a connection that is logged in. mysql NULL: none. */
struct mysql_kept {
    MYSQL *mysql;
    int64_t expires_ms;
    struct mysql_login login;    /* what held when it was made */
    struct resolve_answer found; /* the last good addresses of the DSN's name; none: it has no name */
};

/* Refuses a configuration that no run could serve. The library is loaded. */
int mysql_check_config(const struct check_config *config, struct error *err);

void mysql_examine(struct run *run);

/* Of the kept connection: what to watch, whether the server has closed it, and the farewell. */
int mysql_watched(const void *data);
bool mysql_is_gone(void *kept);
void mysql_hang_up(void *data);

#endif
