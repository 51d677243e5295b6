/* A run of the MySQL and MariaDB kind: logs in, asks and takes its leave or stays connected, in a worker.
 *
 * A connection that ends between greeting and login counts against this host, which is Bugsink's host too
 * (see breaks_login in kind.c). So nothing is looked at by a bare connect, every login is carried to its end,
 * and what can be known to fail beforehand is not begun. */
#include "kinds/mysql/mysql.h"
#include "kinds/mysql/talk.h"
#include "kinds/mysql/tls.h"

#include "base/clock.h"
#include "base/sandbox.h"

#include <errno.h>
#include <mysql.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

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

static bool is_well(const struct mysql_talk *talk) {
    return reason_info(talk->outcome->reason)->verdict != STATUS_ERROR;
}

static void ask(struct mysql_talk *talk) {
    mysql_talk_ask(talk);
    if (is_well(talk) && !talk->run->is_last)
        mysql_login_ask(talk, &talk->login);
}

/* Whether another login would now be let in, and get the rights and settings, that this one was let in with.
 */
static bool is_as_at_login(const struct mysql_talk *talk) {
    return talk->login.fingerprint == talk->kept->login.fingerprint && !talk->login.is_full;
}

static void judge_name(struct mysql_talk *talk) {
    if (talk->is_name_slow && talk->outcome->reason == REASON_OK)
        mysql_talk_fail(talk, REASON_SLOW, PHASE_RESOLVE,
            "the name is slow to resolve: its last good addresses were used");
}

/* The name may have moved, or be gone, while the connection lives. */
static bool is_where_it_was(struct mysql_talk *talk) {
    bool is_there = mysql_leads_there_still(talk);
    judge_name(talk);
    return is_there;
}

/* What a kept connection says counts where it is good, and where a login would still find what this one
 * found. All else is found, and named, by a fresh login within the same run: there is one place where errors
 * are told apart. */
static bool ask_kept(struct mysql_talk *talk, struct run *run, struct mysql_kept *kept) {
    if (!kept->mysql || run->wants_fresh || clock_now_ms(clock_system()) >= kept->expires_ms)
        return false;
    mysql_talk_enter(talk, PHASE_QUERY);
    talk->mysql = kept->mysql;
    if (!has_answered(talk, run))
        return false;
    ask(talk);
    return is_well(talk) && is_as_at_login(talk) && is_where_it_was(talk);
}

/* By chance up to a half sooner than `reconnect`: what began together does not log in together again. And an
 * interval sooner at the least, as PostgreSQL's. */
static int64_t draw_expiry_ms(const struct mysql_talk *talk) {
    int64_t life_ms = talk->config->database.reconnect_ms, most_ms = life_ms - talk->config->interval_ms;
    int64_t jitter_ms = (int64_t)(random() % 1024) * (life_ms / 2) / 1024; /* spreads load; guards nothing */
    int64_t drawn_ms = life_ms - jitter_ms;
    return talk->started_ms + (drawn_ms < most_ms ? drawn_ms : most_ms);
}

/* What must be looked at again is kept only where that can be told; and not where no place would be left for
 * Bugsink, which opens a connection for each request. */
static bool is_worth_keeping(const struct mysql_talk *talk) {
    const struct run *run = talk->run;
    return !run->is_last && is_well(talk) && talk->kept->login.fingerprint != 0 && !talk->login.is_full &&
           clock_now_ms(clock_system()) + run->config->interval_ms < talk->kept->expires_ms;
}

/* -- the run -- */

static void log_in_and_ask(struct mysql_talk *talk) {
    if (mysql_can_read_files(talk) && mysql_log_in(talk)) {
        ask(talk);
        judge_name(talk);
    }
    talk->run->is_spent = talk->is_stopped || talk->has_abandoned; /* in the middle of the library's work */
    talk->kept->mysql = talk->is_stopped ? NULL : talk->mysql;
    talk->kept->login = talk->login;
    talk->kept->expires_ms = draw_expiry_ms(talk);
}

/* Returns false where the DSN is none, which was refused when the configuration was read. */
static bool begin_talk(struct mysql_talk *talk, struct run *run) {
    struct error err;
    *talk = (struct mysql_talk){.run = run,
        .kept = run->kept,
        .config = run->config,
        .outcome = &run->outcome,
        .started_ms = clock_now_ms(clock_system())};
    memset(&run->outcome, 0, sizeof run->outcome);
    return mysql_target_init(&talk->target, &run->config->database.dsn, &err) == 0 ||
           mysql_talk_fail(talk, REASON_INTERNAL, PHASE_NONE, err.text);
}

/* Where no place is left but ours, the kept connection is held until the login beside it has been tried: that
 * finds what Bugsink would find now. In all other cases it gives its place up first. */
static void begin_anew(struct mysql_talk *talk) {
    struct mysql_kept beside = {.mysql = NULL};
    if (talk->login.is_full && is_well(talk)) {
        beside.mysql = talk->kept->mysql;
        talk->kept->mysql = NULL;
    }
    mysql_hang_up(talk->kept);
    if (begin_talk(talk, talk->run))
        log_in_and_ask(talk);
    mysql_hang_up(&beside);
}

void mysql_examine(struct run *run) {
    struct mysql_kept *kept = run->kept;
    struct mysql_talk talk;
    if (run->is_first && run->config->is_sandboxed)
        sandbox_forbid_writing();
    if (!begin_talk(&talk, run))
        return;
    bool is_answered = ask_kept(&talk, run, kept);
    if (run->is_undone) {
        kept->mysql = NULL; /* of no use any more, nor safe to close */
        return;
    }
    if (!is_answered)
        begin_anew(&talk);
    if (!is_worth_keeping(&talk))
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
