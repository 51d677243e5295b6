/* The settings kind: its look, in a worker. */
#include "base/sandbox.h"
#include "kinds/kinds.h"
#include "kinds/settings/settings.h"
#include "run/check.h"

static void work(struct run *run) {
    if (run->is_first && run->config->is_sandboxed)
        sandbox_forbid_all_but_reading();
    settings_examine(run->config, &run->phases, &run->outcome);
}

/* No latency to speak of: a run takes long when it waits for a swap of files to end. And no inode: a
 * ConfigMap's swap makes every file anew, and only the content counts. */
const struct check_kind SETTINGS_KIND = {
    .traits = {.holds_settings = true},
    .start = check_run_in_child,
    .work = work,
    .cancel = check_cancel_child,
};
