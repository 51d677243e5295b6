/* One conversation with a MySQL server, for the sources of a run: login and questions. */
#ifndef BH_KINDS_MYSQL_TALK_H
#define BH_KINDS_MYSQL_TALK_H

#include "kinds/mysql/target.h"
#include "run/run.h"

#include <mysql.h>

struct mysql_talk {
    const struct check_config *config;
    const struct mysql_target *target;
    struct outcome *outcome;
    struct phase_report *phases;
    int64_t started_ms;
    MYSQL *mysql;
    bool has_looked;  /* at the server's first bytes */
    bool is_foreign;  /* they are no MySQL server's */
    bool is_tls_next; /* behind the greeting */
    bool lacks_tls;   /* it must be there, and the server has none */
    bool is_stopped;  /* before the login: the library is not to go on */
};

void mysql_talk_enter(struct mysql_talk *talk, enum phase phase);

/* Fill the outcome; the second from the library's last error. Return false, so that a failing function can
 * return it. */
bool mysql_talk_fail(struct mysql_talk *talk, enum reason reason, enum phase phase, const char *detail);
bool mysql_talk_fail_with_error(struct mysql_talk *talk, enum phase phase);

/* Asks a server that has let us in what its role asks. Returns false where the outcome has something to say.
 */
bool mysql_talk_ask(struct mysql_talk *talk);

#endif
