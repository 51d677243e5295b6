/* What a finished configuration can do: be compared, be shown in the log, be freed. Each kind does its part.
 */
#include "config/config.h"

#include "config/kind.h"
#include "config/pack.h"

#include <stdlib.h>
#include <string.h>

#define FAMILY(id, name, family) [KIND_##id] = &CONFIG_##family,
static const struct config_kind *const KINDS[KIND_COUNT] = {CHECK_KINDS(FAMILY)};

const struct config_kind *config_kind_in_order(size_t n) {
    /* the directories depend on which databases there are */
    static const struct config_kind *const ORDER[] = {
        &CONFIG_DATABASE, &CONFIG_DIRECTORY, &CONFIG_SETTINGS, &CONFIG_APP};
    return n < sizeof ORDER / sizeof ORDER[0] ? ORDER[n] : NULL;
}

const struct config_kind *config_kind_of(enum check_kind_id kind) {
    return KINDS[kind];
}

int64_t check_config_patience_ms(const struct check_config *check) {
    const struct config_kind *kind = KINDS[check->kind];
    return kind->patience_ms ? kind->patience_ms(check) : 0;
}

bool check_config_asks_the_same(const struct check_config *a, const struct check_config *b) {
    return strcmp(a->name, b->name) == 0 && a->kind == b->kind && KINDS[a->kind]->asks_the_same(a, b);
}

bool check_config_equal(const struct check_config *a, const struct check_config *b) {
    return check_config_asks_the_same(a, b) && a->is_critical == b->is_critical &&
           a->interval_ms == b->interval_ms && a->timeout_ms == b->timeout_ms &&
           a->retry_interval_ms == b->retry_interval_ms && a->slow_ms == b->slow_ms &&
           (!KINDS[a->kind]->has_same_limits || KINDS[a->kind]->has_same_limits(a, b));
}

void check_config_log(const struct check_config *check, struct log_line *line) {
    KINDS[check->kind]->log(check, line);
}

static bool is_database(const struct check_config *check) {
    return KINDS[check->kind] == &CONFIG_DATABASE;
}

const char *check_config_role(const struct check_config *check) {
    return is_database(check) ? role_name(check->database.role) : NULL;
}

const char *check_config_set_by(const struct check_config *check) {
    return is_database(check) ? check->database.set_by : NULL;
}

void check_config_where(const struct check_config *check, struct strbuf *where) {
    KINDS[check->kind]->where(check, where);
}

struct check_limits check_config_limits(const struct check_config *check) {
    struct check_limits limits = {.timeout_ms = check->timeout_ms, .slow_ms = check->slow_ms};
    if (KINDS[check->kind]->limits)
        KINDS[check->kind]->limits(check, &limits);
    return limits;
}

void check_config_blank(const struct check_config *check, char *text) {
    if (KINDS[check->kind]->blank)
        KINDS[check->kind]->blank(check, text);
}

void check_config_guard(const struct check_config *check) {
    if (KINDS[check->kind]->guard)
        KINDS[check->kind]->guard(check);
}

void check_config_release(struct check_config *check) {
    KINDS[check->kind]->release(check);
    free(check->name);
}

void config_free(struct config *config) {
    if (!config)
        return;
    for (size_t i = 0; i < config->check_count; i++)
        check_config_release(&config->checks[i]);
    for (size_t i = 0; i < config->item_count; i++) {
        free(config->items[i].key);
        free(config->items[i].value);
        free(config->items[i].origin);
    }
    for (size_t i = 0; i < config->warning_count; i++)
        free(config->warnings[i]);
    free(config->checks);
    free(config->items);
    free(config->warnings);
    free(config->file);
    free(config->listen);
    free(config->maintenance);
    free(config->app_version);
    free(config);
}
