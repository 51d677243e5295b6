/* The SQLite kind: its look, in a worker. */
#include "base/clock.h"
#include "base/str.h"
#include "kinds/kinds.h"
#include "kinds/sqlite/sqlite.h"
#include "run/check.h"

#include <sqlite3.h>

static void work(struct run *run) {
    struct sqlite_bounds *bounds = run->kept;
    sqlite_examine(run->config, clock_wall_ms(clock_system()), &run->phases, bounds, &run->outcome);
    run->is_undone = bounds->are_left;
}

static void version(char *text, size_t size) {
    str_copy(text, size, sqlite3_libversion());
}

static struct library library = {.name = "SQLite", .version = version, .is_loaded = true};

const struct check_kind SQLITE_KIND = {
    .traits = {.is_database = true,
        .measures_latency = true,
        .tracks_inode = true,
        .is_made_by_asking = true},
    .library = &library,
    .start = check_run_in_child,
    .work = work,
    .kept_size = sizeof(struct sqlite_bounds),
    .cancel = check_cancel_child,
};
