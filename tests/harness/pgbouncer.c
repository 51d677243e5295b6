/* Starts and ends a real PgBouncer. */
#include "harness/pgbouncer.h"

#include "base/str.h"
#include "harness/peer.h"
#include "harness/server.h"
#include "harness/tempdir.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char PROGRAM[] = "/usr/sbin/pgbouncer";

bool pgbouncer_is_installed(void) {
    return access(PROGRAM, X_OK) == 0;
}

static void write_files(const struct pgbouncer *bouncer, const struct postgres_server *server,
    const char *settings, const char *ini_path, const char *users_path) {
    struct strbuf ini = {0};
    strbuf_append(&ini, "[databases]\n");
    const char *const names[] = {"bugsink", "blank", "absent"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        strbuf_format(&ini, "%s = host=127.0.0.1 port=%d\n", names[i], server->port);
    strbuf_format(
        &ini, "badpass = host=127.0.0.1 port=%d dbname=bugsink user=bugsink password=wrong\n", server->port);
    strbuf_format(&ini, "dead = host=127.0.0.1 port=%d dbname=bugsink\n", peer_free_port());
    strbuf_format(&ini,
        "[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\nunix_socket_dir =\nauth_type = "
        "scram-sha-256\nauth_file = %s\npool_mode = transaction\n%s\n",
        bouncer->port, users_path, settings);
    tempdir_write(ini_path, ini.data);
    strbuf_release(&ini);
    tempdir_write(
        users_path, "\"bugsink\" \"" POSTGRES_PASSWORD "\"\n\"reader\" \"" POSTGRES_PASSWORD "\"\n");
}

static bool is_up(void *arg) {
    const struct pgbouncer *bouncer = arg;
    struct sockaddr_in address = {.sin_family = AF_INET,
        .sin_port = htons((uint16_t)bouncer->port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool accepts = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return accepts;
}

struct pgbouncer *pgbouncer_start(const struct postgres_server *server, const char *settings) {
    struct pgbouncer *bouncer = calloc(1, sizeof *bouncer);
    ck_assert_ptr_nonnull(bouncer);
    bouncer->root = tempdir_new();
    bouncer->log = tempdir_path(bouncer->root, "log");
    bouncer->port = peer_free_port();
    char *ini = tempdir_path(bouncer->root, "pgbouncer.ini"), *users = tempdir_path(bouncer->root, "users");
    write_files(bouncer, server, settings, ini, users);
    server_give("postgres", bouncer->root);
    const struct server_setup setup = {
        .user = "postgres", .directory = bouncer->root, .log = bouncer->log, .death_signal = SIGKILL};
    struct server_command command = {.count = 0};
    server_command_add(&command, PROGRAM, "");
    server_command_add(&command, ini, "");
    bouncer->pid = server_spawn(&setup, &command);
    server_await(bouncer->pid, is_up, bouncer, bouncer->log);
    free(ini);
    free(users);
    return bouncer;
}

char *pgbouncer_dsn(
    const struct pgbouncer *bouncer, const char *user, const char *password, const char *database) {
    struct strbuf text = {0};
    strbuf_format(&text, "postgresql://%s:%s@127.0.0.1:%d/%s", user, password, bouncer->port, database);
    return text.data;
}

void pgbouncer_free(struct pgbouncer *bouncer) {
    server_end(bouncer->pid, SIGKILL); /* at SIGTERM, version 1.23 waits for its clients */
    free(bouncer->root);
    free(bouncer->log);
    free(bouncer);
}
