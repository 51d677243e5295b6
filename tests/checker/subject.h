/* Who is judged, in tests of policy: a configuration, and the traits of its kind as they stand in its row. */
#ifndef BH_TESTS_CHECKER_SUBJECT_H
#define BH_TESTS_CHECKER_SUBJECT_H

#include "checker/policy.h"

/* policy_judge of a check of that configuration. Fails the test where its kind is not built in. */
bool judge(const struct check_config *config, struct check_memory *memory, const struct finding *finding,
    int64_t now_ms, int64_t wall_ms);

#endif
