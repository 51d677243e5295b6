/* Bugsink's settings: any file of Python, JSON or NAME=VALUE lines, and any environment.
 * Sources: src/kinds/settings/python.c src/kinds/settings/python_token.c
 * src/kinds/settings/python_string.c src/kinds/settings/python_value.c src/kinds/settings/python_number.c
 * src/kinds/settings/python_grammar.c src/kinds/settings/python_grammar_parts.c
 * src/kinds/settings/python_grammar_words.c src/kinds/settings/python_grammar_signs.c
 * src/kinds/settings/python_block.c src/kinds/settings/python_encoding.c src/kinds/settings/json.c
 * src/kinds/settings/env.c src/kinds/settings/names.c src/kinds/settings/rule.c
 * src/kinds/settings/rules.c src/kinds/settings/rules_text.c src/kinds/settings/rules_url.c
 * src/kinds/settings/settings.c */
#include "kinds/settings/settings.h"
#include "kinds/settings/env.h"
#include "kinds/settings/json.h"
#include "kinds/settings/python.h"
#include "kinds/settings/rules.h"
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

enum { ENTRIES_MAX = 64 };

static int parse(enum settings_format format, const char *text, struct settings_names *names,
    struct settings_fault *fault) {
    *fault = (struct settings_fault){0};
    if (format == SETTINGS_PYTHON)
        return settings_python_parse(text, names, fault);
    if (format == SETTINGS_JSON)
        return settings_json_parse(text, names, fault);
    return settings_env_parse(text, names, fault);
}

/* A settled list is in order, each name once, and each is where it says. */
static void check_names(const struct settings_names *names, enum settings_format format, const char *text) {
    fuzz_assert(!names->is_broken && names->count <= names->capacity);
    for (size_t i = 0; i < names->count; i++) {
        const struct settings_name *name = &names->items[i];
        fuzz_assert(i == 0 || strcmp(names->items[i - 1].text, name->text) < 0);
        fuzz_assert(settings_names_find(names, name->text) == name && !name->is_doubt);
        fuzz_assert((name->value == NULL) == (name->kind == VALUE_UNKNOWN || name->kind == VALUE_NONE));
        fuzz_assert(name->kind != VALUE_BOOLEAN || strcmp(name->value, "true") == 0 ||
                    strcmp(name->value, "false") == 0);
        fuzz_assert(!name->is_nested || strncmp(name->text, "BUGSINK.", 8) == 0);
        if (name->offset == SIZE_MAX)
            continue;
        fuzz_assert(text && format != SETTINGS_JSON && name->offset < strlen(text));
        fuzz_assert(name->is_nested || strncmp(text + name->offset, name->text, strlen(name->text)) == 0);
    }
}

static void check_same(const struct settings_names *a, const struct settings_names *b, size_t moved) {
    fuzz_assert(a->count == b->count && a->is_open == b->is_open);
    for (size_t i = 0; i < a->count; i++) {
        const struct settings_name *one = &a->items[i], *other = &b->items[i];
        fuzz_assert(strcmp(one->text, other->text) == 0 && one->kind == other->kind);
        fuzz_assert(one->has_value == other->has_value && one->is_certain == other->is_certain);
        fuzz_assert(one->value ? strcmp(one->value, other->value) == 0 : !other->value);
        fuzz_assert(one->literal ? strcmp(one->literal, other->literal) == 0 : !other->literal);
        fuzz_assert(
            one->offset == SIZE_MAX ? other->offset == SIZE_MAX : one->offset + moved == other->offset);
    }
}

static void check_breaches(const struct settings_names *names, enum settings_format format) {
    struct settings_breach all[128], few[2];
    size_t count = settings_rules_judge(names, format, all, 128);
    fuzz_assert(count <= 128 && settings_rules_judge(names, format, few, 2) == count);
    for (size_t i = 0; i < count; i++)
        fuzz_assert(all[i].name && all[i].what);
    for (size_t i = 0; i < count && i < 2; i++)
        fuzz_assert(few[i].name == all[i].name && few[i].what == all[i].what);
}

/* An empty line in front moves everything by a line, and changes nothing else; nor does one behind what could
 * be read. */
static void read_text(enum settings_format format, const char *text) {
    struct settings_names names = {0}, moved = {0}, longer = {0};
    struct settings_fault fault, moved_fault, ignored;
    size_t length = strlen(text);
    char *after = malloc(length + 2), *before = malloc(length + 2);
    fuzz_assert(after && before);
    before[0] = '\n';
    memcpy(before + 1, text, length + 1);
    memcpy(after, text, length);
    memcpy(after + length, "\n", 2);
    int result = parse(format, text, &names, &fault);
    fuzz_assert(parse(format, before, &moved, &moved_fault) == result);
    if (result == 0)
        fuzz_assert(parse(format, after, &longer, &ignored) == 0);
    settings_names_settle(&names);
    settings_names_settle(&moved);
    settings_names_settle(&longer);
    check_names(&names, format, text);
    if (result == 0) {
        check_same(&names, &moved, 1);
        check_same(&names, &longer, 0);
        check_breaches(&names, format);
    } else {
        fuzz_assert(fault.line >= 1 && fault.column >= 1 && fault.what);
        /* that it is no object is said of the whole text */
        bool is_of_all = format == SETTINGS_JSON && moved_fault.line == 1 && moved_fault.column == 1;
        fuzz_assert(moved_fault.what == fault.what);
        fuzz_assert(moved_fault.line == fault.line + (is_of_all ? 0 : 1));
        fuzz_assert(format == SETTINGS_JSON || moved_fault.column == fault.column);
    }
    settings_names_release(&names);
    settings_names_release(&moved);
    settings_names_release(&longer);
    free(before);
    free(after);
}

static void check_phase(struct phase_report *report, enum phase phase) {
    (void)report;
    fuzz_assert(phase == PHASE_STAT || phase == PHASE_READ);
}

static bool is_of_settings(enum reason reason) {
    return reason == REASON_OK || reason == REASON_EMPTY || reason == REASON_ENCODING ||
           reason == REASON_PARSE_ERROR || reason == REASON_MISSING_SETTING ||
           reason == REASON_INVALID_SETTING;
}

/* The look as a whole: its text for the log has fixed words and no more. */
static void examine(const struct check_config *config) {
    struct outcome outcome;
    settings_examine(config, &(struct phase_report){.tell = check_phase}, &outcome);
    fuzz_assert(is_of_settings(outcome.reason));
    int64_t line;
    fuzz_assert(!observed_get(&outcome.observed, OBSERVED_LINE, &line) || line >= 1);
    fuzz_assert(memchr(outcome.detail, '\0', sizeof outcome.detail));
    fuzz_assert((outcome.reason == REASON_OK) == (outcome.detail[0] == '\0'));
    fuzz_assert(!fuzz_shows_secret(outcome.detail) && !fuzz_shows_secret(outcome.code));
    for (const char *c = outcome.detail; *c; c++)
        fuzz_assert(*c >= 0x20 && *c < 0x7f);
}

/* Each line is an entry. */
static void examine_environment(struct check_config *config, char *text) {
    char *entries[ENTRIES_MAX + 1];
    size_t count = 0;
    for (char *line = text; line && count < ENTRIES_MAX;) {
        char *end = strchr(line, '\n');
        entries[count++] = line;
        if (end)
            *end = '\0';
        line = end ? end + 1 : NULL;
    }
    entries[count] = NULL;
    struct settings_names names = {0};
    settings_environment_parse(entries, &names);
    settings_names_settle(&names);
    check_names(&names, SETTINGS_ENVIRONMENT, NULL);
    check_breaches(&names, SETTINGS_ENVIRONMENT);
    settings_names_release(&names);
    config->settings.environment = entries;
    examine(config);
    config->settings.environment = NULL;
}

/* What cannot be read as a file is told from what is wrong in it. */
static void examine_none(struct check_config *config) {
    char missing[] = "/nowhere/at all", directory[] = "/";
    struct outcome outcome;
    config->settings.path = missing;
    settings_examine(config, &(struct phase_report){.tell = check_phase}, &outcome);
    fuzz_assert(outcome.reason == REASON_FILE_MISSING);
    config->settings.path = directory;
    settings_examine(config, &(struct phase_report){.tell = check_phase}, &outcome);
    fuzz_assert(outcome.reason == REASON_NOT_A_FILE);
}

FUZZ_TARGET(settings) {
    static char secret_key[] = "SECRET_KEY", bugsink[] = "BUGSINK";
    char *require[] = {secret_key, bugsink};
    struct fuzz_input input = {data, size};
    const char *formats = "pjev";
    const char *format = strchr(formats, (int)fuzz_take(&input));
    if (!format || !*format)
        return -1;
    struct check_config config = {.kind = KIND_SETTINGS,
        .settings.format = (enum settings_format)(format - formats),
        .settings.require = require,
        .settings.require_count = *format == 'p' ? 2 : 1};
    char *text = fuzz_text(input.at, input.left);
    if (config.settings.format == SETTINGS_ENVIRONMENT) {
        examine_environment(&config, text);
    } else {
        char path[64];
        strncpy(path, fuzz_file(0, input.at, input.left), sizeof path - 1);
        path[sizeof path - 1] = '\0';
        config.settings.path = path;
        read_text(config.settings.format, text);
        examine(&config);
        if (input.left == 0)
            examine_none(&config);
    }
    free(text);
    return 0;
}
