/* Judges in the name of a configuration's kind. */
#include "checker/subject.h"

#include "kinds/kinds.h"

#include <check.h>

bool judge(const struct check_config *config, struct check_memory *memory, const struct finding *finding,
    int64_t now_ms, int64_t wall_ms) {
    struct error err = {""};
    const struct check_kind *kind = check_kind_require(config->kind, &err);
    ck_assert_msg(kind != NULL, "%s", err.text);
    return policy_judge(
        &(const struct policy_subject){config, &kind->traits}, memory, finding, now_ms, wall_ms);
}
