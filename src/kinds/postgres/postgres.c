/* A run of the PostgreSQL kind: logs in or asks on the connection that was kept, and hangs up or keeps it,
 * through libpq's asynchronous calls, in a worker.
 *
 * Why in a worker, though the calls do not wait for the network: libpq reads certificates where they stand (a
 * FIFO, a hung volume), computes as many rounds of SCRAM as the server demands (minutes of them), and keeps
 * whatever a server sends (1.9 GB of rows in 3 s). Each was tried against a lying server, on the checker's
 * own loop, and silenced it. Why asynchronous, though the worker may block: they tell the phases apart, and
 * leave the time to take leave politely.
 *
 * What libpq does by itself besides: it looks into ~/.pgpass, the certificate files and the PG* variables, so
 * that the sidecar connects as the app would. libpq's connect_timeout is not honoured by PQconnectPoll; the
 * run's deadline is. */
#include "kinds/postgres/postgres.h"

#include "kinds/postgres/error.h"
#include "kinds/postgres/library.h"
#include "kinds/postgres/questions.h"
#include "kinds/postgres/target.h"
#include "kinds/postgres/tell.h"

#include "base/clock.h"
#include "base/sandbox.h"
#include "base/str.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long a kept connection may give no sign of life before a fresh login is tried with what remains of the
 * run: a router may have forgotten it, or another server have taken over. */
enum { SILENCE_MAX_MS = 1000, SILENCE_SHARE = 3 };

/* A run with its connection. */
struct talk {
    struct run *run;
    struct postgres_kept *kept; /* the connection, also a fresh one */
    struct postgres_target target;
    int64_t
        silence_max_ms; /* after so long without a sign of life a kept one counts as dead; 0: it is fresh */
    bool may_be_silent; /* it has shown that it lives, and has something to think about */
    bool has_met;       /* the server may have spoken */
    bool is_decided;    /* nothing that comes later changes the outcome */
    int rows;           /* of the answer that have come */
};

static void enter(struct talk *talk, enum phase phase) {
    talk->has_met = talk->has_met || phase == PHASE_AUTH || phase == PHASE_QUERY;
    phase_report_enter(&talk->run->phases, phase);
}

/* -- what is found -- */

/* Returns false, so that a failing function can return it. */
static bool decide(struct talk *talk, enum reason reason, const char *code, const char *detail) {
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
static bool decide_told(struct talk *talk, enum reason reason, const char *sqlstate, char *told) {
    bool is_shown = told && postgres_tell_safely(&talk->run->config->database.dsn, talk->kept->conn, told);
    decide(talk, reason, sqlstate, is_shown ? told : NULL);
    str_free_secret(told);
    return false;
}

/* The connection failed, or was lost: libpq has the cause. */
static bool fail(struct talk *talk) {
    enum phase phase = talk->run->phases.phase;
    const char *message = PQerrorMessage(talk->kept->conn);
    char sqlstate[SQLSTATE_SIZE] = "";
    const char *text = postgres_sqlstate_find(message, sqlstate);
    enum reason reason = text ? postgres_reason_of_sqlstate(sqlstate, text, phase)
                              : postgres_reason_of_message(message, phase);
    return decide_told(talk, reason, sqlstate, postgres_tell(message, talk->has_met));
}

/* Waits for the server, for as long as the run may, less what it takes to hang up politely. Asked for the
 * socket each time: libpq opens another one for the next address, or for another try without TLS. Returns
 * what came; 0: nothing, which is decided then. */
static int await(struct talk *talk, short events) {
    struct pollfd socket = {.fd = PQsocket(talk->kept->conn), .events = events};
    int64_t spare_ms = talk->run->config->timeout_ms / 20;
    int ready;
    do {
        int64_t left_ms = run_remaining_ms(talk->run) - spare_ms;
        if (talk->silence_max_ms > 0 && !talk->may_be_silent && talk->silence_max_ms < left_ms)
            left_ms = talk->silence_max_ms;
        ready = poll(&socket, 1, left_ms > 0 ? (int)left_ms : 0);
    } while (ready < 0 && errno == EINTR);
    if (ready > 0)
        return socket.revents;
    if (ready < 0)
        decide(talk, REASON_INTERNAL, NULL, strerror(errno));
    else
        decide(talk, REASON_TIMEOUT, NULL, NULL);
    return 0;
}

/* -- the answers -- */

static void take_row(struct talk *talk, const PGresult *result) {
    struct postgres_row row = {.count = PQntuples(result) == 1 ? PQnfields(result) : 0};
    const char *detail = NULL;
    if (row.count > POSTGRES_COLUMNS_MAX)
        row.count = 0;
    for (int i = 0; i < row.count; i++) {
        row.names[i] = PQfname(result, i);
        row.values[i] = PQgetisnull(result, 0, i) ? NULL : PQgetvalue(result, 0, i);
    }
    talk->rows++;
    enum reason reason = postgres_judge(&row, &talk->run->outcome.observed, &detail);
    if (reason != REASON_OK)
        decide(talk, reason, NULL, detail);
}

static void take_error(struct talk *talk, const PGresult *result) {
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorMessage(result);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (sqlstate && !postgres_is_sqlstate(sqlstate))
        sqlstate = NULL;
    enum reason reason = sqlstate ? postgres_reason_of_sqlstate(sqlstate, text, PHASE_QUERY)
                                  : postgres_reason_of_message(message, PHASE_QUERY);
    bool is_of_pooler = text && sqlstate && postgres_is_of_pooler(sqlstate);
    decide_told(talk, reason, sqlstate, is_of_pooler ? strdup(text) : postgres_tell(message, true));
}

/* Returns false when the server does what nobody asked for: to copy, say, where libpq would give results for
 * ever. */
static bool take_result(struct talk *talk, const PGresult *result) {
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_TUPLES_OK) {
        take_row(talk, result);
    } else if (status == PGRES_FATAL_ERROR) {
        take_error(talk, result);
    } else if (status != PGRES_COMMAND_OK) {
        return decide(talk, REASON_PROTOCOL, NULL, "an answer of an unexpected kind");
    }
    return true;
}

/* -- the conversation -- */

/* Takes what has come. Returns false where the answer is not whole, or is no answer. */
static bool take_results(struct talk *talk, bool *is_whole) {
    while (!PQisBusy(talk->kept->conn)) {
        PGresult *result = PQgetResult(talk->kept->conn);
        *is_whole = !result;
        bool is_sound = !result || take_result(talk, result);
        PQclear(result);
        if (!result || !is_sound)
            return is_sound;
    }
    return true;
}

/* Sends, and takes the whole answer. */
static bool ask_query(struct talk *talk, const char *sql) {
    if (!PQsendQuery(talk->kept->conn, sql))
        return fail(talk);
    for (bool is_whole = false;;) {
        if (!take_results(talk, &is_whole) || is_whole)
            return is_whole;
        int ready = await(talk, PQflush(talk->kept->conn) == 1 ? POLLIN | POLLOUT : POLLIN);
        if (ready == 0)
            return false;
        if ((ready & ~POLLOUT) && !PQconsumeInput(talk->kept->conn))
            return fail(talk);
        if (ready & POLLIN)
            talk->may_be_silent = false; /* who has begun to answer goes on */
    }
}

/* On a kept connection the opening is a query of its own, for its answer comes at once from whoever lives,
 * however long the questions take: a server that is slow or waits for a lock is told from one that is gone.
 */
static bool ask_questions(struct talk *talk) {
    char opening[POSTGRES_SQL_SIZE], sql[2 * POSTGRES_SQL_SIZE];
    enum role role = talk->run->config->database.role;
    postgres_opening(opening, role, run_remaining_ms(talk->run));
    if (talk->silence_max_ms == 0 || !*opening) {
        snprintf(sql, sizeof sql, "%s %s", opening, postgres_questions(role));
        return ask_query(talk, sql);
    }
    if (!ask_query(talk, opening))
        return false;
    if (PQisBusy(talk->kept->conn) || talk->kept->is_noisy)
        return decide(talk, REASON_PROTOCOL, NULL, "it says what nobody has asked for");
    if (PQtransactionStatus(talk->kept->conn) != PQTRANS_INTRANS)
        return decide(talk, REASON_PROTOCOL, NULL, "no transaction");
    talk->may_be_silent = true;
    return ask_query(talk, postgres_questions(role));
}

/* A transaction that an error left open is closed politely: a pooler in between would otherwise throw its
 * connection to the server away. */
static void ask(struct talk *talk) {
    PGconn *conn = talk->kept->conn;
    enter(talk, PHASE_QUERY);
    talk->kept->is_noisy = false;
    PQsetErrorVerbosity(conn, PQERRORS_SQLSTATE); /* results have their fields besides */
    observed_set(&talk->run->outcome.observed, OBSERVED_SERVER_VERSION, PQserverVersion(conn));
    if (PQsetnonblocking(conn, 1) != 0) {
        fail(talk);
        return;
    }
    bool is_whole = ask_questions(talk);
    if (is_whole && PQtransactionStatus(conn) == PQTRANS_INERROR)
        is_whole = ask_query(talk, "ROLLBACK");
    if (is_whole && talk->rows < postgres_rows_wanted(talk->run->config->database.role))
        decide(talk, REASON_PROTOCOL, NULL, "rows are missing in the answer");
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

static bool begin_login(struct talk *talk, const struct resolve_answer *answer) {
    struct postgres_options options;
    if (postgres_options_init(&options, &talk->run->config->database.dsn, &talk->target, answer) == 0)
        talk->kept->conn = PQconnectStartParams(options.keywords, options.values, 0);
    postgres_options_release(&options);
    if (!talk->kept->conn)
        return decide(talk, REASON_INTERNAL, NULL, "out of memory");
    /* At once: a failed connect, too, is then told with its SQLSTATE, by which it is judged, and not by the
     * server's localised text alone (which is needed where a pooler has one SQLSTATE for everything). */
    PQsetErrorVerbosity(talk->kept->conn, PQERRORS_VERBOSE);
    PQsetNoticeReceiver(talk->kept->conn, hear_notice, talk->kept);
    return PQstatus(talk->kept->conn) != CONNECTION_BAD || fail(talk);
}

static bool log_in(struct talk *talk, const struct resolve_answer *answer) {
    enter(talk, PHASE_CONNECT);
    if (!begin_login(talk, answer))
        return false;
    PostgresPollingStatusType next = PGRES_POLLING_WRITING; /* the manual: as if a poll had said so */
    while (next == PGRES_POLLING_READING || next == PGRES_POLLING_WRITING) {
        if (await(talk, next == PGRES_POLLING_READING ? POLLIN : POLLOUT) == 0)
            return false;
        next = PQconnectPoll(talk->kept->conn);
        if (PQstatus(talk->kept->conn) != CONNECTION_BAD) /* else the phase it failed in stands */
            enter(talk, phase_of(PQstatus(talk->kept->conn)));
    }
    return next == PGRES_POLLING_OK || fail(talk);
}

static bool resolve(struct talk *talk, struct resolve_answer *answer) {
    const struct postgres_target *target = &talk->target;
    if (target->name_count == 0)
        return true;
    enter(talk, PHASE_RESOLVE);
    resolve_now(target->names, target->name_count, answer);
    bool has_others = target->name_count < target->count;
    if (answer->reason == REASON_OK || (answer->reason == REASON_UNRESOLVED && has_others))
        return true;
    return decide(talk, answer->reason, NULL, answer->detail);
}

/* -- the connection that is kept -- */

int postgres_watched(const void *data) {
    const struct postgres_kept *kept = data;
    return kept->conn ? PQsocket(kept->conn) : -1;
}

/* Between runs a server says little: a changed parameter, a notice, its farewell. */
bool postgres_is_gone(void *data) {
    const struct postgres_kept *kept = data;
    return !PQconsumeInput(kept->conn) || PQisBusy(kept->conn) || kept->is_noisy ||
           PQstatus(kept->conn) != CONNECTION_OK;
}

/* PQfinish says Terminate, so that the server logs no lost connection; it does not wait. */
void postgres_hang_up(void *data) {
    struct postgres_kept *kept = data;
    if (kept->conn)
        PQfinish(kept->conn);
    kept->conn = NULL;
}

static bool is_well(const struct talk *talk) {
    PGconn *conn = talk->kept->conn;
    return conn && reason_info(talk->run->outcome.reason)->verdict != STATUS_ERROR && !talk->kept->is_noisy &&
           PQstatus(conn) == CONNECTION_OK && PQtransactionStatus(conn) == PQTRANS_IDLE;
}

/* Whether it will not be too old when it is wanted next. Else it is closed at once, so that its place at the
 * server is free when the fresh login asks for one. */
static bool is_worth_keeping(const struct talk *talk) {
    return !talk->run->is_last && is_well(talk) &&
           clock_now_ms(clock_system()) + talk->run->config->interval_ms < talk->kept->expires_ms;
}

/* A login is old when `reconnect` has passed since its run began, by chance up to a half sooner: what began
 * together, in this program or in thousands of pods, does not log in together again. With a half, the logins
 * that follow are at no moment more than twice as many as they are in the mean; with a quarter, 3.5 times. */
static int64_t draw_expiry_ms(const struct run *run) {
    int64_t life_ms = run->config->database.reconnect_ms;
    int64_t jitter_ms = (int64_t)(random() % 1024) * (life_ms / 2) / 1024; /* spreads load; guards nothing */
    return run->deadline_ms - run->config->timeout_ms + life_ms - jitter_ms;
}

/* -- the run -- */

static int init_target(struct postgres_target *target, const struct check_config *config, struct error *err) {
    if (config->database.role == ROLE_QUEUE)
        return error_set(
            err, "Bugsink's queue is always SQLite: role \"queue\" cannot be a PostgreSQL database");
    if (postgres_target_init(target, &config->database.dsn, err) == 0)
        return 0;
    postgres_target_release(target);
    return -1;
}

int postgres_check_config(const struct check_config *config, struct error *err) {
    struct postgres_target target;
    if (init_target(&target, config, err) < 0)
        return -1;
    postgres_target_release(&target);
    return 0;
}

static void log_in_and_ask(struct talk *talk) {
    struct resolve_answer answer = {.reason = REASON_OK};
    struct error err;
    if (init_target(&talk->target, talk->run->config, &err) < 0) {
        decide(talk, REASON_INTERNAL, NULL, err.text);
        return;
    }
    talk->kept->expires_ms = draw_expiry_ms(talk->run);
    if (resolve(talk, &answer) && log_in(talk, &answer))
        ask(talk);
    postgres_target_release(&talk->target);
}

/* What a kept connection says counts where it is good. All else is found, and named, by a fresh login within
 * the same run: there is one place where errors are told apart. */
static bool ask_kept(struct talk *talk) {
    if (!talk->kept->conn || talk->run->wants_fresh || clock_now_ms(clock_system()) >= talk->kept->expires_ms)
        return false;
    int64_t share_ms = talk->run->config->timeout_ms / SILENCE_SHARE;
    talk->silence_max_ms = share_ms < SILENCE_MAX_MS ? share_ms : SILENCE_MAX_MS;
    ask(talk);
    if (!is_well(talk))
        run_log_loss(talk->run->config);
    return is_well(talk);
}

void postgres_examine(struct run *run) {
    struct postgres_kept *kept = run->kept;
    struct talk talk = {.run = run, .kept = kept};
    if (run->is_first && run->config->is_sandboxed)
        sandbox_forbid_writing();
    if (!ask_kept(&talk)) {
        postgres_hang_up(kept);
        memset(&run->outcome, 0, sizeof run->outcome);
        talk = (struct talk){.run = run, .kept = kept};
        log_in_and_ask(&talk);
    }
    if (!is_worth_keeping(&talk))
        postgres_hang_up(kept);
}
