/* PostgreSQL's questions and answers. */
#include "kinds/postgres/questions.h"

#include "base/str.h"

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
/* blocked: the sessions of our own user from our own address (Bugsink's, in the same pod; a pooler's address
 * is everybody's behind it), ours left out, that wait for a lock or are at one statement for longer than 5 s.
 * It stands first: where a question that follows waits for the same lock, this one has been answered.
 * is_shut: django_migrations is there, where the search path would find it, in a schema that we may not use;
 * to read it then says that there is none (42P01). */
static const char STATE[] =
    "SELECT pg_is_in_recovery() AS in_recovery, current_setting('transaction_read_only') AS read_only,"
    " CASE WHEN to_regclass('django_migrations') IS NULL THEN EXISTS (SELECT 1 FROM pg_class AS c"
    " JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relname = 'django_migrations'"
    " AND NOT has_schema_privilege(n.oid, 'USAGE') AND n.nspname = ANY (regexp_split_to_array("
    "replace(replace(current_setting('search_path'), '\"', ''), '$user', session_user), ', *'))) END"
    " AS is_shut, (SELECT count(*) FROM pg_stat_activity WHERE usename = session_user"
    " AND client_addr IS NOT DISTINCT FROM inet_client_addr() AND backend_type = 'client backend'"
    " AND application_name <> 'bugsink-health' AND query NOT LIKE '%AS in_recovery%'"
    " AND state = 'active' AND query_start < clock_timestamp() - interval '5 s') AS blocked;";

static const char SCHEMA[] =
    "SELECT EXISTS (SELECT 1 FROM django_migrations) AS is_migrated,"
    " (SELECT count(*) FROM (SELECT 1 FROM phonehome_installation LIMIT 2) AS i) AS installations,"
    " (SELECT bool_or((to_jsonb(i) ->> 'quota_exceeded_until')::timestamptz > now())"
    " FROM (SELECT * FROM phonehome_installation LIMIT 2) AS i) AS is_paused,"
    " (SELECT sum(id) FROM django_migrations) AS migrations_id;";

/* What we may not do with Bugsink's tables, the first that is found; NULL: nothing is missing. They are those
 * of its apps, by the name in front, in the schema of django_migrations, without those that migrations alone
 * write. A right may be had on each column instead of the table. A column "serial" needs its sequence; an
 * identity column does not ask for it. */
static const char RIGHTS[] =
    "WITH app AS (SELECT app AS name FROM django_migrations UNION SELECT unnest(ARRAY['alerts', 'auth',"
    " 'authtoken', 'bsmain', 'django', 'events', 'files', 'ingest', 'issues', 'phonehome', 'projects',"
    " 'releases', 'tags', 'teams', 'users'])),"
    " own AS (SELECT c.oid, c.relname FROM pg_class AS c WHERE c.relkind IN ('r', 'p')"
    " AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('django_migrations'))"
    " AND split_part(c.relname, '_', 1) IN (SELECT name FROM app)"
    " AND c.relname NOT IN ('django_migrations', 'django_content_type', 'auth_permission'))"
    " SELECT (SELECT w.name || ' on ' || o.relname FROM own AS o, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE',"
    " 'DELETE']) AS w (name) WHERE NOT has_table_privilege(o.oid, w.name) AND CASE w.name WHEN 'DELETE'"
    " THEN true ELSE EXISTS (SELECT 1 FROM pg_attribute AS a WHERE a.attrelid = o.oid AND a.attnum > 0"
    " AND NOT a.attisdropped AND NOT has_column_privilege(o.oid, a.attnum, w.name)) END LIMIT 1) AS lacks,"
    " (SELECT 'USAGE on ' || s.relname FROM own AS o JOIN pg_depend AS d ON d.refobjid = o.oid"
    " AND d.refclassid = 'pg_class'::regclass AND d.classid = 'pg_class'::regclass AND d.deptype = 'a'"
    " JOIN pg_class AS s ON s.oid = d.objid"
    " WHERE CASE s.relkind WHEN 'S' THEN NOT has_sequence_privilege(s.oid, 'USAGE, UPDATE') END LIMIT 1) AS "
    "lacks_sequence;";

void postgres_questions(struct strbuf *sql, enum role role, const char *more) {
    if (role == ROLE_MAIN)
        strbuf_format(sql, "%s %s %s", STATE, SCHEMA, RIGHTS);
    else
        strbuf_append(sql, "SELECT 1;");
    if (more)
        strbuf_format(sql, " %s", more);
    if (role == ROLE_MAIN)
        strbuf_append(sql, " ROLLBACK");
}

int postgres_rows_wanted(enum role role) {
    return role == ROLE_MAIN ? 3 : 1;
}

const char *postgres_row_field(const struct postgres_row *row, const char *column) {
    for (int i = 0; i < row->count; i++)
        if (strcmp(row->names[i], column) == 0)
            return row->values[i];
    return NULL;
}

static bool says(const struct postgres_row *row, const char *column, const char *value) {
    const char *found = postgres_row_field(row, column);
    return found && strcmp(found, value) == 0;
}

static enum reason judge_schema(
    const struct postgres_row *row, struct observed *observed, const char **detail) {
    const char *installations = postgres_row_field(row, "installations");
    if (!postgres_row_field(row, "is_migrated") || !installations)
        return REASON_OK; /* another row */
    int64_t count = strtoll(installations, NULL, 10);
    observed_set(observed, OBSERVED_INSTALLATIONS, count);
    const char *migrations = postgres_row_field(row, "migrations_id");
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

static bool lacks_rights(const struct postgres_row *row, const char **detail) {
    const char *table = postgres_row_field(row, "lacks");
    const char *sequence = postgres_row_field(row, "lacks_sequence");
    if (!table && !sequence)
        return false;
    *detail = table ? table : sequence;
    return true;
}

static bool is_blocked(const struct postgres_row *row, struct observed *observed) {
    const char *sessions = postgres_row_field(row, "blocked");
    int64_t count = sessions ? strtoll(sessions, NULL, 10) : 0;
    if (count > 0)
        observed_set(observed, OBSERVED_BLOCKED_SESSIONS, count);
    return count > 0;
}

enum reason postgres_judge(const struct postgres_row *row, struct observed *observed, const char **detail) {
    bool has_blocked = is_blocked(row, observed);
    if (says(row, "in_recovery", "t")) {
        *detail = "a standby: pg_is_in_recovery() is true";
        return REASON_READ_ONLY;
    }
    if (says(row, "read_only", "on")) {
        *detail = "transaction_read_only is on";
        return REASON_READ_ONLY;
    }
    if (says(row, "is_shut", "t")) {
        *detail = "no USAGE on the schema of django_migrations";
        return REASON_PRIVILEGES;
    }
    if (lacks_rights(row, detail))
        return REASON_PRIVILEGES;
    if (has_blocked) {
        *detail = "sessions of this user wait, or do not end";
        return REASON_BLOCKED;
    }
    return judge_schema(row, observed, detail);
}
