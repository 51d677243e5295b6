/* The two questions: when each is due, and for how long its answer counts. */
#include "checker/asking.h"

enum {
    LOOKS_IN_A_ROW = 2, /* questions, while they fail: every third look is one at the endpoint */
    LOOKS_MOST = 4,     /* questions, whoever wants them: what the endpoint alone says has its turn */
};

void asking_init(struct asking *asking) {
    *asking = (struct asking){.is_ready = false};
    for (int i = QUESTION_NONE; i < QUESTION_COUNT; i++)
        asking->questions[i] = (struct asked){.answered_ms = -1, .asked_ms = -1};
}

/* An older Bugsink, that knows no tokens, is asked the other way: each such question leaves a traceback in
 * its log, which a database that has changed is worth. */
void asking_want(struct asking *asking, enum app_question question) {
    bool is_other = question == QUESTION_TOKEN && asking->questions[question].is_absent;
    asking->questions[is_other ? QUESTION_PROJECT : question].is_wanted = true;
}

void asking_want_twice(struct asking *asking) {
    asking_want(asking, QUESTION_TOKEN);
    asking->is_second_wanted = asking->questions[QUESTION_TOKEN].is_wanted;
}

void asking_withhold(struct asking *asking, bool is_withheld) {
    asking->is_withheld = is_withheld;
}

void asking_arrive(struct asking *asking) {
    bool is_withheld = asking->is_withheld;
    asking_init(asking);
    asking_withhold(asking, is_withheld);
    asking_want(asking, QUESTION_TOKEN);
    asking_want(asking, QUESTION_PROJECT);
}

/* -- which is due -- */

static bool fails(const struct asked *asked) {
    return asked->answer == ANSWER_FAILS || asked->answer == ANSWER_SILENCE;
}

/* At this look already, where the next one, after a usual pause (up to a tenth shorter than the interval),
 * would come too late. */
static bool is_due(
    const struct asked *asked, const struct check_config *config, int64_t every_ms, int64_t now_ms) {
    return asked->asked_ms < 0 || now_ms - asked->asked_ms + config->interval_ms * 9 / 10 > every_ms;
}

static bool is_token_next(const struct asking *asking, const struct check_config *config, int64_t now_ms) {
    const struct asked *token = &asking->questions[QUESTION_TOKEN];
    if (token->is_absent)
        return false;
    bool is_turn = asking->looks_without == 0 && is_due(token, config, config->app.ask_interval_ms, now_ms);
    bool is_again = fails(token) && asking->looks_without < LOOKS_IN_A_ROW;
    return token->is_wanted || is_turn || is_again || asking->is_second_wanted;
}

/* Where the other one fails there is nothing to learn from this. Where this fails alone, it is asked as often
 * as the other would be; and as long as the other is well, for it has no other way to learn of a recovery. */
static bool is_project_next(const struct asking *asking, const struct check_config *config, int64_t now_ms) {
    const struct asked *token = &asking->questions[QUESTION_TOKEN];
    const struct asked *project = &asking->questions[QUESTION_PROJECT];
    if (project->is_absent || fails(token))
        return false;
    bool is_alone = token->answer != ANSWER_WELL;
    int64_t every_ms = fails(project) ? config->app.ask_interval_ms : ASKING_PROJECT_MS;
    bool is_turn = asking->looks_without == 0 && is_due(project, config, every_ms, now_ms);
    bool is_again = fails(project) && is_alone && asking->looks_without < LOOKS_IN_A_ROW;
    return project->is_wanted || is_turn || is_again;
}

enum app_question asking_next(
    const struct asking *asking, const struct check_config *config, int64_t now_ms) {
    if (!config->app.asks || !asking->is_ready || asking->is_awaiting || asking->is_withheld ||
        asking->looks_without >= LOOKS_MOST)
        return QUESTION_NONE;
    if (is_token_next(asking, config, now_ms))
        return QUESTION_TOKEN;
    return is_project_next(asking, config, now_ms) ? QUESTION_PROJECT : QUESTION_NONE;
}

bool asking_is_urgent(const struct asking *asking, const struct check_config *config, int64_t now_ms) {
    enum app_question next = asking_next(asking, config, now_ms);
    return next != QUESTION_NONE && asking->questions[next].is_wanted;
}

bool asking_is_unfinished(const struct asking *asking, const struct check_config *config, int64_t now_ms) {
    return asking->is_second_wanted && asking_next(asking, config, now_ms) == QUESTION_TOKEN;
}

void asking_begin(struct asking *asking, enum app_question question, int64_t now_ms) {
    if (question == QUESTION_NONE)
        return;
    if (question == QUESTION_TOKEN && !asking->questions[question].is_wanted)
        asking->is_second_wanted = false;
    asking->questions[question].asked_ms = now_ms;
    asking->questions[question].is_wanted = false;
}

/* -- answers -- */

/* Returns whether it is the first of its kind that says nothing. */
static bool take(struct asking *asking, enum app_question question, enum answer answer, int64_t now_ms) {
    struct asked *asked = &asking->questions[question];
    bool was_mute = asked->is_mute;
    switch (answer) {
    case ANSWER_WELL:
    case ANSWER_FAILS:
    case ANSWER_SILENCE:
        asked->answer = answer;
        asked->answered_ms = now_ms;
        asked->is_mute = false;
        return false;
    case ANSWER_ABSENT:
        asked->answer = ANSWER_NONE;
        asked->is_absent = true;
        return true;
    case ANSWER_MUTE: /* it says nothing of the database, and is no silence any more */
        if (asked->answer == ANSWER_SILENCE)
            asked->answer = ANSWER_NONE;
        asked->is_mute = true;
        return !was_mute;
    case ANSWER_NONE:
    case ANSWER_KINDS: break;
    }
    return false;
}

bool asking_is_silence(const struct outcome *outcome) {
    return outcome->asked != QUESTION_NONE && outcome->answer == ANSWER_NONE &&
           outcome->phase == PHASE_READ && outcome->reason != REASON_INTERNAL;
}

/* While one fails a look at the endpoint tells nothing of it: it is asked again at once, or a repair would
 * wait for two pauses in a row. One that fails beside a token that is well has its own turn. */
static void ask_again(struct asking *asking) {
    const struct asked *token = &asking->questions[QUESTION_TOKEN];
    if (fails(token))
        asking_want(asking, QUESTION_TOKEN);
    else if (token->answer != ANSWER_WELL && fails(&asking->questions[QUESTION_PROJECT]))
        asking_want(asking, QUESTION_PROJECT);
}

/* A question that the sidecar itself was held up in has had its time by the next look, and more. */
static void note_waiting(struct asking *asking, int64_t now_ms) {
    if (asking->left != QUESTION_NONE && asking->questions[asking->left].answer != ANSWER_SILENCE)
        take(asking, asking->left, ANSWER_SILENCE, now_ms);
}

/* A look at the endpoint. */
static bool note_look(struct asking *asking, const struct outcome *outcome, int64_t now_ms) {
    bool was_ready = asking->is_ready;
    bool is_news = asking->left != QUESTION_NONE && take(asking, asking->left, outcome->answer, now_ms);
    asking->looks_without = 0;
    if (outcome->reason == REASON_INTERNAL) /* it has not seen Bugsink, nor what is waited for */
        return is_news;
    asking->is_ready = outcome->reason == REASON_OK;
    if (asking->is_ready && !was_ready) /* back, perhaps without its database */
        asking_want(asking, QUESTION_TOKEN);
    asking->is_awaiting = outcome->is_awaiting;
    if (asking->is_awaiting)
        note_waiting(asking, now_ms);
    if (asking->is_ready && !asking->is_awaiting)
        ask_again(asking);
    return is_news;
}

/* What fails by the project question alone may be the schema, or a database that has just gone: the token
 * question tells. */
static void ask_token_besides(struct asking *asking, const struct outcome *outcome) {
    const struct asked *token = &asking->questions[QUESTION_TOKEN];
    if (outcome->asked == QUESTION_PROJECT && outcome->answer == ANSWER_FAILS && !token->is_absent &&
        token->asked_ms + 1000 < asking->questions[QUESTION_PROJECT].asked_ms)
        asking_want(asking, QUESTION_TOKEN);
}

static bool note_question(struct asking *asking, const struct outcome *outcome, int64_t now_ms) {
    asking->looks_without++;
    ask_token_besides(asking, outcome);
    bool is_internal = outcome->answer == ANSWER_NONE && outcome->reason == REASON_INTERNAL;
    if (is_internal)
        asking_want(asking, outcome->asked);
    if (asking_is_silence(outcome) || is_internal) { /* it may be unanswered still: the next look tells */
        asking->left = outcome->asked;
        asking->is_awaiting = true;
    }
    if (asking_is_silence(outcome))
        return take(asking, outcome->asked, ANSWER_SILENCE, now_ms);
    if (outcome->answer == ANSWER_NONE && !is_internal)
        asking->is_ready = false; /* it could not even be asked */
    return take(asking, outcome->asked, outcome->answer, now_ms);
}

bool asking_note(struct asking *asking, const struct outcome *outcome, int64_t now_ms) {
    return outcome->asked == QUESTION_NONE ? note_look(asking, outcome, now_ms)
                                           : note_question(asking, outcome, now_ms);
}

/* -- evidence -- */

/* Two turns of the token question may pass: the one may meet an answer that says nothing. */
static bool is_recent(const struct asked *asked, const struct check_config *config, int64_t now_ms) {
    const int64_t ask_ms = config->app.ask_interval_ms, own_ms = 2 * config->interval_ms;
    int64_t turn_ms = ask_ms > own_ms ? ask_ms : own_ms;
    return asked->answered_ms >= 0 && now_ms - asked->answered_ms <= 2 * turn_ms + config->timeout_ms;
}

static bool is_failing(const struct asking *asking, enum app_question question,
    const struct check_config *config, int64_t now_ms) {
    const struct asked *asked = &asking->questions[question];
    bool is_waited_for = asking->is_awaiting && asking->left == question;
    return fails(asked) && (is_waited_for || is_recent(asked, config, now_ms));
}

static bool is_well(const struct asked *asked, const struct check_config *config, int64_t now_ms) {
    return asked->answer == ANSWER_WELL && is_recent(asked, config, now_ms);
}

enum reason asking_fault(const struct asking *asking, const struct check_config *config, int64_t now_ms) {
    if (!config->app.asks)
        return REASON_OK;
    if (is_failing(asking, QUESTION_TOKEN, config, now_ms))
        return REASON_APP_DATABASE;
    if (!is_failing(asking, QUESTION_PROJECT, config, now_ms))
        return REASON_OK;
    bool is_answer = asking->questions[QUESTION_PROJECT].answer == ANSWER_FAILS;
    return is_answer && is_well(&asking->questions[QUESTION_TOKEN], config, now_ms) ? REASON_APP_SCHEMA
                                                                                    : REASON_APP_DATABASE;
}

bool asking_is_well(const struct asking *asking, const struct check_config *config, int64_t now_ms) {
    return config->app.asks && asking->is_ready &&
           (is_well(&asking->questions[QUESTION_TOKEN], config, now_ms) ||
               is_well(&asking->questions[QUESTION_PROJECT], config, now_ms)) &&
           asking_fault(asking, config, now_ms) == REASON_OK;
}
