/* The settings kind: its look, in a one-shot child. */
#include "base/sandbox.h"
#include "kinds/kinds.h"
#include "kinds/settings/settings.h"
#include "run/check.h"

static void work(struct run *run) {
    if (run->config->is_sandboxed)
        sandbox_forbid_all_but_reading();
    settings_examine(run->config, &run->phases, &run->outcome);
}

const struct check_kind SETTINGS_KIND = {
    .id = KIND_SETTINGS,
    .name = "settings",
    .start = check_run_in_child,
    .work = work,
    .cancel = check_cancel_child,
};
