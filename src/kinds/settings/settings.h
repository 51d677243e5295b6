/* The settings kind: whether the file (or environment) that configures Bugsink can be read and holds what it
 * must. */
#ifndef BH_KINDS_SETTINGS_SETTINGS_H
#define BH_KINDS_SETTINGS_SETTINGS_H

#include "run/run.h"

enum { SETTINGS_MAX_BYTES = 1024 * 1024 };

/* Looks at config->settings.path as config->settings.format says, or at config->settings.environment, and
 * fills *outcome. No value of a setting ever gets into *outcome: its texts are fixed,
 * and the names in them are those of config->settings.require and of rules.c. What a file being
 * replaced may look like for a moment (missing, empty, cut short) is looked at again every 100 ms, and
 * reported only when it has lasted 2 s, or two thirds of config->timeout_ms if that is less. Blocks for so
 * long; to be run in a worker. */
void settings_examine(
    const struct check_config *config, struct phase_report *phases, struct outcome *outcome);

#endif
