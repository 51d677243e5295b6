/* Tests of what an errno of a connection to Bugsink means. */
#include "kinds/http/target.h"

#include <check.h>
#include <errno.h>

START_TEST(an_errno_means_what_it_says) {
    static const struct {
        int cause;
        enum reason reason;
    } causes[] = {{ECONNREFUSED, REASON_REFUSED}, {ECONNRESET, REASON_RESET}, {EPIPE, REASON_RESET},
        {ETIMEDOUT, REASON_TIMEOUT}, {ENETUNREACH, REASON_UNREACHABLE}, {EHOSTUNREACH, REASON_UNREACHABLE},
        {EMFILE, REASON_INTERNAL}, {ENOMEM, REASON_INTERNAL}, {EADDRNOTAVAIL, REASON_INTERNAL},
        {EPERM, REASON_INTERNAL}};
    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++)
        ck_assert_int_eq(http_reason_of_errno(causes[i].cause), causes[i].reason);
}
END_TEST

Suite *http_target_suite(void) {
    Suite *suite = suite_create("http_target");
    TCase *answers = tcase_create("answers");
    suite_add_tcase(suite, answers);
    tcase_set_timeout(answers, 30);
    tcase_add_test(answers, an_errno_means_what_it_says);
    return suite;
}
