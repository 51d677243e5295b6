/* The configuration as a whole: an environment and flags, one a line, an empty line, and the file. In all of
 * them @SECRET@ and @DSN@ are files that hold one.
 * @EMPTY@ is an empty file, @LARGE@ one too large for anything, and @DEVICE@ is none.
 * Sources: src/config/load.c src/config/loader.c src/config/file.c src/config/option_value.c
 * src/config/entry.c src/config/databases.c src/config/directories.c src/config/settings.c src/config/app.c
 * src/config/environment.c src/config/duration.c src/config/address.c src/config/suggest.c
 * src/config/config.c src/config/kind_id.c src/config/options.c */
#include "base/str.h"
#include "config/address.h"
#include "config/config.h"
#include "config/duration.h"
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

enum { LINES_MAX = 32 };

/* An input taken apart; all of it points into text, which it takes. */
struct input {
    char *text;
    const char *environment[LINES_MAX + 1];
    struct config_flag flags[LINES_MAX + 1];
    size_t variable_count, flag_count;
};

static char *replace(char *text, const char *token, const char *with) {
    struct strbuf result = {0};
    strbuf_append(&result, "");
    const char *at = text;
    for (const char *found; (found = strstr(at, token)) != NULL; at = found + strlen(token)) {
        strbuf_append_n(&result, at, (size_t)(found - at));
        strbuf_append(&result, with);
    }
    strbuf_append(&result, at);
    free(text);
    return result.data;
}

/* "--name value", or "NAME=VALUE". */
static void take_line(struct input *input, char *line) {
    if (strncmp(line, "--", 2) != 0) {
        if (input->variable_count < LINES_MAX)
            input->environment[input->variable_count++] = line;
        return;
    }
    char *value = strchr(line, ' ');
    if (value)
        *value++ = '\0';
    if (input->flag_count < LINES_MAX)
        input->flags[input->flag_count++] = (struct config_flag){line, value, NULL};
}

/* Files of this machine are none of ours. */
static bool is_harmless(const char *text) {
    return !strstr(text, "/proc") && !strstr(text, "/sys") && !strstr(text, "/dev");
}

static void input_init(struct input *input, char *text) {
    static const char SECRET[] = FUZZ_SECRET "\n", DSN[] = "postgresql://u:" FUZZ_SECRET "@h/d";
    static const char LARGE[1024 * 1024 + 1];
    text = replace(text, "@SECRET@", fuzz_file(1, SECRET, sizeof SECRET - 1));
    text = replace(text, "@DSN@", fuzz_file(2, DSN, sizeof DSN - 1));
    text = replace(text, "@EMPTY@", fuzz_file(3, "", 0));
    text = replace(text, "@LARGE@", fuzz_file(4, LARGE, strstr(text, "@LARGE@") ? sizeof LARGE : 0));
    text = replace(text, "@DEVICE@", "/dev/null");
    *input = (struct input){.text = text};
    char *file = strstr(text, "\n\n");
    if (file) {
        *file = '\0';
        file += 2;
        const char *path = fuzz_file(0, file, strlen(file));
        input->flags[input->flag_count++] = (struct config_flag){"--config", path, NULL};
    }
    for (char *end, *line = text; line; line = end) {
        end = strchr(line, '\n');
        if (end)
            *end++ = '\0';
        take_line(input, line);
    }
}

static bool is_one_of(const char *key, const char *prefix) {
    return strncmp(key, prefix, strlen(prefix)) == 0;
}

static void check_times(const struct check_config *check) {
    char text[DURATION_TEXT_SIZE];
    int64_t back;
    fuzz_assert(check->interval_ms >= 100 && check->timeout_ms < check->interval_ms);
    fuzz_assert(check->retry_interval_ms <= check->interval_ms && check->slow_ms <= check->timeout_ms);
    fuzz_assert(check->timeout_ms > 0 && check->retry_interval_ms > 0);
    duration_format(check->timeout_ms, text);
    fuzz_assert(duration_parse(text, &back, NULL) == 0 && back == check->timeout_ms);
}

static void check_min_free(int64_t bytes) {
    char text[DURATION_TEXT_SIZE];
    int64_t back;
    size_format(bytes, text);
    fuzz_assert(bytes < 0 || (size_parse(text, &back, NULL) == 0 && back == bytes));
}

static void check_database(const struct check_config *check) {
    const struct database_config *database = &check->database;
    fuzz_assert(database->dsn.safe && (check->kind != KIND_SQLITE || database->dsn.path));
    fuzz_assert(database->role != ROLE_QUEUE || check->kind == KIND_SQLITE);
    fuzz_assert(database->role <= ROLE_QUEUE);
    check_min_free(database->min_free_bytes);
}

static void check_directory(const struct directory_config *directory) {
    fuzz_assert(directory->path && directory->path[0] == '/' && directory->role <= DIRECTORY_WAKEUP);
    check_min_free(directory->min_free_bytes);
}

static void check_settings(const struct settings_config *settings) {
    fuzz_assert(
        settings->format == SETTINGS_ENVIRONMENT ? settings->environment != NULL : settings->path != NULL);
}

static void check_app(const struct app_config *app) {
    fuzz_assert(is_one_of(app->url, "http://") && app->expect && app->fall >= 1);
}

/* What each kind of check relies on. */
static void check_one(const struct config *config, size_t number) {
    const struct check_config *check = &config->checks[number];
    fuzz_assert(str_is_name(check->name) && strcmp(check_kind_id_name(check->kind), "?") != 0);
    for (size_t i = 0; i < number; i++)
        fuzz_assert(strcmp(config->checks[i].name, check->name) != 0);
    check_times(check);
    if (check->kind == KIND_POSTGRES || check->kind == KIND_MYSQL || check->kind == KIND_SQLITE)
        check_database(check);
    if (check->kind == KIND_DIRECTORY)
        check_directory(&check->directory);
    if (check->kind == KIND_SETTINGS)
        check_settings(&check->settings);
    if (check->kind == KIND_HTTP)
        check_app(&check->app);
    fuzz_assert(check_config_equal(check, check) && check_config_patience_ms(check) >= 0);
}

/* What a secret file holds is seen nowhere; but for texts that are meant to be seen, wherever they come from.
 */
static void check_secrets(const struct config *config, bool is_in_input) {
    for (size_t i = 0; i < config->item_count; i++)
        if (!is_in_input && is_one_of(config->items[i].key, "databases."))
            fuzz_assert(!fuzz_shows_secret(config->items[i].value));
    for (size_t i = 0; i < config->warning_count; i++)
        fuzz_assert(is_in_input || !fuzz_shows_secret(config->warnings[i]));
}

/* It would ask whoever listens where its URL leads. */
static void check_asks(const struct config *config, const char *url) {
    char *listen = fuzz_text(url + 7, strcspn(url + 7, "/"));
    fuzz_assert(config_asks(config, listen));
    free(listen);
}

static void check_config(const struct config *config, const struct config_source *source) {
    struct address address;
    fuzz_assert(config->check_count > 0 && config->check_count <= CONFIG_CHECKS_MAX);
    fuzz_assert(address_parse(config->listen, &address, NULL) == 0);
    fuzz_assert(!config_asks(config, config->listen));
    for (size_t i = 0; i < config->check_count; i++)
        check_one(config, i);
    for (size_t i = 0; i < config->check_count; i++)
        if (config->checks[i].kind == KIND_HTTP)
            check_asks(config, config->checks[i].app.url);
    for (size_t i = 0; i < config->item_count; i++) {
        fuzz_assert(config->items[i].key[0] && config->items[i].value && config->items[i].origin[0]);
        for (size_t j = 0; j < i; j++)
            fuzz_assert(strcmp(config->items[i].key, config->items[j].key) != 0);
    }
    fuzz_assert(config_is_sandboxed(source) == config->is_sandboxed);
    char *listen = config_listen(source);
    fuzz_assert(strcmp(listen, config->listen) == 0);
    free(listen);
}

/* Two alike are no longer so once one of them asks for something else. */
static void check_differs(const struct check_config *check, struct check_config *other) {
    struct settings_config *settings = &other->settings;
    if (other->kind == KIND_SETTINGS && settings->require_count > 0) {
        settings->require[0][0] ^= 1;
        fuzz_assert(!check_config_asks_the_same(check, other));
        settings->require[0][0] ^= 1;
        settings->require_count--;
        fuzz_assert(!check_config_asks_the_same(check, other));
        settings->require_count++;
    }
    other->slow_ms++;
    fuzz_assert(check_config_asks_the_same(check, other) && !check_config_equal(check, other));
    other->slow_ms--;
}

static void check_equal(const struct config *a, const struct config *b) {
    fuzz_assert(a->check_count == b->check_count && a->item_count == b->item_count);
    for (size_t i = 0; i < a->check_count; i++) {
        fuzz_assert(check_config_equal(&a->checks[i], &b->checks[i]));
        fuzz_assert(i == 0 || !check_config_equal(&a->checks[i - 1], &b->checks[i]));
        check_differs(&a->checks[i], &b->checks[i]);
    }
}

FUZZ_TARGET(config) {
    struct input input;
    struct error err = {.text = ""};
    char *text = fuzz_text(data, size);
    for (size_t i = 0; i < size; i++)
        if (!text[i])
            text[i] = 'N';
    if (!is_harmless(text)) {
        free(text);
        return -1;
    }
    bool is_in_input = strstr(text, "s3");
    input_init(&input, text);
    struct config_source source = {input.environment, input.flags, input.flag_count};
    struct config *config = config_load(&source, &err), *again = config_load(&source, NULL);
    fuzz_assert(!config == !again && !config == (err.text[0] != '\0'));
    if (config) {
        check_config(config, &source);
        check_secrets(config, is_in_input);
        check_equal(config, again);
    } else {
        fuzz_assert(is_in_input || !fuzz_shows_secret(err.text));
        config_is_sandboxed(&source);
        free(config_listen(&source));
    }
    config_free(config);
    config_free(again);
    free(input.text);
    return 0;
}
