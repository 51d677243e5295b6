/* The schedule: interval, retry, slow-down and jitter. */
#include "checker/schedule.h"

static int64_t slow_delay_ms(const struct check_config *config, int64_t refusals) {
    int64_t delay_ms = config->retry_interval_ms;
    int64_t longest_ms =
        config->interval_ms > SCHEDULE_SLOW_MAX_MS ? config->interval_ms : SCHEDULE_SLOW_MAX_MS;
    for (int64_t i = 1; i < refusals && delay_ms < longest_ms; i++)
        delay_ms *= 2;
    return delay_ms < longest_ms ? delay_ms : longest_ms;
}

/* Each attempt is one that the server counts, one that hangs does so when it wakes. The second comes soon,
 * for most faults pass soon. Of a server that hangs the first hour may have four; a pause there is as long as
 * it likes, for the last login still waits and is the first to learn that the server goes on. Nothing waits
 * where a login was broken off otherwise (a certificate that is mended, say): there the pauses end at what
 * somebody who has mended it can stand. */
static int64_t slower_delay_ms(const struct check_config *config, const struct check_memory *memory) {
    enum { PAUSE_COUNT = 4 };
    static const int64_t HUNG_MS[PAUSE_COUNT] = {
        10 * 1000, 5 * 60 * 1000, 25 * 60 * 1000, SCHEDULE_HUNG_MAX_MS};
    static const int64_t BROKEN_MS[PAUSE_COUNT] = {
        10 * 1000, 60 * 1000, 5 * 60 * 1000, SCHEDULE_BROKEN_MAX_MS};
    int64_t index = memory->broken_logins > 0 ? memory->broken_logins - 1 : 0;
    if (index >= PAUSE_COUNT)
        index = PAUSE_COUNT - 1;
    int64_t pause_ms = memory->reason == REASON_TIMEOUT ? HUNG_MS[index] : BROKEN_MS[index];
    return pause_ms > config->retry_interval_ms ? pause_ms : config->retry_interval_ms;
}

static int64_t share_of(int64_t most_ms, uint32_t random) {
    return (int64_t)(random % 1024) * most_ms / 1024;
}

/* What begins at one moment in many pods, a start or the end of an outage, would be in step for minutes if a
 * tenth alone spread it: the first pause after it spreads the looks over most of an interval. */
static int64_t normal_delay_ms(const struct check_config *config, const struct check_memory *memory,
    int64_t duration_ms, uint32_t random) {
    /* Where a passing state is given time to pass, the look comes that much earlier, so that what does not
     * pass shows within the interval; but never more often than twice an interval. */
    int64_t patience_ms = check_config_patience_ms(config);
    if (patience_ms > config->interval_ms / 2)
        patience_ms = config->interval_ms / 2;
    int64_t pause_ms = config->interval_ms - patience_ms;
    int64_t most_ms = memory->regular_runs > 1 ? config->interval_ms / 10 : pause_ms * 3 / 4;
    int64_t delay_ms = pause_ms - share_of(most_ms, random) - duration_ms;
    return delay_ms > 0 ? delay_ms : 0;
}

/* What was lost on the way reached nobody, so that hurry harms nobody; and a pause would be added to the
 * kernel's own: Linux repeats a SYN after 1 s and 3 s (from 6.5 on each second), so that of a run of 3 s,
 * which ends a little before the third, the last 2 s notice nothing as it is. */
static bool was_lost(const struct check_memory *memory) {
    return memory->reason == REASON_TIMEOUT && memory->phase == PHASE_CONNECT;
}

/* Two fifths are put on, so that a server that comes back does not meet all at one moment who lost it, or
 * were started, at one moment. Recovery has 2 s to show at standard settings. */
static int64_t fast_delay_ms(const struct check_config *config, const struct check_memory *memory,
    int64_t duration_ms, uint32_t random) {
    int64_t delay_ms = config->retry_interval_ms;
    if (!was_lost(memory))
        return delay_ms + share_of(delay_ms * 2 / 5, random);
    return delay_ms > duration_ms ? delay_ms - duration_ms : 0;
}

int64_t schedule_first_ms(const struct check_config *config, size_t index, size_t count) {
    enum { AT_ONCE = 16, APART_MS = 8 };
    if (index < AT_ONCE)
        return 0;
    int64_t apart_ms = (int64_t)(index - AT_ONCE) * APART_MS;
    int64_t latest_ms = config->interval_ms * (int64_t)index / (int64_t)count;
    return apart_ms < latest_ms ? apart_ms : latest_ms;
}

int64_t schedule_delay_ms(const struct check_config *config, const struct check_memory *memory,
    int64_t duration_ms, uint32_t random) {
    if (memory->hold_ms > 0)
        return memory->hold_ms < config->retry_interval_ms ? memory->hold_ms : config->retry_interval_ms;
    switch (memory->retry) {
    case RETRY_SLOW: return slow_delay_ms(config, memory->consecutive_refusals);
    case RETRY_SLOWER: return slower_delay_ms(config, memory);
    case RETRY_PAUSE:
        return config->interval_ms > SCHEDULE_BLOCKED_MS ? config->interval_ms : SCHEDULE_BLOCKED_MS;
    case RETRY_FAST: return fast_delay_ms(config, memory, duration_ms, random);
    case RETRY_NORMAL: break;
    }
    return normal_delay_ms(config, memory, duration_ms, random);
}
