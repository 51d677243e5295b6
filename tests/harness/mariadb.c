/* Starts, stops, stops in its tracks and asks a real MariaDB server. */
#include "harness/mariadb.h"

#include "base/io.h"
#include "base/str.h"
#include "harness/fork.h"
#include "harness/peer.h"
#include "harness/tempdir.h"
#include "harness/wait.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <mysql.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 30000, ARGUMENTS_MAX = 48 };

/* -- processes, as the server's user -- */

/* The server refuses to run as root. */
static const struct passwd *server_user(void) {
    if (geteuid() != 0)
        return NULL;
    const struct passwd *user = getpwnam("mysql");
    ck_assert_msg(user != NULL, "there is no user mysql: install the package mariadb-server");
    return user;
}

static void become_server(pid_t parent) {
    const struct passwd *user = server_user();
    if (user &&
        (initgroups(user->pw_name, user->pw_gid) < 0 || setgid(user->pw_gid) < 0 || setuid(user->pw_uid) < 0))
        _exit(126);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* after setuid, which clears it */
    if (getppid() != parent)
        _exit(126);
}

static void redirect(int target, const char *path, int flags) {
    int fd = open(path, flags, 0644);
    if (fd < 0 || dup2(fd, target) < 0)
        _exit(126);
    close(fd);
}

/* Starts a program in directory, appending what it says to log. */
static pid_t spawn(const char *directory, const char *log, char *const *arguments) {
    pid_t parent = getpid();
    pid_t pid = test_fork();
    if (pid > 0)
        return pid;
    become_server(parent);
    signal(SIGPIPE, SIG_DFL);
    redirect(STDIN_FILENO, "/dev/null", O_RDONLY);
    redirect(STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_APPEND);
    redirect(STDERR_FILENO, log, O_WRONLY | O_CREAT | O_APPEND);
    setenv("LC_ALL", "C", 1);
    setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
    if (chdir(directory) == 0)
        execvp(arguments[0], arguments);
    _exit(127);
}

static char *read_text(const char *path) {
    char *text = NULL;
    size_t length;
    if (io_read_file(path, 16 * 1024 * 1024, &text, &length, NULL) < 0)
        return str_dup("(nothing)");
    return text;
}

/* NULL-terminated copies of a command line. */
struct command {
    char *arguments[ARGUMENTS_MAX];
    size_t count;
};

static void command_add(struct command *command, const char *argument, const char *value) {
    struct strbuf text = {0};
    ck_assert_uint_lt(command->count, ARGUMENTS_MAX - 1);
    strbuf_format(&text, "%s%s", argument, value);
    command->arguments[command->count++] = text.data;
}

static void command_release(struct command *command) {
    for (size_t i = 0; i < command->count; i++)
        free(command->arguments[i]);
}

static void run(const char *directory, const char *log, struct command *command) {
    int status = 0;
    pid_t pid = spawn(directory, log, command->arguments);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    if (status != 0) {
        char *text = read_text(log);
        ck_abort_msg("%s failed:\n%s", command->arguments[0], text);
    }
    command_release(command);
}

/* -- a server -- */

static MYSQL *connect_root(const struct mariadb_server *server, const char *database) {
    MYSQL *mysql = mysql_init(NULL);
    ck_assert_ptr_nonnull(mysql);
    mysql_real_connect(mysql, NULL, "root", "", database, 0, server->socket, 0);
    return mysql;
}

static bool is_up_or_dead(void *arg) {
    struct mariadb_server *server = arg;
    MYSQL *mysql = connect_root(server, NULL);
    bool is_up = mysql_errno(mysql) == 0;
    mysql_close(mysql);
    if (!is_up && waitpid(server->pid, NULL, WNOHANG) == server->pid)
        server->pid = 0;
    return is_up || server->pid == 0;
}

static void boot(struct mariadb_server *server, const char *const *settings) {
    static const char *const USUAL[] = {"bind-address=127.0.0.1,::1", "innodb-buffer-pool-size=8M",
        "innodb-log-file-size=4M", "innodb-flush-log-at-trx-commit=0", "innodb-fast-shutdown=2",
        "key-buffer-size=64K", "max-connections=20"};
    char port[16];
    struct command command = {.count = 0};
    snprintf(port, sizeof port, "%d", server->port);
    command_add(&command, "mariadbd", "");
    command_add(&command, "--no-defaults", "");
    command_add(&command, "--datadir=", server->data);
    command_add(&command, "--socket=", server->socket);
    command_add(&command, "--pid-file=", "server.pid");
    command_add(&command, "--port=", port);
    for (size_t i = 0; i < sizeof USUAL / sizeof USUAL[0]; i++)
        command_add(&command, "--", USUAL[i]);
    for (size_t i = 0; settings && settings[i]; i++)
        command_add(&command, "--", settings[i]);
    server->pid = spawn(server->root, server->log, command.arguments);
    command_release(&command);
    if (!wait_until(is_up_or_dead, server, PATIENCE_MS) || server->pid == 0) {
        char *log = read_text(server->log);
        ck_abort_msg("the server does not start:\n%s", log);
    }
}

static struct mariadb_server *make(void) {
    struct mariadb_server *server = calloc(1, sizeof *server);
    const struct passwd *user = server_user();
    ck_assert_ptr_nonnull(server);
    server->root = tempdir_new();
    if (user)
        ck_assert_int_eq(chown(server->root, user->pw_uid, user->pw_gid), 0);
    server->data = tempdir_path(server->root, "data");
    server->log = tempdir_path(server->root, "log");
    server->socket = tempdir_path(server->root, "socket");
    server->port = peer_free_port();
    return server;
}

/* Somebody else's waitpid(-1) may have had it: then it is gone as well. */
static bool is_gone(void *arg) {
    const struct mariadb_server *server = arg;
    pid_t pid = waitpid(server->pid, NULL, WNOHANG);
    return pid == server->pid || (pid < 0 && errno == ECHILD);
}

static void end(struct mariadb_server *server, int number) {
    mariadb_continue(server);
    kill(server->pid, number);
    ck_assert_msg(wait_until(is_gone, server, PATIENCE_MS), "the server does not stop");
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
    if (server->pid > 0)
        mariadb_stop(server);
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
    struct command command = {.count = 0};
    command_add(&command, "mariadb-install-db", "");
    command_add(&command, "--no-defaults", "");
    command_add(&command, "--datadir=", server->data);
    command_add(&command, "--auth-root-authentication-method=", "normal");
    command_add(&command, "--skip-test-db", "");
    command_add(&command, "--skip-name-resolve", "");
    command_add(&command, "--innodb-buffer-pool-size=", "8M");
    command_add(&command, "--innodb-log-file-size=", "4M");
    run(server->root, server->log, &command);
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
    ck_assert_int_eq(rename(draft->root, path), 0);
    mariadb_free(draft);
    return path;
}

static void copy_data(const char *from_root, const struct mariadb_server *server) {
    struct command command = {.count = 0};
    char *from = tempdir_path(from_root, "data");
    command_add(&command, "cp", "");
    command_add(&command, "-a", "");
    command_add(&command, from, "");
    command_add(&command, server->data, "");
    run(server->root, server->log, &command);
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
    return read_text(server->log);
}
