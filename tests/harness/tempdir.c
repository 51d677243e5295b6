/* Scratch directories for tests. */
#include "harness/tempdir.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void fail(const char *what) {
    perror(what);
    abort();
}

void tempdir_begin(void) {
    const char *base = getenv("TMPDIR");
    char root[256];
    snprintf(root, sizeof root, "%s/bugsink-health-test.XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(root) || chmod(root, 0755) < 0 || setenv("BH_TEST_ROOT", root, 1) < 0)
        fail(root);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path) == 0 ? 0 : (perror(path), 0);
}

void tempdir_remove(const char *path) {
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

void tempdir_end(void) {
    const char *root = getenv("BH_TEST_ROOT");
    if (root)
        tempdir_remove(root);
}

char *tempdir_new(void) {
    char *path = tempdir_path(getenv("BH_TEST_ROOT"), "t.XXXXXX");
    if (!mkdtemp(path) || chmod(path, 0755) < 0)
        fail(path);
    return path;
}

char *tempdir_path(const char *dir, const char *format, ...) {
    char name[256];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    size_t size = strlen(dir) + strlen(name) + 2;
    char *path = malloc(size);
    if (!path)
        fail("malloc");
    snprintf(path, size, "%s/%s", dir, name);
    return path;
}

void tempdir_write(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0)
        fail(path);
}
