/* Builds a configuration: finds each option in its layers, validates, derives, records where it came from,
 * and lets each kind read its own. */
#include "config/address.h"
#include "config/duration.h"
#include "config/environment.h"
#include "config/kind.h"
#include "config/loader.h"
#include "config/memory.h"
#include "config/suggest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t TIMEOUT_MS = 3000, RETRY_INTERVAL_MS = 1000, RECONNECT_LEAST_MS = 1000;

/* -- single options -- */

static void *field(struct loader *loader, const struct option *option) {
    return (char *)loader->config + option->offset;
}

static int parse_number(const char *text, int64_t *value, struct error *err) {
    char *end;
    *value = strtoll(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || strlen(text) > 12)
        return error_set(err, "%s is not a whole number", option_quotable(text));
    return 0;
}

static int apply_address(struct loader *loader, const char *text) {
    struct address address;
    char canonical[ADDRESS_TEXT_SIZE];
    if (address_parse(text, &address, loader->err) < 0)
        return -1;
    address_format(&address, canonical);
    loader->config->listen = str_dup(canonical);
    return 0;
}

static int apply_log(struct loader *loader, const struct option *option, const char *text) {
    bool is_level = option->type == OPTION_LOG_LEVEL_NAME;
    if (is_level ? log_level_parse(text, field(loader, option))
                 : log_format_parse(text, field(loader, option)))
        return 0;
    return error_set(loader->err, "%s is not one of these: %s", option_quotable(text), option->doc.help);
}

/* What is shown on every page must be harmless on each, and short. */
static int check_shown(const char *text, struct error *err) {
    enum { SHOWN_MAX = 64 };
    size_t length = strlen(text);
    for (size_t i = 0; i < length && length <= SHOWN_MAX; i++)
        if (text[i] < 0x20 || text[i] > 0x7e)
            length = SHOWN_MAX + 1;
    return length <= SHOWN_MAX ? 0 : error_set(err, "must be at most %d visible ASCII characters", SHOWN_MAX);
}

/* Parses the text of an option and puts it into its field. */
static int apply(struct loader *loader, const struct option *option, const char *text) {
    int64_t value;
    switch (option->type) {
    case OPTION_ADDRESS: return apply_address(loader, text);
    case OPTION_LOG_LEVEL_NAME:
    case OPTION_LOG_FORMAT_NAME: return apply_log(loader, option, text);
    case OPTION_DURATION:
        if (duration_parse(text, &value, loader->err) < 0)
            return -1;
        *(int64_t *)field(loader, option) = value;
        return loader_check_range(loader, option, value);
    case OPTION_NUMBER:
        if (parse_number(text, &value, loader->err) < 0)
            return -1;
        *(int64_t *)field(loader, option) = value;
        return loader_check_range(loader, option, value);
    case OPTION_TEXT:
        if (check_shown(text, loader->err) < 0)
            return -1;
        *(char **)field(loader, option) = str_dup(text);
        return 0;
    case OPTION_PATH: *(char **)field(loader, option) = str_dup(text); return 0;
    case OPTION_SIZE:
    case OPTION_BOOLEAN:
    case OPTION_NAMES: break; /* only in databases and groups, which read them themselves */
    }
    return 0;
}

static bool has_field(enum option_id id) {
    return option_get(id)->offset != OPTION_NO_FIELD || id == OPTION_LISTEN;
}

static int load_options(struct loader *loader) {
    for (enum option_id id = OPTION_LISTEN; id < OPTION_DATABASE_DSN; id++) {
        struct option_value *value = &loader->values[id];
        if (id == OPTION_SETTINGS_REQUIRE)
            continue;
        if (option_value_load(loader, id, value) < 0)
            return -1;
        if (has_field(id) && value->text && apply(loader, option_get(id), value->text) < 0)
            return option_value_fail(loader, value);
    }
    return 0;
}

/* -- times that hang together -- */

static const char *place_of(const struct loader *loader, enum option_id id) {
    return loader->values[id].place ? loader->values[id].place : "default";
}

static int refuse_times(struct loader *loader, enum option_id id, int64_t value_ms, const char *relation,
    enum option_id other, int64_t other_ms) {
    char value[DURATION_TEXT_SIZE], limit[DURATION_TEXT_SIZE];
    duration_format(value_ms, value);
    duration_format(other_ms, limit);
    return error_set(loader->err, "the %s of %s (%s) must %s the %s of %s (%s)", option_get(id)->doc.key,
        value, place_of(loader, id), relation, option_get(other)->doc.key, limit, place_of(loader, other));
}

/* Those that nobody set follow the interval, so that a short interval is one option and not four. */
static int settle_times(struct loader *loader) {
    struct config *config = loader->config;
    int64_t share_ms = config->interval_ms * 3 / 5;
    if (!loader->values[OPTION_TIMEOUT].text)
        config->timeout_ms = share_ms < TIMEOUT_MS ? share_ms : TIMEOUT_MS;
    if (!loader->values[OPTION_RETRY_INTERVAL].text)
        config->retry_interval_ms =
            config->interval_ms < RETRY_INTERVAL_MS ? config->interval_ms : RETRY_INTERVAL_MS;
    if (!loader->values[OPTION_SLOW].text)
        config->slow_ms = config->timeout_ms / 2;
    if (config->timeout_ms >= config->interval_ms)
        return refuse_times(
            loader, OPTION_TIMEOUT, config->timeout_ms, "be below", OPTION_INTERVAL, config->interval_ms);
    if (config->retry_interval_ms > config->interval_ms)
        return refuse_times(loader, OPTION_RETRY_INTERVAL, config->retry_interval_ms, "not be above",
            OPTION_INTERVAL, config->interval_ms);
    if (config->slow_ms > config->timeout_ms)
        return refuse_times(
            loader, OPTION_SLOW, config->slow_ms, "not be above", OPTION_TIMEOUT, config->timeout_ms);
    if (config->reconnect_ms > 0 && config->reconnect_ms < RECONNECT_LEAST_MS) {
        error_set(loader->err, "must be 0s, or from 1s");
        return option_value_fail(loader, &loader->values[OPTION_RECONNECT]);
    }
    return 0;
}

static void add_field_item(struct loader *loader, enum option_id id) {
    const struct option *option = option_get(id);
    char text[DURATION_TEXT_SIZE];
    const char *value = text;
    if (id == OPTION_LISTEN)
        value = loader->config->listen;
    else if (option->type == OPTION_DURATION)
        duration_format(*(int64_t *)field(loader, option), text);
    else if (option->type == OPTION_NUMBER)
        snprintf(text, sizeof text, "%" PRId64, *(int64_t *)field(loader, option));
    else if (option->type == OPTION_LOG_LEVEL_NAME)
        value = log_level_name(loader->config->log_level);
    else if (option->type == OPTION_LOG_FORMAT_NAME)
        value = log_format_name(loader->config->log_format);
    else
        value = *(char **)field(loader, option);
    loader_add_item(loader, option->doc.key, value, loader->values[id].origin);
}

/* -- the whole -- */

static int refuse_flag(struct loader *loader, const char *name) {
    struct suggestion suggestion;
    char shown[48];
    str_copy(shown, sizeof shown, name);
    shown[strcspn(shown, "=")] = '\0';
    suggestion_init(&suggestion, shown);
    const struct config_option_doc *doc;
    for (size_t i = 0; (doc = config_option_doc(i)) != NULL; i++)
        if (doc->flag)
            suggestion_consider(&suggestion, doc->flag);
    if (suggestion.best)
        return error_set(
            loader->err, "unknown flag %s; did you mean %s?", option_quotable(shown), suggestion.best);
    return error_set(
        loader->err, "unknown flag %s; bugsink-health --help lists them", option_quotable(shown));
}

static int check_flags(struct loader *loader) {
    for (size_t i = 0; i < loader->source->flag_count; i++) {
        const struct config_flag *flag = &loader->source->flags[i];
        if (!config_is_flag(flag->name))
            return refuse_flag(loader, flag->name);
        if (!flag->value || !*flag->value)
            return error_set(loader->err, "%s: a value must follow", flag->name);
    }
    return 0;
}

static int open_file(struct loader *loader) {
    struct option_value *value = &loader->values[OPTION_CONFIG];
    if (option_value_load(loader, OPTION_CONFIG, value) < 0)
        return -1;
    if (!value->text)
        return 0;
    if (config_file_open(&loader->file, value->text, loader->err) < 0 ||
        config_file_check(&loader->file, loader->err) < 0)
        return option_value_fail(loader, value);
    loader->config->file = str_dup(value->text);
    return 0;
}

/* Not in the file: the responder is forked, and shut in, before that is read. */
static int load_sandbox(struct loader *loader) {
    struct option_value *value = &loader->values[OPTION_SANDBOX];
    loader->config->is_sandboxed = true; /* but where it says "off", and nothing else */
    if (option_value_load(loader, OPTION_SANDBOX, value) < 0)
        return -1;
    const char *text = value->text ? value->text : ""; /* a flag without a value is config_load's to refuse */
    loader->config->is_sandboxed = strcmp(text, "off") != 0;
    if (loader->config->is_sandboxed && strcmp(text, "on") != 0) {
        error_set(loader->err, "%s is not one of these: on, off", option_quotable(text));
        return option_value_fail(loader, value);
    }
    return 0;
}

/* NULL where there is none. */
static const char *find_made_by_app(const struct config *config, enum check_kind_id kind) {
    for (size_t i = 0; i < config->check_count; i++) {
        const struct check_config *check = &config->checks[i];
        if (check->kind != kind)
            continue;
        if (kind == KIND_SQLITE && check->database.role == ROLE_QUEUE)
            return check->database.dsn.path;
        if (kind == KIND_DIRECTORY && check->directory.role == DIRECTORY_WAKEUP)
            return check->directory.path;
    }
    return NULL;
}

/* Bugsink makes its queue and its wake-up directory itself: their owner is its user, whoever owns its
 * database. */
static void tell_what_app_makes(struct config *config) {
    const char *queue = find_made_by_app(config, KIND_SQLITE);
    const char *wakeup = find_made_by_app(config, KIND_DIRECTORY);
    for (size_t i = 0; i < config->check_count; i++) {
        struct check_config *check = &config->checks[i];
        if (check->kind != KIND_SQLITE || check->database.role != ROLE_MAIN)
            continue;
        check->database.queue_path = queue ? str_dup(queue) : NULL;
        check->database.wakeup_path = wakeup ? str_dup(wakeup) : NULL;
    }
}

static int load_checks(struct loader *loader) {
    const struct config_kind *kind;
    for (size_t i = 0; (kind = config_kind_in_order(i)) != NULL; i++)
        if (kind->load(loader) < 0)
            return -1;
    if (loader->config->check_count > CONFIG_CHECKS_MAX)
        return error_set(loader->err, "%zu checks; at most %d can be served", loader->config->check_count,
            CONFIG_CHECKS_MAX);
    tell_what_app_makes(loader->config);
    if (loader->config->check_count == 0)
        return error_set(loader->err,
            "%.200s: nothing to check: name a database, a directory, a settings file or an app",
            loader->config->file);
    return 0;
}

static int load(struct loader *loader) {
    if (check_flags(loader) < 0 || environment_check(loader->source->environment, loader->err) < 0 ||
        load_sandbox(loader) < 0 || open_file(loader) < 0 || load_options(loader) < 0 ||
        settle_times(loader) < 0)
        return -1;
    loader_add_item(loader, "config", loader->config->file, loader->values[OPTION_CONFIG].origin);
    loader_add_item(loader, "sandbox", loader->config->is_sandboxed ? "on" : "off",
        loader->values[OPTION_SANDBOX].origin);
    for (enum option_id id = OPTION_LISTEN; id < OPTION_DATABASE_DSN; id++)
        if (has_field(id))
            add_field_item(loader, id);
    return load_checks(loader);
}

static void release(struct loader *loader) {
    for (size_t i = 0; i < OPTION_COUNT; i++)
        option_value_release(&loader->values[i]);
    config_file_close(&loader->file);
}

/* Sets the listening address, as far as it can be told. */
static void load_listen(struct loader *loader) {
    struct option_value *file = &loader->values[OPTION_CONFIG], *listen = &loader->values[OPTION_LISTEN];
    if (option_value_load(loader, OPTION_CONFIG, file) == 0 && file->text)
        config_file_open(&loader->file, file->text, NULL);
    /* A flag without its value has none; only config_load refuses it. */
    if (option_value_load(loader, OPTION_LISTEN, listen) == 0 && listen->text)
        apply_address(loader, listen->text);
}

char *config_listen(const struct config_source *source) {
    struct error ignored = {.text = ""};
    struct config config = {.file = NULL};
    struct loader loader = {.source = source, .config = &config, .err = &ignored};
    load_listen(&loader);
    release(&loader);
    return config.listen ? config.listen : str_dup(option_get(OPTION_LISTEN)->doc.standard);
}

bool config_is_sandboxed(const struct config_source *source) {
    struct error ignored = {.text = ""};
    struct config config = {.file = NULL};
    struct loader loader = {.source = source, .config = &config, .err = &ignored};
    load_sandbox(&loader);
    release(&loader);
    return config.is_sandboxed;
}

struct config *config_load(const struct config_source *source, struct error *err) {
    struct error ignored = {.text = ""};
    struct loader loader = {.source = source, .err = err ? err : &ignored};
    loader.config = memory_grow(NULL, 1, sizeof *loader.config);
    *loader.config = (struct config){.file = NULL};
    if (load(&loader) < 0) {
        config_file_show(&loader.file, loader.err);
        config_free(loader.config);
        loader.config = NULL;
    }
    for (size_t i = 0; loader.config && i < loader.config->check_count; i++)
        check_config_guard(&loader.config->checks[i]);
    release(&loader);
    return loader.config;
}
