/* Tests of the sandbox on a kernel that lacks its means, or refuses them: each in a process of its own. */
#include "base/sandbox.h"
#include "base/sandbox_scene.h"

#include <check.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* A kernel that has seccomp and Landlock, and refuses both to this process: for want of memory, and because
 * it has given up its rights too often. */
static bool play_a_full_kernel(void) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_landlock_restrict_self, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | E2BIG),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOMEM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static int enter_checker_in_vain(void) {
    EXPECT(play_a_full_kernel());
    sandbox_enter_checker();
    return 0;
}

static int forbid_writing_in_vain(void) {
    EXPECT(play_a_full_kernel());
    sandbox_forbid_writing();
    return 0;
}

static int forbid_all_in_vain(void) {
    EXPECT(play_a_full_kernel());
    sandbox_forbid_all_but_reading();
    return 0;
}

static int confine_in_vain(void) {
    EXPECT(play_a_full_kernel());
    sandbox_confine_to(scene.dir);
    return 0;
}

static const struct {
    int (*body)(void);
    bool has_filter, has_domain; /* that it tries to have */
} IN_VAIN[] = {{enter_checker_in_vain, true, false}, {forbid_writing_in_vain, false, true},
    {forbid_all_in_vain, true, true}, {confine_in_vain, true, true}};

START_TEST(who_alone_cannot_be_shut_in_says_so) {
    static const char TEST[] = "who_alone_cannot_be_shut_in_says_so";
    if (!scene_has_seccomp(_i == 0 ? TEST : NULL) || !scene_has_landlock(TEST))
        return;
    ck_assert_int_eq(scene_run(IN_VAIN[_i].body, LOG_TEXT, NULL), 0);
    bool tells_filter = strstr(scene.log, "missing=seccomp error=\"Cannot allocate memory\"") != NULL;
    bool tells_domain = strstr(scene.log, "missing=landlock error=\"Argument list too long\"") != NULL;
    ck_assert_msg(
        tells_filter == IN_VAIN[_i].has_filter && tells_domain == IN_VAIN[_i].has_domain, "%s", scene.log);
    ck_assert_msg(strstr(scene.log, "level=warning process=test event=sandbox") != NULL, "%s", scene.log);
}
END_TEST

static int enter_where_nothing_is(void) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_landlock_create_ruleset, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
    EXPECT(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
    sandbox_enter_checker();
    sandbox_forbid_all_but_reading();
    sandbox_confine_to(scene.dir);
    return 0;
}

/* The responder's warning is one, and enough. */
START_TEST(what_the_kernel_lacks_is_not_told_by_each) {
    ck_assert_int_eq(scene_run(enter_where_nothing_is, LOG_TEXT, NULL), 0);
    ck_assert_str_eq(scene.log, "");
}
END_TEST

Suite *sandbox_lack_suite(void) {
    Suite *suite = suite_create("sandbox_lack");
    TCase *tcase = tcase_create("sandbox_lack");
    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, scene_set_up, scene_tear_down);
    tcase_add_loop_test(tcase, who_alone_cannot_be_shut_in_says_so, 0, sizeof IN_VAIN / sizeof IN_VAIN[0]);
    tcase_add_test(tcase, what_the_kernel_lacks_is_not_told_by_each);
    return suite;
}
