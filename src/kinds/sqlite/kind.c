/* The SQLite kind: its look, in a one-shot child. */
#include "base/clock.h"
#include "kinds/kinds.h"
#include "kinds/sqlite/sqlite.h"

static void report_phase(void *arg, enum phase phase) {
    child_report_phase(*(int *)arg, phase);
}

static void work(const struct check *check, struct outcome *outcome, int fd) {
    sqlite_examine(check->config, clock_wall_ms(clock_system()), report_phase, &fd, outcome);
}

static void start(struct check *check) {
    check_run_in_child(check, work);
}

const struct check_kind SQLITE_KIND = {
    .id = KIND_SQLITE,
    .name = "sqlite",
    .start = start,
    .cancel = check_cancel_child,
};
