/* Bugsink in the endurance test, and the faults that befall it: for the table of all of them. */
#ifndef BH_TESTS_ENDURANCE_APP_H
#define BH_TESTS_ENDURANCE_APP_H

#include "e2e/endurance.h"

/* Starts it, on the port that it has, or on a free one; all well. */
void app_start(struct scene *scene);

/* Waits until it is asked whether it has its database. */
void app_await_question(const struct scene *scene, int64_t timeout_ms);

void app_end(struct scene *scene);

void fault_app_stop(struct scene *scene);
void fault_app_fail(struct scene *scene);
void fault_app_confuse(struct scene *scene);
void fault_app_restore(struct scene *scene);
void fault_app_lose_database(struct scene *scene);
void fault_app_hang(struct scene *scene);
void fault_app_lose_workers(struct scene *scene);
void fault_app_hide(struct scene *scene);
void fault_app_age(struct scene *scene);

#endif
