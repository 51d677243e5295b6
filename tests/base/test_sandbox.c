/* Tests of the sandbox, each in a process of its own: what was given up is gone, and what was kept is there.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "base/sandbox.h"
#include "base/str.h"
#include "base/sandbox_scene.h"
#include "harness/fork.h"
#include "harness/sandbox.h"
#include "harness/skip.h"
#include "harness/tempdir.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* -- files -- */

static int use_one_directory(void) {
    char path[4096];
    sandbox_confine_to(scene.dir);
    EXPECT(scene_opened(scene.file, O_RDWR) == 0);
    EXPECT(scene_opened(scene.dir, O_RDONLY | O_DIRECTORY) == 0);
    snprintf(path, sizeof path, "%s/new", scene.dir);
    EXPECT(scene_opened(path, O_RDWR | O_CREAT | O_EXCL) == 0);
    EXPECT(truncate(path, 10) == 0);
    EXPECT(unlink(path) == 0);
    EXPECT(mkdir(path, 0700) < 0 && errno == EACCES);
    EXPECT(symlink("/", path) < 0 && errno == EACCES);
    EXPECT(scene_opened(scene.other_file, O_RDONLY) == EACCES);
    EXPECT(scene_opened("/etc/passwd", O_RDONLY) == EACCES);
    EXPECT(scene_opened("/", O_RDONLY | O_DIRECTORY) == EACCES);
    EXPECT(scene_opened("/dev/urandom", O_RDONLY) == 0);
    struct stat st;
    EXPECT(stat(scene.other_file, &st) == 0); /* which Landlock does not govern */
    return 0;
}

START_TEST(who_is_confined_has_one_directory_and_no_other_file) {
    if (scene_has_landlock("who_is_confined_has_one_directory_and_no_other_file"))
        ck_assert_int_eq(scene_run(use_one_directory, LOG_TEXT, NULL), 0);
}
END_TEST

static int use_a_missing_directory(void) {
    sandbox_confine_to("/nonexistent/directory");
    EXPECT(scene_opened(scene.other_file, O_RDONLY) == 0);
    return 0;
}

START_TEST(a_directory_that_cannot_be_opened_confines_nobody) {
    ck_assert_int_eq(scene_run(use_a_missing_directory, LOG_TEXT, NULL), 0);
}
END_TEST

static int read_only(void) {
    char path[4096];
    EXPECT(scene_opened("/etc/passwd", O_RDONLY) == 0);
    EXPECT(scene_opened(scene.dir, O_RDONLY | O_DIRECTORY) == 0);
    EXPECT(scene_opened(scene.file, O_WRONLY) == EACCES);
    EXPECT(scene_opened("/dev/null", O_WRONLY) == EACCES);
    snprintf(path, sizeof path, "%s/new", scene.dir);
    EXPECT(scene_opened(path, O_RDWR | O_CREAT) == EACCES);
    EXPECT(unlink(scene.file) < 0 && errno == EACCES);
    EXPECT(rename(scene.file, path) < 0 && errno == EACCES);
    execl("/bin/true", "true", NULL);
    EXPECT(errno == EACCES);
    return 0;
}

static struct sockaddr_un abstract; /* of a listener of the test's own process */

static int forbid_writing(void) {
    sandbox_forbid_writing();
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    const struct sockaddr_in nobody = {
        .sin_family = AF_INET, .sin_port = htons(1), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    EXPECT(fd >= 0);
    EXPECT(connect(fd, (const struct sockaddr *)&nobody, sizeof nobody) == 0 || errno == ECONNREFUSED);
    fd = socket(AF_UNIX, SOCK_STREAM, 0); /* a server may have an abstract name: host=@NAME */
    EXPECT(connect(fd, (const struct sockaddr *)&abstract, sizeof abstract) == 0);
    return read_only();
}

static int forbid_all_but_reading(void) {
    sandbox_forbid_all_but_reading();
    return read_only();
}

START_TEST(who_may_not_write_still_reads_and_connects) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    abstract.sun_family = AF_UNIX; /* the first byte of the name stays 0 */
    snprintf(abstract.sun_path + 1, sizeof abstract.sun_path - 1, "bh-test-%d", getpid());
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&abstract, sizeof abstract), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    if (scene_has_landlock("who_may_not_write_still_reads_and_connects"))
        ck_assert_int_eq(scene_run(forbid_writing, LOG_TEXT, NULL), 0);
    close(fd);
}
END_TEST

START_TEST(who_may_only_read_still_reads) {
    if (scene_has_landlock("who_may_only_read_still_reads"))
        ck_assert_int_eq(scene_run(forbid_all_but_reading, LOG_TEXT, NULL), 0);
}
END_TEST

/* -- system calls -- */

static int make_socket_beside_files(void) {
    sandbox_watch_violations();
    sandbox_confine_to(scene.dir);
    (void)socket(AF_INET, SOCK_DGRAM, 0);
    return 0;
}

static int make_socket_when_reading(void) {
    sandbox_watch_violations();
    sandbox_forbid_all_but_reading();
    (void)socket(AF_UNIX, SOCK_STREAM, 0);
    return 0;
}

static int execute(void) {
    sandbox_enter_checker();
    execl("/bin/true", "true", NULL);
    return 0;
}

static int read_parents_memory(void) {
    char here[8];
    const struct iovec part = {here, sizeof here};
    sandbox_enter_checker();
    process_vm_readv(getppid(), &part, 1, &part, 1, 0);
    return 0;
}

static int trace_parent(void) {
    sandbox_enter_checker();
    ptrace(PTRACE_SEIZE, getppid(), NULL, NULL);
    return 0;
}

static int clone_into(unsigned long namespaces) {
    sandbox_enter_checker();
    if (syscall(SYS_clone, namespaces | SIGCHLD, NULL, NULL, NULL, NULL) == 0)
        _exit(0);
    return 0;
}

static int clone_into_own_users(void) {
    return clone_into(CLONE_NEWUSER);
}

static int clone_into_own_network(void) {
    return clone_into(CLONE_NEWUSER | CLONE_NEWNET);
}

static const struct {
    int (*body)(void);
    const char *call;
} VIOLATIONS[] = {{make_socket_beside_files, "socket"}, {make_socket_when_reading, "socket"},
    {execute, "execve"}, {read_parents_memory, "process_vm_readv"}, {trace_parent, "ptrace"},
    {clone_into_own_users, "clone"}, {clone_into_own_network, "clone"}};

START_TEST(a_violation_is_one_line_and_the_end) {
    if (!scene_has_seccomp(_i == 0 ? "a_violation_is_one_line_and_the_end" : NULL))
        return;
    ck_assert_int_eq(scene_run(VIOLATIONS[_i].body, LOG_JSON, NULL), SANDBOX_EXIT_VIOLATION);
    json_t *line = json_loads(scene.log, 0, NULL);
    ck_assert_msg(line != NULL, "not one line of JSON: %s", scene.log);
    ck_assert_str_eq(json_string_value(json_object_get(line, "event")), "sandbox violation");
    ck_assert_str_eq(json_string_value(json_object_get(line, "system_call")), VIOLATIONS[_i].call);
    json_decref(line);
}
END_TEST

static int work_as_checker(void) {
    sandbox_enter_checker();
    EXPECT(scene_opened(scene.file, O_RDWR) == 0);
    EXPECT(socket(AF_INET, SOCK_STREAM, 0) >= 0);
    void *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(code != MAP_FAILED); /* for dlopen */
    /* As where there is none, so that the C library does without: EINVAL would be the kernel's own word. */
    EXPECT(syscall(SYS_clone3, NULL, 0) < 0 && (errno == ENOSYS || !scene_has_seccomp(NULL)));
    pid_t pid = test_fork();
    if (pid == 0)
        _exit(7);
    int status;
    EXPECT(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7);
    return 0;
}

START_TEST(the_checker_still_opens_connects_and_forks) {
    ck_assert_int_eq(scene_run(work_as_checker, LOG_TEXT, NULL), 0);
}
END_TEST

static int enter_responder(void) {
    struct process_meter meter;
    struct sandbox sandbox;
    process_meter_open(&meter, process_limit_descriptors(64));
    sandbox_enter_responder(&sandbox, 1 << 20, &meter);
    return 0;
}

static int fail_an_assertion(void) {
    enter_responder();
    abort();
}

START_TEST(the_responder_still_aborts_as_everybody) {
    int number;
    ck_assert_int_eq(scene_run(fail_an_assertion, LOG_TEXT, &number), -1);
    ck_assert_int_eq(number, SIGABRT);
    ck_assert_str_eq(scene.log, "");
}
END_TEST

/* Each allocation is to come from the kernel. */
__attribute__((unused)) static int take_memory(void) {
    enter_responder();
    /* volatile: for a compiler may leave out an allocation that nobody uses. */
    void *volatile little = malloc(300 * 1024), *volatile much = malloc(64 << 20);
    bool is_bounded = little != NULL && much == NULL;
    free(little);
    free(much);
    return is_bounded ? 0 : 1;
}

START_TEST(the_responders_memory_is_bounded) {
#ifdef __SANITIZE_ADDRESS__
    skip_test("the_responders_memory_is_bounded", "the sanitizers reserve more than could be bounded");
#else
    ck_assert_int_eq(scene_run(take_memory, LOG_TEXT, NULL), 0);
#endif
}
END_TEST

static int measure(void) {
    struct process_usage usage, other;
    struct process_meter meter;
    struct sandbox sandbox;
    process_close_from(40, NULL, 0); /* what the runner's own parent has left open */
    process_meter_open(&meter, process_limit_descriptors(64));
    process_usage(&other, NULL);
    sandbox_enter_responder(&sandbox, 1 << 20, &meter);
    process_usage(&usage, &meter);
    EXPECT(usage.resident_bytes > 0);
    EXPECT(usage.open_descriptors == other.open_descriptors);
    int more = fcntl(0, F_DUPFD_CLOEXEC, 40);
    process_usage(&usage, &meter);
    EXPECT(more >= 40 && usage.open_descriptors == other.open_descriptors + 1);
    return 0;
}

START_TEST(who_may_open_nothing_still_measures_itself) {
    ck_assert_int_eq(scene_run(measure, LOG_TEXT, NULL), 0);
}
END_TEST

START_TEST(a_sandbox_is_told_in_a_few_words) {
    char text[SANDBOX_TEXT_SIZE];
    const struct {
        struct sandbox sandbox;
        const char *text;
    } rows[] = {{{.has_filter = true, .landlock = 7}, "seccomp landlock=7"},
        {{.has_filter = true}, "seccomp"}, {{.landlock = 1}, "landlock=1"}, {{.landlock = 0}, "off"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sandbox_describe(&rows[i].sandbox, text);
        ck_assert_str_eq(text, rows[i].text);
    }
}
END_TEST

/* -- the date, which may not need the time zone's file -- */

START_TEST(dates_are_those_of_gmtime) {
    /* Every day at a time of its own, for the 400 years in which the calendar repeats itself. */
    for (int64_t second = 0; second < INT64_C(400) * 366 * 86400; second += 86399) {
        time_t moment = (time_t)second;
        struct tm tm;
        if (moment != second) /* the C library of i386 ends in 2038 */
            break;
        ck_assert_ptr_nonnull(gmtime_r(&moment, &tm));
        struct clock_date date = clock_date_of(second * 1000 + 7);
        if (date.year != tm.tm_year + 1900 || date.month != tm.tm_mon + 1 || date.day != tm.tm_mday ||
            date.hour != tm.tm_hour || date.minute != tm.tm_min || date.second != tm.tm_sec ||
            date.weekday != tm.tm_wday || date.millisecond != 7)
            ck_abort_msg("%lld: %d-%d-%d", (long long)second, date.year, date.month, date.day);
    }
    ck_assert_int_eq(clock_date_of(-5).year, 1970);
    ck_assert_int_eq(clock_date_of(INT64_MAX).year, 9999);
}
END_TEST

Suite *sandbox_suite(void) {
    Suite *suite = suite_create("sandbox");
    TCase *tcase = tcase_create("sandbox");
    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, scene_set_up, scene_tear_down);
    tcase_add_test(tcase, who_is_confined_has_one_directory_and_no_other_file);
    tcase_add_test(tcase, a_directory_that_cannot_be_opened_confines_nobody);
    tcase_add_test(tcase, who_may_not_write_still_reads_and_connects);
    tcase_add_test(tcase, who_may_only_read_still_reads);
    tcase_add_loop_test(
        tcase, a_violation_is_one_line_and_the_end, 0, sizeof VIOLATIONS / sizeof VIOLATIONS[0]);
    tcase_add_test(tcase, the_checker_still_opens_connects_and_forks);
    tcase_add_test(tcase, the_responder_still_aborts_as_everybody);
    tcase_add_test(tcase, the_responders_memory_is_bounded);
    tcase_add_test(tcase, who_may_open_nothing_still_measures_itself);
    tcase_add_test(tcase, a_sandbox_is_told_in_a_few_words);
    tcase_add_test(tcase, dates_are_those_of_gmtime);
    return suite;
}
