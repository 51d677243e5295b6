/* Tests that cannot be run here, in a file in the run's scratch directory: each test is a process. */
#include "harness/skip.h"

#include "base/io.h"
#include "base/str.h"
#include "harness/tempdir.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_SIZE = 512, TEXT_MAX = 1 << 20 };

/* A line: SUITE TEST WHY. */
void skip_test_in(const char *file, const char *test, const char *why) {
    char line[LINE_MAX_SIZE];
    const char *name = strstr(file, "/test_");
    fprintf(stderr, "skipped: %s: %s\n", test, why);
    name = name ? name + strlen("/test_") : file;
    int length = snprintf(line, sizeof line, "%.*s %s %s\n", (int)strcspn(name, "."), name, test, why);
    char *path = tempdir_path(getenv("BH_TEST_ROOT"), "skipped");
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0 || length >= (int)sizeof line || write(fd, line, (size_t)length) != length)
        perror(path);
    close(fd);
    free(path);
}

char *skip_read(void) {
    char *path = tempdir_path(getenv("BH_TEST_ROOT"), "skipped"), *text = NULL;
    size_t length;
    if (io_read_file(path, TEXT_MAX, &text, &length, NULL) < 0)
        text = str_dup("");
    free(path);
    return text;
}

bool skip_find(const char *skipped, const char *suite, const char *test, char *why, size_t size) {
    char line[LINE_MAX_SIZE], its_suite[128], its_test[256];
    int at = 0;
    for (const char *start = skipped; *start; start += strcspn(start, "\n") + 1) {
        snprintf(line, sizeof line, "%.*s", (int)strcspn(start, "\n"), start);
        if (sscanf(line, "%127s %255s %n", its_suite, its_test, &at) != 2 || strcmp(its_suite, suite) != 0 ||
            (strcmp(its_test, test) != 0 && strcmp(its_test, SKIP_ALL) != 0))
            continue;
        snprintf(why, size, "%s", line + at);
        return true;
    }
    return false;
}
