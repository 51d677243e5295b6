/* Tests that the pages of a configuration's secrets are neither swapped nor written to a core file: as
 * /proc/PID/smaps tells (proc(5): lo is locked, dd is left out of dumps). */
#include "config/config.h"
#include "config/pack.h"
#include "harness/skip.h"
#include "harness/tempdir.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define PASSWORD "of-guard-8Jw2"

static struct config *load(void) {
    static const char *const ENVIRONMENT[] = {
        "DATABASE_URL=postgresql://bugsink:" PASSWORD "@db.example/bugsink", NULL};
    struct error err;
    struct config *config = config_load(&(const struct config_source){.environment = ENVIRONMENT}, &err);
    ck_assert_msg(config != NULL, "%s", err.text);
    return config;
}

/* The flags of the mapping that the address is in. */
static void find_flags(const void *address, char *flags, size_t size) {
    FILE *file = fopen("/proc/self/smaps", "re");
    char line[512];
    bool is_in = false;
    flags[0] = '\0';
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file)) {
        uintptr_t from, to;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &from, &to) == 2)
            is_in = (uintptr_t)address >= from && (uintptr_t)address < to;
        else if (is_in && strncmp(line, "VmFlags:", 8) == 0)
            snprintf(flags, size, "%s", line);
    }
    fclose(file);
}

static bool may_lock(void) {
#ifdef __SANITIZE_ADDRESS__
    return false; /* the sanitizers make mlock do nothing */
#endif
    struct rlimit limit;
    getrlimit(RLIMIT_MEMLOCK, &limit);
    return limit.rlim_cur >= 64 * 1024;
}

static void assert_guarded(const char *what, const char *secret) {
    char flags[512];
    ck_assert_ptr_nonnull(secret);
    find_flags(secret, flags, sizeof flags);
    ck_assert_msg(strstr(flags, " dd"), "%s goes into a core file: %s", what, flags);
    if (may_lock())
        ck_assert_msg(strstr(flags, " lo"), "%s may be swapped: %s", what, flags);
    else
        skip_test("secrets_are_neither_swapped_nor_dumped",
            "RLIMIT_MEMLOCK allows less than 64 KiB, or a sanitizer takes mlock away");
}

static void assert_all_guarded(const char *what, const struct check_config *check) {
    const struct dsn *dsn = &check->database.dsn;
    assert_guarded(what, dsn->password);
    ck_assert_str_eq(dsn->password, PASSWORD);
    ck_assert_uint_gt(dsn->secret_count, 0);
    for (size_t i = 0; i < dsn->secret_count; i++)
        assert_guarded(what, dsn->secrets[i]);
}

START_TEST(secrets_are_neither_swapped_nor_dumped) {
    struct config *config = load();
    assert_all_guarded("in the checker", &config->checks[0]);
    config_free(config);
}
END_TEST

/* As a worker takes them. */
START_TEST(nor_are_those_that_a_worker_was_told) {
    struct config *config = load();
    struct strbuf bytes = {0};
    struct check_config told;
    check_config_pack(&config->checks[0], &bytes);
    const char *at = bytes.data;
    ck_assert_int_eq(check_config_unpack(&at, bytes.data + bytes.length, &told), 0);
    assert_all_guarded("in a worker", &told);
    check_config_release(&told);
    strbuf_release(&bytes);
    config_free(config);
}
END_TEST

Suite *guard_suite(void) {
    Suite *suite = suite_create("guard");
    TCase *tcase = tcase_create("guard");
    suite_add_tcase(suite, tcase);
#ifdef __linux__
    tcase_add_test(tcase, secrets_are_neither_swapped_nor_dumped);
    tcase_add_test(tcase, nor_are_those_that_a_worker_was_told);
#endif
    return suite;
}
