/* What only a login shows, asked of the catalogs. */
#include "kinds/postgres/login.h"

#include <stdlib.h>
#include <string.h>

/* What InitPostgres and its helpers look at (src/backend/utils/init/postinit.c, miscinit.c), in views that
 * PostgreSQL shows to everybody. login_state: whether role and database let somebody in, until when, how
 * many, and the settings that a session gets at its login alone. places: how many are left; NULL: no limit
 * binds us. Not seen from within: a changed password, pg_hba.conf.
 *
 * pg_stat_activity hides of others what they are (backend_type) and shows whom they belong to: who has both a
 * user and a database takes a place. Superusers are bound by no limit but the server's own. */
const char POSTGRES_LOGIN_QUESTION[] =
    "SELECT pg_backend_pid() AS backend_pid,"
    " concat_ws(' ', r.rolname, r.rolcanlogin, r.rolvaliduntil, r.rolvaliduntil < now(), r.rolconnlimit,"
    " r.rolsuper, d.datallowconn, d.datconnlimit, has_database_privilege(d.oid, 'CONNECT'),"
    " (SELECT string_agg(concat_ws(' ', s.setdatabase, s.setrole, s.setconfig), ' '"
    " ORDER BY s.setdatabase, s.setrole) FROM pg_db_role_setting AS s"
    " WHERE s.setdatabase IN (0, d.oid) AND s.setrole IN (0, r.oid))) AS login_state,"
    " CASE WHEN r.rolsuper THEN current_setting('max_connections')::int - a.of_server"
    " ELSE least(current_setting('max_connections')::int"
    " - current_setting('superuser_reserved_connections')::int"
    " - coalesce(current_setting('reserved_connections', true)::int, 0) - a.of_server,"
    " CASE WHEN r.rolconnlimit >= 0 THEN r.rolconnlimit - a.of_role END,"
    " CASE WHEN d.datconnlimit >= 0 THEN d.datconnlimit - a.of_database END) END AS places"
    " FROM pg_roles AS r, pg_database AS d, (SELECT count(*) AS of_server,"
    " count(*) FILTER (WHERE usename = session_user AND backend_type = 'client backend') AS of_role,"
    " count(*) FILTER (WHERE datname = current_database()) AS of_database FROM pg_stat_activity"
    " WHERE datid IS NOT NULL AND usesysid IS NOT NULL"
    " AND coalesce(backend_type, 'client backend') = 'client backend') AS a"
    " WHERE r.rolname = session_user AND d.datname = current_database();";

/* FNV-1a. Never 0, which means that nothing is known. */
static uint64_t hash_text(const char *text) {
    uint64_t hash = UINT64_C(14695981039346656037);
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return hash ? hash : 1;
}

bool postgres_login_take(struct postgres_login *login, const struct postgres_row *row) {
    const char *pid = postgres_row_field(row, "backend_pid");
    const char *state = postgres_row_field(row, "login_state"), *places = postgres_row_field(row, "places");
    if (!pid)
        return false;
    *login = (struct postgres_login){.fingerprint = state ? hash_text(state) : 0,
        .backend_pid = (int)strtol(pid, NULL, 10),
        .is_full = places && strtol(places, NULL, 10) <= 0};
    return true;
}
