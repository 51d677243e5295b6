/* The SQLite kind: its look, in a one-shot child. */
#include "base/clock.h"
#include "base/str.h"
#include "kinds/kinds.h"
#include "kinds/sqlite/sqlite.h"

#include <sqlite3.h>

static void report_phase(void *arg, enum phase phase) {
    child_report_phase(*(int *)arg, phase);
}

static void work(const struct check *check, struct outcome *outcome, int fd) {
    sqlite_examine(check->config, clock_wall_ms(clock_system()), report_phase, &fd, outcome);
}

static void start(struct check *check) {
    check_run_in_child(check, work);
}

static void version(char *text, size_t size) {
    str_copy(text, size, sqlite3_libversion());
}

static struct library library = {.name = "SQLite", .version = version, .is_loaded = true};

const struct check_kind SQLITE_KIND = {
    .traits = {.is_database = true, .measures_latency = true, .tracks_inode = true},
    .library = &library,
    .start = start,
    .cancel = check_cancel_child,
};
