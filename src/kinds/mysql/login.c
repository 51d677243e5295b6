/* What only a login shows, asked of the server's own account of the user. */
#include "kinds/mysql/login.h"

#include "kinds/mysql/talk.h"

#include <mysql.h>
#include <stdlib.h>
#include <string.h>

/* The answers, in this order. Everybody may see the first two of their own account: whether it is locked or
 * its password expired, the hash of the password (MariaDB; MySQL shows it to who may read its tables), how it
 * must come in, and its limits; and what it may do. Then the settings that a session gets at its login alone,
 * and those that decide who is let in; and the places. The process list shows everybody their own sessions.
 * Not seen from within: a password whose time has run out, how many logins of an hour are used up. */
enum { OF_ACCOUNT, OF_RIGHTS, OF_SETTINGS, OF_SERVER, OF_USER };

static const char QUESTION[] =
    "SHOW CREATE USER CURRENT_USER(); SHOW GRANTS; SHOW GLOBAL VARIABLES WHERE Variable_name IN"
    " ('autocommit', 'disconnect_on_expired_password', 'init_connect', 'innodb_read_only',"
    " 'max_connections', 'max_user_connections', 'offline_mode', 'read_only', 'require_secure_transport',"
    " 'secure_auth', 'sql_mode', 'super_read_only', 'transaction_isolation', 'transaction_read_only',"
    " 'tx_isolation', 'tx_read_only', 'wsrep_on', 'wsrep_reject_queries');"
    " SHOW GLOBAL STATUS LIKE 'Threads_connected'; SELECT @@max_user_connections, COUNT(*)"
    " FROM information_schema.PROCESSLIST AS p JOIN information_schema.PROCESSLIST AS o"
    " ON o.ID = CONNECTION_ID() WHERE p.USER = o.USER";

struct taken {
    uint64_t hash;
    long long places, connected; /* of the server; -1: not known */
    bool is_user_full;
};

/* FNV-1a, with the end of the text. */
static void hash_text(uint64_t *hash, const char *text) {
    const char *at = text ? text : "";
    do
        *hash = (*hash ^ (unsigned char)*at) * UINT64_C(1099511628211);
    while (*at++);
}

static long long number_of(const char *text) {
    return text ? strtoll(text, NULL, 10) : -1;
}

static void take_row(struct taken *taken, int number, MYSQL_ROW row, unsigned columns) {
    for (unsigned i = 0; number <= OF_SETTINGS && i < columns; i++)
        hash_text(&taken->hash, row[i]);
    if (columns < 2)
        return;
    if (number == OF_SETTINGS && row[0] && strcmp(row[0], "max_connections") == 0)
        taken->places = number_of(row[1]);
    if (number == OF_SERVER)
        taken->connected = number_of(row[1]);
    long long most = number == OF_USER ? number_of(row[0]) : 0; /* 0: no limit of its own */
    taken->is_user_full = taken->is_user_full || (most > 0 && number_of(row[1]) >= most);
}

static bool take_result(struct mysql_talk *talk, struct taken *taken, int number) {
    MYSQL_RES *result = mysql_use_result(talk->mysql);
    unsigned columns = result ? mysql_num_fields(result) : 0;
    int rows = 0;
    for (MYSQL_ROW row; result && (row = mysql_fetch_row(result)) != NULL; rows++)
        take_row(taken, number, row, columns);
    mysql_free_result(result);
    return rows > 0 && mysql_errno(talk->mysql) == 0;
}

/* To the end, whatever is missing: what is left unread would be in the way of the next question. */
void mysql_login_ask(struct mysql_talk *talk, struct mysql_login *login) {
    struct taken taken = {.hash = UINT64_C(14695981039346656037), .places = -1, .connected = -1};
    int known = 0;
    bool is_well = mysql_query(talk->mysql, QUESTION) == 0;
    for (int number = OF_ACCOUNT; is_well; number++) {
        known += take_result(talk, &taken, number) && number <= OF_SETTINGS;
        is_well = mysql_next_result(talk->mysql) == 0;
    }
    bool is_server_full = taken.places > 0 && taken.connected >= taken.places;
    login->fingerprint = known <= OF_SETTINGS ? 0 : taken.hash ? taken.hash : 1;
    login->is_full = is_server_full || taken.is_user_full;
}
