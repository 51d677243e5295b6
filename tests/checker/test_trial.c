/* Tests of the trial of a configuration: a process of it that is killed (by the kernel, say, for want of
 * memory) says nothing of the configuration, and another one does its work; but not without end. */
#include "checker/trial.h"

#include "harness/fork.h"
#include "harness/proc.h"
#include "harness/wait.h"

#include <check.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FAMILY_MAX = 8, PATIENCE_MS = 40000 };

/* A process that kills so many of our others, as soon as each is there, and counts those that it has seen. */
struct killer {
    pid_t pid;
    _Atomic int *seen;
};

static pid_t find_other(pid_t parent, pid_t before) {
    pid_t family[FAMILY_MAX], self = getpid();
    int count = proc_children(parent, family, FAMILY_MAX);
    for (int i = 0; i < count; i++)
        if (family[i] != self && family[i] != before)
            return family[i];
    return 0;
}

static _Noreturn void lie_in_wait(struct killer *killer, pid_t parent, int kills) {
    for (pid_t before = 0; getppid() == parent;) {
        pid_t other = find_other(parent, before);
        if (other == 0)
            continue;
        if (++*killer->seen <= kills)
            kill(other, SIGKILL);
        before = other;
    }
    _exit(0);
}

static struct killer killer_start(int kills) {
    pid_t parent = getpid();
    struct killer killer = {
        .seen = mmap(NULL, sizeof(_Atomic int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)};
    ck_assert_ptr_ne(killer.seen, MAP_FAILED);
    killer.pid = test_fork();
    if (killer.pid == 0)
        lie_in_wait(&killer, parent, kills);
    return killer;
}

/* Returns how many processes it has seen. */
static int killer_stop(struct killer *killer) {
    int seen = *killer->seen;
    kill(killer->pid, SIGKILL);
    waitpid(killer->pid, NULL, 0);
    munmap(killer->seen, sizeof(_Atomic int));
    return seen;
}

static struct config *load(void) {
    static const char *const ENVIRONMENT[] = {"DATABASE_URL=postgresql://u@127.0.0.1:1/d", NULL};
    struct error err;
    struct config *config = config_load(&(const struct config_source){.environment = ENVIRONMENT}, &err);
    ck_assert_msg(config != NULL, "%s", err.text);
    return config;
}

/* Tries a sound configuration while so many of its processes are killed. *seen: how many there were. */
static int try(const struct config *config, int kills, int *seen, struct error *err) {
    char linked[VERSIONS_TEXT_SIZE];
    struct killer killer = killer_start(kills);
    int result = trial_run(config, linked, err);
    *seen = killer_stop(&killer);
    ck_assert(result < 0 || strstr(linked, "libpq") != NULL);
    return result;
}

START_TEST(a_trial_whose_process_was_killed_is_made_again) {
    struct config *config = load();
    struct deadline deadline = deadline_in(PATIENCE_MS);
    struct error err;
    for (int seen = 0; seen < 2;) {
        ck_assert_msg(!deadline_is_over(&deadline), "each trial was faster than our signal");
        ck_assert_msg(try(config, 1, &seen, &err) == 0, "%s", err.text);
    }
    config_free(config);
}
END_TEST

START_TEST(but_not_without_end) {
    enum { ALL = 1000, TRIALS = 3 };
    struct config *config = load();
    struct deadline deadline = deadline_in(PATIENCE_MS);
    struct error err;
    int seen = 0;
    while (try(config, ALL, &seen, &err) == 0)
        ck_assert_msg(!deadline_is_over(&deadline), "each trial was faster than our signal");
    ck_assert_int_eq(seen, TRIALS);
    ck_assert_ptr_nonnull(strstr(err.text, "died"));
    config_free(config);
}
END_TEST

Suite *trial_suite(void) {
    Suite *suite = suite_create("trial");
    TCase *tcase = tcase_create("trial");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_trial_whose_process_was_killed_is_made_again);
    tcase_add_test(tcase, but_not_without_end);
    return suite;
}
