/* Reads settings in an environment file. Pure. */
#ifndef BH_KINDS_SETTINGS_ENV_H
#define BH_KINDS_SETTINGS_ENV_H

#include "kinds/settings/names.h"

/* Adds the names of NAME=VALUE lines, read as Docker Compose and shells read them: before a name, `export`
 * may stand; a value may be quoted, and a quoted one may go over several lines; # begins a comment at the
 * start of a line and, after white space, behind a value. What `docker run --env-file` and systemd's
 * EnvironmentFile= see in its place is kept beside it (settings_name.literal). A line that begins with ; is a
 * comment; one with a name alone may set it; other lines without a name are ignored, as systemd does. Returns
 * 0, or -1 with *fault: a quote that is never closed. */
int settings_env_parse(const char *text, struct settings_names *names, struct settings_fault *fault);

/* Adds the names of NULL-terminated NAME=VALUE entries, as execve hands them over. The first of a name
 * counts, as it does for getenv. */
void settings_environment_parse(char *const *entries, struct settings_names *names);

#endif
