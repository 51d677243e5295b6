/* One conversation with a MySQL server, for the sources of a run: login and questions. */
#ifndef BH_KINDS_MYSQL_TALK_H
#define BH_KINDS_MYSQL_TALK_H

#include "kinds/mysql/login.h"
#include "kinds/mysql/mysql.h"
#include "kinds/mysql/target.h"
#include "run/run.h"

#include <mysql.h>

struct mysql_talk {
    struct run *run;
    struct mysql_kept *kept;
    const struct check_config *config; /* the run's, and so is the outcome */
    struct outcome *outcome;
    struct mysql_target target;
    int64_t started_ms;
    MYSQL *mysql;
    bool has_looked;          /* at the server's first bytes */
    bool is_foreign;          /* they are no MySQL server's */
    bool is_tls_next;         /* behind the greeting */
    bool lacks_tls;           /* it must be there, and the server has none */
    bool is_stopped;          /* before the login: the library is not to go on */
    bool is_unspoken;         /* the connection ended before anybody had said a word on it */
    bool has_moved;           /* that is why: the name leads somewhere else by now */
    bool has_abandoned;       /* a handle, in the middle of the library's work */
    bool is_name_slow;        /* its last good addresses were used, or kept to */
    struct mysql_login login; /* as the server has it now */
};

void mysql_talk_enter(struct mysql_talk *talk, enum phase phase);

/* Fill the outcome; the second from the library's last error. Return false, so that a failing function can
 * return it. */
bool mysql_talk_fail(struct mysql_talk *talk, enum reason reason, enum phase phase, const char *detail);
bool mysql_talk_fail_with_error(struct mysql_talk *talk, enum phase phase);

/* Whether the files that the DSN names can be read: the library would only look for them after the greeting.
 */
bool mysql_can_read_files(struct mysql_talk *talk);

/* Makes the connection and logs in. A login that hangs goes on beyond the deadline of its run, and turns to
 * where the name leads by then. Returns false where the outcome is decided. */
bool mysql_log_in(struct mysql_talk *talk);

/* Whether the name still leads where it led at the login. */
bool mysql_leads_there_still(struct mysql_talk *talk);

/* How long the name may take where the last good addresses can stand in for it. */
int64_t mysql_name_patience_ms(const struct mysql_talk *talk);

/* Asks a server that has let us in what its role asks. Returns false where the outcome has something to say.
 */
bool mysql_talk_ask(struct mysql_talk *talk);

#endif
