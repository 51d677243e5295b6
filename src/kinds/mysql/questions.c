/* What a MySQL database is asked, and what its answers mean. Plain blocking calls, for the phase is known. */
#include "kinds/mysql/talk.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* The names that hold on MySQL and MariaDB of any version: an unknown one is merely absent here. */
static bool is_session_writable(struct mysql_talk *talk) {
    MYSQL_RES *result;
    MYSQL_ROW row;
    bool is_writable = run(talk,
        "SHOW VARIABLES WHERE Variable_name IN ('tx_read_only', 'transaction_read_only', 'innodb_read_only')",
        &result, &row);
    for (; is_writable && row; row = mysql_fetch_row(result)) {
        char text[128];
        if (!row[0] || !row[1] || strcmp(row[1], "OFF") == 0 || strcmp(row[1], "0") == 0)
            continue;
        snprintf(text, sizeof text, "%.60s is %.30s", row[0], row[1]);
        is_writable = mysql_talk_fail(talk, REASON_READ_ONLY, PHASE_QUERY, text);
    }
    if (is_writable && mysql_errno(talk->mysql) != 0) /* no further row: the last one, or the answer broke */
        is_writable = mysql_talk_fail_with_error(talk, PHASE_QUERY);
    mysql_free_result(result);
    return is_writable;
}

/* An explicit READ WRITE is refused (1290, 1836) to whom read_only or super_read_only binds, and to nobody
 * else: the server knows best who is exempt. Nothing is written. (MariaDB: sql/transaction.cc, trans_begin.)
 */
static bool is_user_let_write(struct mysql_talk *talk) {
    return run_only(talk, "START TRANSACTION READ WRITE") && run_only(talk, "ROLLBACK");
}

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
    if (strcmp(row[2], "1") == 0)
        return mysql_talk_fail(
            talk, REASON_INGESTION_PAUSED, PHASE_QUERY, "quota_exceeded_until is in the future");
    return true;
}

/* Older Bugsinks have no quota_exceeded_until: then the name means the outer table's, which is NULL. Django
 * keeps times in UTC here. (Bugsink: phonehome/models.py, and its migration 0003.) */
static bool ask_schema(struct mysql_talk *talk) {
    MYSQL_RES *result;
    MYSQL_ROW row;
    bool is_well = run(talk,
        "SELECT EXISTS (SELECT 1 FROM django_migrations),"
        " (SELECT count(*) FROM (SELECT 1 FROM phonehome_installation LIMIT 2) AS i),"
        " EXISTS (SELECT 1 FROM phonehome_installation WHERE quota_exceeded_until > UTC_TIMESTAMP(6)),"
        " (SELECT sum(id) FROM django_migrations)"
        " FROM (SELECT CAST(NULL AS DATETIME(6)) AS quota_exceeded_until) AS older",
        &result, &row);
    is_well = is_well && judge_schema(talk, row, result ? mysql_num_fields(result) : 0);
    mysql_free_result(result);
    return is_well;
}

static bool ask_plain(struct mysql_talk *talk) {
    MYSQL_RES *result;
    MYSQL_ROW row;
    bool is_well = run(talk, "SELECT 1", &result, &row);
    if (is_well && !row)
        is_well = mysql_talk_fail(talk, REASON_PROTOCOL, PHASE_QUERY, "rows are missing in the answer");
    mysql_free_result(result);
    return is_well;
}

/* Logged in: the questions have their time, also where the login took a whole run, or all but a little of it:
 * with nothing left, each of them would be a timeout of our own making. */
static void end_lingering(struct mysql_talk *talk) {
    int64_t now_ms = clock_now_ms(clock_system());
    if (now_ms - talk->started_ms > talk->config->timeout_ms * 8 / 10)
        talk->started_ms = now_ms;
    alarm((unsigned)((talk->config->timeout_ms + 999) / 1000) + 1);
}

bool mysql_talk_ask(struct mysql_talk *talk) {
    mysql_talk_enter(talk, PHASE_QUERY);
    end_lingering(talk);
    observed_set(
        &talk->outcome->observed, OBSERVED_SERVER_VERSION, (int64_t)mysql_get_server_version(talk->mysql));
    if (talk->config->database.role == ROLE_PLAIN)
        return ask_plain(talk);
    return set_limits(talk) && is_session_writable(talk) && is_user_let_write(talk) && ask_schema(talk);
}
