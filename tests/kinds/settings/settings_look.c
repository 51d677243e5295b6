/* Looks at settings as the settings kind does. */
#include "kinds/settings/settings_look.h"

#include "base/str.h"
#include "kinds/settings/settings.h"

#include <stdlib.h>
#include <string.h>

struct outcome settings_look(
    const char *path, enum settings_format format, const char *required, int64_t timeout_ms) {
    char text[512], *names[8], *rest = text, *path_copy = str_dup(path);
    struct check_config config = {.kind = KIND_SETTINGS,
        .timeout_ms = timeout_ms,
        .settings.path = path_copy,
        .settings.format = format,
        .settings.require = names};
    str_copy(text, sizeof text, required);
    for (char *name; (name = strsep(&rest, " ")) != NULL;)
        if (*name)
            names[config.settings.require_count++] = name;
    struct outcome outcome;
    settings_examine(&config, &(struct phase_report){0}, &outcome);
    free(path_copy);
    return outcome;
}
