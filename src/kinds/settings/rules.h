/* What Bugsink's start-up refuses in its settings. Pure. */
#ifndef BH_KINDS_SETTINGS_RULES_H
#define BH_KINDS_SETTINGS_RULES_H

#include "kinds/settings/names.h"
#include "config/config.h"

/* A rule that is broken: the setting's name and what is wrong with it, in fixed words, never its value. */
struct settings_breach {
    const char *name;
    const char *what;
    size_t offset; /* of the setting in the text; SIZE_MAX: not known */
};

/* Judges a settled list as Bugsink's start-up does: a Python file as its settings module, everything else as
 * the environment that the settings of its Docker image read. What is of unknown value is not judged. Fills
 * the first `size` breaches, and returns how many there are in all. */
size_t settings_rules_judge(const struct settings_names *names, enum settings_format format,
    struct settings_breach *breaches, size_t size);

/* Whether Python's int() takes this text. */
bool settings_rules_is_integer(const char *text);

#endif
