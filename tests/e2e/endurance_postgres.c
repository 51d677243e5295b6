/* The faults of the endurance test that befall PostgreSQL. */
#include "e2e/endurance_servers.h"

#include "harness/proc.h"
#include "harness/wait.h"

#include <check.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>

enum { SERVER_UP_MS = 10000, BACKENDS_MAX = 64 };

void fault_postgres_stop(struct scene *scene) {
    postgres_stop(scene->server);
}

void fault_postgres_crash(struct scene *scene) {
    postgres_crash(scene->server);
}

void fault_postgres_start(struct scene *scene) {
    postgres_restart(scene->server, NULL);
}

/* With its backends: a connection that is kept must notice as well. */
static void signal_backends(const struct scene *scene, int number) {
    pid_t backends[BACKENDS_MAX];
    int count = proc_children(scene->server->pid, backends, BACKENDS_MAX);
    for (int i = 0; i < count; i++)
        kill(backends[i], number);
}

void fault_postgres_stall(struct scene *scene) {
    postgres_pause(scene->server); /* first: no new ones from here on */
    signal_backends(scene, SIGSTOP);
}

void fault_postgres_resume(struct scene *scene) {
    signal_backends(scene, SIGCONT);
    postgres_continue(scene->server);
}

/* What holds for logins alone shows on a connection that is kept once that is gone. */
static void do_anew(struct scene *scene, const char *sql) {
    postgres_do(scene->server, "postgres", sql);
    postgres_do(scene->server, "postgres",
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'bugsink'");
}

void fault_postgres_change_password(struct scene *scene) {
    do_anew(scene, "ALTER ROLE bugsink PASSWORD 'another'");
}

void fault_postgres_restore_password(struct scene *scene) {
    do_anew(scene, "ALTER ROLE bugsink PASSWORD '" POSTGRES_PASSWORD "'");
}

void fault_postgres_forbid_writing(struct scene *scene) {
    do_anew(scene, "ALTER ROLE bugsink SET default_transaction_read_only = on");
}

void fault_postgres_allow_writing(struct scene *scene) {
    do_anew(scene, "ALTER ROLE bugsink RESET default_transaction_read_only");
}

void fault_postgres_add_installation(struct scene *scene) {
    postgres_do(scene->server, "bugsink",
        "INSERT INTO phonehome_installation (id, created_at) VALUES (gen_random_uuid(), '2001-01-01')");
}

void fault_postgres_remove_installation(struct scene *scene) {
    postgres_do(
        scene->server, "bugsink", "DELETE FROM phonehome_installation WHERE created_at = '2001-01-01'");
}

void fault_postgres_use_up_quota(struct scene *scene) {
    postgres_do(scene->server, "bugsink",
        "UPDATE phonehome_installation SET quota_exceeded_until = now() + interval '1 hour'");
}

void fault_postgres_grant_quota(struct scene *scene) {
    postgres_do(scene->server, "bugsink", "UPDATE phonehome_installation SET quota_exceeded_until = NULL");
}

static PGconn *connect_super(const struct scene *scene) {
    char port[16];
    snprintf(port, sizeof port, "%d", scene->server->port);
    const char *const keywords[] = {"host", "port", "user", "dbname", NULL};
    const char *const values[] = {scene->server->root, port, "postgres", "postgres", NULL};
    return PQconnectdbParams(keywords, values, 0);
}

/* The server takes that for a crash: it ends all its backends and recovers. */
void fault_postgres_kill_backend(struct scene *scene) {
    PGconn *conn = connect_super(scene);
    ck_assert_msg(PQstatus(conn) == CONNECTION_OK, "%s", PQerrorMessage(conn));
    kill(PQbackendPID(conn), SIGKILL);
    PQclear(PQexec(conn, "SELECT 1")); /* fails when it is dead */
    PQfinish(conn);
}

static bool takes_connections(void *arg) {
    PGconn *conn = connect_super(arg);
    bool is_up = PQstatus(conn) == CONNECTION_OK;
    PQfinish(conn);
    return is_up;
}

void fault_postgres_await(struct scene *scene) {
    ck_assert(wait_until(takes_connections, scene, SERVER_UP_MS));
}
