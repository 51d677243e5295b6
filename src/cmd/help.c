/* --help and --version, from the same tables that the program works by. */
#include "cmd/cmd.h"

#include "checker/versions.h"
#include "config/config.h"

#include <stdio.h>

static const char COMMANDS[] =
    "usage: bugsink-health [serve] [FLAGS]      run the sidecar\n"
    "       bugsink-health check [--json]       one round of all checks, now; exit 0 ready, 1 not ready, 2 "
    "bad usage\n"
    "       bugsink-health wait [--timeout 60s] [--for ready|start]\n"
    "                                           wait until ready; start: until Bugsink may be started (an "
    "init\n"
    "                                           container's job: missing migrations do not count). 0s: no "
    "limit\n"
    "       bugsink-health probe [live|ready|started|self|URL] [--timeout 3s]\n"
    "                                           ask a running sidecar; print the reason when it fails\n"
    "       bugsink-health config               validate and print the configuration, secrets blanked\n"
    "       bugsink-health explain [CODE...]    what a code means, and what to do\n"
    "       bugsink-health --help | --version\n";

void cmd_print_help(void) {
    puts("bugsink-health: a health sidecar for Bugsink\n");
    fputs(COMMANDS, stdout);
    puts("\nFlags (over environment, over the configuration file, over the default):");
    for (size_t i = 0; config_option_doc(i); i++) {
        const struct config_option_doc *doc = config_option_doc(i);
        if (doc->flag)
            printf("  %-18s %-32s %s (%s)\n", doc->flag, doc->variable, doc->help,
                doc->standard ? doc->standard : "not set");
    }
    puts("\nBugsink's own DATABASE_URL, DATABASE_PATH, SNAPPEA_DATABASE_PATH and BASE_URL are read as "
         "Bugsink reads them.\n"
         "Any variable that is not itself a path may be given as NAME_FILE, the path of a file that holds "
         "the value.");
}

void cmd_print_version(void) {
    char versions[VERSIONS_TEXT_SIZE];
    versions_format(versions);
    printf("bugsink-health %s (%s)\n", BH_VERSION, versions);
}

int cmd_refuse(const char *text) {
    fprintf(stderr, "bugsink-health: %s\n", text);
    return EXIT_USAGE;
}
