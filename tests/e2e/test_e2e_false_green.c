/* End to end: what other probes say of faults that keep Bugsink from working, beside what we say; measured,
 * written to false-green.md in the build directory, and compared with the README's table. */
#include "e2e/world.h"
#include "harness/fork.h"
#include "harness/mariadb.h"
#include "harness/postgres.h"
#include "harness/skip.h"
#include "harness/sqlite_files.h"
#include "harness/tempdir.h"
#include "harness/wait.h"

#include "base/io.h"
#include "base/process.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SHOWS_MS = 5000, OUTPUT_SIZE = 4096, SESSIONS = 3, TASKS = 400 };

#define USER  "bugsink"
#define RIGHT POSTGRES_PASSWORD_ENCODED

/* One fault: prepared in a world of its own, asked by all four. */
struct scene {
    struct world *world;
    struct postgres_server *server; /* NULL, as is mariadb: the fault is a file's */
    struct postgres_server *primary;
    struct mariadb_server *mariadb;
    const char *password; /* for MariaDB's own programs, which take no DSN */
    const char *database;
    pid_t worker;
    char *dsn;        /* the server's; NULL: default is the world's file */
    const char *file; /* what sqlite3 is asked */
    PGconn *sessions[SESSIONS];
    const char *check; /* ours */
};

static void stage_postgres(struct scene *scene, const char *password, const char *database) {
    if (!scene->server)
        scene->server = postgres_start(NULL);
    scene->dsn = postgres_dsn(scene->server, USER, password, database, "");
}

static void stage_well(struct scene *scene) {
    stage_postgres(scene, RIGHT, "bugsink");
}

static void stage_wrong_password(struct scene *scene) {
    stage_postgres(scene, "wrong", "bugsink");
}

static void stage_missing_database(struct scene *scene) {
    stage_postgres(scene, RIGHT, "absent");
}

static void stage_full(struct scene *scene) {
    const char *const settings[] = {"max_connections=5", "superuser_reserved_connections=2", NULL};
    scene->server = postgres_start(settings);
    stage_postgres(scene, RIGHT, "bugsink");
    for (int i = 0; i < SESSIONS; i++) {
        scene->sessions[i] = PQconnectdb(scene->dsn);
        ck_assert_msg(
            PQstatus(scene->sessions[i]) == CONNECTION_OK, "%s", PQerrorMessage(scene->sessions[i]));
    }
}

static void stage_standby(struct scene *scene) {
    scene->primary = postgres_start(NULL);
    postgres_stop(scene->primary);
    scene->server = postgres_start_standby(scene->primary);
    stage_postgres(scene, RIGHT, "bugsink");
}

static void stage_read_only(struct scene *scene) {
    stage_well(scene);
    postgres_do(scene->server, "postgres", "ALTER DATABASE bugsink SET default_transaction_read_only = on");
}

static void stage_unmigrated(struct scene *scene) {
    stage_postgres(scene, RIGHT, "blank");
}

static void stage_two_installations(struct scene *scene) {
    stage_well(scene);
    postgres_do(
        scene->server, "bugsink", "INSERT INTO phonehome_installation (id) VALUES (gen_random_uuid())");
}

static void stage_garbage(struct scene *scene) {
    sqlite_files_remove(scene->world->main_db);
    tempdir_write(scene->world->main_db,
        "This is no database. It is a line of text, and only longer than the "
        "hundred bytes of a header of SQLite's.\n");
    scene->file = scene->world->main_db;
}

static void stage_empty(struct scene *scene) {
    sqlite_files_remove(scene->world->main_db);
    tempdir_write(scene->world->main_db, "");
    scene->file = scene->world->main_db;
}

/* -- a worker, in the place of Bugsink's: it takes one task after the other from the queue -- */

/* Once it hangs: when it has worked all off, between two transactions, for else it would hold a lock. */
static _Noreturn void work(const char *path, pid_t parent) {
    const struct timespec pause = {.tv_nsec = 2 * 1000 * 1000};
    sqlite3 *db;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        _exit(1);
    sqlite3_busy_timeout(db, SHOWS_MS);
    bool has_worked = false, has_hung = false;
    while (process_die_with_parent(parent)) {
        sqlite3_exec(
            db, "DELETE FROM snappea_task WHERE id = (SELECT min(id) FROM snappea_task)", NULL, NULL, NULL);
        bool has_found = sqlite3_changes(db) > 0;
        if (!has_found && has_worked && !has_hung) {
            has_hung = true;
            raise(SIGSTOP);
        }
        has_worked = has_worked || has_found;
        if (!has_found)
            nanosleep(&pause, NULL);
    }
    _exit(0);
}

static int count_tasks(const char *path) {
    sqlite3 *db;
    sqlite3_stmt *statement;
    ck_assert_int_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    ck_assert_int_eq(
        sqlite3_prepare_v2(db, "SELECT count(*) FROM snappea_task", -1, &statement, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    int count = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return count;
}

static bool is_stopped(void *arg) {
    int status;
    return waitpid(*(pid_t *)arg, &status, WUNTRACED | WNOHANG) > 0 && WIFSTOPPED(status);
}

static void add_tasks(const char *path) {
    char sql[512];
    snprintf(sql, sizeof sql,
        "INSERT INTO snappea_task (task_name, args, kwargs, created_at) WITH RECURSIVE n(i) AS"
        " (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
        " SELECT 'digest', '[]', '{}', strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now') FROM n",
        TASKS);
    sqlite_files_execute(path, sql);
}

/* It works as many tasks off as are there; then it hangs, and as many come again. */
static void stage_hung_worker(struct scene *scene) {
    char *queue = scene->world->queue_db;
    pid_t parent = getpid();
    scene->worker = test_fork();
    if (scene->worker == 0)
        work(queue, parent);
    add_tasks(queue);
    ck_assert(wait_until(is_stopped, &scene->worker, 3 * SHOWS_MS));
    ck_assert_int_eq(count_tasks(queue), 0);
    add_tasks(queue);
    scene->file = queue;
    scene->check = "snappea";
}

/* It goes on, and so does all. */
static void wake_worker(struct scene *scene) {
    if (scene->worker == 0)
        return;
    ck_assert_int_eq(count_tasks(scene->world->queue_db), TASKS);
    ck_assert_int_eq(kill(scene->worker, SIGCONT), 0);
    world_await_check(scene->world, scene->check, "ok", 3 * SHOWS_MS);
    kill(scene->worker, SIGKILL);
    waitpid(scene->worker, NULL, 0);
}

/* -- MariaDB -- */

#ifdef WITH_MYSQL
static void stage_mariadb(
    struct scene *scene, const char *password, const char *encoded, const char *database) {
    if (!scene->mariadb)
        scene->mariadb = mariadb_start(NULL);
    scene->password = password;
    scene->database = database;
    scene->dsn = mariadb_dsn(scene->mariadb, USER, encoded, database, "");
}

static void stage_mariadb_well(struct scene *scene) {
    stage_mariadb(scene, MARIADB_PASSWORD, MARIADB_PASSWORD_ENCODED, "bugsink");
}

static void stage_mariadb_wrong_password(struct scene *scene) {
    stage_mariadb(scene, "wrong", "wrong", "bugsink");
}

/* Without rights on all, one is not told that it is missing. */
static void stage_mariadb_missing_database(struct scene *scene) {
    stage_mariadb(scene, MARIADB_PASSWORD, MARIADB_PASSWORD_ENCODED, "absent");
    mariadb_do(scene->mariadb, NULL, "GRANT SELECT ON *.* TO bugsink@'%';\n");
}

static void stage_mariadb_read_only(struct scene *scene) {
    stage_mariadb_well(scene);
    mariadb_do(scene->mariadb, NULL, "SET GLOBAL read_only = ON;\n");
}

static void stage_mariadb_full(struct scene *scene) {
    stage_mariadb_well(scene);
    mariadb_fill(scene->mariadb);
}

static void free_mariadb(struct scene *scene) {
    if (scene->mariadb)
        mariadb_free(scene->mariadb);
}
#else
static void free_mariadb(struct scene *scene) {
    (void)scene;
}
#endif

static const struct {
    const char *fault;
    void (*stage)(struct scene *scene);
    const char *row[4]; /* pg_isready or mariadb-admin ping, SELECT 1, a TCP connect, ours */
} SCENES[] = {
    {"none: all is well", stage_well, {"accepting", "1", "connects", "ok"}},
    {"wrong password", stage_wrong_password, {"accepting", "fails", "connects", "error: auth_failed"}},
    {"missing database", stage_missing_database, {"accepting", "fails", "connects", "error: db_missing"}},
    {"full server", stage_full, {"accepting", "fails", "connects", "error: too_many_clients"}},
    {"standby", stage_standby, {"accepting", "1", "connects", "error: read_only"}},
    {"read-only by setting", stage_read_only, {"accepting", "1", "connects", "error: read_only"}},
    {"no migration has run", stage_unmigrated, {"accepting", "1", "connects", "error: unmigrated"}},
    {"two installation rows", stage_two_installations,
        {"accepting", "1", "connects", "error: app_data_invalid"}},
    {"garbage in the SQLite file", stage_garbage, {"", "1", "", "error: not_a_database"}},
    {"empty SQLite file", stage_empty, {"", "1", "", "error: empty"}},
    {"hung worker, tasks wait", stage_hung_worker, {"", "1", "", "degraded: backlog"}},
#ifdef WITH_MYSQL
    {"MariaDB: none, all is well", stage_mariadb_well, {"alive", "1", "connects", "ok"}},
    {"MariaDB: wrong password", stage_mariadb_wrong_password,
        {"alive", "fails", "connects", "error: auth_failed"}},
    {"MariaDB: missing database", stage_mariadb_missing_database,
        {"alive", "fails", "connects", "error: db_missing"}},
    {"MariaDB: full server", stage_mariadb_full, {"fails", "fails", "connects", "error: too_many_clients"}},
    {"MariaDB: read-only", stage_mariadb_read_only, {"alive", "1", "connects", "error: read_only"}},
#endif
};

/* -- the other probes -- */

/* Runs a shell command; its output, without the last line's end, is left in output. Returns whether it
 * succeeded. */
static bool run(char output[OUTPUT_SIZE], const char *command) {
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    size_t length = fread(output, 1, OUTPUT_SIZE - 1, pipe);
    output[length] = '\0';
    output[strcspn(output, "\n")] = '\0';
    return pclose(pipe) == 0;
}

static const char *ask_pg_isready(const struct scene *scene, char output[OUTPUT_SIZE]) {
    char command[256];
    snprintf(
        command, sizeof command, "timeout 10 pg_isready -h 127.0.0.1 -p %d -t 5 2>&1", scene->server->port);
    bool is_well = run(output, command);
    return is_well && strstr(output, "accepting connections") ? "accepting" : "not accepting";
}

/* The password goes by the environment. */
static const char *ask_mariadb_admin(const struct scene *scene, char output[OUTPUT_SIZE]) {
    char command[256];
    setenv("MYSQL_PWD", scene->password, 1);
    snprintf(command, sizeof command,
        "timeout 10 mariadb-admin --no-defaults --skip-ssl-verify-server-cert --protocol=tcp -h 127.0.0.1 -P "
        "%d -u " USER " ping 2>&1",
        scene->mariadb->port);
    return run(output, command) ? "alive" : "fails";
}

static const char *ask_server(const struct scene *scene, char output[OUTPUT_SIZE]) {
    if (scene->mariadb)
        return ask_mariadb_admin(scene, output);
    return scene->server ? ask_pg_isready(scene, output) : "";
}

static const char *select_one(const struct scene *scene, char output[OUTPUT_SIZE]) {
    char command[1024];
    if (scene->mariadb)
        snprintf(command, sizeof command,
            "timeout 10 mariadb --no-defaults --skip-ssl-verify-server-cert --protocol=tcp -h 127.0.0.1 -P "
            "%d -u " USER " -BN -e 'SELECT 1' %s 2>&1",
            scene->mariadb->port, scene->database);
    else if (scene->dsn)
        snprintf(command, sizeof command, "timeout 10 psql -wXAtc 'SELECT 1' '%s' 2>&1", scene->dsn);
    else
        snprintf(command, sizeof command, "timeout 10 sqlite3 '%s' 'SELECT 1' 2>&1", scene->file);
    bool is_well = run(output, command);
    return is_well && strcmp(output, "1") == 0 ? "1" : "fails";
}

static const char *connect_tcp(const struct scene *scene) {
    if (!scene->server && !scene->mariadb)
        return "";
    struct sockaddr_in address = {.sin_family = AF_INET,
        .sin_port = htons((uint16_t)(scene->mariadb ? scene->mariadb->port : scene->server->port)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_connected = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return is_connected ? "connects" : "fails";
}

static void ask_us(struct scene *scene, const char *expected) {
    struct world *world = scene->world;
    if (scene->dsn)
        world_write_config(world,
            "{\"databases\": {\"default\": {\"dsn\": \"%s\"}, \"snappea\": {\"dsn\": \"%s\"}}}", scene->dsn,
            world->queue_db);
    world_start_with(world, NULL, 0);
    world_await_check(world, scene->check, expected, SHOWS_MS);
    world_await(world, "/health/ready/", strncmp(expected, "error", 5) == 0 ? 503 : 200, expected,
        SHOWS_MS); /* of all */
    ck_assert_int_eq(world_get(world, "/health/live/"), 200);
}

/* -- the table -- */

static void add_cell(struct strbuf *row, const char *text, const char *quote) {
    if (*text)
        strbuf_format(row, " %s%s%s |", quote, text, quote);
    else
        strbuf_append(row, " |");
}

/* One line of the table; the caller frees. Ours as status and code: error: `auth_failed`. */
static char *make_row(const char *fault, const char *const cells[4]) {
    struct strbuf row = {0};
    const char *code = strchr(cells[3], ' ');
    strbuf_format(&row, "| %s |", fault);
    add_cell(&row, cells[0], "");
    add_cell(&row, cells[1], strcmp(cells[1], "1") == 0 ? "`" : "");
    add_cell(&row, cells[2], "");
    if (code)
        strbuf_format(&row, " %.*s `%s` |\n", (int)(code - cells[3]), cells[3], code + 1);
    else
        strbuf_format(&row, " %s |\n", cells[3]);
    return row.data;
}

/* The measured rows go into a file, beside the program, one by one: each test is a process of its own. */
static void keep_row(int index, const char *row) {
    static const char HEAD[] =
        "| what is wrong | `pg_isready`, `mariadb-admin ping` | `SELECT 1` | TCP connect | "
        "bugsink-health |\n"
        "|---|---|---|---|---|\n";
    char path[512];
    program_beside(path, sizeof path, "false-green.md");
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (index == 0 ? O_TRUNC : O_APPEND), 0644);
    ck_assert_msg(fd >= 0, "%s cannot be written", path);
    ck_assert(index != 0 || io_write_all(fd, HEAD, strlen(HEAD)) == 0);
    ck_assert_int_eq(io_write_all(fd, row, strlen(row)), 0);
    close(fd);
}

static void assert_in_readme(const char *row) {
    char *readme;
    size_t length;
    ck_assert_int_eq(io_read_file("README.md", 1 << 20, &readme, &length, NULL), 0);
    ck_assert_msg(strstr(readme, row) != NULL, "README.md lacks the row as it was measured:\n%s", row);
    free(readme);
}

/* Debian 13's SQLite (3.46) does not read the file for `SELECT 1`, and README.md speaks of 3.40. sid's (3.53)
 * does read it, and finds the garbage; since which version, we do not know. */
static bool finds_garbage(int scene, const char *selected) {
    return SCENES[scene].stage == stage_garbage && sqlite3_libversion_number() >= 3047000 &&
           strcmp(selected, "fails") == 0;
}

START_TEST(what_other_probes_say_of_a_fault_and_what_we_say) {
    char output[OUTPUT_SIZE], one[OUTPUT_SIZE];
    if (!postgres_is_installed()) {
        skip_test("what_other_probes_say_of_a_fault_and_what_we_say", "PostgreSQL is not installed");
        return;
    }
    struct scene scene = {.world = world_new(), .check = "default"};
    setenv("HOME", "/nonexistent", 1); /* no ~/.pgpass, no ~/.psqlrc, no ~/.sqliterc */
    SCENES[_i].stage(&scene);
    const char *const cells[4] = {
        ask_server(&scene, output), select_one(&scene, one), connect_tcp(&scene), SCENES[_i].row[3]};
    ask_us(&scene, SCENES[_i].row[3]);
    bool is_newer = finds_garbage(_i, cells[1]);
    for (int i = 0; i < 3; i++)
        ck_assert_msg(strcmp(cells[i], SCENES[_i].row[i]) == 0 || (i == 1 && is_newer),
            "%s: column %d: %s (%s, %s)", SCENES[_i].fault, i, cells[i], output, one);
    char *row = make_row(SCENES[_i].fault, cells);
    keep_row(_i, row);
    if (!is_newer)
        assert_in_readme(row);
    free(row);
    for (int i = 0; i < SESSIONS; i++)
        PQfinish(scene.sessions[i]);
    wake_worker(&scene);
    world_end(scene.world);
    free(scene.dsn);
    free_mariadb(&scene);
    if (scene.server)
        postgres_free(scene.server);
    if (scene.primary)
        postgres_free(scene.primary);
}
END_TEST

Suite *e2e_false_green_suite(void) {
    Suite *suite = suite_create("e2e_false_green");
    TCase *tcase = tcase_create("e2e_false_green");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(
        tcase, what_other_probes_say_of_a_fault_and_what_we_say, 0, sizeof SCENES / sizeof SCENES[0]);
    return suite;
}
