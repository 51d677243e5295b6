/* Every fuzz target on every input of its corpus: what a fuzzer once found stays found. */
#include "fuzz/fuzz.h"
#include "harness/tempdir.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TARGET(name) int fuzz_##name(const uint8_t *data, size_t size);
#include "fuzz_targets.inc"
#undef TARGET

static const struct {
    const char *name;
    int (*run)(const uint8_t *data, size_t size);
} TARGETS[] = {
#define TARGET(name) {#name, fuzz_##name},
#include "fuzz_targets.inc"
#undef TARGET
};

enum { TARGET_COUNT = sizeof TARGETS / sizeof TARGETS[0], INPUT_MAX = 64 * 1024, SEEDS_MIN = 5 };

static void replay(int (*run)(const uint8_t *data, size_t size), const char *path) {
    static uint8_t data[INPUT_MAX];
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s: cannot be read", path);
    size_t size = fread(data, 1, sizeof data, file);
    ck_assert_msg(!ferror(file) && size < sizeof data, "%s: not an input", path);
    fclose(file);
    uint8_t *copy = fuzz_copy(data, size); /* which ends where its memory ends */
    fuzz_set_input_name(path);
    run(copy, size);
    fuzz_set_input_name(NULL);
    free(copy);
}

START_TEST(a_target_holds_on_every_input_of_its_corpus) {
    char *folder = tempdir_path("tests/fuzz/corpus", "%s", TARGETS[_i].name);
    DIR *inputs = opendir(folder);
    int count = 0;
    ck_assert_msg(inputs != NULL, "%s: no corpus", folder);
    for (const struct dirent *entry; (entry = readdir(inputs)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        char *path = tempdir_path(folder, "%s", entry->d_name);
        replay(TARGETS[_i].run, path);
        free(path);
        count++;
    }
    closedir(inputs);
    ck_assert_msg(count >= SEEDS_MIN, "%s: %d inputs", folder, count);
    free(folder);
}
END_TEST

/* A folder whose target is gone, or misspelt, would be replayed by nobody. */
START_TEST(every_corpus_has_its_target) {
    DIR *folders = opendir("tests/fuzz/corpus");
    ck_assert_ptr_nonnull(folders);
    for (const struct dirent *entry; (entry = readdir(folders)) != NULL;) {
        bool is_known = entry->d_name[0] == '.';
        for (size_t i = 0; i < TARGET_COUNT; i++)
            is_known = is_known || strcmp(entry->d_name, TARGETS[i].name) == 0;
#ifndef WITH_MYSQL
        is_known = is_known || strncmp(entry->d_name, "mysql", 5) == 0;
#endif
        ck_assert_msg(is_known, "tests/fuzz/corpus/%s: no target", entry->d_name);
    }
    closedir(folders);
}
END_TEST

Suite *fuzz_replay_suite(void) {
    Suite *suite = suite_create("fuzz_replay");
    TCase *tcase = tcase_create("fuzz_replay");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, a_target_holds_on_every_input_of_its_corpus, 0, TARGET_COUNT);
    tcase_add_test(tcase, every_corpus_has_its_target);
    return suite;
}
