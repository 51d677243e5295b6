/* Judges one outcome, without libcheck: for the benchmark as well, which is no test. */
#include "checker/judged.h"

#include "kinds/kinds.h"

#include <assert.h>

bool judge(const struct check_config *config, struct check_memory *memory, const struct outcome *outcome,
    int64_t latency_ms, const struct surroundings *around, int64_t now_ms) {
    const struct surroundings nothing = {0};
    struct error err = {""};
    const struct check_kind *kind = check_kind_require(config->kind, &err);
    assert(kind);
    const struct policy_subject subject = {config, &kind->traits};
    return policy_judge(&subject, memory, outcome, latency_ms, around ? around : &nothing, now_ms, now_ms);
}
