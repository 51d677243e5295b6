/* Reads settings in a JSON object. Pure. */
#ifndef BH_KINDS_SETTINGS_JSON_H
#define BH_KINDS_SETTINGS_JSON_H

#include "kinds/settings/names.h"

/* Adds the keys of the object that text is; a key whose value is null counts as assigned nothing. Anything
 * but one object is refused, and so are duplicate keys. Returns 0, or -1 with *fault. Ends the process where
 * memory is out. */
int settings_json_parse(
    const char *text, size_t length, struct settings_names *names, struct settings_fault *fault);

#endif
