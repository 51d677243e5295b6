/* A PostgreSQL login: connects, asks, and hangs up or leaves the connection, through libpq's asynchronous
 * calls, in a one-shot child.
 *
 * Why in a child, though the calls do not wait for the network: libpq reads certificates where they stand (a
 * FIFO, a hung volume), computes as many rounds of SCRAM as the server demands (minutes of them), and keeps
 * whatever a server sends (1.9 GB of rows in 3 s). Each was tried against a lying server, on the checker's
 * own loop, and silenced it.
 *
 * What libpq does by itself besides: it looks into ~/.pgpass, the certificate files and the PG* variables, so
 * that the sidecar connects as the app would. libpq's connect_timeout is not honoured by PQconnectPoll; the
 * run's deadline is. */
#include "kinds/postgres/postgres.h"

#include "run/converse.h"
#include "kinds/postgres/error.h"
#include "kinds/postgres/questions.h"
#include "kinds/postgres/target.h"

#include "base/sandbox.h"
#include "base/str.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct postgres {
    struct postgres_target target;
    PGconn *conn;
    struct event *event;
    struct outcome outcome; /* of the run under way, as far as it is known */
    bool is_decided;        /* nothing that comes later changes the outcome */
    bool has_rolled_back;
    int rows; /* of the answer that have come */
};

/* Waits for the socket; what wakes it comes once. */
static void wait_for(struct check *check, short what, event_callback_fn wake);
static void send_query(struct check *check, const char *sql);

/* -- the end of a run -- */

static void stop_waiting(struct postgres *postgres) {
    if (postgres->event)
        event_free(postgres->event);
    postgres->event = NULL;
}

static void disconnect(struct postgres *postgres) {
    stop_waiting(postgres);
    /* PQfinish says Terminate, so that the server logs no lost connection; it does not wait. */
    if (postgres->conn)
        PQfinish(postgres->conn);
    postgres->conn = NULL;
}

/* Whether the socket alone is the connection, fit for the next question. What libpq may have read beyond the
 * last answer is lost with libpq; whoever reads on notices. */
static bool is_to_be_left(const struct check *check) {
    const struct postgres *postgres = check->state;
    PGconn *conn = postgres->conn;
    return check->config->database.reconnect_ms > check->config->interval_ms && conn &&
           reason_info(postgres->outcome.reason)->verdict != STATUS_ERROR &&
           PQstatus(conn) == CONNECTION_OK && PQtransactionStatus(conn) == PQTRANS_IDLE &&
           PQprotocolVersion(conn) == 3 && !PQsslInUse(conn) && !PQgssEncInUse(conn);
}

static void finish(struct check *check) {
    struct postgres *postgres = check->state;
    stop_waiting(postgres);
    if (!is_to_be_left(check))
        disconnect(postgres);
    check_finish(check, check->run_id, &postgres->outcome);
}

static void decide(struct check *check, enum reason reason, const char *code, const char *detail) {
    struct postgres *postgres = check->state;
    if (postgres->is_decided)
        return;
    postgres->is_decided = true;
    postgres->outcome.reason = reason;
    str_copy(postgres->outcome.code, sizeof postgres->outcome.code, code ? code : "");
    outcome_set_detail(&postgres->outcome, check->config, detail ? detail : "");
}

/* The connection failed, or was lost: libpq has the cause. */
static void fail(struct check *check) {
    struct postgres *postgres = check->state;
    const char *message = PQerrorMessage(postgres->conn);
    char sqlstate[SQLSTATE_SIZE] = "";
    char *stripped = postgres_message_strip(message);
    const char *text = postgres_sqlstate_find(message, sqlstate);
    enum reason reason = text ? postgres_reason_of_sqlstate(sqlstate, text, check->phase)
                              : postgres_reason_of_message(message, check->phase);
    decide(check, reason, sqlstate, stripped);
    free(stripped);
    finish(check);
}

/* -- the answers -- */

static void take_row(struct check *check, const PGresult *result) {
    struct postgres *postgres = check->state;
    struct postgres_row row = {.count = PQntuples(result) == 1 ? PQnfields(result) : 0};
    const char *detail = NULL;
    if (row.count > POSTGRES_COLUMNS_MAX)
        row.count = 0;
    for (int i = 0; i < row.count; i++) {
        row.names[i] = PQfname(result, i);
        row.values[i] = PQgetisnull(result, 0, i) ? NULL : PQgetvalue(result, 0, i);
    }
    postgres->rows++;
    enum reason reason = postgres_judge(&row, &postgres->outcome.observed, &detail);
    if (reason != REASON_OK)
        decide(check, reason, NULL, detail);
}

static void take_error(struct check *check, const PGresult *result) {
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorMessage(result);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    enum reason reason = sqlstate ? postgres_reason_of_sqlstate(sqlstate, text, PHASE_QUERY)
                                  : postgres_reason_of_message(message, PHASE_QUERY);
    decide(check, reason, sqlstate, text && sqlstate && postgres_is_of_pooler(sqlstate) ? text : message);
}

/* Returns false when the server does what nobody asked for: to copy, say, where libpq would give results for
 * ever. */
static bool take_result(struct check *check, const PGresult *result) {
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_TUPLES_OK) {
        take_row(check, result);
    } else if (status == PGRES_FATAL_ERROR) {
        take_error(check, result);
    } else if (status != PGRES_COMMAND_OK) {
        decide(check, REASON_PROTOCOL, NULL, "an answer of an unexpected kind");
        return false;
    }
    return true;
}

/* -- the conversation -- */

/* NOLINTBEGIN(misc-no-recursion): one ROLLBACK at most follows our question */

/* The answer is whole. A transaction that an error left open is closed politely: a pooler in between would
 * otherwise throw its connection to the server away. */
static void end_query(struct check *check) {
    struct postgres *postgres = check->state;
    if (PQtransactionStatus(postgres->conn) == PQTRANS_INERROR && !postgres->has_rolled_back) {
        postgres->has_rolled_back = true;
        send_query(check, "ROLLBACK");
        return;
    }
    if (postgres->rows < postgres_rows_wanted(check->config->database.role))
        decide(check, REASON_PROTOCOL, NULL, "rows are missing in the answer");
    finish(check);
}

static void on_answer(evutil_socket_t fd, short what, void *arg);

/* Sends what is left to send, takes what has come, and waits for more. */
static void go_on(struct check *check) {
    struct postgres *postgres = check->state;
    short more = PQflush(postgres->conn) == 1 ? EV_READ | EV_WRITE : EV_READ;
    while (!PQisBusy(postgres->conn)) {
        PGresult *result = PQgetResult(postgres->conn);
        if (!result) {
            end_query(check);
            return;
        }
        bool is_sound = take_result(check, result);
        PQclear(result);
        if (!is_sound) {
            finish(check);
            return;
        }
    }
    wait_for(check, more, on_answer);
}

static void on_answer(evutil_socket_t fd, short what, void *arg) {
    struct check *check = arg;
    const struct postgres *postgres = check->state;
    (void)fd;
    if ((what & EV_READ) && !PQconsumeInput(postgres->conn))
        fail(check);
    else
        go_on(check);
}

static void send_query(struct check *check, const char *sql) {
    const struct postgres *postgres = check->state;
    if (!PQsendQuery(postgres->conn, sql))
        fail(check);
    else
        go_on(check);
}

/* NOLINTEND(misc-no-recursion) */

static void ask(struct check *check) {
    struct postgres *postgres = check->state;
    check_set_phase(check, PHASE_QUERY);
    PQsetErrorVerbosity(postgres->conn, PQERRORS_SQLSTATE); /* results have their fields besides */
    observed_set(&postgres->outcome.observed, OBSERVED_SERVER_VERSION, PQserverVersion(postgres->conn));
    if (PQsetnonblocking(postgres->conn, 1) != 0) {
        fail(check);
        return;
    }
    char opening[POSTGRES_SQL_SIZE], sql[2 * POSTGRES_SQL_SIZE];
    int64_t elapsed_ms = clock_now_ms(check->env->timers->clock) - check->started_ms;
    postgres_opening(opening, check->config->database.role, check->config->timeout_ms - elapsed_ms);
    snprintf(sql, sizeof sql, "%s %s", opening, postgres_questions(check->config->database.role));
    send_query(check, sql);
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

static void on_connecting(evutil_socket_t fd, short what, void *arg) {
    struct check *check = arg;
    const struct postgres *postgres = check->state;
    (void)fd;
    (void)what;
    PostgresPollingStatusType next = PQconnectPoll(postgres->conn);
    if (PQstatus(postgres->conn) != CONNECTION_BAD) /* else the phase it failed in stands */
        check_set_phase(check, phase_of(PQstatus(postgres->conn)));
    if (next == PGRES_POLLING_READING)
        wait_for(check, EV_READ, on_connecting);
    else if (next == PGRES_POLLING_WRITING)
        wait_for(check, EV_WRITE, on_connecting);
    else if (next == PGRES_POLLING_OK)
        ask(check);
    else
        fail(check);
}

static void wait_for(struct check *check, short what, event_callback_fn wake) {
    struct postgres *postgres = check->state;
    if (postgres->event)
        event_free(postgres->event);
    /* Asked anew each time: libpq opens another socket for the next address, or for another try without TLS.
     */
    evutil_socket_t fd = PQsocket(postgres->conn);
    postgres->event = fd < 0 ? NULL : event_new(check->env->base, fd, what, wake, check);
    if (!postgres->event || event_add(postgres->event, NULL) < 0) {
        decide(check, REASON_INTERNAL, NULL, "the event loop took no event");
        finish(check);
    }
}

static void ignore_notice(void *arg, const PGresult *result) {
    (void)arg;
    (void)result;
}

static void connect_to(struct check *check, const struct resolve_answer *answer) {
    struct postgres *postgres = check->state;
    struct postgres_options options;
    check_set_phase(check, PHASE_CONNECT);
    if (postgres_options_init(&options, &check->config->database.dsn, &postgres->target, answer) == 0)
        postgres->conn = PQconnectStartParams(options.keywords, options.values, 0);
    postgres_options_release(&options);
    if (!postgres->conn) {
        decide(check, REASON_INTERNAL, NULL, "out of memory");
        finish(check);
        return;
    }
    /* At once: a failed connect, too, is then told with its SQLSTATE, by which it is judged, and not by the
     * server's localised text alone (which is needed where a pooler has one SQLSTATE for everything). */
    PQsetErrorVerbosity(postgres->conn, PQERRORS_VERBOSE);
    PQsetNoticeReceiver(postgres->conn, ignore_notice, NULL);
    if (PQstatus(postgres->conn) == CONNECTION_BAD)
        fail(check);
    else
        wait_for(check, EV_WRITE, on_connecting); /* the manual: as if the last poll had said WRITING */
}

static void on_resolved(void *arg, const struct resolve_answer *answer) {
    struct check *check = arg;
    struct postgres *postgres = check->state;
    bool has_others = postgres->target.name_count < postgres->target.count;
    if (answer->reason == REASON_OK || (answer->reason == REASON_UNRESOLVED && has_others)) {
        connect_to(check, answer);
        return;
    }
    char signal_name[OUTCOME_CODE_SIZE] = "";
    if (answer->signal != 0) {
        child_signal_name(answer->signal, signal_name, sizeof signal_name);
        observed_set(&postgres->outcome.observed, OBSERVED_SIGNAL, answer->signal);
    }
    decide(check, answer->reason, signal_name, answer->detail);
    finish(check);
}

/* -- the kind, as far as the child's own loop knows it -- */

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

static int postgres_init(struct check *check, struct error *err) {
    struct postgres *postgres = check->state;
    return init_target(&postgres->target, check->config, err);
}

static void postgres_start(struct check *check) {
    struct postgres *postgres = check->state;
    struct error err;
    postgres->outcome = (struct outcome){.reason = REASON_OK};
    postgres->is_decided = false;
    postgres->has_rolled_back = false;
    postgres->rows = 0;
    if (postgres->target.name_count == 0) {
        connect_to(check, NULL);
        return;
    }
    check_set_phase(check, PHASE_RESOLVE);
    if (resolve_start(check->env->children, postgres->target.names, postgres->target.name_count,
            check->config->timeout_ms, &check->child, on_resolved, check, &err) < 0)
        check_finish_reason(check, REASON_INTERNAL, err.text);
}

static void postgres_cancel(struct check *check) {
    check_cancel_child(check); /* the resolver */
    disconnect(check->state);
}

static int postgres_leave(const struct check *check) {
    const struct postgres *postgres = check->state;
    return postgres->conn ? PQsocket(postgres->conn) : -1;
}

static const struct check_kind CONVERSATION = {
    .state_size = sizeof(struct postgres),
    .init = postgres_init,
    .start = postgres_start,
    .cancel = postgres_cancel,
    .leave = postgres_leave,
};

void postgres_examine(const struct check *check, struct outcome *outcome, int fd) {
    if (check->config->is_sandboxed)
        sandbox_forbid_writing();
    check_converse(check, &CONVERSATION, outcome, fd);
}
