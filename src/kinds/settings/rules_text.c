/* The rules on a single text: the secret key, whole numbers, the time zone. */
#include "kinds/settings/rule.h"
#include "kinds/settings/rules.h"

#include "base/str.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* -- SECRET_KEY -- */

/* Counts characters, and different ones up to a limit (django/core/checks/security/base.py: len(), set()). */
static void count_characters(const char *text, size_t *count, size_t *different) {
    enum { LIMIT = 5 };
    const char *seen[LIMIT] = {NULL};
    *count = *different = 0;
    while (*text) {
        size_t length = str_utf8_length(text), i = 0;
        length = length > 0 ? length : 1;
        while (i < *different && seen[i] && strncmp(seen[i], text, length) != 0)
            i++;
        if (i == *different && *different < LIMIT)
            seen[(*different)++] = text;
        ++*count;
        text += length;
    }
}

const char *judge_secret_key(const struct settings_subject *subject) {
    const char *text = subject_text(subject, "SECRET_KEY");
    size_t count, different;
    if (subject->is_python && subject->setting && subject->setting->kind == VALUE_NONE)
        return "is empty";
    if (!text)
        return NULL;
    count_characters(text, &count, &different);
    if (count == 0)
        return "is empty";
    if (strncmp(text, "django-insecure-", 16) == 0)
        return "begins with django-insecure-";
    if (count < 50)
        return "is shorter than 50 characters";
    return different < 5 ? "has fewer than 5 different characters" : NULL;
}

/* -- whole numbers -- */

/* int() strips what str.isspace() is true of. */
static bool is_space(char c) {
    return isspace((unsigned char)c) || (c >= 0x1c && c <= 0x1f);
}

/* Beyond ASCII there are digits and white space, too. Which of those characters are is not known here; what
 * stands beside them is. */
static bool may_be_integer_beyond_ascii(const char *text) {
    for (; *text; text++)
        if ((unsigned char)*text < 0x80 && !isdigit((unsigned char)*text) && !is_space(*text) &&
            !strchr("+-_", *text))
            return false;
    return true;
}

bool settings_rules_is_integer(const char *text) {
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] >= 0x80)
            return may_be_integer_beyond_ascii(text);
    while (length > 0 && is_space(text[length - 1]))
        length--;
    size_t at = 0;
    while (at < length && is_space(text[at]))
        at++;
    if (at < length && strchr("+-", text[at]))
        at++;
    bool was_digit = false;
    for (; at < length; at++) {
        if (text[at] == '_' ? !was_digit : !isdigit((unsigned char)text[at]))
            return false;
        was_digit = text[at] != '_';
    }
    return was_digit; /* an underscore stands between digits */
}

const char *judge_integer(const struct settings_subject *subject) {
    const struct settings_name *setting = subject->setting;
    if (!setting || (setting->kind != VALUE_TEXT && setting->kind != VALUE_INTEGER))
        return NULL;
    return settings_rules_is_integer(subject_value(subject)) ? NULL : "is not a whole number";
}

/* An empty one counts as not set. */
const char *judge_optional_integer(const struct settings_subject *subject) {
    const char *text = subject->setting ? subject_value(subject) : NULL;
    bool is_set = text && *text;
    return is_set ? judge_integer(subject) : NULL;
}

/* -- TIME_ZONE -- */

/* Skips one part of a zone's name, which begins with a capital letter and is made of ASCII letters, digits
 * and . - _ + (the Theory file of the time zone database, "Timezone identifiers"). */
static const char *skip_part(const char *at) {
    if (!isupper((unsigned char)*at))
        return at;
    while (isalnum((unsigned char)*at) || (*at && strchr(".-_+", *at)))
        at++;
    return at;
}

/* Whether a name has the form of one with an area: the areas that there are have not changed in decades. */
static bool has_area(const char *text) {
    static const char *const AREAS[] = {"Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic",
        "Australia", "Brazil", "Canada", "Chile", "Etc", "Europe", "Indian", "Mexico", "Mideast", "Pacific",
        "SystemV", "US"};
    size_t length = strcspn(text, "/");
    for (size_t i = 0; i < sizeof AREAS / sizeof AREAS[0]; i++)
        if (strlen(AREAS[i]) == length && strncmp(AREAS[i], text, length) == 0)
            return true;
    return false;
}

/* The database's directory holds more than zones, and Django asks no more than whether a file is there. */
static bool may_be_other_file(const char *text) {
    return strchr(text, '.') || strncmp(text, "posix", 5) == 0 || strncmp(text, "right", 5) == 0 ||
           strncmp(text, "leap", 4) == 0 || strcmp(text, "localtime") == 0 || strstr(text, "//") ||
           *text == '/' || text[strlen(text) - 1] == '/';
}

/* Django refuses a name of which /usr/share/zoneinfo has no file (django/conf/__init__.py). Whether it has
 * one is not known without the database; that it cannot have one is, where the name has no zone's form. */
const char *judge_time_zone(const struct settings_subject *subject) {
    const char *text = subject_text(subject, "TIME_ZONE");
    if (!text || !*text || subject->setting->kind != VALUE_TEXT || may_be_other_file(text))
        return NULL;
    const char *at = skip_part(text);
    bool is_name = at > text;
    while (is_name && *at == '/') {
        const char *part = at + 1;
        at = skip_part(part);
        is_name = at > part;
    }
    if (!is_name || *at)
        return "is not the name of a time zone";
    return strchr(text, '/') && !has_area(text) ? "names no area of the time zone database" : NULL;
}

/* -- the rest -- */

/* bugsink/app_settings.py, _sanitize(). */
const char *judge_outbound_mode(const struct settings_subject *subject) {
    const struct settings_name *setting = subject->setting;
    if (!setting || setting->kind != VALUE_TEXT)
        return NULL;
    const char *mode = subject_value(subject);
    bool is_known = strcasecmp(mode, "open") == 0 || strcasecmp(mode, "allowlist_only") == 0;
    return is_known ? NULL : "must be open or allowlist_only";
}

const char *judge_superuser(const struct settings_subject *subject) {
    const char *text = subject_text(subject, "CREATE_SUPERUSER");
    return text && *text && !strchr(text, ':') ? "must be EMAIL:PASSWORD" : NULL;
}
