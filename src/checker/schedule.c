/* The schedule: interval, retry, slow-down and jitter. */
#include "checker/schedule.h"

static int64_t slow_delay_ms(const struct check_config *config, int64_t refusals) {
    int64_t longest_ms =
        config->interval_ms > SCHEDULE_SLOW_MAX_MS ? config->interval_ms : SCHEDULE_SLOW_MAX_MS;
    int64_t delay_ms = config->retry_interval_ms;
    for (int64_t i = 1; i < refusals && delay_ms < longest_ms; i++)
        delay_ms *= 2;
    return delay_ms < longest_ms ? delay_ms : longest_ms;
}

static int64_t normal_delay_ms(const struct check_config *config, int64_t duration_ms, uint32_t random) {
    int64_t jitter_ms = (int64_t)(random % 1024) * (config->interval_ms / 10) / 1024;
    /* A run that may wait for a passing state to pass starts that much earlier, so that what does not pass
     * shows within the interval; but never more often than twice an interval. */
    int64_t patience_ms = check_config_patience_ms(config);
    if (patience_ms > config->interval_ms / 2)
        patience_ms = config->interval_ms / 2;
    int64_t delay_ms = config->interval_ms - patience_ms - jitter_ms - duration_ms;
    return delay_ms > 0 ? delay_ms : 0;
}

int64_t schedule_delay_ms(const struct check_config *config, const struct check_memory *memory,
    int64_t duration_ms, uint32_t random) {
    switch (reason_info(memory->reason)->retry) {
    case RETRY_SLOW: return slow_delay_ms(config, memory->consecutive_refusals);
    case RETRY_FAST: return config->retry_interval_ms;
    case RETRY_NORMAL: break;
    }
    return normal_delay_ms(config, duration_ms, random);
}
