/* One look of the settings kind, for its tests. */
#ifndef BH_TESTS_KINDS_SETTINGS_SETTINGS_LOOK_H
#define BH_TESTS_KINDS_SETTINGS_SETTINGS_LOOK_H

#include "run/check.h"

/* required: names, separated by spaces. */
struct outcome settings_look(
    const char *path, enum settings_format format, const char *required, int64_t timeout_ms);

#endif
