/* A check whose outcomes are judged, in virtual time. */
#ifndef BH_TESTS_CHECKER_JUDGED_H
#define BH_TESTS_CHECKER_JUDGED_H

#include "checker/policy.h"

struct judged {
    struct check_config config;
    struct check_memory memory;
    int64_t now_ms;
};

/* A database of Bugsink's, at the standard settings. */
struct judged judged_new(void);

/* policy_judge of a check of that configuration, on both clocks at once; around NULL: nothing is known. Its
 * kind must be built in. */
bool judge(const struct check_config *config, struct check_memory *memory, const struct outcome *outcome,
    int64_t latency_ms, const struct surroundings *around, int64_t now_ms);

/* These judge now, and return whether status or reason are others than before. */
bool judged_judge(struct judged *judged, const struct outcome *outcome, int64_t latency_ms,
    const struct surroundings *around);
bool judged_find(struct judged *judged, enum reason reason);
bool judged_find_observed(
    struct judged *judged, enum reason reason, const struct observed *observed, int64_t latency_ms);
bool judged_find_in_phase(struct judged *judged, enum reason reason, enum phase phase);

/* Fails the test where they are others. */
void judged_expect(const struct judged *judged, enum status status, enum reason reason);

/* Until the next look. */
int64_t judged_delay(const struct judged *judged, int64_t duration_ms, uint32_t random);

#endif
