/* A connection to a MySQL server, from the name to the login, through the library's non-blocking calls. */
#include "kinds/mysql/error.h"
#include "kinds/mysql/talk.h"
#include "kinds/mysql/tls.h"

#include "kinds/lookup.h"
#include "kinds/tickets.h"

#include "base/io.h"

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
bool mysql_can_read_files(struct mysql_talk *talk) {
    const char *const files[] = {talk->target.ca, talk->target.cert, talk->target.key};
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

/* Of a login that goes on beyond its deadline: the name may lead somewhere else by now. */
static bool has_moved(struct mysql_talk *talk) {
    struct resolve_answer answer;
    talk->has_moved = talk->kept->found.count > 0 && run_remaining_ms(talk->run) == 0 &&
                      lookup_now(&talk->target.host, 1, mysql_name_patience_ms(talk), &answer) &&
                      answer.reason == REASON_OK && !lookup_is_same(&answer, &talk->kept->found);
    if (talk->has_moved)
        talk->kept->found = answer;
    return talk->has_moved;
}

/* Twice in an interval: a name that has moved is to be found, and logged in to, within one. */
static int until_next_look_ms(const struct mysql_talk *talk) {
    int64_t left_ms = run_remaining_ms(talk->run);
    return (int)(left_ms > 0 ? left_ms : talk->run->config->interval_ms / 2);
}

/* Waits for one of these events; an error ends the wait as well. Returns false where one is all that came, or
 * where this server is not waited for any longer. */
static bool await_socket(struct mysql_talk *talk, int events) {
    struct pollfd socket = {.fd = mysql_get_socket(talk->mysql), .events = (short)events};
    int ready;
    while ((ready = poll(&socket, 1, until_next_look_ms(talk))) <= 0) {
        if (ready == 0 && has_moved(talk)) {
            talk->is_stopped = true;
            return false;
        }
    }
    return (socket.revents & events) && !(socket.revents & (POLLERR | POLLNVAL));
}

/* The library takes a connection for safe where TLS was asked for, whether it came about or not, and gives
 * the password in clear to a server without TLS that asks for it (seen: Connector/C 3.3,
 * caching_sha2_password). So where there is none, none is asked for; and where there must be some, this ends
 * before the login. */
static void go_without_tls(struct mysql_talk *talk) {
    my_bool no = 0;
    talk->lacks_tls = talk->is_stopped = talk->target.tls >= MYSQL_TLS_REQUIRED;
    mysql_options(talk->mysql, MYSQL_OPT_SSL_ENFORCE, &no);
}

/* Waits until enough of the server's first packet is there (or nothing more comes) and looks at it, without
 * taking it from the library. */
static void look_at_greeting(struct mysql_talk *talk) {
    int fd = mysql_get_socket(talk->mysql), any = 1;
    unsigned char bytes[1024];
    enum mysql_offer offer = MYSQL_OFFER_UNKNOWN;
    ssize_t count = 0;
    const int least = 5;
    for (int enough = least; offer == MYSQL_OFFER_UNKNOWN && enough <= (int)sizeof bytes;
         enough = (int)count + 1) {
        setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &enough, sizeof enough);
        await_socket(talk, POLLIN);
        count = recv(fd, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
        talk->is_unspoken = enough == least && (count == 0 || (count < 0 && errno == ECONNRESET));
        talk->is_foreign = count > 0 && !mysql_may_be_greeting(bytes, (size_t)count);
        if (count < enough || talk->is_foreign)
            break; /* the connection's end, or somebody else's language: the library's to tell */
        offer = mysql_offer_of_greeting(bytes, (size_t)count);
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &any, sizeof any);
    talk->has_looked = true;
    if (count == (ssize_t)sizeof bytes && offer == MYSQL_OFFER_UNKNOWN)
        talk->is_foreign = talk->is_stopped = true; /* no server is so long in telling its version */
    bool is_wanted = talk->target.tls != MYSQL_TLS_DISABLED && !talk->is_foreign;
    talk->is_tls_next = is_wanted && offer == MYSQL_OFFER_TLS;
    if (is_wanted && !talk->target.is_local && offer == MYSQL_OFFER_NONE)
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
    bool is_connecting = talk->run->phases.phase <= PHASE_CONNECT && (wanted & MYSQL_WAIT_WRITE);
    if (is_connecting)
        mysql_talk_enter(talk, PHASE_CONNECT);
    bool is_connected = !is_connecting || await_socket(talk, POLLOUT);
    if (is_connected && !mysql_get_server_info(talk->mysql)) {
        await_greeting(talk);
    } else if (is_connected) {
        mysql_talk_enter(talk, is_in_handshake(talk) ? PHASE_TLS : PHASE_AUTH);
        await_socket(talk, (wanted & MYSQL_WAIT_WRITE) != 0 ? POLLOUT : POLLIN);
    }
    return talk->is_stopped ? 0 : mysql_real_connect_cont(connected, talk->mysql, wanted);
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
    default: break;
    }
    /* A proxy without a server takes a connection and closes it. No server has seen it, nor counts it, unless
     * it is one that hangs behind the proxy, and finds it in its backlog: see is_counted in checker/watch.c.
     */
    return talk->is_unspoken ? PHASE_CONNECT : PHASE_AUTH;
}

/* -- the name -- */

static bool has_name(const struct mysql_talk *talk) {
    return !talk->target.is_local && !resolve_is_numeric(talk->target.host);
}

int64_t mysql_name_patience_ms(const struct mysql_talk *talk) {
    enum { PATIENCE_MAX_MS = 1000, PATIENCE_SHARE = 3 };
    int64_t share_ms = talk->run->config->timeout_ms / PATIENCE_SHARE;
    return share_ms < PATIENCE_MAX_MS ? share_ms : PATIENCE_MAX_MS;
}

/* Where no name server answers for now (EAI_AGAIN), the library would ask for half a minute, which is longer
 * than a run: the fault would be a timeout's. So it is asked beforehand, once, as libpq does it. What waits
 * longer for a name server than for the rest is slow, as Bugsink is with it; that it has failed is not known:
 * the last good addresses stand in for it meanwhile. */
static bool find_addresses(struct mysql_talk *talk) {
    struct resolve_answer answer, *last = &talk->kept->found;
    bool has_last = last->count > 0;
    int64_t all_ms = run_remaining_ms(talk->run) - talk->run->config->timeout_ms / 20;
    mysql_talk_enter(talk, PHASE_RESOLVE);
    if (!lookup_now(&talk->target.host, 1, has_last ? mysql_name_patience_ms(talk) : all_ms, &answer)) {
        talk->is_name_slow = has_last;
        return has_last || mysql_talk_fail(talk, REASON_TIMEOUT, PHASE_RESOLVE, "");
    }
    if (answer.reason != REASON_OK)
        return mysql_talk_fail(talk, answer.reason, PHASE_RESOLVE, answer.detail);
    *last = answer;
    return true;
}

bool mysql_leads_there_still(struct mysql_talk *talk) {
    struct resolve_answer answer;
    if (talk->kept->found.count == 0)
        return true;
    mysql_talk_enter(talk, PHASE_RESOLVE);
    talk->is_name_slow = !lookup_now(&talk->target.host, 1, mysql_name_patience_ms(talk), &answer);
    return talk->is_name_slow || lookup_is_same(&answer, &talk->kept->found);
}

/* -- one address after the other -- */

/* Begins anew, on a handle of its own. One that was stopped is left as it is: the library is in the middle of
 * its work with it. */
static bool begin(struct mysql_talk *talk) {
    if (talk->mysql && !talk->is_stopped)
        mysql_close(talk->mysql);
    talk->has_abandoned = talk->has_abandoned || talk->is_stopped;
    talk->has_looked = talk->is_foreign = talk->is_tls_next = talk->lacks_tls = talk->is_stopped = false;
    talk->has_moved = talk->is_unspoken = false;
    *talk->outcome = (struct outcome){.reason = REASON_OK};
    talk->mysql = open_handle(&talk->target);
    return talk->mysql ||
           mysql_talk_fail(talk, REASON_INTERNAL, PHASE_NONE, "the client library gave no handle");
}

static bool log_in_at(struct mysql_talk *talk, const char *host, enum phase phase) {
    const struct dsn *dsn = &talk->run->config->database.dsn;
    MYSQL *connected = NULL;
    if (!begin(talk))
        return false;
    mysql_talk_enter(talk, phase);
    tickets_keep_in_memory();
    /* Several statements in one message: what only a login shows is asked in one (login.c). */
    int wanted = mysql_real_connect_start(&connected, talk->mysql, host, dsn->user, dsn->password,
        dsn->database, talk->target.port, talk->target.socket, CLIENT_MULTI_STATEMENTS);
    while (wanted != 0)
        wanted = take_step(talk, &connected, wanted);
    if (talk->has_moved)
        return false;
    if (talk->is_foreign)
        return mysql_talk_fail(
            talk, REASON_PROTOCOL, PHASE_AUTH, "what answers there is not a MySQL or MariaDB server");
    if (talk->lacks_tls)
        return mysql_talk_fail(talk, REASON_TLS, PHASE_TLS, "the server offers no TLS");
    return connected || mysql_talk_fail_with_error(talk, phase_of_failure(talk));
}

/* Nobody has spoken at that address: another one may have its turn. */
static bool is_unmet(const struct mysql_talk *talk) {
    return talk->mysql && !talk->has_looked && !talk->is_stopped && phase_of_failure(talk) == PHASE_CONNECT;
}

/* Where the certificate must name the host, the library has to know the name, and looks it up itself. */
static bool log_in_somewhere(struct mysql_talk *talk) {
    const struct resolve_answer found = talk->kept->found;
    if (found.count == 0 || talk->target.tls == MYSQL_TLS_VERIFY_IDENTITY)
        return log_in_at(talk, talk->target.host, found.count > 0 ? PHASE_RESOLVE : PHASE_CONNECT);
    bool is_in = false;
    for (int i = 0; i < found.count && !is_in && (i == 0 || is_unmet(talk)); i++)
        is_in = log_in_at(talk, found.addresses[i].text, PHASE_CONNECT);
    return is_in;
}

bool mysql_log_in(struct mysql_talk *talk) {
    if (!has_name(talk))
        talk->kept->found.count = 0;
    else if (!find_addresses(talk))
        return false;
    bool is_in = log_in_somewhere(talk);
    while (talk->has_moved)
        is_in = log_in_somewhere(talk);
    return is_in;
}
