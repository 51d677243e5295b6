/* A connection to a PostgreSQL server, from the name to the login, through libpq's asynchronous calls; and
 * what becomes of it. */
#include "kinds/postgres/talk.h"
#include "kinds/postgres/tell.h"

#include "kinds/lookup.h"
#include "kinds/postgres/error.h"
#include "kinds/tickets.h"

#include "base/clock.h"
#include "base/str.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

void postgres_talk_enter(struct postgres_talk *talk, enum phase phase) {
    talk->has_met = talk->has_met || phase == PHASE_AUTH || phase == PHASE_QUERY;
    phase_report_enter(&talk->run->phases, phase);
}

/* PQfinish says Terminate, so that the server logs no lost connection; it does not wait. */
void postgres_hang_up(void *data) {
    struct postgres_kept *kept = data;
    if (kept->conn)
        PQfinish(kept->conn);
    kept->conn = NULL;
}

/* -- what is found -- */

/* Returns false, so that a failing function can return it. */
bool postgres_talk_decide(
    struct postgres_talk *talk, enum reason reason, const char *code, const char *detail) {
    struct outcome *outcome = &talk->run->outcome;
    if (talk->is_decided)
        return false;
    talk->is_decided = true;
    outcome->reason = reason;
    if (reason != REASON_OK)
        outcome->phase = talk->run->phases.phase;
    str_copy(outcome->code, sizeof outcome->code, code ? code : "");
    outcome_set_detail(outcome, talk->run->config, detail ? detail : "");
    return false;
}

/* With what may be shown of what was said, which it frees. */
bool postgres_talk_decide_told(
    struct postgres_talk *talk, enum reason reason, const char *sqlstate, char *told) {
    bool is_shown = told && postgres_tell_safely(&talk->run->config->database.dsn, talk->kept->conn, told);
    postgres_talk_decide(talk, reason, sqlstate, is_shown ? told : NULL);
    str_free_secret(told);
    return false;
}

/* The connection failed, or was lost: libpq has the cause. */
bool postgres_talk_fail(struct postgres_talk *talk) {
    enum phase phase = talk->run->phases.phase;
    const char *message = PQerrorMessage(talk->kept->conn);
    char sqlstate[SQLSTATE_SIZE] = "";
    const char *text = postgres_sqlstate_find(message, sqlstate);
    enum reason reason = text ? postgres_reason_of_sqlstate(sqlstate, text, phase)
                              : postgres_reason_of_message(message, phase);
    return postgres_talk_decide_told(talk, reason, sqlstate, postgres_tell(message, talk->has_met));
}

static int64_t address_left_ms(const struct postgres_talk *talk) {
    return talk->address_ends_ms - clock_now_ms(clock_system());
}

/* Waits for the server, for as long as the run may, less what it takes to hang up politely. Asked for the
 * socket each time: libpq opens another one for the next address, or for another try without TLS. Returns
 * what came; 0: nothing, which is decided then. */
int postgres_talk_await(struct postgres_talk *talk, short events) {
    struct pollfd socket = {.fd = PQsocket(talk->kept->conn), .events = events};
    int64_t spare_ms = talk->run->config->timeout_ms / 20;
    int ready;
    do {
        int64_t left_ms = run_remaining_ms(talk->run) - spare_ms;
        if (talk->silence_max_ms > 0 && !talk->may_be_silent && talk->silence_max_ms < left_ms)
            left_ms = talk->silence_max_ms;
        if (talk->address_ends_ms > 0 && address_left_ms(talk) < left_ms)
            left_ms = address_left_ms(talk);
        ready = poll(&socket, 1, left_ms > 0 ? (int)left_ms : 0);
    } while (ready < 0 && errno == EINTR);
    if (ready > 0)
        return socket.revents;
    if (ready < 0)
        postgres_talk_decide(talk, REASON_INTERNAL, NULL, strerror(errno));
    else if (talk->address_ends_ms == 0 || address_left_ms(talk) > 0 ||
             run_remaining_ms(talk->run) <= spare_ms)
        postgres_talk_decide(talk, REASON_TIMEOUT, NULL, NULL);
    return 0;
}

/* -- the connection -- */

static enum phase phase_of(ConnStatusType status) {
    switch ((int)status) {
    case CONNECTION_STARTED:
    case CONNECTION_MADE:
    case CONNECTION_NEEDED: return PHASE_CONNECT;
    case CONNECTION_SSL_STARTUP:
    case CONNECTION_GSS_STARTUP: return PHASE_TLS;
    case CONNECTION_AWAITING_RESPONSE:
    case CONNECTION_AUTH_OK:
    case CONNECTION_SETENV: return PHASE_AUTH;
    case CONNECTION_OK:
    case CONNECTION_BAD:
    case CONNECTION_CHECK_WRITABLE:
    case CONNECTION_CONSUME:
    case CONNECTION_CHECK_TARGET:
    case CONNECTION_CHECK_STANDBY: break; /* target_session_attrs asks queries of its own */
    default: return PHASE_CONNECT;        /* libpq 17: CONNECTION_ALLOCATED, before it begins */
    }
    return PHASE_QUERY;
}

/* An error that answers nothing comes this way, and so does libpq's own word (without an SQLSTATE) that a
 * message has come while none was due. What a server has to say beside its answers is no such thing. */
static void hear_notice(void *arg, const PGresult *result) {
    struct postgres_kept *kept = arg;
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    bool is_error = severity && (strcmp(severity, "ERROR") == 0 || strcmp(severity, "FATAL") == 0 ||
                                    strcmp(severity, "PANIC") == 0);
    kept->is_noisy = kept->is_noisy || is_error || !PQresultErrorField(result, PG_DIAG_SQLSTATE);
}

/* The addresses of a login, which libpq tries in turn. Its asynchronous calls leave the time that one of them
 * may take to their caller: one that is over it is left out, and the login begun anew with those behind it.
 */
struct addresses {
    int64_t limit_ms;   /* for each; -1: none of its own */
    int at, count;      /* the one that is tried, of so many */
    struct strbuf name; /* as libpq names it, by which a change is seen */
};

/* Where libpq goes on to the next address by itself, that one has its own time. */
static void follow(struct postgres_talk *talk, struct addresses *addresses) {
    const PGconn *conn = talk->kept->conn;
    struct strbuf name = {0};
    const char *hostaddr = PQhostaddr(conn), *host = PQhost(conn), *port = PQport(conn);
    strbuf_format(&name, "%s %s %s", hostaddr ? hostaddr : "", host ? host : "", port ? port : "");
    bool is_next = name.data && addresses->name.data && strcmp(name.data, addresses->name.data) != 0;
    bool is_first = !addresses->name.data;
    if (is_next)
        addresses->at++;
    if ((is_next || is_first) && addresses->limit_ms > 0 && addresses->at + 1 < addresses->count)
        talk->address_ends_ms = clock_now_ms(clock_system()) + addresses->limit_ms;
    else if (is_next || is_first)
        talk->address_ends_ms = 0; /* behind the last one there is nothing to save time for */
    strbuf_release(&addresses->name);
    addresses->name = name;
}

static bool begin_login(
    struct postgres_talk *talk, const struct resolve_answer *answer, struct addresses *addresses) {
    struct postgres_options options;
    tickets_keep_in_memory();
    if (postgres_options_init_from(
            &options, &talk->run->config->database.dsn, &talk->target, answer, addresses->at) == 0)
        talk->kept->conn = PQconnectStartParams(options.keywords, options.values, 0);
    addresses->count = options.addresses;
    postgres_options_release(&options);
    if (!talk->kept->conn)
        return postgres_talk_decide(talk, REASON_INTERNAL, NULL, "out of memory");
    /* At once: a failed connect, too, is then told with its SQLSTATE, by which it is judged, and not by the
     * server's localised text alone (which is needed where a pooler has one SQLSTATE for everything). */
    PQsetErrorVerbosity(talk->kept->conn, PQERRORS_VERBOSE);
    PQsetNoticeReceiver(talk->kept->conn, hear_notice, talk->kept);
    return PQstatus(talk->kept->conn) != CONNECTION_BAD || postgres_talk_fail(talk);
}

/* Returns false where it came to nothing: that is decided, or the address is over its time. */
static bool try_addresses(
    struct postgres_talk *talk, const struct resolve_answer *answer, struct addresses *addresses) {
    postgres_talk_enter(talk, PHASE_CONNECT);
    if (!begin_login(talk, answer, addresses))
        return false;
    PostgresPollingStatusType next = PGRES_POLLING_WRITING; /* the manual: as if a poll had said so */
    while (next == PGRES_POLLING_READING || next == PGRES_POLLING_WRITING) {
        follow(talk, addresses);
        if (postgres_talk_await(talk, next == PGRES_POLLING_READING ? POLLIN : POLLOUT) == 0)
            return false;
        next = PQconnectPoll(talk->kept->conn);
        if (PQstatus(talk->kept->conn) != CONNECTION_BAD) /* else the phase it failed in stands */
            postgres_talk_enter(talk, phase_of(PQstatus(talk->kept->conn)));
    }
    return next == PGRES_POLLING_OK || postgres_talk_fail(talk);
}

bool postgres_log_in(struct postgres_talk *talk, const struct resolve_answer *answer) {
    struct addresses addresses = {.limit_ms = postgres_address_limit_ms(&talk->run->config->database.dsn)};
    bool is_in = try_addresses(talk, answer, &addresses);
    while (!is_in && !talk->is_decided) {
        postgres_hang_up(talk->kept);
        strbuf_release(&addresses.name);
        addresses.at++;
        is_in = try_addresses(talk, answer, &addresses);
    }
    strbuf_release(&addresses.name);
    talk->address_ends_ms = 0;
    return is_in;
}

/* How long the names may take where the last good addresses can stand in for them. */
static int64_t name_patience_ms(const struct postgres_talk *talk) {
    enum { PATIENCE_MAX_MS = 1000, PATIENCE_SHARE = 3 };
    int64_t share_ms = talk->run->config->timeout_ms / PATIENCE_SHARE;
    return share_ms < PATIENCE_MAX_MS ? share_ms : PATIENCE_MAX_MS;
}

static bool look_up(struct postgres_talk *talk, int64_t patience_ms, struct resolve_answer *answer) {
    postgres_talk_enter(talk, PHASE_RESOLVE);
    return lookup_now(talk->target.names, talk->target.name_count, patience_ms, answer);
}

/* What waits longer for a name server than for the rest (the first of two is silent, say) is slow, as Bugsink
 * is with it; that it has failed is not known. */
bool postgres_resolve(struct postgres_talk *talk, struct resolve_answer *answer) {
    struct resolve_answer *last = &talk->kept->found;
    bool has_last = last->count > 0, has_others = talk->target.name_count < talk->target.count;
    if (talk->target.name_count == 0)
        return true;
    int64_t all_ms = run_remaining_ms(talk->run) - talk->run->config->timeout_ms / 20;
    if (!look_up(talk, has_last ? name_patience_ms(talk) : all_ms, answer)) {
        talk->is_name_slow = has_last;
        *answer = *last;
        return has_last || postgres_talk_decide(talk, REASON_TIMEOUT, NULL, NULL);
    }
    if (answer->reason == REASON_OK)
        *last = *answer;
    if (answer->reason == REASON_OK || (answer->reason == REASON_UNRESOLVED && has_others))
        return true;
    return postgres_talk_decide(talk, answer->reason, NULL, answer->detail);
}

bool postgres_leads_there_still(struct postgres_talk *talk) {
    struct resolve_answer answer;
    if (talk->target.name_count == 0)
        return true;
    talk->is_name_slow = !look_up(talk, name_patience_ms(talk), &answer);
    return talk->is_name_slow || lookup_is_same(&answer, &talk->kept->found);
}
