/* Checks and a snapshot as they are at noon. */
#include "render/noon.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

struct check_view noon_check(const char *name, enum status status, enum reason reason) {
    return (struct check_view){.name = name,
        .kind = "sqlite",
        .is_database = strcmp(name, "app_settings") != 0,
        .is_critical = true,
        .status = status,
        .reason = reason,
        .has_run = status != STATUS_STARTING,
        .has_started = status != STATUS_STARTING,
        .latency_ms = 12,
        .checked_at_ms = (int64_t)NOON * MS + 123,
        .since_ms = (int64_t)NOON * MS - 5000,
        .last_ok_at_ms = (int64_t)NOON * MS};
}

struct snapshot noon_snapshot(const struct check_view *checks, size_t count) {
    return (struct snapshot){.checks = checks,
        .check_count = count,
        .has_started = true,
        .app_version = "2.3.0",
        .sidecar_version = "0.0.1",
        .sidecar_config = "ok",
        .sidecar_pid = 7,
        .started_at_ms = (int64_t)NOON * MS};
}

void expect_text(char *text, const char *expected) {
    ck_assert_ptr_nonnull(text);
    ck_assert_str_eq(text, expected);
    free(text);
}
