/* PostgreSQL's questions and answers. */
#include "kinds/postgres/questions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A transaction with its own limits, which end a query that hangs (on a migration's lock, say) in the server
 * as well, a little before our deadline; else one backend would be left behind by each run. BEGIN takes the
 * role's and database's own default of read-only. */
void postgres_opening(char sql[POSTGRES_SQL_SIZE], enum role role, int64_t remaining_ms) {
    int64_t statement_ms = remaining_ms * 9 / 10, lock_ms = remaining_ms * 8 / 10;
    sql[0] = '\0';
    if (role == ROLE_MAIN)
        snprintf(sql, POSTGRES_SQL_SIZE,
            "BEGIN; SET LOCAL statement_timeout = %lld; SET LOCAL lock_timeout = %lld;",
            (long long)(statement_ms > 0 ? statement_ms : 1), (long long)(lock_ms > 0 ? lock_ms : 1));
}

/* In one message: one round trip. The row of phonehome_installation goes through JSON because older Bugsinks
 * have no quota_exceeded_until: a missing key is NULL, a missing column an error in the server's log at every
 * run. (Bugsink: phonehome/models.py, and its migration 0003.) */
const char *postgres_questions(enum role role) {
    if (role != ROLE_MAIN)
        return "SELECT 1";
    return "SELECT pg_is_in_recovery() AS in_recovery, current_setting('transaction_read_only') AS read_only;"
           " SELECT EXISTS (SELECT 1 FROM django_migrations) AS is_migrated,"
           " (SELECT count(*) FROM (SELECT 1 FROM phonehome_installation LIMIT 2) AS i) AS installations,"
           " (SELECT bool_or((to_jsonb(i) ->> 'quota_exceeded_until')::timestamptz > now())"
           " FROM (SELECT * FROM phonehome_installation LIMIT 2) AS i) AS is_paused,"
           " (SELECT sum(id) FROM django_migrations) AS migrations_id;"
           " ROLLBACK";
}

int postgres_rows_wanted(enum role role) {
    return role == ROLE_MAIN ? 2 : 1;
}

static const char *field(const struct postgres_row *row, const char *column) {
    for (int i = 0; i < row->count; i++)
        if (strcmp(row->names[i], column) == 0)
            return row->values[i];
    return NULL;
}

static bool says(const struct postgres_row *row, const char *column, const char *value) {
    const char *found = field(row, column);
    return found && strcmp(found, value) == 0;
}

static enum reason judge_schema(
    const struct postgres_row *row, struct observed *observed, const char **detail) {
    const char *installations = field(row, "installations");
    if (!field(row, "is_migrated") || !installations)
        return REASON_OK; /* another row */
    int64_t count = strtoll(installations, NULL, 10);
    observed_set(observed, OBSERVED_INSTALLATIONS, count);
    const char *migrations = field(row, "migrations_id");
    if (migrations)
        observed_set(observed, OBSERVED_MIGRATIONS_ID, strtoll(migrations, NULL, 10));
    if (!says(row, "is_migrated", "t")) {
        *detail = "django_migrations is empty";
        return REASON_UNMIGRATED;
    }
    if (count != 1) {
        *detail =
            count == 0 ? "phonehome_installation is empty" : "phonehome_installation has more than one row";
        return REASON_APP_DATA_INVALID;
    }
    *detail = "quota_exceeded_until is in the future";
    return says(row, "is_paused", "t") ? REASON_INGESTION_PAUSED : REASON_OK;
}

enum reason postgres_judge(const struct postgres_row *row, struct observed *observed, const char **detail) {
    if (says(row, "in_recovery", "t")) {
        *detail = "a standby: pg_is_in_recovery() is true";
        return REASON_READ_ONLY;
    }
    if (says(row, "read_only", "on")) {
        *detail = "transaction_read_only is on";
        return REASON_READ_ONLY;
    }
    return judge_schema(row, observed, detail);
}
