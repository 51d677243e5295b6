/* A list of assigned names. */
#include "kinds/settings/names.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

static struct settings_name *take(struct settings_names *names, char *copy) {
    /* The list has the copy, or it is freed. NOLINTNEXTLINE(Wanalyzer-malloc-leak) */
    if (names->count == names->capacity && !names->is_broken) {
        size_t capacity = names->capacity ? 2 * names->capacity : 64;
        struct settings_name *items = realloc(names->items, capacity * sizeof *items);
        names->is_broken = !items;
        if (items) {
            names->items = items;
            names->capacity = capacity;
        }
    }
    if (!copy || names->is_broken) {
        names->is_broken = true;
        free(copy);
        return NULL;
    }
    struct settings_name *name = &names->items[names->count];
    *name =
        (struct settings_name){.text = copy, .order = names->count, .is_certain = true, .offset = SIZE_MAX};
    names->count++;
    return name;
}

struct settings_name *settings_names_add(
    struct settings_names *names, const char *text, size_t length, bool has_value) {
    struct settings_name *name = take(names, strndup(text, length));
    if (name)
        name->has_value = has_value;
    return name;
}

struct settings_name *settings_names_add_nested(
    struct settings_names *names, const char *key, size_t length) {
    struct strbuf text = {0};
    strbuf_append(&text, "BUGSINK.");
    strbuf_append_n(&text, key, length);
    if (text.is_broken)
        strbuf_release(&text);
    struct settings_name *name = take(names, text.data);
    if (name)
        name->is_nested = name->has_value = true;
    return name;
}

static void forget(struct settings_name *name) {
    str_free_secret(name->value);
    str_free_secret(name->literal);
    name->value = name->literal = NULL;
    name->kind = VALUE_UNKNOWN;
}

void settings_names_set(struct settings_names *names, struct settings_name *name, enum settings_value kind,
    const char *text, size_t length) {
    forget(name);
    if (kind != VALUE_UNKNOWN && kind != VALUE_NONE) {
        name->value = strndup(text, length);
        names->is_broken = names->is_broken || !name->value;
    }
    if (!names->is_broken)
        name->kind = kind;
}

void settings_names_set_literal(
    struct settings_names *names, struct settings_name *name, const char *text, size_t length) {
    if (!name->value || (strlen(name->value) == length && memcmp(name->value, text, length) == 0))
        return;
    name->literal = strndup(text, length);
    names->is_broken = names->is_broken || !name->literal;
}

void settings_names_doubt(struct settings_names *names, const char *text, size_t length) {
    struct settings_name *name = settings_names_add(names, text, length, false);
    if (name)
        name->is_doubt = true;
}

void settings_names_doubt_all(struct settings_names *names) {
    names->doubt_order = names->nested_doubt_order = names->count;
    names->is_open = true;
}

void settings_names_doubt_nested(struct settings_names *names) {
    names->nested_doubt_order = names->count;
}

static int compare(const void *a, const void *b) {
    const struct settings_name *left = a, *right = b;
    int order = strcmp(left->text, right->text);
    return order != 0 ? order : left->order < right->order ? -1 : left->order > right->order;
}

/* Of one name the last assignment stands; a doubt that comes later leaves it without a known value. */
static void merge(struct settings_name *earlier, struct settings_name *later) {
    if (later->is_doubt) {
        forget(earlier);
        earlier->is_certain = false;
        free(later->text);
        return;
    }
    free(earlier->text);
    forget(earlier);
    *earlier = *later;
}

static void settle_value(const struct settings_names *names, struct settings_name *name) {
    if (name->order < names->doubt_order || (name->is_nested && name->order < names->nested_doubt_order))
        forget(name);
}

void settings_names_settle(struct settings_names *names) {
    if (names->count == 0)
        return;
    qsort(names->items, names->count, sizeof *names->items, compare);
    size_t kept = 0;
    for (size_t i = 0; i < names->count; i++) {
        struct settings_name *item = &names->items[i];
        settle_value(names, item);
        if (kept > 0 && strcmp(names->items[kept - 1].text, item->text) == 0)
            merge(&names->items[kept - 1], item);
        else if (item->is_doubt)
            free(item->text);
        else
            names->items[kept++] = *item;
    }
    names->count = kept;
}

static int compare_to_name(const void *key, const void *item) {
    return strcmp(key, ((const struct settings_name *)item)->text);
}

const struct settings_name *settings_names_find(const struct settings_names *names, const char *name) {
    if (names->count == 0)
        return NULL;
    return bsearch(name, names->items, names->count, sizeof *names->items, compare_to_name);
}

bool settings_names_has(const struct settings_names *names, const char *name) {
    const struct settings_name *found = settings_names_find(names, name);
    return found && found->has_value;
}

size_t settings_names_count(const struct settings_names *names) {
    size_t count = 0;
    for (size_t i = 0; i < names->count; i++)
        count += !names->items[i].is_nested;
    return count;
}

void settings_names_release(struct settings_names *names) {
    for (size_t i = 0; i < names->count; i++) {
        free(names->items[i].text);
        forget(&names->items[i]);
    }
    free(names->items);
    memset(names, 0, sizeof *names);
}

int settings_fault_at(struct settings_fault *fault, const char *text, const char *at, const char *what) {
    *fault = (struct settings_fault){.line = 1, .column = 1, .what = what};
    for (const char *c = text; c < at; c++) {
        if (*c == '\n' || (*c == '\r' && c[1] != '\n')) {
            fault->line++;
            fault->column = 1;
        } else if (((unsigned char)*c & 0xc0) != 0x80 && *c != '\r') {
            fault->column++;
        }
    }
    return -1;
}

int settings_fault_encoding(struct settings_fault *fault, const char *text, const char *at) {
    settings_fault_at(fault, text, at, *at == '\0' ? "a NUL character" : "not UTF-8");
    fault->is_encoding = true;
    return -1;
}
