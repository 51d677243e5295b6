/* The settings kind: its look, in a one-shot child. */
#include "base/sandbox.h"
#include "kinds/kinds.h"
#include "kinds/settings/settings.h"

static void report_phase(void *arg, enum phase phase) {
    child_report_phase(*(int *)arg, phase);
}

static void work(const struct check *check, struct outcome *outcome, int fd) {
    if (check->config->is_sandboxed)
        sandbox_forbid_all_but_reading();
    settings_examine(check->config, report_phase, &fd, outcome);
}

static void start(struct check *check) {
    check_run_in_child(check, work);
}

/* No latency to speak of: a run takes long when it waits for a swap of files to end. And no inode: a
 * ConfigMap's swap makes every file anew, and only the content counts. */
const struct check_kind SETTINGS_KIND = {
    .traits = {.holds_settings = true},
    .start = start,
    .cancel = check_cancel_child,
};
