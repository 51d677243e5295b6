/* What a look at a file finds: the system's errors, and the gravest of what is only worth knowing. */
#include "kinds/finding.h"

#include <check.h>
#include <errno.h>

START_TEST(every_error_of_the_system_has_its_reason) {
    static const struct {
        int error;
        enum reason reason;
    } ROWS[] = {
        {ENOENT, REASON_FILE_MISSING},
        {ENOTDIR, REASON_FILE_MISSING},
        {EISDIR, REASON_NOT_A_FILE},
        {EINVAL, REASON_NOT_A_FILE},
        {ENXIO, REASON_NOT_A_FILE},
        {ENOSPC, REASON_DISK_FULL},
        {EDQUOT, REASON_DISK_FULL},
        {EROFS, REASON_READ_ONLY_MOUNT},
        {EMFILE, REASON_INTERNAL},
        {ENFILE, REASON_INTERNAL},
        {ENOMEM, REASON_INTERNAL},
        {EFBIG, REASON_TOO_LARGE},
        {EACCES, REASON_PERMISSION},
        {EPERM, REASON_PERMISSION},
        {EIO, REASON_IO_ERROR},
        {ENOTCONN, REASON_IO_ERROR},
        {ESTALE, REASON_FILE_MISSING},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++)
        ck_assert_msg(finding_of_errno(ROWS[i].error) == ROWS[i].reason, "%d: %s", ROWS[i].error,
            reason_info(finding_of_errno(ROWS[i].error))->slug);
}
END_TEST

START_TEST(of_what_is_only_worth_knowing_the_gravest_is_told) {
    struct outcome outcome = {.reason = REASON_OK};
    finding_note(&outcome, REASON_NETWORK_FS);
    ck_assert_int_eq(outcome.reason, REASON_NETWORK_FS);
    finding_note(&outcome, REASON_BACKLOG);
    ck_assert_int_eq(outcome.reason, REASON_BACKLOG);
    finding_note(&outcome, REASON_DISK_LOW);
    ck_assert_int_eq(outcome.reason, REASON_BACKLOG);
}
END_TEST

START_TEST(an_error_is_never_replaced_by_what_is_only_worth_knowing) {
    struct outcome outcome = {.reason = REASON_CORRUPT};
    finding_note(&outcome, REASON_INGESTION_PAUSED);
    ck_assert_int_eq(outcome.reason, REASON_CORRUPT);
}
END_TEST

Suite *finding_suite(void) {
    Suite *suite = suite_create("finding");
    TCase *tcase = tcase_create("finding");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, every_error_of_the_system_has_its_reason);
    tcase_add_test(tcase, of_what_is_only_worth_knowing_the_gravest_is_told);
    tcase_add_test(tcase, an_error_is_never_replaced_by_what_is_only_worth_knowing);
    return suite;
}
