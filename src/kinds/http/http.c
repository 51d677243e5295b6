/* The HTTP kind: asks Bugsink's own endpoint, or what only its database can answer, on the loop, at a numeric
 * address. */
#include "kinds/http/ask.h"
#include "kinds/http/exchange.h"
#include "kinds/http/target.h"
#include "kinds/kinds.h"

#include <stdio.h>
#include <string.h>

/* How long an unanswered question is waited for beyond its run: a database that hangs holds the worker of
 * Bugsink that asks it (measured: 30 s a request). While that may be so no other one is asked. */
enum { PATIENCE_MS = 35000 };

struct http {
    struct http_target target;
    struct exchange exchanges[2];
    struct exchange *current; /* of the run under way; NULL: none */
    struct exchange *left;    /* a question that outlived its run; NULL: none */
    enum app_question left_question;
    enum answer late; /* to a question that was left, until a run has told it */
    struct timer patience;
};

/* -- the end of a run -- */

static void finish(struct check *check, struct outcome *outcome, const char *detail) {
    struct http *http = check->state;
    if (http->current && http->current->reply.status != 0)
        snprintf(outcome->code, sizeof outcome->code, "HTTP %d", http->current->reply.status);
    outcome_set_detail(outcome, check->config, detail);
    if (http->current)
        exchange_close(http->current);
    http->current = NULL;
    if (check->question == QUESTION_NONE) {
        outcome->answer = http->late;
        http->late = ANSWER_NONE;
    }
    outcome->is_awaiting = http->left != NULL;
    check_finish(check, check->run_id, outcome);
}

static void finish_reason(struct check *check, enum reason reason, const char *detail) {
    finish(check, &(struct outcome){.reason = reason}, detail);
}

/* -- what an answer says -- */

/* The status line tells it, whatever became of the body: only some answers have to be whole. */
static bool is_enough(void *arg, const struct exchange *exchange) {
    const struct check *check = arg;
    const struct http *http = check->state;
    enum app_question question = exchange == http->left ? http->left_question : check->question;
    return question == QUESTION_NONE ? exchange->reply.status != 200
                                     : ask_is_told_by_status(exchange->reply.status);
}

static enum answer answer_of(enum app_question question, const struct http_reply *reply) {
    return reply->status == 0 ? ANSWER_SILENCE
                              : ask_judge(question, reply->status, reply->body.data, reply->body.length);
}

static const char *answer_text(enum answer answer) {
    switch (answer) {
    case ANSWER_FAILS: return "asked what only its database can answer";
    case ANSWER_ABSENT: return "an older Bugsink: this question is asked again when it has been restarted";
    case ANSWER_MUTE: return "this answer says nothing of the database";
    case ANSWER_NONE:
    case ANSWER_WELL:
    case ANSWER_SILENCE:
    case ANSWER_KINDS: break;
    }
    return "";
}

static void judge_question(struct check *check, const struct http_reply *reply) {
    struct outcome outcome = {.answer = answer_of(check->question, reply)};
    outcome.reason = outcome.answer == ANSWER_FAILS ? REASON_APP_DATABASE : REASON_OK;
    finish(check, &outcome, answer_text(outcome.answer));
}

static void judge_endpoint(struct check *check, const struct http_reply *reply) {
    const char *expect = check->config->app.expect;
    if (reply->status != 200) {
        finish_reason(check, http_reason_of_answer(reply->status, NULL, 0, ""), "");
        return;
    }
    enum reason reason = http_reason_of_answer(200, reply->body.data, reply->body.length, expect);
    finish_reason(check, reason, reason == REASON_OK ? "" : "another body than expected");
}

/* The reader wants no more bytes. */
static void judge(struct check *check, const struct http_reply *reply) {
    bool is_told = reply->status != 0 && reply->status != 200;
    if (check->question != QUESTION_NONE && reply->status != 0) {
        judge_question(check, reply);
        return;
    }
    if (is_told || reply->state == HTTP_REPLY_WHOLE) {
        judge_endpoint(check, reply);
        return;
    }
    switch (reply->state) {
    case HTTP_REPLY_MORE:
    case HTTP_REPLY_WHOLE: break;
    case HTTP_REPLY_CUT: finish_reason(check, REASON_RESET, "closed before the answer was complete"); return;
    case HTTP_REPLY_TOO_LARGE:
        finish_reason(
            check, reply->status == 200 ? REASON_IDENTITY : REASON_PROTOCOL, "an answer of more than 10 KiB");
        return;
    case HTTP_REPLY_INVALID: finish_reason(check, REASON_PROTOCOL, "the answer is not HTTP"); return;
    case HTTP_REPLY_NO_MEMORY: finish_reason(check, REASON_INTERNAL, "out of memory"); return;
    }
}

static void fail(struct check *check, const struct exchange_end *end) {
    char detail[128];
    bool is_plain = strcmp(end->text, strerror(end->cause)) == 0;
    snprintf(detail, sizeof detail, "%s%s%s", is_plain ? end->call : "", is_plain ? ": " : "", end->text);
    finish_reason(check, http_reason_of_errno(end->cause), detail);
}

/* -- a question that outlives its run -- */

static void drop_left(struct http *http, enum answer late) {
    timer_disarm(&http->patience);
    if (http->left)
        exchange_close(http->left);
    http->left = NULL;
    http->late = late;
}

static void on_patience(void *arg) {
    drop_left(arg, ANSWER_SILENCE);
}

/* Where the request has left, Bugsink may be at work on it still: it is listened for. */
static void leave(struct check *check, struct exchange *exchange) {
    struct http *http = check->state;
    http->left = exchange;
    http->left_question = check->question;
    timer_arm(check->env->timers, &http->patience, PATIENCE_MS);
}

/* -- the exchange -- */

static void on_connected(void *arg) {
    check_set_phase(arg, PHASE_READ);
}

static void on_ended(void *arg, struct exchange *exchange, const struct exchange_end *end) {
    struct check *check = arg;
    struct http *http = check->state;
    if (exchange == http->left)
        drop_left(http, end->call ? ANSWER_SILENCE : answer_of(http->left_question, &exchange->reply));
    else if (end->call)
        fail(check, end);
    else
        judge(check, &exchange->reply);
}

/* -- the kind -- */

static int http_init(struct check *check, struct error *err) {
    struct http *http = check->state;
    for (int i = 0; i < 2; i++)
        http->exchanges[i] = (struct exchange){
            .connected = on_connected, .is_enough = is_enough, .ended = on_ended, .arg = check, .fd = -1};
    timer_init(&http->patience, on_patience, http);
    return http_target_init(&http->target, check->config, err);
}

static void http_start(struct check *check) {
    struct http *http = check->state;
    const struct strbuf *request = &http->target.requests[check->question];
    const struct exchange_plan plan = {.base = check->env->base,
        .address = &http->target.address,
        .address_size = http->target.address_size,
        .request = request->data,
        .request_length = request->length};
    check_set_phase(check, PHASE_CONNECT);
    http->current = &http->exchanges[http->left == &http->exchanges[0]];
    exchange_start(http->current, &plan);
}

static void http_cancel(struct check *check) {
    struct http *http = check->state;
    struct exchange *exchange = http->current;
    http->current = NULL;
    if (exchange && check->question != QUESTION_NONE && !http->left && exchange_has_sent(exchange))
        leave(check, exchange);
    else if (exchange)
        exchange_close(exchange);
}

static void http_release(struct check *check) {
    struct http *http = check->state;
    drop_left(http, ANSWER_NONE);
    http_target_release(&http->target);
}

static bool asks_same_app(const struct check_config *a, const struct check_config *b) {
    return strcmp(a->app.url, b->app.url) == 0;
}

const struct check_kind HTTP_KIND = {
    .traits = {.is_app = true, .asks_same_app = asks_same_app, .measures_latency = true},
    .state_size = sizeof(struct http),
    .init = http_init,
    .start = http_start,
    .cancel = http_cancel,
    .release = http_release,
};
