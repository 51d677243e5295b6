/* The schedule: interval, retry, slow-down and jitter. */
#include "checker/schedule.h"

static int64_t slow_delay_ms(const struct check_config *config, int64_t refusals, int64_t longest_ms) {
    int64_t delay_ms = config->retry_interval_ms;
    if (longest_ms < config->interval_ms)
        longest_ms = config->interval_ms;
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

/* What was lost on the way reached nobody, so that hurry harms nobody; and a pause would be added to the
 * kernel's own: Linux repeats a SYN after 1 s and 3 s (from 6.5 on each second), so that of a run of 3 s,
 * which ends a little before the third, the last 2 s notice nothing as it is. */
static bool was_lost(const struct check_memory *memory) {
    return memory->reason == REASON_TIMEOUT && memory->phase == PHASE_CONNECT;
}

static int64_t fast_delay_ms(
    const struct check_config *config, const struct check_memory *memory, int64_t duration_ms) {
    int64_t delay_ms = config->retry_interval_ms - (was_lost(memory) ? duration_ms : 0);
    return delay_ms > 0 ? delay_ms : 0;
}

int64_t schedule_delay_ms(const struct check_config *config, const struct check_memory *memory,
    int64_t duration_ms, uint32_t random) {
    switch (memory->retry) {
    case RETRY_SLOW: return slow_delay_ms(config, memory->consecutive_refusals, SCHEDULE_SLOW_MAX_MS);
    case RETRY_SLOWER: return slow_delay_ms(config, memory->consecutive_refusals, SCHEDULE_SLOWER_MAX_MS);
    case RETRY_PAUSE: return slow_delay_ms(config, INT64_MAX, SCHEDULE_SLOWER_MAX_MS);
    case RETRY_FAST: return fast_delay_ms(config, memory, duration_ms);
    case RETRY_NORMAL: break;
    }
    return normal_delay_ms(config, duration_ms, random);
}
