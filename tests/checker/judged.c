/* Judges outcomes of one check, in virtual time. */
#include "checker/judged.h"

#include "checker/schedule.h"

#include <check.h>

static const struct check_config CONFIG = {
    .kind = KIND_POSTGRES,
    .database.role = ROLE_MAIN,
    .is_critical = true,
    .interval_ms = 5000,
    .timeout_ms = 3000,
    .retry_interval_ms = 1000,
    .slow_ms = 1500,
    .database.backlog_error_ms = -1,
};

struct judged judged_new(void) {
    struct judged judged = {.config = CONFIG, .now_ms = 1000000};
    memory_init(&judged.memory, judged.now_ms);
    return judged;
}

bool judged_judge(struct judged *judged, const struct outcome *outcome, int64_t latency_ms,
    const struct surroundings *around) {
    return judge(&judged->config, &judged->memory, outcome, latency_ms, around, judged->now_ms);
}

bool judged_find_observed(
    struct judged *judged, enum reason reason, const struct observed *observed, int64_t latency_ms) {
    const struct outcome outcome = {.reason = reason, .observed = *observed};
    return judged_judge(judged, &outcome, latency_ms, NULL);
}

bool judged_find(struct judged *judged, enum reason reason) {
    const struct observed nothing = {0};
    return judged_find_observed(judged, reason, &nothing, 10);
}

bool judged_find_in_phase(struct judged *judged, enum reason reason, enum phase phase) {
    const struct outcome outcome = {.reason = reason, .phase = phase};
    return judged_judge(judged, &outcome, judged->config.timeout_ms, NULL);
}

void judged_expect(const struct judged *judged, enum status status, enum reason reason) {
    ck_assert_str_eq(status_name(judged->memory.status), status_name(status));
    ck_assert_str_eq(reason_info(judged->memory.reason)->slug, reason_info(reason)->slug);
}

int64_t judged_delay(const struct judged *judged, int64_t duration_ms, uint32_t random) {
    return schedule_delay_ms(&judged->config, &judged->memory, duration_ms, random);
}
