/* Looks settings up for the rules, as Bugsink reads them. */
#include "kinds/settings/rule.h"

#include <string.h>
#include <strings.h>

const struct settings_name *subject_find(const struct settings_subject *subject, const char *name) {
    return settings_names_find(subject->names, name);
}

static const char *value_of(const struct settings_subject *subject, const struct settings_name *setting) {
    return subject->is_literal && setting->literal ? setting->literal : setting->value;
}

const char *subject_value(const struct settings_subject *subject) {
    return value_of(subject, subject->setting);
}

const char *subject_text(const struct settings_subject *subject, const char *name) {
    const struct settings_name *setting = subject_find(subject, name);
    return setting && setting->kind != VALUE_UNKNOWN ? value_of(subject, setting) : NULL;
}

bool subject_is_unknown(const struct settings_subject *subject, const char *name) {
    const struct settings_name *setting = subject_find(subject, name);
    return setting && setting->kind == VALUE_UNKNOWN;
}

bool subject_is_true(const struct settings_subject *subject, const char *name) {
    const char *text = subject_text(subject, name);
    return text && (strcasecmp(text, "true") == 0 || strcmp(text, "1") == 0 || strcasecmp(text, "yes") == 0);
}
