/* What follows from the state of all checks: pure, so that every page and exit code concludes the same. */
#include "report/snapshot.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

enum reason snapshot_override(const struct snapshot *snapshot) {
    if (snapshot->is_draining)
        return REASON_DRAINING;
    if (snapshot->is_in_maintenance)
        return REASON_MAINTENANCE;
    return REASON_OK;
}

bool snapshot_is_live(const struct snapshot *snapshot) {
    return !snapshot->is_dead || snapshot_override(snapshot) != REASON_OK;
}

bool snapshot_is_ready(const struct snapshot *snapshot) {
    if (snapshot_override(snapshot) != REASON_OK)
        return false;
    for (size_t i = 0; i < snapshot->check_count; i++)
        if (snapshot->checks[i].is_critical && !status_is_ready(snapshot->checks[i].status))
            return false;
    return true;
}

enum status snapshot_status(const struct snapshot *snapshot) {
    if (!snapshot_is_ready(snapshot))
        return STATUS_ERROR;
    for (size_t i = 0; i < snapshot->check_count; i++)
        if (snapshot->checks[i].status != STATUS_OK)
            return STATUS_DEGRADED;
    return STATUS_OK;
}

bool reason_awaits_start(bool is_database, enum reason reason, const struct observed *observed) {
    int64_t free_bytes;
    if (!is_database || !reason_info(reason)->is_mended_by_start)
        return false;
    return reason != REASON_FILE_MISSING || observed_get(observed, OBSERVED_FREE_BYTES, &free_bytes);
}

bool check_view_fails(const struct check_view *check) {
    return check->status == STATUS_ERROR && check->is_critical;
}

bool check_view_lowers(const struct check_view *check) {
    return check->status == STATUS_DEGRADED || (check->status == STATUS_ERROR && !check->is_critical);
}

int64_t snapshot_known_until_ms(const struct snapshot *snapshot) {
    int64_t oldest_ms = 0;
    for (size_t i = 0; i < snapshot->check_count; i++) {
        int64_t checked_ms = snapshot->checks[i].checked_at_ms;
        if (checked_ms == 0)
            return 0;
        if (oldest_ms == 0 || checked_ms < oldest_ms)
            oldest_ms = checked_ms;
    }
    return oldest_ms;
}

const char *snapshot_unasked(const struct snapshot *snapshot) {
    for (size_t i = 0; i < snapshot->check_count; i++)
        if (snapshot->checks[i].is_app)
            return NULL;
    return "Bugsink itself was not asked. To have it checked too, say where it listens: --app-url "
           "http://127.0.0.1:9000, or BUGSINK_HEALTH_APP_URL.";
}

const struct check_view *snapshot_find(const struct snapshot *snapshot, const char *name) {
    for (size_t i = 0; i < snapshot->check_count; i++)
        if (strcmp(snapshot->checks[i].name, name) == 0)
            return &snapshot->checks[i];
    return NULL;
}

const char *check_view_message(const struct check_view *check, char text[CHECK_MESSAGE_SIZE]) {
    const char *addition = reason_addition(check->reason, check->is_prediction);
    snprintf(text, CHECK_MESSAGE_SIZE, "%s%s%s", reason_info(check->reason)->sentence, addition ? " " : "",
        addition ? addition : "");
    return text;
}

/* -- hints -- */

/* What hints call the setting that names the database: as Bugsink's own image has it. */
static const char *const SETTERS[] = {"DATABASE_URL", "DATABASE_PATH", "BUGSINK_HEALTH_QUEUE"};

/* The setter that text begins with, NULL: none. */
static const char *setter_at(const char *text) {
    for (size_t i = 0; i < sizeof SETTERS / sizeof SETTERS[0]; i++)
        if (strncmp(text, SETTERS[i], strlen(SETTERS[i])) == 0)
            return SETTERS[i];
    return NULL;
}

/* Appends a hint, in which set_by stands for whichever setting it names: there is no variable to type where
 * the configuration file names the database. */
static void append_set(struct strbuf *text, const char *hint, const char *set_by) {
    static const char TYPED[] = "\"$DATABASE_URL\"";
    while (*hint) {
        bool is_typed = strncmp(hint, TYPED, sizeof TYPED - 1) == 0;
        const char *setter = setter_at(hint);
        if (is_typed && strcmp(set_by, SETTERS[0]) != 0)
            strbuf_append(text, "DSN");
        else if (is_typed)
            strbuf_append(text, TYPED);
        else if (setter)
            strbuf_append(text, set_by);
        else
            strbuf_append_n(text, hint, 1);
        hint += is_typed ? sizeof TYPED - 1 : setter ? strlen(setter) : 1;
    }
}

const char *check_view_hint(const struct check_view *check, bool shows_cause, char text[CHECK_HINT_SIZE]) {
    const char *hint = reason_hint(check->reason, check->kind, check->role);
    const char *teller = shows_cause ? NULL : reason_teller(check->reason);
    struct strbuf buffer = strbuf_in(text, CHECK_HINT_SIZE);
    if (!hint)
        return NULL;
    if (check->set_by)
        append_set(&buffer, hint, check->set_by);
    else
        strbuf_append(&buffer, hint);
    if (teller)
        strbuf_format(&buffer, " %s", teller);
    return buffer.is_broken ? hint : text;
}
