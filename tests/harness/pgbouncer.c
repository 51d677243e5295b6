/* Starts and ends a real PgBouncer. */
#include "harness/pgbouncer.h"

#include "base/io.h"
#include "base/str.h"
#include "harness/fork.h"
#include "harness/peer.h"
#include "harness/tempdir.h"
#include "harness/wait.h"

#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000 };

static const char PROGRAM[] = "/usr/sbin/pgbouncer";

bool pgbouncer_is_installed(void) {
    return access(PROGRAM, X_OK) == 0;
}

/* It refuses to run as root, and becomes the user that has the server's files. */
static const struct passwd *own_user(void) {
    return geteuid() == 0 ? getpwnam("postgres") : NULL;
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

static _Noreturn void become(const struct pgbouncer *bouncer, const char *ini_path, pid_t parent) {
    const struct passwd *user = own_user();
    int log = open(bouncer->log, O_WRONLY | O_CREAT | O_APPEND, 0644), null = open("/dev/null", O_RDONLY);
    if (user &&
        (initgroups(user->pw_name, user->pw_gid) < 0 || setgid(user->pw_gid) < 0 || setuid(user->pw_uid) < 0))
        _exit(126);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* after setuid, which clears it */
    if (getppid() != parent || dup2(null, STDIN_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0 ||
        dup2(log, STDERR_FILENO) < 0)
        _exit(126);
    execl(PROGRAM, PROGRAM, ini_path, (char *)NULL);
    _exit(127);
}

static bool accepts_or_ended(void *arg) {
    struct pgbouncer *bouncer = arg;
    struct sockaddr_in address = {.sin_family = AF_INET,
        .sin_port = htons((uint16_t)bouncer->port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool accepts = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    if (!accepts && waitpid(bouncer->pid, NULL, WNOHANG) == bouncer->pid)
        bouncer->pid = 0;
    return accepts || bouncer->pid == 0;
}

struct pgbouncer *pgbouncer_start(const struct postgres_server *server, const char *settings) {
    struct pgbouncer *bouncer = calloc(1, sizeof *bouncer);
    ck_assert_ptr_nonnull(bouncer);
    bouncer->root = tempdir_new();
    bouncer->log = tempdir_path(bouncer->root, "log");
    bouncer->port = peer_free_port();
    char *ini = tempdir_path(bouncer->root, "pgbouncer.ini"), *users = tempdir_path(bouncer->root, "users");
    write_files(bouncer, server, settings, ini, users);
    pid_t parent = getpid();
    bouncer->pid = test_fork();
    if (bouncer->pid == 0)
        become(bouncer, ini, parent);
    if (!wait_until(accepts_or_ended, bouncer, PATIENCE_MS) || bouncer->pid == 0) {
        char *log = NULL;
        size_t length;
        io_read_file(bouncer->log, 1 << 20, &log, &length, NULL);
        ck_abort_msg("pgbouncer does not start:\n%s", log ? log : "(nothing)");
    }
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
    if (bouncer->pid > 0) {
        kill(bouncer->pid, SIGTERM);
        waitpid(bouncer->pid, NULL, 0);
    }
    free(bouncer->root);
    free(bouncer->log);
    free(bouncer);
}
