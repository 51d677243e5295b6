/* Loading a configuration in a test. */
#include "config/config_harness.h"

#include "harness/tempdir.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MANY = 64 };

/* The scratch directory of this test, which runs in a process of its own. */
static const char *scratch(void) {
    static char *path;
    static pid_t owner;
    if (owner != getpid())
        path = tempdir_new();
    owner = getpid();
    return path;
}

static char *replace(const char *text, const char *from, const char *to) {
    struct strbuf result = {0};
    for (const char *at; (at = strstr(text, from)) != NULL; text = at + strlen(from)) {
        strbuf_append_n(&result, text, (size_t)(at - text));
        strbuf_append(&result, to);
    }
    strbuf_append(&result, text);
    return result.data;
}

void harness_write(const char *name, const char *text) {
    char *path = tempdir_path(scratch(), "%s", name);
    tempdir_write(path, text);
    free(path);
}

static size_t expand(const char *const *texts, char *expanded[MANY]) {
    size_t count = 0;
    for (; texts && texts[count]; count++) {
        ck_assert_uint_lt(count, MANY - 1);
        expanded[count] = replace(texts[count], "@DIR@", scratch());
    }
    expanded[count] = NULL;
    return count;
}

static void free_all(char *texts[MANY]) {
    for (size_t i = 0; texts[i]; i++)
        free(texts[i]);
}

struct config *harness_load(
    const char *json, const char *const *environment, const char *const *flags, struct error *err) {
    char *variables[MANY], *words[MANY], *path = tempdir_path(scratch(), "config.json");
    const char *borrowed[MANY];
    struct config_flag pairs[MANY / 2 + 1];
    size_t variable_count = expand(environment, variables);
    for (size_t i = 0; i <= variable_count; i++)
        borrowed[i] = variables[i];
    struct config_source source = {borrowed, pairs, expand(flags, words) / 2};
    for (size_t i = 0; i < source.flag_count; i++)
        pairs[i] = (struct config_flag){words[2 * i], words[2 * i + 1], NULL};
    if (json) {
        char *text = replace(json, "@DIR@", scratch());
        tempdir_write(path, text);
        free(text);
        pairs[source.flag_count++] = (struct config_flag){"--config", path, NULL};
    }
    struct config *config = config_load(&source, err);
    free_all(variables);
    free_all(words);
    free(path);
    return config;
}

struct config *harness_load_good(const char *json, const char *const *environment, const char *const *flags) {
    struct error err = {.text = ""};
    struct config *config = harness_load(json, environment, flags, &err);
    ck_assert_msg(config != NULL, "%s: %s", json ? json : "", err.text);
    return config;
}

void harness_load_bad(
    const char *json, const char *const *environment, const char *const *flags, const char *says) {
    struct error err = {.text = ""};
    struct config *config = harness_load(json, environment, flags, &err);
    ck_assert_msg(config == NULL, "%s: accepted, but should say: %s", json ? json : "", says);
    char *shown = replace(err.text, scratch(), "@DIR@");
    ck_assert_msg(strstr(shown, says) != NULL, "%s: says \"%s\", not \"%s\"", json ? json : "", shown, says);
    free(shown);
}

const struct check_config *harness_check(const struct config *config, const char *name) {
    for (size_t i = 0; i < config->check_count; i++)
        if (strcmp(config->checks[i].name, name) == 0)
            return &config->checks[i];
    return NULL;
}

bool harness_is_database(const struct check_config *check) {
    return check->kind == KIND_POSTGRES || check->kind == KIND_MYSQL || check->kind == KIND_SQLITE;
}

static const struct config_item *find_item(const struct config *config, const char *key) {
    const struct config_item *found = NULL;
    for (size_t i = 0; i < config->item_count; i++)
        if (strcmp(config->items[i].key, key) == 0) {
            ck_assert_msg(!found, "%s is listed twice", key);
            found = &config->items[i];
        }
    return found;
}

const char *harness_item(const struct config *config, const char *key) {
    const struct config_item *item = find_item(config, key);
    return item ? item->value : NULL;
}

const char *harness_origin(const struct config *config, const char *key) {
    static char shown[256];
    const struct config_item *item = find_item(config, key);
    char *origin = item ? replace(item->origin, scratch(), "@DIR@") : NULL;
    if (origin)
        str_copy(shown, sizeof shown, origin);
    free(origin);
    return item ? shown : NULL;
}

void harness_assert_warning(const struct config *config, const char *says) {
    for (size_t i = 0; i < config->warning_count; i++)
        if (strstr(config->warnings[i], says))
            return;
    ck_abort_msg("no warning says \"%s\" (%zu warnings, the first \"%s\")", says, config->warning_count,
        config->warning_count > 0 ? config->warnings[0] : "");
}

void harness_assert_text(const char *what, const char *got, const char *want) {
    ck_assert_msg(got == want || (got && want && strcmp(got, want) == 0), "%s is \"%s\", not \"%s\"", what,
        got ? got : "(none)", want ? want : "(none)");
}
