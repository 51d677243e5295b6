/* Reads the configuration file and checks that each key in it is one of ours. */
#include "config/file.h"

#include "base/io.h"
#include "base/str.h"
#include "config/excerpt.h"
#include "config/memory.h"
#include "config/options.h"
#include "config/suggest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX_BYTES = 1024 * 1024, KEY_SIZE = 256 };

/* -- keys -- */

/* Whether the key at this place is an option (2), a group of options (1) or neither (0). */
static int find_key(const char *key) {
    size_t length = strlen(key);
    const struct config_option_doc *doc;
    for (size_t i = 0; (doc = config_option_doc(i)) != NULL; i++)
        if (doc->key && strncmp(doc->key, key, length) == 0 &&
            (doc->key[length] == '\0' || doc->key[length] == '.'))
            return doc->key[length] == '\0' ? 2 : 1;
    return 0;
}

/* The key within the group that the n-th option belongs to. Returns false where it is in another group. */
static bool known_key(size_t n, const char *group, char key[KEY_SIZE]) {
    const struct config_option_doc *doc = config_option_doc(n);
    size_t length = strlen(group);
    if (!doc->key || strncmp(doc->key, group, length) != 0)
        return false;
    str_copy(key, KEY_SIZE, doc->key + length);
    key[strcspn(key, ".")] = '\0';
    return true;
}

/* Calls visit, once, with each key that is known in the group, whose name ends with a dot or is empty. */
static void visit_known(const char *group, void (*visit)(void *arg, const char *key), void *arg) {
    char key[KEY_SIZE], earlier[KEY_SIZE];
    for (size_t i = 0; config_option_doc(i); i++) {
        bool is_known = known_key(i, group, key);
        for (size_t j = 0; j < i && is_known; j++)
            is_known = !known_key(j, group, earlier) || strcmp(earlier, key) != 0;
        if (is_known)
            visit(arg, key);
    }
}

struct search {
    const char *word;
    char best[KEY_SIZE];
    size_t distance;
    struct strbuf list;
};

static void consider(void *arg, const char *key) {
    struct search *search = arg;
    struct suggestion suggestion;
    suggestion_init(&suggestion, search->word);
    suggestion_consider(&suggestion, key);
    if (suggestion.best && (!search->best[0] || suggestion.distance < search->distance)) {
        str_copy(search->best, sizeof search->best, key);
        search->distance = suggestion.distance;
    }
    strbuf_append(&search->list, search->list.length > 0 ? ", " : "");
    strbuf_append(&search->list, key);
}

/* shown is the group as it stands in the file, group as the table has it. */
static int refuse_key(const char *shown, const char *group, const char *key, struct error *err) {
    struct search search = {.word = key, .list = {.is_vital = true}};
    visit_known(group, consider, &search);
    if (search.best[0])
        error_set(err, "unknown key %s%s; did you mean %s?", shown, option_quotable(key), search.best);
    else
        error_set(err, "unknown key %s%s; known here: %s", shown, option_quotable(key), search.list.data);
    strbuf_release(&search.list);
    return -1;
}

/* The name of a database or directory: group is "databases." or "directories.". */
static int check_name(const char *group, const char *name, struct error *err) {
    bool is_of_directory = strcmp(name, CHECK_NAME_INGESTION) == 0 || strcmp(name, CHECK_NAME_WAKEUP) == 0;
    if (strcmp(name, CHECK_NAME_APP) == 0 || strcmp(name, CHECK_NAME_SETTINGS) == 0 ||
        (is_of_directory && strcmp(group, "databases.") == 0))
        return error_set(err, "%s%s: that name is taken by a check of our own; choose another", group, name);
    if (!str_is_name(name))
        return error_set(err,
            "%.*s: the name %s is not valid; a name is 1 to 63 letters, digits, - _ and ., and begins "
            "with a letter or digit",
            (int)strlen(group) - 1, group, option_quotable(name));
    return 0;
}

/* NOLINTBEGIN(misc-no-recursion): no deeper than the keys of the table of options */

static int check_group(json_t *object, const char *shown, const char *group, struct error *err);

/* One key of a group, and what is below it. */
static int check_key(
    const char *shown, const char *group, const char *key, json_t *value, struct error *err) {
    char shown_key[KEY_SIZE], table_key[KEY_SIZE];
    bool is_named = strcmp(group, "databases.") == 0 || strcmp(group, "directories.") == 0;
    if (is_named && check_name(group, key, err) < 0)
        return -1;
    bool fits = str_copy(table_key, sizeof table_key, group) &&
                str_copy(table_key + strlen(table_key), sizeof table_key - strlen(table_key),
                    is_named ? "NAME" : key) &&
                str_copy(shown_key, sizeof shown_key, shown) &&
                str_copy(shown_key + strlen(shown_key), sizeof shown_key - strlen(shown_key), key);
    /* A dot within a key would look like the way to a key below. */
    int found = fits && (is_named || !strchr(key, '.')) ? find_key(table_key) : 0;
    if (found == 0)
        return refuse_key(shown, group, key, err);
    if (found == 2 ||
        (json_is_null(value) && strcmp(table_key, "databases") != 0 && strcmp(table_key, "directories") != 0))
        return 0;
    if (!json_is_object(value))
        return error_set(err, "%s: must be an object: {...}, with keys of its own", shown_key);
    str_copy(table_key + strlen(table_key), sizeof table_key - strlen(table_key), ".");
    str_copy(shown_key + strlen(shown_key), sizeof shown_key - strlen(shown_key), ".");
    return check_group(value, shown_key, table_key, err);
}

static int check_group(json_t *object, const char *shown, const char *group, struct error *err) {
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value) {
        if (check_key(shown, group, key, value, err) < 0)
            return -1;
    }
    return 0;
}

/* NOLINTEND(misc-no-recursion) */

/* -- the file -- */

/* jansson's own texts quote what stands near the fault, which may be a password. */
static const char *explain(enum json_error_code code) {
    static const struct {
        enum json_error_code code;
        const char *text;
    } FAULTS[] = {
        {json_error_premature_end_of_input, "ends too early: a quote, bracket or brace is not closed"},
        {json_error_end_of_input_expected, "something follows the closing brace"},
        {json_error_invalid_utf8, "not UTF-8"},
        {json_error_null_character, "\\u0000 is not allowed"},
        {json_error_null_byte_in_key, "\\u0000 is not allowed"},
        {json_error_duplicate_key, "the same key a second time in one object"},
        {json_error_numeric_overflow, "a number too large"},
        {json_error_stack_overflow, "nested too deeply"},
        {json_error_out_of_memory, "out of memory"},
    };
    for (size_t i = 0; i < sizeof FAULTS / sizeof FAULTS[0]; i++)
        if (FAULTS[i].code == code)
            return FAULTS[i].text;
    return "not valid JSON here: a quote, comma, colon or bracket is missing, or there is one too many "
           "(JSON has no comments, and no comma behind the last element)";
}

/* The fault of a text that cannot be parsed, with its place: where the word at fault begins, at which the
 * caret points. (jansson names the column in which it ends.) */
static int fail_parsing(const struct config_file *file, const json_error_t *error, struct error *err) {
    struct error shown = {.text = ""};
    size_t line = error->line > 0 ? (size_t)error->line : 0;
    size_t column = error->column > 0 ? (size_t)error->column : 1;
    if (line > 0)
        column = excerpt_point(file->text, line, column, NULL, &shown);
    error_set(err, "%.200s:%zu:%zu: %s", file->path, line, column, explain(json_error_code(error)));
    if (err)
        str_copy(err->excerpt, sizeof err->excerpt, shown.excerpt);
    return -1;
}

static int parse(struct config_file *file, struct error *err) {
    json_error_t error;
    const char *text = file->text;
    size_t length = file->length;
    /* Some editors put a byte order mark in front; it is no part of the text. */
    size_t mark = length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    file->root = json_loadb(text + mark, length - mark, JSON_REJECT_DUPLICATES, &error);
    if (!file->root)
        return fail_parsing(file, &error, err);
    if (!json_is_object(file->root))
        return error_set(err, "%.200s: must hold an object: {\"interval\": \"5s\"}", file->path);
    return 0;
}

int config_file_check(const struct config_file *file, struct error *err) {
    return check_group(file->root, "", "", err) < 0 ? error_prefix(err, "%.200s", file->path) : 0;
}

int config_file_open(struct config_file *file, const char *path, struct error *err) {
    char *text;
    size_t length;
    *file = (struct config_file){.path = NULL};
    if (io_read_file(path, FILE_MAX_BYTES, &text, &length, err) < 0)
        return errno == EFBIG ? error_set(err, "%.200s: larger than 1 MiB", path) : -1;
    file->path = str_dup(path);
    json_get_alloc_funcs(&file->malloc_before, &file->free_before);
    json_set_alloc_funcs(memory_wiping_malloc, memory_wiping_free);
    file->text = text;
    file->length = length;
    int result = parse(file, err);
    if (result < 0)
        config_file_close(file);
    return result;
}

void config_file_close(struct config_file *file) {
    if (!file->path)
        return;
    json_decref(file->root);
    explicit_bzero(file->text, file->length);
    free(file->text);
    json_set_alloc_funcs(file->malloc_before, file->free_before);
    free(file->path);
    *file = (struct config_file){.path = NULL};
}

void config_file_show(const struct config_file *file, struct error *err) {
    if (file->path && file->text)
        excerpt_find(file->text, file->path, err);
}

json_t *config_file_find(const struct config_file *file, const char *key) {
    json_t *value = file->root;
    while (value && *key) {
        char name[KEY_SIZE];
        size_t length = strcspn(key, ".");
        str_copy(name, length < sizeof name ? length + 1 : sizeof name, key);
        value = json_object_get(value, name);
        key += length + (key[length] == '.');
    }
    return value;
}
