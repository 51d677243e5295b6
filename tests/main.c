/* Runs every test suite, or those named as arguments, several at a time where -j says so, and exits non-zero
 * if a test failed. */
#include "base/library.h"
#include "kinds/kinds.h"
#include "harness/fork.h"
#include "harness/tempdir.h"
#include "report/matrix.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SUITE(name) Suite *name##_suite(void);
#include "suites.inc"
#undef SUITE

struct entry {
    const char *name;
    Suite *(*make)(void);
};

static const struct entry ENTRIES[] = {
#define SUITE(name) {#name, name##_suite},
#include "suites.inc"
#undef SUITE
};

enum { ENTRY_COUNT = sizeof ENTRIES / sizeof ENTRIES[0], JOBS_MAX = 16 };

/* What became of one suite; `run` stays -1 when its process died before the end. */
struct result {
    int run, failed;
};

/* One suite in a process of its own, which writes what it has to say to a file: whole suites are printed. */
struct job {
    const struct entry *entry;
    pid_t pid;
    FILE *output;
    struct timespec began;
};

static volatile sig_atomic_t signal_taken; /* of those that end a run; 0: none */

static void take_signal(int number) {
    signal_taken = number;
}

static void handle_signals(void (*handler)(int)) {
    const struct sigaction action = {.sa_handler = handler}; /* without SA_RESTART: wait() ends */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

static struct result *results; /* one an entry, shared with the processes of the jobs */
static FILE *failures;         /* a line for each test that failed, shared as well */

/* Of one failed assertion's text. libcheck moves a buffer of twice as much with every assertion that it reads
 * back: its own megabyte cost the suites with many of them minutes under AddressSanitizer, whose memmove goes
 * byte by byte. */
enum { MESSAGE_MAX = 16 * 1024 };

enum { FAILURE_SHOWN = 400 }; /* of its text, at the end of all */

static void tell_failures(SRunner *runner, const char *suite) {
    TestResult **failed = srunner_failures(runner);
    for (int i = 0; i < srunner_ntests_failed(runner); i++)
        dprintf(fileno(failures), "failed: %s: %s:%s: %.*s\n", suite, tr_tcname(failed[i]),
            tr_lfile(failed[i]), FAILURE_SHOWN, tr_msg(failed[i]));
    free(failed);
}

static void run_suite(const struct entry *entry) {
    check_set_max_msg_size(MESSAGE_MAX);
    struct result *result = &results[entry - ENTRIES];
    SRunner *runner = srunner_create(entry->make());
    srunner_run_all(runner, CK_ENV);
    result->failed = srunner_ntests_failed(runner);
    result->run = srunner_ntests_run(runner);
    tell_failures(runner, entry->name);
    srunner_free(runner);
}

static FILE *new_file(void) {
    FILE *file = tmpfile();
    if (!file) {
        perror("tmpfile");
        exit(EXIT_FAILURE);
    }
    return file;
}

static void begin(struct job *job, const struct entry *entry, pid_t parent) {
    job->entry = entry;
    job->output = new_file();
    clock_gettime(CLOCK_MONOTONIC, &job->began);
    fflush(stdout);
    job->pid = test_fork();
    if (job->pid > 0)
        return;
    handle_signals(SIG_DFL);          /* libcheck has its own while a test runs */
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* at which libcheck ends the test that runs */
    if (getppid() != parent)
        _exit(EXIT_FAILURE);
    dup2(fileno(job->output), STDOUT_FILENO);
    dup2(fileno(job->output), STDERR_FILENO);
    fclose(job->output);
    run_suite(entry);
    exit(EXIT_SUCCESS);
}

static void print(FILE *file) {
    char text[4096];
    size_t size;
    rewind(file);
    while ((size = fread(text, 1, sizeof text, file)) > 0)
        fwrite(text, 1, size, stdout);
}

static void end(struct job *job) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    print(job->output);
    printf("    in %.1f s\n",
        (double)(now.tv_sec - job->began.tv_sec) + (double)(now.tv_nsec - job->began.tv_nsec) / 1e9);
    fflush(stdout);
    fclose(job->output);
    job->pid = 0;
}

static struct job *job_of(struct job *jobs, int count, pid_t pid) {
    for (int i = 0; i < count; i++)
        if (jobs[i].pid == pid)
            return &jobs[i];
    return NULL;
}

/* Somebody does not want to wait: the suites that run are ended, and nothing is left of them. */
static _Noreturn void break_off(const struct job *jobs, int count) {
    for (int i = 0; i < count; i++)
        if (jobs[i].pid > 0)
            kill(jobs[i].pid, SIGTERM);
    while (wait(NULL) > 0 || errno == EINTR)
        ;
    tempdir_end();
    fprintf(stderr, "broken off by signal %d\n", (int)signal_taken);
    _exit(128 + signal_taken);
}

/* Ends the suite that ends next. */
static void end_one(struct job *jobs, int count) {
    struct job *job = NULL;
    while (!job) {
        int status;
        pid_t pid = wait(&status);
        if (signal_taken)
            break_off(jobs, count);
        if (pid < 0) {
            perror("wait");
            exit(EXIT_FAILURE);
        }
        job = job_of(jobs, count, pid);
        if (job && status != 0)
            printf("%s: its process ended with status %d\n", job->entry->name, status);
    }
    end(job);
}

static bool is_wanted(const char *name, char **names) {
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return !names[0];
}

/* A misspelt name must not be a run in which nothing failed. */
static void refuse_unknown(char **names) {
    for (int i = 0; names[i]; i++) {
        bool is_known = false;
        for (size_t j = 0; j < ENTRY_COUNT; j++)
            is_known = is_known || strcmp(names[i], ENTRIES[j].name) == 0;
        if (!is_known) {
            fprintf(stderr, "there is no suite %s\n", names[i]);
            exit(2);
        }
    }
}

static void run_all(char **names, int job_count) {
    struct job jobs[JOBS_MAX] = {{0}};
    int running = 0;
    pid_t parent = getpid();
    for (size_t i = 0; i < ENTRY_COUNT; i++) {
        if (!is_wanted(ENTRIES[i].name, names))
            continue;
        results[i].run = -1;
        if (running == job_count) {
            end_one(jobs, job_count);
            running--;
        }
        begin(job_of(jobs, job_count, 0), &ENTRIES[i], parent);
        running++;
    }
    while (running-- > 0)
        end_one(jobs, job_count);
}

/* A suite whose process died counts as one failed test. Whoever sees the last lines only, sees what failed.
 */
static int report(void) {
    int passed = 0, failed = 0;
    print(failures);
    for (size_t i = 0; i < ENTRY_COUNT; i++) {
        if (results[i].run < 0)
            printf("%s: died before its end\n", ENTRIES[i].name);
        passed += results[i].run < 0 ? 0 : results[i].run - results[i].failed;
        failed += results[i].run < 0 ? 1 : results[i].failed;
    }
    printf("%d passed, %d failed\n", passed, failed);
    return passed > 0 && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Built in, asked for, and not dead before its end. */
static bool was_run(const char *name) {
    for (size_t i = 0; i < ENTRY_COUNT; i++)
        if (strcmp(ENTRIES[i].name, name) == 0)
            return results[i].run > 0;
    return false;
}

static int read_jobs(int argc, char **argv) {
    int option, count = 1;
    while ((option = getopt(argc, argv, "j:")) != -1) {
        count = option == 'j' ? (int)strtol(optarg, NULL, 10) : 0;
        if (count < 1 || count > JOBS_MAX) {
            fprintf(stderr, "usage: %s [-j 1..%d] [SUITE...]\n", argv[0], JOBS_MAX);
            exit(2);
        }
    }
    return count;
}

/* The tests ask databases through them, too, and call them by the names that src/kinds hands on. */
static void load_libraries(void) {
    struct error err;
    for (int i = 0; i < KIND_COUNT; i++) {
        const struct check_kind *kind = check_kind_find((enum check_kind_id)i);
        if (!kind || !kind->library || library_load(kind->library, &err) == 0)
            continue;
        fprintf(stderr, "run-tests: %s\n", err.text);
        exit(EXIT_FAILURE);
    }
}

/* libcheck ends a test that hangs. On a machine that is busy with something else a test takes several times
 * as long and hangs no more for it. */
static void be_patient(void) {
    setenv("CK_DEFAULT_TIMEOUT", "20", 0);
    setenv("CK_TIMEOUT_MULTIPLIER", "5", 0);
}

int main(int argc, char **argv) {
    be_patient();
    load_libraries();
    int jobs = read_jobs(argc, argv);
    refuse_unknown(argv + optind);
    check_set_max_msg_size(
        1 << 20); /* a failure may show a daemon's whole log; over libcheck's own 4 KiB its runner ends */
    signal(SIGPIPE, SIG_IGN);
    results =
        mmap(NULL, sizeof *results * ENTRY_COUNT, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (results == MAP_FAILED) {
        perror("mmap");
        return EXIT_FAILURE;
    }
    failures = new_file();
    handle_signals(take_signal);
    umask(022); /* servers of other users read what the tests write */
    tempdir_begin();
    run_all(argv + optind, jobs);
    if (is_wanted("matrix", argv + optind))
        matrix_write(was_run);
    tempdir_end();
    return report();
}
