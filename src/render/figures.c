/* Says what a check has observed in words, with units, beside the limits it is judged by. */
#include "render/figures.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>

/* -- units -- */

void figures_append_size(struct strbuf *buffer, int64_t bytes) {
    static const char *const UNITS[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    enum { LAST = sizeof UNITS / sizeof UNITS[0] - 1 };
    int64_t unit = 1;
    size_t n = 0;
    for (; n < LAST && bytes / unit >= 1024; n++)
        unit *= 1024;
    int64_t whole = bytes / unit, tenths = bytes % unit / (unit < 10 ? 1 : unit / 10);
    strbuf_format(buffer, "%" PRId64, whole);
    if (n > 0 && whole < 10 && tenths > 0 && tenths < 10)
        strbuf_format(buffer, ".%" PRId64, tenths);
    strbuf_format(buffer, " %s", bytes == 1 ? "byte" : UNITS[n]);
}

void figures_append_span(struct strbuf *buffer, int64_t ms) {
    int64_t s = ms > 0 ? ms / 1000 : 0;
    if (ms > 0 && ms % 1000 != 0 && s < 10)
        strbuf_format(buffer, "%" PRId64 " ms", ms);
    else if (s < 60)
        strbuf_format(buffer, "%" PRId64 " s", s);
    else if (s < 3600)
        strbuf_format(buffer, "%" PRId64 " min", s / 60);
    else if (s < 24 * 3600)
        strbuf_format(buffer, "%" PRId64 " h %" PRId64 " min", s / 3600, s / 60 % 60);
    else
        strbuf_format(buffer, "%" PRId64 " d %" PRId64 " h", s / (24 * 3600), s / 3600 % 24);
}

/* -- figures -- */

/* None is negative, and none is so large that its milliseconds would be too many; a worker may say what it
 * will. */
static bool get(const struct check_view *check, enum observed_key key, int64_t *value) {
    enum { MS = 1000 };
    if (!observed_get(&check->observed, key, value))
        return false;
    *value = *value < 0 ? 0 : *value > INT64_MAX / MS ? INT64_MAX / MS : *value;
    return true;
}

static void append_count(struct strbuf *buffer, int64_t count, const char *one, const char *many) {
    strbuf_format(buffer, "%" PRId64 " %s", count, count == 1 ? one : many);
}

static void append_tasks(struct strbuf *buffer, const struct check_view *check) {
    int64_t tasks, age_s;
    if (!get(check, OBSERVED_TASKS, &tasks))
        return;
    append_count(buffer, tasks, "task", "tasks");
    if (tasks > 0 && get(check, OBSERVED_OLDEST_TASK_AGE_S, &age_s)) {
        strbuf_append(buffer, tasks == 1 ? ", " : ", the oldest ");
        figures_append_span(buffer, age_s * 1000);
        strbuf_append(buffer, " old");
    }
    if (check->reason != REASON_BACKLOG || check->limits.backlog_ms <= 0)
        return;
    strbuf_append(buffer, " (limits: ");
    figures_append_span(buffer, check->limits.backlog_ms);
    strbuf_format(buffer, ", %" PRId64 " tasks)", check->limits.backlog_tasks);
}

/* The limit of free space as volume_is_low has it (kinds/volume.h). */
static void append_least(struct strbuf *buffer, const struct check_view *check, int64_t total) {
    enum { STANDARD_MIB = 256, MIB = 1024 * 1024 };
    int64_t least = check->limits.min_free_bytes;
    if (check->reason != REASON_DISK_LOW)
        return;
    strbuf_append(buffer, ", below ");
    if (least < 0 && total > 0 && total / 20 < (int64_t)STANDARD_MIB * MIB)
        strbuf_append(buffer, "5 %");
    else
        figures_append_size(buffer, least < 0 ? (int64_t)STANDARD_MIB * MIB : least);
}

/* Of a disk that is not what is the matter nobody wants to know. */
static bool is_of_disk(enum reason reason) {
    return reason == REASON_OK || reason == REASON_DISK_LOW || reason == REASON_DISK_FULL ||
           reason == REASON_WAL_LARGE || reason == REASON_IO_ERROR;
}

static void append_space(struct strbuf *buffer, const struct check_view *check) {
    int64_t free_bytes, total = 0;
    if (!is_of_disk(check->reason) || !get(check, OBSERVED_FREE_BYTES, &free_bytes))
        return;
    figures_append_size(buffer, free_bytes);
    strbuf_append(buffer, " free");
    if (get(check, OBSERVED_TOTAL_BYTES, &total)) {
        strbuf_append(buffer, " of ");
        figures_append_size(buffer, total);
    }
    append_least(buffer, check, total);
}

static void append_inodes(struct strbuf *buffer, const struct check_view *check) {
    int64_t inodes;
    if (check->reason == REASON_DISK_FULL && get(check, OBSERVED_FREE_INODES, &inodes))
        append_count(buffer, inodes, "free inode", "free inodes");
}

static void append_file(struct strbuf *buffer, const struct check_view *check) {
    bool bears_on_it =
        check->reason == REASON_OK || check->reason == REASON_EMPTY || check->reason == REASON_TOO_LARGE;
    int64_t bytes;
    if (!bears_on_it || !get(check, OBSERVED_FILE_BYTES, &bytes))
        return;
    strbuf_append(buffer, "file ");
    figures_append_size(buffer, bytes);
}

static void append_log_size(struct strbuf *buffer, const struct check_view *check) {
    int64_t bytes;
    if (!get(check, OBSERVED_WAL_BYTES, &bytes) || bytes == 0)
        return;
    strbuf_append(buffer, "write-ahead log ");
    figures_append_size(buffer, bytes);
    if (check->reason != REASON_WAL_LARGE)
        return;
    strbuf_append(buffer, ", limit ");
    figures_append_size(buffer, check->limits.max_wal_bytes);
}

static void append_line(struct strbuf *buffer, const struct check_view *check) {
    int64_t line, column;
    if (!get(check, OBSERVED_LINE, &line))
        return;
    strbuf_format(buffer, "line %" PRId64, line);
    if (get(check, OBSERVED_COLUMN, &column))
        strbuf_format(buffer, ", column %" PRId64, column);
}

static void append_settings(struct strbuf *buffer, const struct check_view *check) {
    int64_t count;
    if (check->status == STATUS_OK && get(check, OBSERVED_SETTINGS, &count))
        append_count(buffer, count, "setting assigned", "settings assigned");
}

/* libpq's number for the server is 150018 for 15.18, MariaDB's 101119 for 10.11.19. */
static void append_server(struct strbuf *buffer, const struct check_view *check) {
    int64_t version;
    if (!get(check, OBSERVED_SERVER_VERSION, &version))
        return;
    if (strcmp(check->kind, "postgres") == 0)
        strbuf_format(buffer, "server %" PRId64 ".%" PRId64, version / 10000, version % 10000);
    else
        strbuf_format(buffer, "server %" PRId64 ".%" PRId64 ".%" PRId64, version / 10000, version / 100 % 100,
            version % 100);
}

static void append_installations(struct strbuf *buffer, const struct check_view *check) {
    int64_t rows;
    if (check->reason == REASON_APP_DATA_INVALID && get(check, OBSERVED_INSTALLATIONS, &rows))
        strbuf_append(buffer, rows == 0 ? "no row" : rows == 1 ? "1 row" : "2 rows or more");
}

static void append_errors(struct strbuf *buffer, const struct check_view *check) {
    int64_t errors;
    if (get(check, OBSERVED_TASK_ERRORS, &errors) && errors > 0)
        append_count(buffer, errors, "task ended in an error", "tasks ended in errors");
}

static void append_wakeup(struct strbuf *buffer, const struct check_view *check) {
    int64_t age_s;
    if (!get(check, OBSERVED_WAKEUP_AGE_S, &age_s))
        return;
    strbuf_append(buffer, "the oldest wake-up call is ");
    figures_append_span(buffer, age_s * 1000);
    strbuf_append(buffer, " old");
}

static void append_blocked(struct strbuf *buffer, const struct check_view *check) {
    int64_t sessions;
    if (get(check, OBSERVED_BLOCKED_SESSIONS, &sessions) && sessions > 0)
        append_count(buffer, sessions, "session waits", "sessions wait");
}

static void append_writer(struct strbuf *buffer, const struct check_view *check) {
    int64_t lock_s;
    if (!get(check, OBSERVED_WRITE_LOCK_S, &lock_s))
        return;
    strbuf_append(buffer, "one writer has held the lock for ");
    figures_append_span(buffer, lock_s * 1000);
}

static void append_signal(struct strbuf *buffer, const struct check_view *check) {
    int64_t number;
    if (!get(check, OBSERVED_SIGNAL, &number))
        return;
    if (number == SIGKILL)
        strbuf_append(buffer, "ended by SIGKILL");
    else
        strbuf_format(buffer, "ended by signal %" PRId64, number);
}

static void append_pause(struct strbuf *buffer, const struct check_view *check) {
    int64_t pause_s;
    if (!get(check, OBSERVED_PAUSE_S, &pause_s))
        return;
    strbuf_append(buffer, "the next look comes ");
    figures_append_span(buffer, pause_s * 1000);
    strbuf_append(buffer, " after this one");
}

static void append_delay(struct strbuf *buffer, const struct check_view *check) {
    int64_t ms;
    if (!get(check, OBSERVED_DELAYED_MS, &ms) || ms == 0)
        return;
    strbuf_append(buffer, "the run began ");
    figures_append_span(buffer, ms);
    strbuf_append(buffer, " late, for want of CPU time");
}

/* The time that was too long, beside the limit. */
static void append_time(struct strbuf *buffer, const struct check_view *check) {
    const struct check_limits *limits = &check->limits;
    if (check->reason == REASON_TIMEOUT && limits->timeout_ms > 0) {
        strbuf_append(buffer, "no answer within ");
        figures_append_span(buffer, limits->timeout_ms);
    } else if (check->reason == REASON_SLOW && limits->slow_ms > 0) {
        strbuf_format(buffer, "took %" PRId64 " ms, limit ", check->latency_ms);
        figures_append_span(buffer, limits->slow_ms);
    }
}

void figures_append(struct strbuf *buffer, const struct check_view *check) {
    static void (*const FIGURES[])(struct strbuf *, const struct check_view *) = {append_time, append_line,
        append_tasks, append_errors, append_wakeup, append_blocked, append_writer, append_installations,
        append_space, append_inodes, append_file, append_log_size, append_settings, append_server,
        append_signal, append_pause, append_delay};
    bool is_first = true;
    for (size_t i = 0; i < sizeof FIGURES / sizeof FIGURES[0]; i++) {
        char memory[160];
        struct strbuf one = strbuf_in(memory, sizeof memory);
        FIGURES[i](&one, check);
        if (one.is_broken || one.length == 0)
            continue;
        strbuf_append(buffer, is_first ? "" : "; ");
        strbuf_append(buffer, memory);
        is_first = false;
    }
}
