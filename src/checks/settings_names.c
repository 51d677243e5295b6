/* A list of assigned names. */
#include "checks/settings_names.h"

#include <stdlib.h>
#include <string.h>

void settings_names_add(struct settings_names *names, const char *text, size_t length, bool has_value) {
    if (names->count == names->capacity && !names->is_broken) {
        size_t capacity = names->capacity ? 2 * names->capacity : 64;
        struct settings_name *items = realloc(names->items, capacity * sizeof *items);
        names->is_broken = !items;
        if (items) {
            names->items = items;
            names->capacity = capacity;
        }
    }
    char *copy = names->is_broken ? NULL : strndup(text, length);
    if (!copy) {
        names->is_broken = true;
        return;
    }
    names->items[names->count] = (struct settings_name){copy, names->count, has_value};
    names->count++;
}

static int compare(const void *a, const void *b) {
    const struct settings_name *left = a, *right = b;
    int order = strcmp(left->text, right->text);
    return order != 0 ? order : left->order < right->order ? -1 : left->order > right->order;
}

void settings_names_settle(struct settings_names *names) {
    if (names->count == 0)
        return;
    qsort(names->items, names->count, sizeof *names->items, compare);
    size_t kept = 0;
    for (size_t i = 0; i < names->count; i++) {
        if (i + 1 < names->count && strcmp(names->items[i].text, names->items[i + 1].text) == 0)
            free(names->items[i].text);
        else
            names->items[kept++] = names->items[i];
    }
    names->count = kept;
}

static int compare_to_name(const void *key, const void *item) {
    return strcmp(key, ((const struct settings_name *)item)->text);
}

bool settings_names_has(const struct settings_names *names, const char *name) {
    if (names->count == 0)
        return false;
    const struct settings_name *found =
        bsearch(name, names->items, names->count, sizeof *names->items, compare_to_name);
    return found && found->has_value;
}

void settings_names_release(struct settings_names *names) {
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i].text);
    free(names->items);
    memset(names, 0, sizeof *names);
}

int settings_fault_at(struct settings_fault *fault, const char *text, const char *at, const char *what) {
    *fault = (struct settings_fault){1, 1, what};
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
