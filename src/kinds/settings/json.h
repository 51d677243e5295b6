/* Reads settings in a JSON object. Pure. */
#ifndef BH_KINDS_SETTINGS_JSON_H
#define BH_KINDS_SETTINGS_JSON_H

#include "kinds/settings/names.h"

/* Adds the keys of the object that text is; a key whose value is null counts as assigned nothing. Takes what
 * Python's json module takes: NaN and Infinity, numbers of any size, half a surrogate pair, and of a key that
 * is there twice the last. Anything but one object is refused. Returns 0, or -1 with *fault. */
int settings_json_parse(const char *text, struct settings_names *names, struct settings_fault *fault);

#endif
