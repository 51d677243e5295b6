/* What fuzz targets share: how an input is taken apart, and what a failed claim does. */
#include "fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *input_name;

void fuzz_set_input_name(const char *name) {
    input_name = name;
}

void fuzz_fail(const char *file, int line, const char *claim) {
    fprintf(stderr, "%s:%d: not true: %s%s%s\n", file, line, claim, input_name ? "; input " : "",
        input_name ? input_name : "");
    abort();
}

unsigned fuzz_take(struct fuzz_input *input) {
    if (input->left == 0)
        return 0;
    input->left--;
    return *input->at++;
}

unsigned fuzz_take_below(struct fuzz_input *input, unsigned limit) {
    return fuzz_take(input) % limit;
}

void *fuzz_copy(const void *data, size_t size) {
    void *copy = malloc(size > 0 ? size : 1);
    fuzz_assert(copy);
    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}

char *fuzz_text(const void *data, size_t size) {
    char *text = malloc(size + 1);
    fuzz_assert(text);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

char *fuzz_take_text(struct fuzz_input *input, unsigned limit) {
    size_t length = fuzz_take_below(input, limit);
    if (length > input->left)
        length = input->left;
    char *text = fuzz_text(input->at, length);
    input->at += length;
    input->left -= length;
    for (size_t i = 0; i < length; i++)
        if (text[i] == '\0')
            text[i] = 'N';
    return text;
}

struct fuzz_cuts fuzz_take_cuts(struct fuzz_input *input) {
    struct fuzz_cuts cuts = {.count = fuzz_take_below(input, FUZZ_CUTS_MAX + 1)};
    size_t end = 0;
    for (size_t i = 0; i < cuts.count; i++)
        cuts.ends[i] = end += fuzz_take(input);
    for (size_t i = 0; i < cuts.count; i++)
        if (cuts.ends[i] > input->left)
            cuts.ends[i] = input->left;
    cuts.ends[cuts.count++] = input->left;
    return cuts;
}

const char *fuzz_file(unsigned slot, const void *data, size_t size) {
    static struct {
        int fd;
        char path[32];
    } files[FUZZ_FILES_MAX];
    fuzz_assert(slot < FUZZ_FILES_MAX);
    if (!files[slot].path[0]) {
        files[slot].fd = memfd_create("fuzz", MFD_CLOEXEC);
        fuzz_assert(files[slot].fd >= 0);
        snprintf(files[slot].path, sizeof files[slot].path, "/proc/self/fd/%d", files[slot].fd);
    }
    fuzz_assert(ftruncate(files[slot].fd, 0) == 0);
    fuzz_assert(pwrite(files[slot].fd, data, size, 0) == (ssize_t)size);
    return files[slot].path;
}

bool fuzz_shows_secret(const char *text) {
    return strstr(text, FUZZ_SECRET) || strstr(text, "s3%5Ecret") || strstr(text, "s3%5ecret");
}
