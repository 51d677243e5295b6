/* Bugsink as its own check sees it, in virtual time. */
#include "checker/asker.h"

#include "checker/judged.h"
#include "checker/schedule.h"

#include <check.h>
#include <string.h>

struct outcome asker_answer(enum answer answer) {
    return (struct outcome){
        .reason = answer == ANSWER_FAILS ? REASON_APP_DATABASE : REASON_OK, .answer = answer};
}

struct outcome asker_silence(enum reason reason) {
    return (struct outcome){.reason = reason, .phase = PHASE_READ};
}

struct asker asker_new(void) {
    struct asker asker = {
        .config = {.kind = KIND_HTTP,
            .is_critical = true,
            .interval_ms = 5000,
            .timeout_ms = 3000,
            .retry_interval_ms = 1000,
            .slow_ms = 1500,
            .app = {.asks = true, .ask_interval_ms = 15000, .fall = 3, .start_grace_ms = 300000}},
        .now_ms = 1000000};
    asker.answers[QUESTION_TOKEN] = asker.answers[QUESTION_PROJECT] = asker_answer(ANSWER_WELL);
    memory_init(&asker.memory, asker.now_ms);
    return asker;
}

enum app_question asker_look(struct asker *asker) {
    static const char LETTERS[QUESTION_COUNT + 1] = "LTP";
    struct asking *asking = &asker->memory.asking;
    enum app_question question = asking_next(asking, &asker->config, asker->now_ms);
    struct outcome outcome = question == QUESTION_NONE ? asker->ready : asker->answers[question];
    asking_begin(asking, question, asker->now_ms);
    outcome.asked = question;
    if (question == QUESTION_NONE) {
        outcome.is_awaiting = asker->is_awaiting;
        outcome.answer = asker->late;
        asker->late = ANSWER_NONE;
    }
    int64_t took_ms = outcome.reason == REASON_TIMEOUT ? asker->config.timeout_ms : 2;
    asker->now_ms += took_ms;
    judge(&asker->config, &asker->memory, &outcome, took_ms, &asker->around, asker->now_ms);
    size_t length = strlen(asker->asked);
    ck_assert_uint_lt(length + 1, sizeof asker->asked);
    asker->asked[length] = LETTERS[question];
    asker->asked[length + 1] = '\0';
    if (!asking_is_urgent(asking, &asker->config, asker->now_ms))
        asker->now_ms += schedule_delay_ms(&asker->config, &asker->memory, took_ms, asker->random);
    return question;
}

void asker_look_times(struct asker *asker, int times) {
    for (int i = 0; i < times; i++)
        asker_look(asker);
}

void asker_expect(const struct asker *asker, enum status status, enum reason reason) {
    ck_assert_msg(asker->memory.status == status && asker->memory.reason == reason, "%s: %s after %s",
        status_name(asker->memory.status), reason_info(asker->memory.reason)->slug, asker->asked);
}

struct asker asker_arrived(void) {
    struct asker asker = asker_new();
    asker_look_times(&asker, 3);
    ck_assert_str_eq(asker.asked, "LTP");
    asker_expect(&asker, STATUS_OK, REASON_OK);
    asker.asked[0] = '\0';
    return asker;
}

int asker_count(const char *text, char letter) {
    int found = 0;
    for (; *text; text++)
        found += *text == letter;
    return found;
}
