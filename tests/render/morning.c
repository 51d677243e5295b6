/* Checks and a snapshot as they are on a morning. */
#include "render/morning.h"

struct check_view morning_check(const char *name, enum status status, enum reason reason) {
    return (struct check_view){.name = name,
        .kind = "sqlite",
        .is_database = true,
        .is_critical = true,
        .status = status,
        .reason = reason,
        .has_run = status != STATUS_STARTING,
        .latency_ms = 12,
        .checked_at_ms = NOW_MS - MS,
        .since_ms = NOW_MS - 13 * MINUTE_MS,
        .last_ok_at_ms = NOW_MS - 14 * MINUTE_MS};
}

struct snapshot morning_snapshot(const struct check_view *checks, size_t count) {
    return (struct snapshot){.checks = checks,
        .check_count = count,
        .has_started = true,
        .app_version = "2.3.0",
        .sidecar_version = "0.0.1",
        .sidecar_config = "ok",
        .started_at_ms = NOW_MS - 3600 * MS,
        .now_ms = NOW_MS};
}
