/* What a MySQL or MariaDB database is asked, and what its answers mean: plain blocking calls, for the phase
 * is known. */
#include "kinds/mysql/talk.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Logged in: the questions have their time, also where the login took a whole run, or all but a little of it:
 * with nothing left, each of them would be a timeout of our own making. */
static void end_lingering(struct mysql_talk *talk) {
    int64_t now_ms = clock_now_ms(clock_system());
    if (now_ms - talk->started_ms > talk->config->timeout_ms * 8 / 10)
        talk->started_ms = now_ms;
    alarm((unsigned)((talk->config->timeout_ms + 999) / 1000) + 1);
}

/* By which our statements that may wait are known in the process list. */
#define MARK "/* bugsink-health */"

enum {
    ERROR_TABLE_DENIED = 1142,
    ERROR_LOCK_WAIT = 1205,
    ERROR_STATEMENT_TIME = 1969, /* MariaDB's max_statement_time */
    ERROR_QUERY_TIME = 3024,     /* MySQL's max_execution_time */
};

/* Runs one statement. *row is its first row, or NULL; the result it stands in is the caller's to free. Rows
 * are not kept: a server that sends them without end costs time, and no memory. */
static bool run(struct mysql_talk *talk, const char *sql, MYSQL_RES **result, MYSQL_ROW *row) {
    *row = NULL;
    *result = mysql_query(talk->mysql, sql) == 0 ? mysql_use_result(talk->mysql) : NULL;
    if (*result)
        *row = mysql_fetch_row(*result);
    return mysql_errno(talk->mysql) == 0 || mysql_talk_fail_with_error(talk, PHASE_QUERY);
}

static bool run_only(struct mysql_talk *talk, const char *sql) {
    MYSQL_RES *result;
    MYSQL_ROW row;
    bool is_done = run(talk, sql, &result, &row);
    mysql_free_result(result);
    return is_done;
}

/* What failed says nothing here. Returns true. */
static bool forget_failure(struct mysql_talk *talk) {
    const struct observed observed = talk->outcome->observed;
    *talk->outcome = (struct outcome){.observed = observed};
    return true;
}

/* A query that hangs (on a migration's lock, say) ends in the server as well, a little before our deadline;
 * else one connection would be left behind by each run. MySQL waits for locks in whole seconds alone. */
static bool set_limits(struct mysql_talk *talk) {
    char sql[128];
    int64_t elapsed_ms = clock_now_ms(clock_system()) - talk->started_ms;
    int64_t limit_ms = (talk->config->timeout_ms - elapsed_ms) * 8 / 10;
    if (limit_ms < 1)
        limit_ms = 1;
    long long limit = (long long)limit_ms, lock_s = limit > 1000 ? limit / 1000 : 1;
    if (mariadb_connection(talk->mysql))
        snprintf(sql, sizeof sql, "SET SESSION max_statement_time=%lld.%03lld, lock_wait_timeout=%lld",
            limit / 1000, limit % 1000, lock_s);
    else
        snprintf(
            sql, sizeof sql, "SET SESSION max_execution_time=%lld, lock_wait_timeout=%lld", limit, lock_s);
    return run_only(talk, sql);
}

/* -- whether it takes writes -- */

/* A Galera node that is not in its cluster, or not yet, refuses all that writes (1047), and serves reads
 * still where wsrep_dirty_reads is on. */
static bool is_in_cluster(struct mysql_talk *talk) {
    MYSQL_RES *result;
    MYSQL_ROW row;
    bool is_ready = run(talk, "SHOW GLOBAL STATUS LIKE 'wsrep_ready'", &result, &row);
    if (is_ready && row && row[1] && strcmp(row[1], "ON") != 0)
        is_ready = mysql_talk_fail(talk, REASON_DB_STARTING, PHASE_QUERY,
            "wsrep_ready is not ON: the node is outside of its cluster");
    mysql_free_result(result);
    return is_ready;
}

/* The names that hold on MySQL and MariaDB of any version: an unknown one is merely absent here. */
static bool is_session_writable(struct mysql_talk *talk) {
    MYSQL_RES *result;
    MYSQL_ROW row;
    bool is_clustered = false;
    bool is_writable = run(talk,
        "SHOW VARIABLES WHERE Variable_name IN"
        " ('tx_read_only', 'transaction_read_only', 'innodb_read_only', 'wsrep_on')",
        &result, &row);
    for (; is_writable && row; row = mysql_fetch_row(result)) {
        char text[128];
        if (!row[0] || !row[1] || strcmp(row[1], "OFF") == 0 || strcmp(row[1], "0") == 0)
            continue;
        if (strcmp(row[0], "wsrep_on") == 0) {
            is_clustered = true;
            continue;
        }
        snprintf(text, sizeof text, "%.60s is %.30s", row[0], row[1]);
        is_writable = mysql_talk_fail(talk, REASON_READ_ONLY, PHASE_QUERY, text);
    }
    if (is_writable && mysql_errno(talk->mysql) != 0) /* no further row: the last one, or the answer broke */
        is_writable = mysql_talk_fail_with_error(talk, PHASE_QUERY);
    mysql_free_result(result);
    return is_writable && (!is_clustered || is_in_cluster(talk));
}

/* An explicit READ WRITE is refused (1290, 1836) to whom read_only or super_read_only binds, and to nobody
 * else: the server knows best who is exempt. Nothing is written. (MariaDB: sql/transaction.cc, trans_begin.)
 */
static bool is_user_let_write(struct mysql_talk *talk) {
    return run_only(talk, "START TRANSACTION READ WRITE") && run_only(talk, "ROLLBACK");
}

/* -- Bugsink's schema -- */

enum { SCHEMA_COLUMNS = 3 }; /* without what may be NULL: the sum over no row */

static bool judge_schema(struct mysql_talk *talk, MYSQL_ROW row, unsigned columns) {
    if (!row || columns < SCHEMA_COLUMNS || !row[0] || !row[1] || !row[2])
        return mysql_talk_fail(talk, REASON_PROTOCOL, PHASE_QUERY, "values are missing in the answer");
    int64_t installations = strtoll(row[1], NULL, 10);
    observed_set(&talk->outcome->observed, OBSERVED_INSTALLATIONS, installations);
    if (columns > SCHEMA_COLUMNS && row[SCHEMA_COLUMNS])
        observed_set(
            &talk->outcome->observed, OBSERVED_MIGRATIONS_ID, strtoll(row[SCHEMA_COLUMNS], NULL, 10));
    if (strcmp(row[0], "1") != 0)
        return mysql_talk_fail(talk, REASON_UNMIGRATED, PHASE_QUERY, "django_migrations is empty");
    if (installations != 1)
        return mysql_talk_fail(talk, REASON_APP_DATA_INVALID, PHASE_QUERY,
            installations == 0 ? "phonehome_installation is empty"
                               : "phonehome_installation has more than one row");
    if (strcmp(row[2], "1") == 0) /* which is no fault: what comes may be one */
        mysql_talk_fail(talk, REASON_INGESTION_PAUSED, PHASE_QUERY, "quota_exceeded_until is in the future");
    return true;
}

/* Older Bugsinks have no quota_exceeded_until: then the name means the outer table's, which is NULL. Django
 * keeps times in UTC here. (Bugsink: phonehome/models.py, and its migration 0003.) */
static bool ask_schema(struct mysql_talk *talk) {
    MYSQL_RES *result;
    MYSQL_ROW row;
    bool is_well = run(talk,
        "SELECT " MARK " EXISTS (SELECT 1 FROM django_migrations),"
        " (SELECT count(*) FROM (SELECT 1 FROM phonehome_installation LIMIT 2) AS i),"
        " EXISTS (SELECT 1 FROM phonehome_installation WHERE quota_exceeded_until > UTC_TIMESTAMP(6)),"
        " (SELECT sum(id) FROM django_migrations)"
        " FROM (SELECT CAST(NULL AS DATETIME(6)) AS quota_exceeded_until) AS older",
        &result, &row);
    is_well = is_well && judge_schema(talk, row, result ? mysql_num_fields(result) : 0);
    mysql_free_result(result);
    return is_well;
}

/* -- rights -- */

/* The tables of Bugsink's apps, by the name in front, without those that migrations alone write. As bytes,
 * for the collations of both sides may not mix. */
#define OWN_TABLES                                                                                           \
    " TABLE_SCHEMA = DATABASE() AND TABLE_NAME NOT IN ('django_migrations', 'django_content_type',"          \
    " 'auth_permission') AND CAST(SUBSTRING_INDEX(TABLE_NAME, '_', 1) AS BINARY) IN ('alerts', 'auth',"      \
    " 'authtoken', 'bsmain', 'django', 'events', 'files', 'ingest', 'issues', 'phonehome', 'projects',"      \
    " 'releases', 'tags', 'teams', 'users')"

/* PRIVILEGES is what the session may do with the column, from whatever level, role or host it has that
 * (measured on MariaDB 10.11, where the other tables of rights do not show what a role gives). */
static bool may_insert_and_update(struct mysql_talk *talk) {
    MYSQL_RES *result;
    MYSQL_ROW row;
    bool may = run(talk,
        "SELECT CONCAT(IF(NOT FIND_IN_SET('select', PRIVILEGES), 'SELECT', IF(NOT FIND_IN_SET('insert',"
        " PRIVILEGES), 'INSERT', 'UPDATE')), ' on ', TABLE_NAME) FROM information_schema.COLUMNS WHERE"
        " NOT (FIND_IN_SET('select', PRIVILEGES) AND FIND_IN_SET('insert', PRIVILEGES)"
        " AND FIND_IN_SET('update', PRIVILEGES)) AND" OWN_TABLES " LIMIT 1",
        &result, &row);
    if (may && row)
        may = mysql_talk_fail(talk, REASON_PRIVILEGES, PHASE_QUERY, row[0] ? row[0] : "");
    mysql_free_result(result);
    return may;
}

enum { JOINED_MAX = 60 }; /* MySQL joins 61 tables */

#define MAY_DELETE                                                                                           \
    " WHERE PRIVILEGE_TYPE = 'DELETE' AND GRANTEE ="                                                         \
    " CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')"

/* Writes the tables where no right to DELETE is seen, with commas; it may still be had by a role. */
static bool find_undeletable(struct mysql_talk *talk, struct strbuf *tables) {
    MYSQL_RES *result;
    MYSQL_ROW row;
    int count = 0;
    bool is_well = run(talk,
        "SELECT TABLE_NAME FROM information_schema.TABLES AS t WHERE" OWN_TABLES
        " AND NOT EXISTS (SELECT 1 FROM information_schema.USER_PRIVILEGES" MAY_DELETE ")"
        " AND NOT EXISTS (SELECT 1 FROM information_schema.SCHEMA_PRIVILEGES AS s" MAY_DELETE
        " AND DATABASE() LIKE s.TABLE_SCHEMA)"
        " AND NOT EXISTS (SELECT 1 FROM information_schema.TABLE_PRIVILEGES AS p" MAY_DELETE
        " AND p.TABLE_SCHEMA = DATABASE() AND p.TABLE_NAME = t.TABLE_NAME)",
        &result, &row);
    for (; is_well && row && count < JOINED_MAX; row = mysql_fetch_row(result))
        if (row[0] && !strchr(row[0], '`'))
            strbuf_format(tables, "%s`%s`", count++ > 0 ? ", " : "", row[0]);
    mysql_free_result(result);
    return is_well;
}

/* To explain a statement takes the rights that it takes to run it, and the same locks: one that is waited for
 * is found in its own place. */
static bool may_delete(struct mysql_talk *talk) {
    struct strbuf tables = {0}, sql = {0};
    bool may = find_undeletable(talk, &tables);
    if (may && tables.length > 0) {
        strbuf_format(&sql, "EXPLAIN " MARK " DELETE %s FROM %s WHERE FALSE", tables.data, tables.data);
        may = sql.is_broken || run_only(talk, sql.data);
        unsigned error = may ? 0 : mysql_errno(talk->mysql);
        if (error == ERROR_TABLE_DENIED)
            talk->outcome->reason = REASON_PRIVILEGES;
        else if (error == ERROR_LOCK_WAIT)
            may = forget_failure(talk);
    }
    strbuf_release(&tables);
    strbuf_release(&sql);
    return may;
}

/* -- what Bugsink waits for -- */

#define ADDRESS(host)                                                                                        \
    "IF(LOCATE(':', " host "), LEFT(" host ", LENGTH(" host ") - LOCATE(':', REVERSE(" host "))), " host ")"

/* Sessions of our own user from our own address, ours left out, in one statement for longer than 5 s; or that
 * wait for a backup, which holds up every write: those may give up before 5 s, and the next ones wait as they
 * did. The process list shows everybody their own. A server that has none in this place says nothing of them.
 */
static bool count_blocked(struct mysql_talk *talk, int64_t *count) {
    MYSQL_RES *result;
    MYSQL_ROW row;
    bool is_well = run(talk,
        "SELECT COUNT(*) FROM information_schema.PROCESSLIST AS p JOIN information_schema.PROCESSLIST AS o"
        " ON o.ID = CONNECTION_ID() WHERE p.ID <> o.ID AND p.USER = o.USER"
        " AND " ADDRESS("p.HOST") " = " ADDRESS(
            "o.HOST") " AND p.COMMAND IN ('Query', 'Execute')"
                      " AND (p.TIME >= 5 OR (p.TIME >= 1 AND p.STATE = 'Waiting for backup lock'))"
                      " AND IFNULL(p.INFO, '') NOT LIKE '%bugsink-health%'",
        &result, &row);
    *count = is_well && row && row[0] ? strtoll(row[0], NULL, 10) : 0;
    mysql_free_result(result);
    if (*count > 0)
        observed_set(&talk->outcome->observed, OBSERVED_BLOCKED_SESSIONS, *count);
    bool is_absent = !is_well && (talk->outcome->reason == REASON_UNMIGRATED ||
                                     talk->outcome->reason == REASON_QUERY_FAILED);
    return is_well || (is_absent && forget_failure(talk));
}

/* Asks for the lock that a write takes, with nothing to write: FLUSH TABLES WITH READ LOCK makes that wait,
 * and so does LOCK TABLES. (BACKUP STAGE BLOCK_COMMIT holds up commits alone: that shows in the sessions that
 * wait.) A lock that passes within a second is none. */
static bool is_write_free(struct mysql_talk *talk) {
    bool is_free = run_only(talk, "SET SESSION lock_wait_timeout=1") &&
                   run_only(talk, "SELECT " MARK " 1 FROM phonehome_installation WHERE FALSE FOR UPDATE");
    unsigned error = is_free ? 0 : mysql_errno(talk->mysql);
    if (error == ERROR_LOCK_WAIT || error == ERROR_STATEMENT_TIME || error == ERROR_QUERY_TIME)
        talk->outcome->reason = REASON_BLOCKED;
    return is_free;
}

/* -- all of them -- */

static bool ask_plain(struct mysql_talk *talk) {
    MYSQL_RES *result;
    MYSQL_ROW row;
    bool is_well = run(talk, "SELECT 1", &result, &row);
    if (is_well && !row)
        is_well = mysql_talk_fail(talk, REASON_PROTOCOL, PHASE_QUERY, "rows are missing in the answer");
    mysql_free_result(result);
    return is_well;
}

/* What is merely degraded is not the end: what comes after it may be worse. */
static bool ask_main(struct mysql_talk *talk) {
    int64_t blocked;
    if (!is_session_writable(talk) || !is_user_let_write(talk) || !count_blocked(talk, &blocked) ||
        !ask_schema(talk) || !may_insert_and_update(talk) || !may_delete(talk) || !is_write_free(talk))
        return false;
    return blocked == 0 ||
           mysql_talk_fail(talk, REASON_BLOCKED, PHASE_QUERY, "sessions of this user wait, or do not end");
}

bool mysql_talk_ask(struct mysql_talk *talk) {
    mysql_talk_enter(talk, PHASE_QUERY);
    end_lingering(talk);
    observed_set(
        &talk->outcome->observed, OBSERVED_SERVER_VERSION, (int64_t)mysql_get_server_version(talk->mysql));
    if (talk->config->database.role == ROLE_PLAIN)
        return ask_plain(talk);
    return set_limits(talk) && ask_main(talk);
}
