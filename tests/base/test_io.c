/* Tests of what may be done with a file, also where a container's profile refuses the question. */
#include "base/io.h"

#include "harness/fork.h"
#include "harness/skip.h"
#include "harness/tempdir.h"

#include <check.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* How a profile refuses faccessat2; 0: it does not. */
static const int REFUSALS[] = {0, EPERM, ENOSYS, EACCES, EINVAL};

static bool play_profile(int refusal) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_faccessat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)refusal),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
    return refusal == 0 || (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                               prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

/* The answer in a process of its own, under that profile and as that user, if any. */
static int answer_to(const char *path, int mode, int refusal, uid_t uid) {
    int status;
    pid_t pid = test_fork();
    if (pid == 0) {
        if ((uid != 0 && (setgid(uid) < 0 || setuid(uid) < 0)) || !play_profile(refusal))
            _exit(255);
        _exit(io_access(path, mode));
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

START_TEST(a_refused_question_is_no_refused_file) {
    char *dir = tempdir_new(), *path = tempdir_path(dir, "file"), *none = tempdir_path(dir, "none");
    tempdir_write(path, "here\n");
    ck_assert_int_eq(answer_to(path, R_OK | W_OK, REFUSALS[_i], 0), 0);
    ck_assert_int_eq(answer_to(path, F_OK, REFUSALS[_i], 0), 0);
    ck_assert_int_eq(answer_to(dir, W_OK | X_OK, REFUSALS[_i], 0), 0);
    ck_assert_int_eq(answer_to(path, X_OK, REFUSALS[_i], 0), EACCES); /* root, too, needs one x */
    ck_assert_int_eq(answer_to(none, F_OK, REFUSALS[_i], 0), ENOENT);
    free(none);
    free(path);
    free(dir);
}
END_TEST

START_TEST(a_refused_file_is_one_whatever_a_profile_says) {
    enum { NOBODY = 65534 };
    if (geteuid() != 0) {
        if (_i == 0)
            skip_test("a_refused_file_is_one_whatever_a_profile_says", "only root can become somebody else");
        return;
    }
    char *dir = tempdir_new(), *path = tempdir_path(dir, "file");
    tempdir_write(path, "here\n");
    ck_assert_int_eq(answer_to(path, R_OK, REFUSALS[_i], NOBODY), 0);
    ck_assert_int_eq(answer_to(path, W_OK, REFUSALS[_i], NOBODY), EACCES);
    ck_assert_int_eq(answer_to(dir, W_OK | X_OK, REFUSALS[_i], NOBODY), EACCES);
    free(path);
    free(dir);
}
END_TEST

START_TEST(what_comes_byte_by_byte_is_read_whole_and_what_ends_early_is_refused) {
    static const char TEXT[] = "a request that comes in pieces";
    char got[sizeof TEXT];
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t pid = test_fork();
    if (pid == 0) {
        for (size_t i = 0; i < sizeof TEXT; i++)
            if (write(ends[1], &TEXT[i], 1) != 1)
                _exit(1);
        _exit(write(ends[1], TEXT, sizeof TEXT / 2) != sizeof TEXT / 2);
    }
    close(ends[1]);
    ck_assert_int_eq(io_read_all(ends[0], got, sizeof got), 0);
    ck_assert_mem_eq(got, TEXT, sizeof TEXT);
    ck_assert_int_eq(io_read_all(ends[0], got, sizeof got), -1);
    close(ends[0]);
    waitpid(pid, NULL, 0);
}
END_TEST

Suite *io_suite(void) {
    Suite *suite = suite_create("io");
    TCase *tcase = tcase_create("io");
    suite_add_tcase(suite, tcase);
    int refusals = sizeof REFUSALS / sizeof REFUSALS[0];
    tcase_add_test(tcase, what_comes_byte_by_byte_is_read_whole_and_what_ends_early_is_refused);
    tcase_add_loop_test(tcase, a_refused_question_is_no_refused_file, 0, refusals);
    tcase_add_loop_test(tcase, a_refused_file_is_one_whatever_a_profile_says, 0, refusals);
    return suite;
}
