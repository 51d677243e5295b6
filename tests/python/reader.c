/* Reads the Python files whose paths stand one a line on standard input, and says of each on a line of its
 * own: "ok", or what is wrong with it and where. For compare.py. */
#include "kinds/settings/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
    char path[4096];
    while (fgets(path, sizeof path, stdin)) {
        struct outcome outcome;
        path[strcspn(path, "\n")] = '\0';
        const struct check_config config = {.kind = KIND_SETTINGS,
            .timeout_ms = 0,
            .settings.path = path,
            .settings.format = SETTINGS_PYTHON};
        settings_examine(&config, &(struct phase_report){0}, &outcome);
        bool is_read = outcome.reason != REASON_PARSE_ERROR && outcome.reason != REASON_ENCODING;
        printf("%s %s\n", is_read ? "ok" : reason_info(outcome.reason)->slug, outcome.detail);
        fflush(stdout);
    }
    return 0;
}
