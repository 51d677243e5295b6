/* Thousands of pods that look at one database server, in virtual time. */
#include "checker/fleet.h"

#include "checker/policy.h"
#include "checker/judged.h"
#include "checker/schedule.h"

#include <stdlib.h>

enum { LOGIN_MS = 20, REFUSED_MS = 1, SECOND_BUCKETS = 1000 / FLEET_BUCKET_MS };

static const struct check_config CONFIG = {.kind = KIND_POSTGRES,
    .database.role = ROLE_MAIN,
    .is_critical = true,
    .interval_ms = 5000,
    .timeout_ms = 3000,
    .retry_interval_ms = 1000,
    .slow_ms = 1500};

struct fleet {
    const struct fleet_plan *plan;
    struct fleet_log *log;
    uint32_t random;
    struct check_memory memories[FLEET_PODS];
};

/* xorshift: Marsaglia 2003 */
static uint32_t next_random(struct fleet *fleet) {
    fleet->random ^= fleet->random << 13;
    fleet->random ^= fleet->random >> 17;
    fleet->random ^= fleet->random << 5;
    return fleet->random;
}

/* One look of a pod at that time. Returns when the next one is. */
static int64_t look(struct fleet *fleet, struct check_memory *memory, int64_t now_ms) {
    const struct fleet_plan *plan = fleet->plan;
    bool is_down = now_ms >= plan->down_from_ms && now_ms < plan->down_until_ms;
    const struct outcome outcome = {.reason = is_down ? plan->outage : REASON_OK, .phase = PHASE_AUTH};
    int64_t latency_ms = !is_down                         ? LOGIN_MS
                         : plan->outage == REASON_TIMEOUT ? CONFIG.timeout_ms
                                                          : REFUSED_MS;
    int64_t end_ms = now_ms + latency_ms;
    bool was_failing = memory->consecutive_failures > 0;
    fleet->log->begun[now_ms / FLEET_BUCKET_MS]++;
    judge(&CONFIG, memory, &outcome, latency_ms, NULL, end_ms);
    if (!is_down && was_failing && end_ms - plan->down_until_ms > fleet->log->recovered_ms)
        fleet->log->recovered_ms = end_ms - plan->down_until_ms;
    return end_ms + schedule_delay_ms(&CONFIG, memory, latency_ms, next_random(fleet));
}

/* The pods know nothing of each other: each lives its life alone. */
bool fleet_run(const struct fleet_plan *plan, struct fleet_log *log) {
    struct fleet *fleet = calloc(1, sizeof *fleet);
    if (!fleet)
        return false;
    *log = (struct fleet_log){.recovered_ms = 0};
    fleet->plan = plan;
    fleet->log = log;
    fleet->random = 20261123;
    for (int64_t i = 0; i < FLEET_PODS; i++) {
        int64_t at_ms = i * plan->start_over_ms / FLEET_PODS;
        memory_init(&fleet->memories[i], at_ms);
        while (at_ms < FLEET_END_MS)
            at_ms = look(fleet, &fleet->memories[i], at_ms);
    }
    free(fleet);
    return true;
}

static int64_t sum(const struct fleet_log *log, int64_t from, int64_t until) {
    int64_t total = 0;
    for (int64_t i = from; i < until; i++)
        total += log->begun[i];
    return total;
}

int64_t fleet_peak(const struct fleet_log *log, int64_t from_ms, int64_t until_ms) {
    int64_t peak = 0;
    for (int64_t i = from_ms / FLEET_BUCKET_MS; i + SECOND_BUCKETS <= until_ms / FLEET_BUCKET_MS; i++) {
        int64_t count = sum(log, i, i + SECOND_BUCKETS);
        peak = count > peak ? count : peak;
    }
    return peak;
}

double fleet_mean(const struct fleet_log *log, int64_t from_ms, int64_t until_ms) {
    int64_t count = sum(log, from_ms / FLEET_BUCKET_MS, until_ms / FLEET_BUCKET_MS);
    return (double)count * 1000 / (double)(until_ms - from_ms);
}
