/* Parses settings and judges them, as the settings kind does with what it has read. */
#include "kinds/settings/settings_judged.h"

#include "kinds/settings/env.h"
#include "kinds/settings/json.h"
#include "kinds/settings/python.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

int settings_judged_parse(const char *text, enum settings_format format, struct settings_names *names) {
    struct settings_fault fault;
    switch (format) {
    case SETTINGS_PYTHON: return settings_python_parse(text, names, &fault);
    case SETTINGS_JSON: return settings_json_parse(text, names, &fault);
    case SETTINGS_ENV: return settings_env_parse(text, names, &fault);
    case SETTINGS_ENVIRONMENT: break;
    }
    char *entry = str_dup(text), *entries[] = {entry, NULL};
    settings_environment_parse(entries, names);
    free(entry);
    return 0;
}

struct strbuf settings_judged(const char *text, enum settings_format format) {
    struct settings_names names = {0};
    struct settings_breach breaches[8];
    struct strbuf list = {0};
    ck_assert_msg(settings_judged_parse(text, format, &names) == 0, "%s", text);
    settings_names_settle(&names);
    size_t count = settings_rules_judge(&names, format, breaches, 8);
    strbuf_append(&list, "");
    for (size_t i = 0; i < count; i++)
        strbuf_format(&list, "%s%s %s", i > 0 ? "; " : "", breaches[i].name, breaches[i].what);
    settings_names_release(&names);
    return list;
}

void settings_judged_assert(const struct judged_row *rows, size_t count, enum settings_format format) {
    for (size_t i = 0; i < count; i++) {
        struct strbuf list = settings_judged(rows[i].text, format);
        ck_assert_msg(strcmp(list.data, rows[i].says) == 0, "%s\n--> \"%s\"\nnot \"%s\"", rows[i].text,
            list.data, rows[i].says);
        strbuf_release(&list);
    }
}
