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
 * that the sidecar connects as the app would. libpq's connect_timeout is not honoured by PQconnectPoll, but
 * by us (connect.c); and so is the run's deadline. */
#include "kinds/postgres/postgres.h"

#include "kinds/postgres/error.h"
#include "kinds/postgres/library.h"
#include "kinds/postgres/login.h"
#include "kinds/postgres/questions.h"
#include "kinds/postgres/talk.h"
#include "kinds/postgres/target.h"
#include "kinds/postgres/tell.h"

#include "base/clock.h"
#include "base/log.h"
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

/* -- the answers -- */

static void take_row(struct postgres_talk *talk, const PGresult *result) {
    struct postgres_row row = {.count = PQntuples(result) == 1 ? PQnfields(result) : 0};
    const char *detail = NULL;
    if (row.count > POSTGRES_COLUMNS_MAX)
        row.count = 0;
    for (int i = 0; i < row.count; i++) {
        row.names[i] = PQfname(result, i);
        row.values[i] = PQgetisnull(result, 0, i) ? NULL : PQgetvalue(result, 0, i);
    }
    if (postgres_login_take(&talk->login, &row))
        return;
    talk->rows++;
    enum reason reason = postgres_judge(&row, &talk->run->outcome.observed, &detail);
    if (reason_info(reason)->verdict == STATUS_ERROR) {
        postgres_talk_decide(talk, reason, NULL, detail);
    } else if (talk->noted == REASON_OK) {
        talk->noted = reason;
        talk->noted_detail = detail;
    }
}

static int rows_wanted(const struct postgres_talk *talk) {
    return postgres_rows_wanted(talk->run->config->database.role);
}

static bool asks_login(const struct postgres_talk *talk) {
    return !talk->run->is_last && !talk->kept->is_unaskable;
}

/* Class 42, "syntax error or access rule violation", in the question of the login, which comes last: a server
 * that hides its catalogs, or has others. */
static bool is_of_login(const struct postgres_talk *talk, const char *sqlstate) {
    return asks_login(talk) && talk->rows >= rows_wanted(talk) && sqlstate && strncmp(sqlstate, "42", 2) == 0;
}

static void take_error(struct postgres_talk *talk, const PGresult *result) {
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (is_of_login(talk, sqlstate)) {
        talk->kept->is_unaskable = true;
        return;
    }
    const char *message = PQresultErrorMessage(result);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (sqlstate && !postgres_is_sqlstate(sqlstate))
        sqlstate = NULL;
    enum reason reason = sqlstate ? postgres_reason_of_sqlstate(sqlstate, text, PHASE_QUERY)
                                  : postgres_reason_of_message(message, PHASE_QUERY);
    bool is_of_pooler = text && sqlstate && postgres_is_of_pooler(sqlstate);
    postgres_talk_decide_told(
        talk, reason, sqlstate, is_of_pooler ? strdup(text) : postgres_tell(message, true));
}

/* Returns false when the server does what nobody asked for: to copy, say, where libpq would give results for
 * ever. */
static bool take_result(struct postgres_talk *talk, const PGresult *result) {
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_TUPLES_OK) {
        take_row(talk, result);
    } else if (status == PGRES_FATAL_ERROR) {
        take_error(talk, result);
    } else if (status != PGRES_COMMAND_OK) {
        return postgres_talk_decide(talk, REASON_PROTOCOL, NULL, "an answer of an unexpected kind");
    }
    return true;
}

/* -- the conversation -- */

/* Takes what has come. Returns false where the answer is not whole, or is no answer. */
static bool take_results(struct postgres_talk *talk, bool *is_whole) {
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
static bool ask_query(struct postgres_talk *talk, const char *sql) {
    if (!PQsendQuery(talk->kept->conn, sql))
        return postgres_talk_fail(talk);
    for (bool is_whole = false;;) {
        if (!take_results(talk, &is_whole) || is_whole)
            return is_whole;
        int ready = postgres_talk_await(talk, PQflush(talk->kept->conn) == 1 ? POLLIN | POLLOUT : POLLIN);
        if (ready == 0)
            return false;
        if ((ready & ~POLLOUT) && !PQconsumeInput(talk->kept->conn))
            return postgres_talk_fail(talk);
        if (ready & POLLIN)
            talk->may_be_silent = false; /* who has begun to answer goes on */
    }
}

static bool open_transaction(struct postgres_talk *talk, const char *opening) {
    if (!ask_query(talk, opening))
        return false;
    if (PQisBusy(talk->kept->conn) || talk->kept->is_noisy)
        return postgres_talk_decide(talk, REASON_PROTOCOL, NULL, "it says what nobody has asked for");
    if (PQtransactionStatus(talk->kept->conn) != PQTRANS_INTRANS)
        return postgres_talk_decide(talk, REASON_PROTOCOL, NULL, "no transaction");
    talk->may_be_silent = true;
    return true;
}

/* On a kept connection the opening is a query of its own, for its answer comes at once from whoever lives,
 * however long the questions take: a server that is slow or waits for a lock is told from one that is gone.
 */
static bool ask_questions(struct postgres_talk *talk) {
    char opening[POSTGRES_SQL_SIZE];
    struct strbuf sql = {0};
    enum role role = talk->run->config->database.role;
    postgres_opening(opening, role, run_remaining_ms(talk->run));
    bool is_apart = talk->silence_max_ms > 0 && *opening;
    if (!is_apart)
        strbuf_format(&sql, "%s ", opening);
    postgres_questions(&sql, role, asks_login(talk) ? POSTGRES_LOGIN_QUESTION : NULL);
    bool is_built = !sql.is_broken || postgres_talk_decide(talk, REASON_INTERNAL, NULL, "out of memory");
    bool is_asked = is_built && (!is_apart || open_transaction(talk, opening)) && ask_query(talk, sql.data);
    strbuf_release(&sql);
    return is_asked;
}

/* A transaction that an error left open is closed politely: a pooler in between would otherwise throw its
 * connection to the server away. */
static void ask(struct postgres_talk *talk) {
    PGconn *conn = talk->kept->conn;
    postgres_talk_enter(talk, PHASE_QUERY);
    talk->kept->is_noisy = false;
    PQsetErrorVerbosity(conn, PQERRORS_SQLSTATE); /* results have their fields besides */
    observed_set(&talk->run->outcome.observed, OBSERVED_SERVER_VERSION, PQserverVersion(conn));
    if (PQsetnonblocking(conn, 1) != 0) {
        postgres_talk_fail(talk);
        return;
    }
    bool is_whole = ask_questions(talk);
    if (is_whole && PQtransactionStatus(conn) == PQTRANS_INERROR)
        is_whole = ask_query(talk, "ROLLBACK");
    if (is_whole && talk->rows < rows_wanted(talk))
        postgres_talk_decide(talk, REASON_PROTOCOL, NULL, "rows are missing in the answer");
    if (is_whole && talk->noted != REASON_OK)
        postgres_talk_decide(talk, talk->noted, NULL, talk->noted_detail);
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

static bool is_well(const struct postgres_talk *talk) {
    PGconn *conn = talk->kept->conn;
    return conn && reason_info(talk->run->outcome.reason)->verdict != STATUS_ERROR && !talk->kept->is_noisy &&
           PQstatus(conn) == CONNECTION_OK && PQtransactionStatus(conn) == PQTRANS_IDLE;
}

/* Whether another login would now be let in, and get the settings, that this one was let in with. */
static bool is_as_at_login(const struct postgres_talk *talk) {
    return talk->login.fingerprint == talk->kept->login.fingerprint && !talk->login.is_full;
}

/* A pooler tells each client a process of its own invention (measured: PgBouncer 1.18, in both modes). With
 * session pooling a connection that is kept holds a server of the pool, for want of which Bugsink waits. */
static bool is_pooled(const struct postgres_talk *talk) {
    return talk->login.backend_pid != PQbackendPID(talk->kept->conn);
}

/* What must be looked at again is kept only where that can be told: not where the server hides its catalogs.
 * Nor where no place would be left for Bugsink, which opens a connection for each request; nor a pooler's. */
static bool is_telling(const struct postgres_talk *talk) {
    const struct postgres_login *login = &talk->kept->login;
    return login->fingerprint != 0 && !talk->login.is_full && !is_pooled(talk);
}

/* Whether it will not be too old when it is wanted next. Else it is closed at once, so that its place at the
 * server is free when the fresh login asks for one. */
static bool is_worth_keeping(const struct postgres_talk *talk) {
    return !talk->run->is_last && is_well(talk) && is_telling(talk) &&
           clock_now_ms(clock_system()) + talk->run->config->interval_ms < talk->kept->expires_ms;
}

/* A login is old when `reconnect` has passed since its run began, by chance up to a half sooner: what began
 * together, in this program or in thousands of pods, does not log in together again. With a half, the logins
 * that follow are at no moment more than twice as many as they are in the mean; with a quarter, 3.5 times.
 * And an interval before `reconnect` at the latest, for that is when the login that follows may come: at the
 * standard settings no more than one look goes without one. A proxy that lets nobody in any more, or a smart
 * shutdown, shows by a login alone. */
static int64_t draw_expiry_ms(const struct run *run) {
    int64_t life_ms = run->config->database.reconnect_ms, most_ms = life_ms - run->config->interval_ms;
    int64_t jitter_ms = (int64_t)(random() % 1024) * (life_ms / 2) / 1024; /* spreads load; guards nothing */
    int64_t drawn_ms = life_ms - jitter_ms;
    return run->deadline_ms - run->config->timeout_ms + (drawn_ms < most_ms ? drawn_ms : most_ms);
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

/* With addresses that may all hang, the last one would never have its turn. */
static void warn_of_time(const struct postgres_target *target, const struct check_config *config) {
    int64_t limit_ms = postgres_address_limit_ms(&config->database.dsn);
    char text[256];
    if (target->count < 2 || limit_ms < 0 || (target->count - 1) * limit_ms < config->timeout_ms)
        return;
    snprintf(text, sizeof text,
        "%s: %d hosts with a connect_timeout of %lld s do not fit into a timeout of %lld ms: where the others"
        " hang, the last one is not tried",
        config->name ? config->name : "database", target->count, (long long)(limit_ms / 1000),
        (long long)config->timeout_ms);
    log_warning("configuration", text);
}

int postgres_check_config(const struct check_config *config, struct error *err) {
    struct postgres_target target = {0};
    if (init_target(&target, config, err) < 0)
        return -1;
    warn_of_time(&target, config);
    postgres_target_release(&target);
    return 0;
}

static void judge_name(struct postgres_talk *talk) {
    if (talk->is_name_slow && !talk->is_decided)
        postgres_talk_decide(
            talk, REASON_SLOW, NULL, "the name is slow to resolve: its last good addresses were used");
}

static void log_in_and_ask(struct postgres_talk *talk) {
    struct resolve_answer answer = {.reason = REASON_OK};
    struct error err;
    if (init_target(&talk->target, talk->run->config, &err) < 0) {
        postgres_talk_decide(talk, REASON_INTERNAL, NULL, err.text);
        return;
    }
    talk->kept->expires_ms = draw_expiry_ms(talk->run);
    /* libpq would take the user's name for it. (Django: postgresql/base.py, get_connection_params.) */
    const char *database = talk->run->config->database.dsn.database;
    if (database && !*database)
        postgres_talk_decide(
            talk, REASON_DB_MISSING, NULL, "the DSN names no database, and Django connects to none then");
    else if (postgres_resolve(talk, &answer) && postgres_log_in(talk, &answer)) {
        ask(talk);
        judge_name(talk);
    }
    talk->kept->login = talk->login;
    postgres_target_release(&talk->target);
}

/* The name may have moved, or be gone, while the connection lives. */
static bool is_where_it_was(struct postgres_talk *talk) {
    struct error err;
    if (talk->kept->found.count == 0)
        return true;
    bool is_there =
        init_target(&talk->target, talk->run->config, &err) == 0 && postgres_leads_there_still(talk);
    postgres_target_release(&talk->target);
    judge_name(talk);
    return is_there;
}

/* What a kept connection says counts where it is good, and where a login would still find what this one
 * found. All else is found, and named, by a fresh login within the same run: there is one place where errors
 * are told apart. */
static bool ask_kept(struct postgres_talk *talk) {
    if (!talk->kept->conn || talk->run->wants_fresh || clock_now_ms(clock_system()) >= talk->kept->expires_ms)
        return false;
    int64_t share_ms = talk->run->config->timeout_ms / SILENCE_SHARE;
    talk->silence_max_ms = share_ms < SILENCE_MAX_MS ? share_ms : SILENCE_MAX_MS;
    ask(talk);
    if (!is_well(talk))
        run_log_loss(talk->run->config);
    return is_well(talk) && is_as_at_login(talk) && is_where_it_was(talk);
}

/* Where no place is left but ours, the kept connection is held until the login beside it has been tried: that
 * finds what Bugsink would find now. In all other cases it gives its place up first. */
static void begin_anew(struct postgres_talk *talk) {
    struct run *run = talk->run;
    struct postgres_kept *kept = talk->kept;
    PGconn *beside = is_well(talk) && talk->login.is_full ? kept->conn : NULL;
    if (beside)
        kept->conn = NULL;
    postgres_hang_up(kept);
    memset(&run->outcome, 0, sizeof run->outcome);
    *talk = (struct postgres_talk){.run = run, .kept = kept};
    log_in_and_ask(talk);
    if (beside)
        PQfinish(beside);
}

void postgres_examine(struct run *run) {
    struct postgres_kept *kept = run->kept;
    struct postgres_talk talk = {.run = run, .kept = kept};
    if (run->is_first && run->config->is_sandboxed)
        sandbox_forbid_writing();
    if (!ask_kept(&talk))
        begin_anew(&talk);
    if (!is_worth_keeping(&talk))
        postgres_hang_up(kept);
}
