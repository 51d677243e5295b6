/* The SQLite kind: its look, in a one-shot child. */
#include "base/clock.h"
#include "base/str.h"
#include "kinds/kinds.h"
#include "kinds/sqlite/sqlite.h"
#include "run/check.h"

#include <sqlite3.h>

static void work(struct run *run) {
    sqlite_examine(run->config, clock_wall_ms(clock_system()), &run->phases, &run->outcome);
}

static void version(char *text, size_t size) {
    str_copy(text, size, sqlite3_libversion());
}

static struct library library = {.name = "SQLite", .version = version, .is_loaded = true};

const struct check_kind SQLITE_KIND = {
    .traits = {.is_database = true, .measures_latency = true, .tracks_inode = true},
    .library = &library,
    .start = check_run_in_child,
    .work = work,
    .cancel = check_cancel_child,
};
