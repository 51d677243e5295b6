/* Bugsink in the endurance test, and the faults that befall it. */
#include "e2e/endurance_app.h"

#include "harness/bugsink.h"

#include <check.h>
#include <stdlib.h>

void app_start(struct scene *scene) {
    scene->app = calloc(1, sizeof *scene->app);
    ck_assert_ptr_nonnull(scene->app);
    *scene->app = bugsink_start(scene->app_port);
    scene->app_port = scene->app->port;
}

void app_await_question(const struct scene *scene, int64_t timeout_ms) {
    ck_assert(bugsink_await(scene->app, QUESTION_TOKEN, 1, timeout_ms));
}

void app_end(struct scene *scene) {
    if (scene->other.pid > 0)
        peer_stop(&scene->other);
    if (scene->app)
        fault_app_stop(scene);
}

static void answer_all(struct scene *scene, enum bugsink_answer answer) {
    for (int question = QUESTION_NONE; question < QUESTION_COUNT; question++)
        bugsink_set(scene->app, (enum app_question)question, answer);
}

static void answer_questions(struct scene *scene, enum bugsink_answer answer) {
    bugsink_set(scene->app, QUESTION_TOKEN, answer);
    bugsink_set(scene->app, QUESTION_PROJECT, answer);
}

/* -- as a whole -- */

void fault_app_stop(struct scene *scene) {
    int most = bugsink_most_at_once(scene->app);
    scene->foreign_requests += bugsink_foreign_count(scene->app);
    scene->most_questions = most > scene->most_questions ? most : scene->most_questions;
    bugsink_stop(scene->app);
    free(scene->app);
    scene->app = NULL;
}

void fault_app_fail(struct scene *scene) {
    answer_all(scene, BUGSINK_FAILS);
}

void fault_app_confuse(struct scene *scene) {
    static const char GREETING[] = "220 smtp.example ESMTP\r\n";
    const struct peer_script script = {
        .reads = 1, .reply = GREETING, .reply_size = sizeof GREETING - 1, .closes = PEER_CLOSES};
    fault_app_stop(scene);
    scene->other = peer_start_on(&script, scene->app_port);
}

void fault_app_restore(struct scene *scene) {
    if (scene->other.pid > 0)
        peer_stop(&scene->other);
    if (!scene->app)
        app_start(scene);
    answer_all(scene, BUGSINK_WELL);
}

/* -- its database -- */

void fault_app_lose_database(struct scene *scene) {
    answer_questions(scene, BUGSINK_FAILS);
}

void fault_app_hang(struct scene *scene) {
    answer_questions(scene, BUGSINK_SILENT);
}

void fault_app_lose_workers(struct scene *scene) {
    answer_questions(scene, BUGSINK_RESETS);
}

/* -- answers that say nothing of it -- */

void fault_app_hide(struct scene *scene) {
    static const enum bugsink_answer ANSWERS[] = {
        BUGSINK_REJECTS, BUGSINK_REDIRECTS, BUGSINK_THROTTLES, BUGSINK_PROXY, BUGSINK_FORBIDS};
    enum { COUNT = sizeof ANSWERS / sizeof ANSWERS[0] };
    answer_questions(scene, ANSWERS[dice_roll(&scene->app_dice, COUNT)]);
}

void fault_app_age(struct scene *scene) {
    bugsink_set(
        scene->app, QUESTION_TOKEN, dice_roll(&scene->app_dice, 2) == 0 ? BUGSINK_ABSENT : BUGSINK_UNALLOWED);
}
