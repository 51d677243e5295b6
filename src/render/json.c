/* Renders snapshots as JSON. */
#include "render/json.h"

#include "base/clock.h"
#include "base/str.h"
#include "render/text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* jansson's setters take NULL for a failed value and report it; what is missing is found at the end, once. */
struct object {
    json_t *json;
    bool is_broken;
};

static struct object object_new(void) {
    json_t *json = json_object();
    return (struct object){json, json == NULL};
}

static void put(struct object *object, const char *key, json_t *value) {
    if (json_object_set_new(object->json, key, value) < 0)
        object->is_broken = true;
}

static void put_text(struct object *object, const char *key, const char *text) {
    put(object, key, text ? json_string(text) : json_null());
}

static void put_time(struct object *object, const char *key, int64_t wall_ms) {
    char text[CLOCK_TEXT_SIZE];
    if (wall_ms > 0)
        clock_format_utc(wall_ms, text);
    put_text(object, key, wall_ms > 0 ? text : NULL);
}

static void put_object(struct object *object, const char *key, struct object child) {
    object->is_broken = object->is_broken || child.is_broken;
    put(object, key, child.json);
}

static int append(const char *data, size_t size, void *arg) {
    struct strbuf *text = arg;
    strbuf_append_n(text, data, size);
    return text->is_broken ? -1 : 0;
}

/* Into a buffer of our own, which remembers that it broke: jansson 2.14 goes on after a key that found no
 * memory (do_dump ignores what dump_string returns), and its json_dumps would hand out the half text. */
static char *finish(struct object object, size_t flags) {
    struct strbuf text = {.is_broken = object.is_broken};
    if (object.is_broken || json_dump_callback(object.json, append, &text, flags) < 0)
        text.is_broken = true;
    json_decref(object.json);
    strbuf_append(&text, "\n");
    if (text.is_broken)
        strbuf_release(&text);
    return text.data;
}

/* "ok", "starting", "degraded: CODE" or "error: CODE". */
static json_t *status_with_code(const struct check_view *check) {
    if (check->status == STATUS_OK || check->status == STATUS_STARTING)
        return json_string(status_name(check->status));
    return json_sprintf("%s: %s", status_name(check->status), reason_info(check->reason)->slug);
}

static struct object databases_of(const struct snapshot *snapshot) {
    struct object databases = object_new();
    for (size_t i = 0; i < snapshot->check_count; i++)
        if (snapshot->checks[i].is_database)
            put(&databases, snapshot->checks[i].name, status_with_code(&snapshot->checks[i]));
    return databases;
}

static json_t *names_of(const struct snapshot *snapshot, bool (*is_wanted)(const struct check_view *)) {
    json_t *names = json_array();
    for (size_t i = 0; i < snapshot->check_count; i++)
        if (is_wanted(&snapshot->checks[i]) &&
            json_array_append_new(names, json_string(snapshot->checks[i].name)) < 0) {
            json_decref(names);
            return NULL;
        }
    return names;
}

/* Why, for each check that is not ok. */
static struct object codes_of(const struct snapshot *snapshot) {
    struct object codes = object_new();
    for (size_t i = 0; i < snapshot->check_count; i++) {
        const struct check_view *check = &snapshot->checks[i];
        if (check->status != STATUS_OK)
            put_text(&codes, check->name, reason_info(check->reason)->slug);
    }
    return codes;
}

enum { WHY_MAX = 50 }; /* codes has all of them */

/* What is the matter with each check that is not ok, and what to do. */
static struct object why_of(const struct snapshot *snapshot) {
    struct object why = object_new();
    size_t count = 0;
    for (size_t i = 0; i < snapshot->check_count && count < WHY_MAX; i++) {
        const struct check_view *check = &snapshot->checks[i];
        if (check->status == STATUS_OK)
            continue;
        count++;
        struct object one = object_new();
        char message[CHECK_MESSAGE_SIZE], hint[CHECK_HINT_SIZE];
        put_text(&one, "code", reason_info(check->reason)->slug);
        put_text(&one, "message", check_view_message(check, message));
        put_text(&one, "hint", check_view_hint(check, false, hint));
        put_object(&why, check->name, one);
    }
    return why;
}

/* has_why: where nothing else on the page says it. */
static void put_ready(struct object *object, const struct snapshot *snapshot, bool has_why) {
    const struct check_view *settings = snapshot_find(snapshot, "app_settings");
    enum reason override = snapshot_override(snapshot);
    put_text(object, "status", status_name(snapshot_status(snapshot)));
    if (override != REASON_OK) {
        put_text(object, "code", reason_info(override)->slug);
        put_text(object, "message", reason_info(override)->sentence);
        put_text(object, "hint", reason_info(override)->hint);
    }
    if (has_why)
        put_object(object, "why", why_of(snapshot));
    put_object(object, "databases", databases_of(snapshot));
    put(object, "app_settings", settings ? status_with_code(settings) : json_string("not configured"));
    put_text(object, "version", snapshot->app_version);
    put_time(object, "checked_at", snapshot_known_until_ms(snapshot));
    put(object, "failed", names_of(snapshot, check_view_fails));
    put(object, "degraded", names_of(snapshot, check_view_lowers));
    put_object(object, "codes", codes_of(snapshot));
}

static struct object observed_of(const struct check_view *check) {
    struct object object = object_new();
    for (int key = 0; key < OBSERVED_KEY_COUNT; key++) {
        int64_t value;
        if (observed_get(&check->observed, (enum observed_key)key, &value))
            put(&object, observed_name((enum observed_key)key), json_integer(value));
    }
    return object;
}

/* Puts the text, and frees it. */
static void put_taken(struct object *object, const char *key, char *text) {
    put_text(object, key, text);
    free(text);
}

/* Where it looked, and what was said there. */
static void put_cause(struct object *object, const struct check_view *check) {
    if (check->where)
        put_taken(object, "where", text_harmless(check->where, TEXT_SYMBOLS));
    if ((check->driver_code && *check->driver_code) || (check->detail && *check->detail))
        put_taken(object, "cause", text_driver(check, TEXT_SYMBOLS));
}

static struct object check_object(const struct check_view *check, bool shows_cause) {
    const struct reason_info *info = reason_info(check->reason);
    struct object object = object_new();
    put_text(&object, "kind", check->kind);
    put_text(&object, "status", status_name(check->status));
    put_text(&object, "code", info->slug);
    char message[CHECK_MESSAGE_SIZE], hint[CHECK_HINT_SIZE];
    put_text(&object, "message", check_view_message(check, message));
    put_text(&object, "hint", check_view_hint(check, shows_cause, hint));
    if (shows_cause)
        put_cause(&object, check);
    put_text(&object, "phase", phase_name(check->phase));
    put(&object, "critical", json_boolean(check->is_critical));
    put(&object, "latency_ms", check->has_run ? json_integer(check->latency_ms) : json_null());
    put_time(&object, "checked_at", check->checked_at_ms);
    put_time(&object, "since", check->since_ms);
    put_time(&object, "last_ok_at", check->last_ok_at_ms);
    put(&object, "consecutive_failures", json_integer(check->consecutive_failures));
    put_object(&object, "observed", observed_of(check));
    return object;
}

static struct object sidecar_object(const struct snapshot *snapshot) {
    struct object object = object_new();
    put_text(&object, "version", snapshot->sidecar_version);
    put_time(&object, "started_at", snapshot->started_at_ms);
    put(&object, "pid", json_integer(snapshot->sidecar_pid));
    put_text(&object, "config", snapshot->sidecar_config);
    return object;
}

char *json_ready(const struct snapshot *snapshot) {
    struct object object = object_new();
    put_ready(&object, snapshot, true);
    return finish(object, 0);
}

static char *health(const struct snapshot *snapshot, size_t flags) {
    struct object object = object_new();
    put_ready(&object, snapshot, false);
    put(&object, "live", json_boolean(snapshot_is_live(snapshot)));
    put(&object, "ready", json_boolean(snapshot_is_ready(snapshot)));
    put(&object, "started", json_boolean(snapshot->has_started));
    put(&object, "draining", json_boolean(snapshot->is_draining));
    struct object checks = object_new();
    for (size_t i = 0; i < snapshot->check_count; i++)
        put_object(
            &checks, snapshot->checks[i].name, check_object(&snapshot->checks[i], snapshot->shows_causes));
    put_object(&object, "checks", checks);
    put_object(&object, "sidecar", sidecar_object(snapshot));
    return finish(object, flags);
}

char *json_health(const struct snapshot *snapshot) {
    return health(snapshot, JSON_INDENT(2));
}

char *json_health_line(const struct snapshot *snapshot) {
    return health(snapshot, JSON_COMPACT);
}

char *json_check(const struct check_view *check) {
    struct object object = check_object(check, false);
    put_text(&object, "name", check->name);
    return finish(object, 0);
}
