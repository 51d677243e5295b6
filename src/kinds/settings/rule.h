/* What the rules of rules.c are made of: the settings one looks at, and how Bugsink reads them.
 * Pure. */
#ifndef BH_KINDS_SETTINGS_RULE_H
#define BH_KINDS_SETTINGS_RULE_H

#include "kinds/settings/names.h"

/* What a rule looks at. */
struct settings_subject {
    const struct settings_names *names;
    bool is_python;
    bool is_literal;                     /* values are as settings_name.literal has them */
    const struct settings_name *setting; /* the one of the rule; NULL: not set */
};

/* The text of subject->setting, which is of a known value; NULL for none. */
const char *subject_value(const struct settings_subject *subject);

const struct settings_name *subject_find(const struct settings_subject *subject, const char *name);

/* The text of a setting; NULL where it is not set, not known, or none. */
const char *subject_text(const struct settings_subject *subject, const char *name);

/* Whether a setting is set, but its value is not known. */
bool subject_is_unknown(const struct settings_subject *subject, const char *name);

/* Whether the image takes a setting for true; what is not known is not. */
bool subject_is_true(const struct settings_subject *subject, const char *name);

/* Each rule says what is wrong with subject->setting, in fixed words, or NULL. */

/* rules_text.c */
const char *judge_secret_key(const struct settings_subject *subject);
const char *judge_integer(const struct settings_subject *subject);
const char *judge_optional_integer(const struct settings_subject *subject);
const char *judge_time_zone(const struct settings_subject *subject);
const char *judge_outbound_mode(const struct settings_subject *subject);
const char *judge_superuser(const struct settings_subject *subject);

/* rules_url.c */
const char *judge_base_url(const struct settings_subject *subject);
const char *judge_database_url(const struct settings_subject *subject);
const char *judge_sentry_dsn(const struct settings_subject *subject);
const char *judge_sender(const struct settings_subject *subject);

#endif
