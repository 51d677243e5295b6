/* The SQLite kind: its look, in a one-shot child. */
#include "base/clock.h"
#include "kinds/kinds.h"
#include "kinds/sqlite/sqlite.h"
#include "run/check.h"

static void work(struct run *run) {
    sqlite_examine(run->config, clock_wall_ms(clock_system()), &run->phases, &run->outcome);
}

const struct check_kind SQLITE_KIND = {
    .id = KIND_SQLITE,
    .name = "sqlite",
    .start = check_run_in_child,
    .work = work,
    .cancel = check_cancel_child,
};
