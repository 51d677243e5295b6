/* Prints, as JSON, how the connections of thousands of pods fall: at a start, in an outage, after it, and
 * later. */
#include "checker/fleet.h"

#include <inttypes.h>
#include <stdio.h>

/* A stretch of a plan whose peak is compared with a mean: that of the stretch [from_ms, until_ms), or of
 * another one. */
struct stretch {
    const char *name;
    struct fleet_plan plan;
    int64_t peak_from_ms, peak_until_ms, from_ms, until_ms;
};

enum { MINUTE_MS = 60 * 1000, DOWN_MS = 2 * MINUTE_MS, UP_MS = 7 * MINUTE_MS, RECOVERY_MS = 2000 };

#define ROLLOUT                                                                                              \
    { .start_over_ms = MINUTE_MS }
#define AT_ONCE                                                                                              \
    { .start_over_ms = 0 }
#define REFUSED                                                                                              \
    { MINUTE_MS, DOWN_MS, UP_MS, REASON_REFUSED }
#define HUNG                                                                                                 \
    { MINUTE_MS, DOWN_MS, UP_MS, REASON_TIMEOUT }
#define BORN_DOWN                                                                                            \
    { 0, 0, UP_MS, REASON_REFUSED }

static const struct stretch STRETCHES[] = {
    {"a rollout, 50 pods a second", ROLLOUT, 0, 2 * MINUTE_MS, 2 * MINUTE_MS, FLEET_END_MS},
    {"all started at one moment: after the first second", AT_ONCE, 1000, 2 * MINUTE_MS, 2 * MINUTE_MS,
        FLEET_END_MS},
    {"server refuses for 5 minutes: meanwhile", REFUSED, DOWN_MS + 10000, UP_MS, DOWN_MS + 10000, UP_MS},
    {"server refuses: recovery", REFUSED, UP_MS, UP_MS + RECOVERY_MS, UP_MS, UP_MS + RECOVERY_MS},
    {"server refuses: after recovery", REFUSED, UP_MS + RECOVERY_MS, FLEET_END_MS, UP_MS + MINUTE_MS,
        FLEET_END_MS},
    {"server hangs: after recovery", HUNG, UP_MS + 5000, FLEET_END_MS, UP_MS + MINUTE_MS, FLEET_END_MS},
    {"all started at one moment, server not up yet: recovery", BORN_DOWN, UP_MS, UP_MS + RECOVERY_MS, UP_MS,
        UP_MS + RECOVERY_MS},
    {"all started at one moment, server not up yet: after recovery", BORN_DOWN, UP_MS + RECOVERY_MS,
        FLEET_END_MS, UP_MS + MINUTE_MS, FLEET_END_MS},
};
enum { STRETCH_COUNT = sizeof STRETCHES / sizeof STRETCHES[0] };

int main(void) {
    static struct fleet_log log;
    printf("{\"pods\": %d, \"stretches\": [", FLEET_PODS);
    for (int i = 0; i < STRETCH_COUNT; i++) {
        const struct stretch *stretch = &STRETCHES[i];
        if (!fleet_run(&stretch->plan, &log))
            return 1;
        printf("%s\n {\"name\": \"%s\", \"peak\": %" PRId64 ", \"mean\": %.1f, \"recovered_ms\": %" PRId64
               "}",
            i ? "," : "", stretch->name, fleet_peak(&log, stretch->peak_from_ms, stretch->peak_until_ms),
            fleet_mean(&log, stretch->from_ms, stretch->until_ms), log.recovered_ms);
    }
    printf("]}\n");
    return 0;
}
