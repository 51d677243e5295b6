/* Starts, stops, stops in its tracks and asks a real MariaDB server. */
#include "harness/mariadb.h"

#include "base/str.h"
#include "harness/peer.h"
#include "harness/server.h"
#include "harness/tempdir.h"
#include "harness/wait.h"

#include <check.h>
#include <mysql.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct server_setup setup_in(const struct mariadb_server *server) {
    return (struct server_setup){
        .user = "mysql", .directory = server->root, .log = server->log, .death_signal = SIGKILL};
}

static bool is_in_path(const char *program) {
    const char *path = getenv("PATH");
    bool is_found = false;
    while (path && *path && !is_found) {
        char file[512];
        size_t length = strcspn(path, ":");
        snprintf(file, sizeof file, "%.*s/%s", (int)length, path, program);
        is_found = access(file, X_OK) == 0;
        path += length + (path[length] == ':');
    }
    return is_found;
}

bool mariadb_is_installed(void) {
    return is_in_path("mariadbd") && is_in_path("mariadb-install-db");
}

/* -- a server -- */

static MYSQL *connect_root(const struct mariadb_server *server, const char *database) {
    MYSQL *mysql = mysql_init(NULL);
    ck_assert_ptr_nonnull(mysql);
    mysql_real_connect(mysql, NULL, "root", "", database, 0, server->socket, 0);
    return mysql;
}

static bool is_up(void *arg) {
    MYSQL *mysql = connect_root(arg, NULL);
    bool is_connected = mysql_errno(mysql) == 0;
    mysql_close(mysql);
    return is_connected;
}

static void boot(struct mariadb_server *server, const char *const *settings) {
    static const char *const USUAL[] = {"bind-address=127.0.0.1,::1", "innodb-buffer-pool-size=8M",
        "innodb-log-file-size=4M", "innodb-flush-log-at-trx-commit=0", "innodb-fast-shutdown=2",
        "key-buffer-size=64K"};
    char port[16], connections[16];
    struct server_command command = {.count = 0};
    snprintf(port, sizeof port, "%d", server->port);
    server_command_add(&command, "mariadbd", "");
    server_command_add(&command, "--no-defaults", "");
    server_command_add(&command, "--datadir=", server->data);
    server_command_add(&command, "--socket=", server->socket);
    server_command_add(&command, "--pid-file=", "server.pid");
    server_command_add(&command, "--tmpdir=", server->root); /* not where every server's are */
    server_command_add(&command, "--port=", port);
    snprintf(connections, sizeof connections, "%d", MARIADB_CONNECTIONS);
    server_command_add(&command, "--max-connections=", connections);
    for (size_t i = 0; i < sizeof USUAL / sizeof USUAL[0]; i++)
        server_command_add(&command, "--", USUAL[i]);
    bool has_certificate = false;
    for (size_t i = 0; settings && settings[i]; i++) {
        server_command_add(&command, "--", settings[i]);
        has_certificate = has_certificate || strncmp(settings[i], "ssl-cert=", 9) == 0;
    }
    if (!has_certificate)
        server_command_add(&command, "--skip-ssl", ""); /* 11.4 and later make one of their own */
    const struct server_setup setup = setup_in(server);
    server->pid = server_spawn(&setup, &command);
    server_await(server->pid, is_up, server, server->log);
}

static struct mariadb_server *make(void) {
    struct mariadb_server *server = calloc(1, sizeof *server);
    ck_assert_ptr_nonnull(server);
    server->root = tempdir_new();
    server_give("mysql", server->root);
    server->data = tempdir_path(server->root, "data");
    server->log = tempdir_path(server->root, "log");
    server->socket = tempdir_path(server->root, "socket");
    server->port = peer_free_port();
    return server;
}

static void end(struct mariadb_server *server, int number) {
    mariadb_continue(server);
    server_end(server->pid, number);
    server->pid = 0;
}

void mariadb_stop(struct mariadb_server *server) {
    end(server, SIGTERM);
}

void mariadb_crash(struct mariadb_server *server) {
    end(server, SIGKILL);
}

void mariadb_pause(struct mariadb_server *server) {
    ck_assert_int_eq(kill(server->pid, SIGSTOP), 0);
    server->is_paused = true;
}

void mariadb_continue(struct mariadb_server *server) {
    if (server->is_paused)
        kill(server->pid, SIGCONT);
    server->is_paused = false;
}

void mariadb_restart(struct mariadb_server *server, const char *const *settings) {
    ck_assert_int_eq(server->pid, 0);
    boot(server, settings);
}

void mariadb_free(struct mariadb_server *server) {
    mariadb_empty(server);
    if (server->pid > 0)
        mariadb_stop(server);
    tempdir_remove(server->root);
    free(server->root);
    free(server->data);
    free(server->log);
    free(server->socket);
    free(server);
}

/* -- the template: made once in a run of the tests -- */

/* Bugsink's, as far as we ask for it: phonehome/migrations 0001 to 0005, and Django's own table. */
static const char CONTENT[] =
    "CREATE USER bugsink@'%' IDENTIFIED BY '" MARIADB_PASSWORD "';\n"
    "CREATE USER reader@'%' IDENTIFIED BY '" MARIADB_PASSWORD "';\n"
    "CREATE DATABASE bugsink CHARACTER SET utf8mb4;\n"
    "CREATE DATABASE blank CHARACTER SET utf8mb4;\n"
    "GRANT ALL ON bugsink.* TO bugsink@'%';\n"
    "GRANT ALL ON blank.* TO bugsink@'%';\n"
    "GRANT ALL ON `own\\_%`.* TO bugsink@'%';\n"
    "GRANT CREATE ON bugsink.* TO reader@'%';\n"
    "CREATE TABLE bugsink.django_migrations (id bigint AUTO_INCREMENT PRIMARY KEY, app varchar(255) NOT NULL,"
    " name varchar(255) NOT NULL, applied datetime(6) NOT NULL);\n"
    "INSERT INTO bugsink.django_migrations (app, name, applied) VALUES"
    " ('phonehome', '0001_b_squashed_initial', UTC_TIMESTAMP(6));\n"
    "CREATE TABLE bugsink.phonehome_installation (id char(32) PRIMARY KEY, created_at datetime(6),"
    " email_quota_usage longtext, next_quota_check int NOT NULL DEFAULT 0, quota_exceeded_until datetime(6),"
    " quota_exceeded_reason varchar(255) NOT NULL DEFAULT 'null');\n"
    "INSERT INTO bugsink.phonehome_installation (id, created_at) VALUES (REPLACE(UUID(), '-', ''),"
    " UTC_TIMESTAMP(6));\n";

static void install(const struct mariadb_server *server) {
    struct server_command command = {.count = 0};
    server_command_add(&command, "mariadb-install-db", "");
    server_command_add(&command, "--no-defaults", "");
    server_command_add(&command, "--datadir=", server->data);
    server_command_add(&command, "--auth-root-authentication-method=", "normal");
    server_command_add(&command, "--skip-test-db", "");
    server_command_add(&command, "--tmpdir=", server->root);
    server_command_add(&command, "--skip-name-resolve", "");
    server_command_add(&command, "--innodb-buffer-pool-size=", "8M");
    server_command_add(&command, "--innodb-log-file-size=", "4M");
    const struct server_setup setup = setup_in(server);
    server_run(&setup, &command);
}

/* The template's directory; the caller frees. It gets its name last, so that it is whole or not there. */
static char *find_template(void) {
    char *path = tempdir_path(getenv("BH_TEST_ROOT"), "mariadb-template");
    if (access(path, F_OK) == 0)
        return path;
    struct mariadb_server *draft = make();
    install(draft);
    boot(draft, NULL);
    mariadb_do(draft, NULL, CONTENT);
    mariadb_stop(draft);
    server_keep_template(draft->root, path);
    mariadb_free(draft);
    return path;
}

static void copy_data(const char *from_root, const struct mariadb_server *server) {
    struct server_command command = {.count = 0};
    char *from = tempdir_path(from_root, "data");
    server_command_add(&command, "cp", "");
    server_command_add(&command, "-a", "");
    server_command_add(&command, from, "");
    server_command_add(&command, server->data, "");
    const struct server_setup setup = setup_in(server);
    server_run(&setup, &command);
    free(from);
}

struct mariadb_server *mariadb_start(const char *const *settings) {
    char *template = find_template();
    struct mariadb_server *server = make();
    copy_data(template, server);
    free(template);
    boot(server, settings);
    return server;
}

/* -- questions -- */

static char *query(MYSQL *mysql, const char *sql) {
    ck_assert_msg(mysql_query(mysql, sql) == 0, "%s\n%s", sql, mysql_error(mysql));
    MYSQL_RES *result = mysql_store_result(mysql);
    MYSQL_ROW row = result ? mysql_fetch_row(result) : NULL;
    char *text = row ? str_dup(row[0]) : NULL;
    mysql_free_result(result);
    return text;
}

char *mariadb_exec(const struct mariadb_server *server, const char *database, const char *sql) {
    MYSQL *mysql = connect_root(server, database);
    ck_assert_msg(mysql_errno(mysql) == 0, "%s", mysql_error(mysql));
    char *text = query(mysql, sql);
    mysql_close(mysql);
    return text;
}

void mariadb_do(const struct mariadb_server *server, const char *database, const char *sql) {
    MYSQL *mysql = connect_root(server, database);
    ck_assert_msg(mysql_errno(mysql) == 0, "%s", mysql_error(mysql));
    while (*sql) {
        const char *stop = strstr(sql, ";\n");
        size_t length = stop ? (size_t)(stop - sql) : strlen(sql);
        char *statement = str_dup_n(sql, length);
        free(query(mysql, statement));
        free(statement);
        sql += stop ? length + 2 : length;
    }
    mysql_close(mysql);
}

void mariadb_fill(struct mariadb_server *server) {
    for (int i = 0; i <= MARIADB_CONNECTIONS; i++) {
        if (server->sessions[i] && mysql_errno(server->sessions[i]) == 0)
            continue;
        mysql_close(server->sessions[i]);
        server->sessions[i] = connect_root(server, NULL);
    }
}

/* Whether its own session is all there is. */
static bool is_empty(void *arg) {
    MYSQL *mysql = connect_root(arg, NULL);
    char *count = mysql_errno(mysql) == 0
                      ? query(mysql, "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS"
                                     " WHERE VARIABLE_NAME = 'Threads_connected'")
                      : NULL;
    bool is_alone = count && strcmp(count, "1") == 0;
    free(count);
    mysql_close(mysql);
    return is_alone;
}

void mariadb_empty(struct mariadb_server *server) {
    for (int i = 0; i <= MARIADB_CONNECTIONS; i++)
        mysql_close(server->sessions[i]);
    memset(server->sessions, 0, sizeof server->sessions);
}

void mariadb_await_empty(struct mariadb_server *server) {
    enum { PATIENCE_MS = 30000 };
    ck_assert(wait_until(is_empty, server, PATIENCE_MS));
}

void *mariadb_hold(const struct mariadb_server *server, const char *sql) {
    MYSQL *mysql = connect_root(server, NULL);
    ck_assert_msg(mysql_errno(mysql) == 0, "%s", mysql_error(mysql));
    free(query(mysql, sql));
    return mysql;
}

void mariadb_let_go(void *session) {
    mysql_close(session);
}

long mariadb_status(const struct mariadb_server *server, const char *name) {
    char sql[160];
    snprintf(sql, sizeof sql,
        "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = '%s'", name);
    char *text = mariadb_exec(server, NULL, sql);
    ck_assert_ptr_nonnull(text);
    long value = strtol(text, NULL, 10);
    free(text);
    return value;
}

char *mariadb_dsn(const struct mariadb_server *server, const char *user, const char *password,
    const char *database, const char *query_text) {
    struct strbuf text = {0};
    strbuf_format(&text, "mysql://%s%s%s@127.0.0.1:%d/%s%s", user, password ? ":" : "",
        password ? password : "", server->port, database, query_text);
    return text.data;
}

char *mariadb_log(const struct mariadb_server *server) {
    return server_log(server->log);
}
