/* A run of the MySQL and MariaDB kind: logs in, asks and takes its leave or stays connected, in a worker.
 *
 * A connection that ends between greeting and login counts against this host, which is Bugsink's host too
 * (see breaks_login in kind.c). So nothing is looked at by a bare connect, every login is carried to its end,
 * and what can be known to fail beforehand is not begun. */
#include "kinds/mysql/mysql.h"
#include "kinds/mysql/error.h"
#include "kinds/mysql/talk.h"
#include "kinds/mysql/tls.h"
#include "run/resolve.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/sandbox.h"
#include "base/str.h"

#include <errno.h>
#include <mysql.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* -- before anything is sent -- */

/* The library would only look for them after the greeting. */
static bool can_read_files(struct mysql_talk *talk) {
    const char *const files[] = {talk->target->ca, talk->target->cert, talk->target->key};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        int refused = files[i] ? io_access(files[i], R_OK) : 0;
        if (refused == 0)
            continue;
        char text[OUTCOME_DETAIL_SIZE];
        snprintf(text, sizeof text, "%s: %s", files[i], strerror(refused));
        return mysql_talk_fail(talk, REASON_TLS, PHASE_OPEN, text);
    }
    return true;
}

/* The system's authorities as one file, or NULL where there is none at a usual place. */
static const char *find_authorities(void) {
    static const char *const USUAL[] = {"/etc/ssl/certs/ca-certificates.crt", /* Debian, Alpine, Arch */
        "/etc/pki/tls/certs/ca-bundle.crt",                                   /* Fedora */
        "/etc/ssl/ca-bundle.pem",                                             /* SUSE */
        "/etc/ssl/cert.pem"};                                                 /* BSD, macOS */
    const char *chosen = getenv("SSL_CERT_FILE");                             /* OpenSSL's own variable */
    if (chosen)
        return chosen;
    for (size_t i = 0; i < sizeof USUAL / sizeof USUAL[0]; i++)
        if (io_access(USUAL[i], R_OK) == 0)
            return USUAL[i];
    return NULL;
}

static const char *authorities_directory(void) {
    const char *chosen = getenv("SSL_CERT_DIR");
    return chosen ? chosen : "/etc/ssl/certs";
}

static void set_tls(MYSQL *mysql, const struct mysql_target *target) {
    /* In this library ENFORCE means "where the server has it"; both are set, for their standards change with
     * version 3.4. */
    my_bool is_wanted = target->tls != MYSQL_TLS_DISABLED;
    my_bool is_verified = target->tls == MYSQL_TLS_VERIFY_IDENTITY;
    mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &is_wanted);
    mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &is_verified);
    /* Where no authority is named, version 3.4 takes a login with the right password for a proof of the
     * server's certificate (seen with Debian 13): so the system's are named. */
    const char *ca = target->ca || !is_verified ? target->ca : find_authorities();
    if (ca)
        mysql_options(mysql, MYSQL_OPT_SSL_CA, ca);
    else if (is_verified) /* on a system without any, where all are refused, too */
        mysql_options(mysql, MYSQL_OPT_SSL_CAPATH, authorities_directory());
    if (target->cert)
        mysql_options(mysql, MYSQL_OPT_SSL_CERT, target->cert);
    if (target->key)
        mysql_options(mysql, MYSQL_OPT_SSL_KEY, target->key);
    if (target->tls >= MYSQL_TLS_VERIFY_CA)
        mysql_tls_judge(mysql, target->tls);
    /* Where nobody is verified, OpenSSL need not read the system's CAs: three quarters of the run's processor
     * time (measured: 34 ms against 8). This process is ours alone. */
    if (is_wanted && !target->ca && !is_verified) {
        setenv("SSL_CERT_FILE", "/dev/null", 1);
        setenv("SSL_CERT_DIR", "/nonexistent", 1);
    }
}

/* No time-outs of the library's: the deadline is the run's, and this child has an alarm. (Its TLS handshake
 * takes the seconds of the connect time-out for milliseconds.) Its non-blocking calls tell the phases apart.
 */
static MYSQL *open_handle(const struct mysql_target *target) {
    MYSQL *mysql = mysql_init(NULL);
    unsigned no = 0;
    unsigned long packet_max = 1 << 20; /* the standard is 1 GiB */
    if (!mysql)
        return NULL;
    mysql_options(mysql, MYSQL_SET_CHARSET_NAME, target->charset ? target->charset : "utf8mb4");
    mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &no); /* else the server may ask for any file of ours */
    /* Whatever answers there must not be given the password in clear, as the plugins "dialog" and
     * "mysql_clear_password" would on its word. */
    mysql_options(mysql, MARIADB_OPT_RESTRICTED_AUTH,
        "mysql_native_password,client_ed25519,caching_sha2_password,sha256_password,auth_gssapi_client");
    mysql_options(mysql, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet_max);
    mysql_options4(mysql, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", "bugsink-health");
    set_tls(mysql, target);
    if (mysql_options(mysql, MYSQL_OPT_NONBLOCK, NULL) == 0)
        return mysql;
    mysql_close(mysql);
    return NULL;
}

/* -- the login -- */

/* Waits for one of these events; an error ends the wait as well. Returns false where one is all that came. */
static bool await_socket(const struct mysql_talk *talk, int events) {
    struct pollfd socket = {.fd = mysql_get_socket(talk->mysql), .events = (short)events};
    while (poll(&socket, 1, -1) < 0 && errno == EINTR)
        ;
    return (socket.revents & events) && !(socket.revents & (POLLERR | POLLNVAL));
}

/* The library takes a connection for safe where TLS was asked for, whether it came about or not, and gives
 * the password in clear to a server without TLS that asks for it (seen: Connector/C 3.3,
 * caching_sha2_password). So where there is none, none is asked for; and where there must be some, this ends
 * before the login. */
static void go_without_tls(struct mysql_talk *talk) {
    my_bool no = 0;
    talk->lacks_tls = talk->is_stopped = talk->target->tls >= MYSQL_TLS_REQUIRED;
    mysql_options(talk->mysql, MYSQL_OPT_SSL_ENFORCE, &no);
}

/* Waits until enough of the server's first packet is there (or nothing more comes) and looks at it, without
 * taking it from the library. */
static void look_at_greeting(struct mysql_talk *talk) {
    int fd = mysql_get_socket(talk->mysql), any = 1;
    unsigned char bytes[1024];
    enum mysql_offer offer = MYSQL_OFFER_UNKNOWN;
    ssize_t count = 0;
    for (int enough = 5; offer == MYSQL_OFFER_UNKNOWN && enough <= (int)sizeof bytes;
         enough = (int)count + 1) {
        setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &enough, sizeof enough);
        await_socket(talk, POLLIN);
        count = recv(fd, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
        talk->is_foreign = count > 0 && !mysql_may_be_greeting(bytes, (size_t)count);
        if (count < enough || talk->is_foreign)
            break; /* the connection's end, or somebody else's language: the library's to tell */
        offer = mysql_offer_of_greeting(bytes, (size_t)count);
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &any, sizeof any);
    talk->has_looked = true;
    if (count == (ssize_t)sizeof bytes && offer == MYSQL_OFFER_UNKNOWN)
        talk->is_foreign = talk->is_stopped = true; /* no server is so long in telling its version */
    bool is_wanted = talk->target->tls != MYSQL_TLS_DISABLED && !talk->is_foreign;
    talk->is_tls_next = is_wanted && offer == MYSQL_OFFER_TLS;
    if (is_wanted && !talk->target->is_local && offer == MYSQL_OFFER_NONE)
        go_without_tls(talk);
}

/* From here on to break off counts against this host: where the deadline passes, the child goes on, and is
 * given up for the next attempt, half an hour later at most. */
static void allow_lingering(void) {
    enum { LINGERS_S = 3600 };
    alarm(LINGERS_S);
}

/* Connected. The library reads the greeting and negotiates TLS in one step, in which it may block. */
static void await_greeting(struct mysql_talk *talk) {
    mysql_talk_enter(talk, PHASE_AUTH);
    allow_lingering();
    if (talk->has_looked)
        await_socket(talk, POLLIN);
    else
        look_at_greeting(talk);
    if (talk->is_tls_next)
        mysql_talk_enter(talk, PHASE_TLS);
}

/* Version 3.3 of the library blocks in it, 3.4 has us wait. */
static bool is_in_handshake(const struct mysql_talk *talk) {
    const char *cipher = talk->is_tls_next ? mysql_get_ssl_cipher(talk->mysql) : NULL;
    return talk->is_tls_next && (!cipher || strcmp(cipher, "(NONE)") == 0);
}

/* One step of the login: waits for what the library waits for, and lets it go on. A greeting that is there as
 * soon as the connection is would be read in the step of the connect: so that is waited for as well. */
static int take_step(struct mysql_talk *talk, MYSQL **connected, int wanted) {
    bool is_connecting = talk->phases->phase <= PHASE_CONNECT && (wanted & MYSQL_WAIT_WRITE);
    if (is_connecting)
        mysql_talk_enter(talk, PHASE_CONNECT);
    bool is_connected = !is_connecting || await_socket(talk, POLLOUT);
    if (is_connected && !mysql_get_server_info(talk->mysql)) {
        await_greeting(talk);
        if (talk->is_stopped)
            return 0;
    } else if (is_connected) {
        mysql_talk_enter(talk, is_in_handshake(talk) ? PHASE_TLS : PHASE_AUTH);
        await_socket(talk, (wanted & MYSQL_WAIT_WRITE) != 0 ? POLLOUT : POLLIN);
    }
    return mysql_real_connect_cont(connected, talk->mysql, wanted);
}

/* The phase a failed login failed in: the library's number knows more than its waiting told. */
static enum phase phase_of_failure(const struct mysql_talk *talk) {
    unsigned error = mysql_number_of_error(mysql_errno(talk->mysql), mysql_error(talk->mysql));
    switch (error) {
    case 2005: return PHASE_RESOLVE;
    case 2001:
    case 2002:
    case 2003:
    case 2004: return PHASE_CONNECT;
    case 2026: return PHASE_TLS;
    default: return PHASE_AUTH;
    }
}

/* Where no name server answers for now (EAI_AGAIN), the library would ask for half a minute, which is longer
 * than a run: the fault would be a timeout's. So it is asked beforehand, once, as libpq does it. */
static bool can_resolve(struct mysql_talk *talk) {
    struct resolve_answer answer;
    mysql_talk_enter(talk, PHASE_RESOLVE);
    resolve_now(&talk->target->host, 1, &answer);
    return answer.reason == REASON_OK || mysql_talk_fail(talk, answer.reason, PHASE_RESOLVE, answer.detail);
}

static bool log_in(struct mysql_talk *talk) {
    const struct mysql_target *target = talk->target;
    const struct dsn *dsn = &talk->config->database.dsn;
    MYSQL *connected = NULL;
    bool has_name = !target->is_local && !resolve_is_numeric(target->host);
    if (has_name && !can_resolve(talk))
        return false;
    mysql_talk_enter(talk, has_name ? PHASE_RESOLVE : PHASE_CONNECT);
    int wanted = mysql_real_connect_start(&connected, talk->mysql, target->host, dsn->user, dsn->password,
        dsn->database, target->port, target->socket, 0);
    while (wanted != 0)
        wanted = take_step(talk, &connected, wanted);
    if (talk->is_foreign)
        return mysql_talk_fail(
            talk, REASON_PROTOCOL, PHASE_AUTH, "what answers there is no MySQL or MariaDB server");
    if (talk->lacks_tls)
        return mysql_talk_fail(talk, REASON_TLS, PHASE_TLS, "the server offers no TLS");
    return connected || mysql_talk_fail_with_error(talk, phase_of_failure(talk));
}

/* -- the connection that is kept -- */

int mysql_watched(const void *data) {
    const struct mysql_kept *kept = data;
    return kept->mysql ? mysql_get_socket(kept->mysql) : -1;
}

/* A server that was asked nothing has nothing to say but its farewell. */
bool mysql_is_gone(void *kept) {
    (void)kept;
    return true;
}

/* Says QUIT, so that the server logs no lost connection. */
void mysql_hang_up(void *data) {
    struct mysql_kept *kept = data;
    if (kept->mysql)
        mysql_close(kept->mysql);
    kept->mysql = NULL;
}

/* Whether the server still answers, which it does at once where it can. One that is silent leaves the library
 * in the middle of its work: a fresh process then does the run, with what remains of it. */
static bool has_answered(struct mysql_talk *talk, struct run *run) {
    enum { SILENCE_MAX_MS = 1000, SILENCE_SHARE = 3 };
    int64_t share_ms = run->config->timeout_ms / SILENCE_SHARE;
    int silence_ms = share_ms < SILENCE_MAX_MS ? (int)share_ms : SILENCE_MAX_MS;
    int failed = 1, wanted = mysql_ping_start(&failed, talk->mysql);
    while (wanted != 0) {
        struct pollfd socket = {
            .fd = mysql_get_socket(talk->mysql), .events = (wanted & MYSQL_WAIT_WRITE) ? POLLOUT : POLLIN};
        int ready = poll(&socket, 1, silence_ms);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0) {
            run->is_undone = true;
            return false;
        }
        wanted = mysql_ping_cont(&failed, talk->mysql, wanted);
    }
    return failed == 0;
}

/* What a kept connection says counts where it is good. All else is found, and named, by a fresh login within
 * the same run: there is one place where errors are told apart. */
static bool ask_kept(struct mysql_talk *talk, struct run *run, struct mysql_kept *kept) {
    if (!kept->mysql || run->wants_fresh || clock_now_ms(clock_system()) >= kept->expires_ms)
        return false;
    mysql_talk_enter(talk, PHASE_QUERY);
    talk->mysql = kept->mysql;
    if (!has_answered(talk, run))
        return false;
    mysql_talk_ask(talk);
    return reason_info(run->outcome.reason)->verdict != STATUS_ERROR;
}

/* By chance up to a half sooner than `reconnect`: what began together does not log in together again. */
static int64_t draw_expiry_ms(const struct mysql_talk *talk) {
    int64_t life_ms = talk->config->database.reconnect_ms;
    int64_t jitter_ms = (int64_t)(random() % 1024) * (life_ms / 2) / 1024; /* spreads load; guards nothing */
    return talk->started_ms + life_ms - jitter_ms;
}

static bool is_worth_keeping(const struct run *run, const struct mysql_kept *kept) {
    return !run->is_last && reason_info(run->outcome.reason)->verdict != STATUS_ERROR &&
           clock_now_ms(clock_system()) + run->config->interval_ms < kept->expires_ms;
}

/* -- the run -- */

static void log_in_and_ask(
    struct mysql_talk *talk, struct mysql_target *target, struct run *run, struct mysql_kept *kept) {
    struct error err;
    if (mysql_target_init(target, &run->config->database.dsn, &err) < 0) {
        mysql_talk_fail(talk, REASON_INTERNAL, PHASE_NONE, err.text);
        return;
    }
    if (!can_read_files(talk))
        return;
    talk->mysql = open_handle(target);
    if (!talk->mysql) {
        mysql_talk_fail(talk, REASON_INTERNAL, PHASE_NONE, "the client library gave no handle");
        return;
    }
    if (log_in(talk))
        mysql_talk_ask(talk);
    run->is_spent = talk->is_stopped; /* which left the library in the middle of its work */
    if (!talk->is_stopped)
        kept->mysql = talk->mysql;
    kept->expires_ms = draw_expiry_ms(talk);
}

static struct mysql_talk talk_of(struct run *run) {
    return (struct mysql_talk){.config = run->config,
        .outcome = &run->outcome,
        .phases = &run->phases,
        .started_ms = clock_now_ms(clock_system())};
}

void mysql_examine(struct run *run) {
    struct mysql_kept *kept = run->kept;
    struct mysql_target target; /* made anew for each login */
    struct mysql_talk talk = talk_of(run);
    if (run->is_first && run->config->is_sandboxed)
        sandbox_forbid_writing();
    bool is_answered = ask_kept(&talk, run, kept);
    if (run->is_undone) {
        kept->mysql = NULL; /* of no use any more, nor safe to close */
        return;
    }
    if (!is_answered) {
        mysql_hang_up(kept);
        memset(&run->outcome, 0, sizeof run->outcome);
        talk = talk_of(run);
        talk.target = &target;
        log_in_and_ask(&talk, &target, run, kept);
    }
    if (!is_worth_keeping(run, kept))
        mysql_hang_up(kept);
}

int mysql_check_config(const struct check_config *config, struct error *err) {
    struct mysql_target target;
    if (config->database.role == ROLE_QUEUE)
        return error_set(err, "Bugsink's queue is always SQLite: role \"queue\" cannot be a MySQL database");
    if (config->database.role == ROLE_MAIN && !config->database.dsn.database)
        return error_set(
            err, "the DSN names no database; it stands behind the host: mysql://USER@HOST/DATABASE");
    if (mysql_target_init(&target, &config->database.dsn, err) < 0)
        return -1;
    mysql_tls_prepare();
    if (target.charset && !mariadb_get_charset_by_name(target.charset))
        return error_set(err, "the client library knows no charset of that name; utf8mb4 is the usual one");
    return 0;
}
