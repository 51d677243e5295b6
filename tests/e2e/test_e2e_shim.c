/* End to end: what a machine will not do for a test, told to the program by a preloaded library instead:
 * files on a network file system, a wall clock that jumps; and a count of what a probe calls. */
#include "e2e/world.h"
#include "harness/skip.h"
#include "harness/tempdir.h"
#include "harness/wait.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { SHOWS_MS = 15000, LOOKS = 20 };

static const char NETWORK[] = "#define _GNU_SOURCE\n"
                              "#include <dlfcn.h>\n"
                              "#include <sys/vfs.h>\n"
                              "#define NFS(name)                                              \\\n"
                              "    int name(const char *path, struct name *fs) {              \\\n"
                              "        int (*real)(const char *, struct name *);              \\\n"
                              "        *(void **)&real = dlsym(RTLD_NEXT, #name);             \\\n"
                              "        int result = real(path, fs);                           \\\n"
                              "        fs->f_type = 0x6969; /* NFS_SUPER_MAGIC */             \\\n"
                              "        return result;                                         \\\n"
                              "    }\n"
                              "NFS(statfs)\n"
                              "NFS(statfs64)\n"; /* which is what the program calls */

/* Every read at a place in a file, which is how SQLite reads: so of the databases, and of nothing else. */
static const char DISK[] = "#define _GNU_SOURCE\n"
                           "#include <errno.h>\n"
                           "#include <unistd.h>\n"
                           "ssize_t pread(int fd, void *data, size_t size, off_t at) {\n"
                           "    (void)fd, (void)data, (void)size, (void)at;\n"
                           "    errno = EIO;\n"
                           "    return -1;\n"
                           "}\n"
                           "ssize_t pread64(int fd, void *data, size_t size, off64_t at) {\n"
                           "    return pread(fd, data, size, at);\n"
                           "}\n";

/* The offset is in a file that both sides have mapped; only the wall clock has it. */
static const char CLOCK[] = "#define _GNU_SOURCE\n"
                            "#include <dlfcn.h>\n"
                            "#include <fcntl.h>\n"
                            "#include <stdlib.h>\n"
                            "#include <sys/mman.h>\n"
                            "#include <time.h>\n"
                            "#include <unistd.h>\n"
                            "static volatile long long *offset_s;\n"
                            "__attribute__((constructor)) static void begin(void) {\n"
                            "    int fd = open(getenv(\"SHIM_OFFSET\"), O_RDONLY);\n"
                            "    offset_s = mmap(NULL, sizeof *offset_s, PROT_READ, MAP_SHARED, fd, 0);\n"
                            "    close(fd);\n"
                            "}\n"
                            "int clock_gettime(clockid_t id, struct timespec *now) {\n"
                            "    static int (*real)(clockid_t, struct timespec *);\n"
                            "    if (!real)\n"
                            "        real = dlsym(RTLD_NEXT, \"clock_gettime\");\n"
                            "    int result = real(id, now);\n"
                            "    if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)\n"
                            "        now->tv_sec += *offset_s;\n"
                            "    return result;\n"
                            "}\n";

/* What a driver that was taken over would do in the midst of its work: where it connects, make a file; where
 * it reads the header of a database (100 bytes), open another file. */
static const char DRIVER[] = "#define _GNU_SOURCE\n"
                             "#include <arpa/inet.h>\n"
                             "#include <dlfcn.h>\n"
                             "#include <errno.h>\n"
                             "#include <fcntl.h>\n"
                             "#include <stdio.h>\n"
                             "#include <stdlib.h>\n"
                             "#include <unistd.h>\n"
                             "#include <string.h>\n"
                             "static char file[4096]; /* a worker's environment has it no more */\n"
                             "__attribute__((constructor)) static void begin(void) {\n"
                             "    const char *name = getenv(\"SHIM_FILE\");\n"
                             "    if (name)\n"
                             "        strncpy(file, name, sizeof file - 1);\n"
                             "}\n"
                             "static void try(const char *what, int port, const char *path, int flags) {\n"
                             "    int before = errno, fd = open(path, flags, 0600);\n"
                             "    dprintf(2, \"shim %s %d errno=%d.\\n\", what, port, fd < 0 ? errno : 0);\n"
                             "    if (fd >= 0)\n"
                             "        close(fd);\n"
                             "    errno = before;\n"
                             "}\n"
                             "int connect(int fd, const struct sockaddr *to, socklen_t size) {\n"
                             "    int (*real)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "
                             "\"connect\");\n"
                             "    if (to->sa_family == AF_INET)\n"
                             "        try(\"connect\", ntohs(((const struct sockaddr_in *)to)->sin_port),\n"
                             "            file, O_WRONLY | O_CREAT);\n"
                             "    return real(fd, to, size);\n"
                             "}\n"
                             "ssize_t pread64(int fd, void *data, size_t size, off64_t at) {\n"
                             "    ssize_t (*real)(int, void *, size_t, off64_t) = dlsym(RTLD_NEXT, "
                             "\"pread64\");\n"
                             "    if (at == 0 && size == 100)\n"
                             "        try(\"pread\", 0, \"/etc/passwd\", O_RDONLY);\n"
                             "    return real(fd, data, size, at);\n"
                             "}\n"
                             "ssize_t pread(int fd, void *data, size_t size, off_t at) {\n"
                             "    return pread64(fd, data, size, at);\n"
                             "}\n";

/* Counts what the responder calls, from its first accept on. */
static const char COUNTS[] =
    "#define _GNU_SOURCE\n"
    "#include <dlfcn.h>\n"
    "#include <fcntl.h>\n"
    "#include <poll.h>\n"
    "#include <stdlib.h>\n"
    "#include <sys/epoll.h>\n"
    "#include <sys/mman.h>\n"
    "#include <sys/socket.h>\n"
    "#include <unistd.h>\n"
    "static unsigned *counts;\n"
    "static int is_server;\n"
    "__attribute__((constructor)) static void begin(void) {\n"
    "    int fd = open(getenv(\"SHIM_COUNTS\"), O_RDWR | O_CLOEXEC);\n"
    "    counts = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);\n"
    "    close(fd);\n"
    "}\n"
    "static void count(int slot) {\n"
    "    is_server |= slot == 0;\n"
    "    if (is_server && counts)\n"
    "        counts[slot]++;\n"
    "}\n"
    "#define COUNT(slot, result, name, parameters, arguments) \\\n"
    "    result name parameters { \\\n"
    "        static result (*real) parameters; \\\n"
    "        if (!real) \\\n"
    "            *(void **)&real = dlsym(RTLD_NEXT, #name); \\\n"
    "        count(slot); \\\n"
    "        return real arguments; \\\n"
    "    }\n"
    "#define P(...) (__VA_ARGS__)\n"
    "COUNT(0, int, accept4, P(int a, struct sockaddr *b, socklen_t *c, int d), P(a, b, c, d))\n"
    "COUNT(1, int, epoll_wait, P(int a, struct epoll_event *b, int c, int d), P(a, b, c, d))\n"
    "COUNT(2, ssize_t, read, P(int a, void *b, size_t c), P(a, b, c))\n"
    "COUNT(3, ssize_t, sendmsg, P(int a, const struct msghdr *b, int c), P(a, b, c))\n"
    "COUNT(4, int, close, P(int a), P(a))\n"
    "COUNT(5, int, epoll_ctl, P(int a, int b, int c, struct epoll_event *d), P(a, b, c, d))\n"
    "COUNT(6, ssize_t, recvmsg, P(int a, struct msghdr *b, int c), P(a, b, c))\n"
    "COUNT(7, int, setsockopt, P(int a, int b, int c, const void *d, socklen_t e), P(a, b, c, d, e))\n"
    "COUNT(7, int, getsockopt, P(int a, int b, int c, void *d, socklen_t *e), P(a, b, c, d, e))\n"
    "COUNT(7, int, getsockname, P(int a, struct sockaddr *b, socklen_t *c), P(a, b, c))\n"
    "COUNT(7, int, getpeername, P(int a, struct sockaddr *b, socklen_t *c), P(a, b, c))\n"
    "COUNT(7, int, shutdown, P(int a, int b), P(a, b))\n"
    "COUNT(7, int, poll, P(struct pollfd *a, nfds_t b, int c), P(a, b, c))\n"
    "COUNT(7, ssize_t, write, P(int a, const void *b, size_t c), P(a, b, c))\n"
    "COUNT(7, ssize_t, send, P(int a, const void *b, size_t c, int d), P(a, b, c, d))\n"
    "COUNT(7, ssize_t, recv, P(int a, void *b, size_t c, int d), P(a, b, c, d))\n"
    "void *__libc_malloc(size_t size);\n"
    "void *__libc_calloc(size_t count, size_t size);\n"
    "void *__libc_realloc(void *memory, size_t size);\n"
    "void *malloc(size_t size) { count(8); return __libc_malloc(size); }\n"
    "void *calloc(size_t n, size_t size) { count(8); return __libc_calloc(n, size); }\n"
    "void *realloc(void *memory, size_t size) { count(8); return __libc_realloc(memory, size); }\n";

/* Compiles the library and has the program preload it. Returns false where that cannot be. */
static bool preload(struct world *world, const char *source, const char *test) {
    char command[1024];
    char *c = tempdir_path(world->dir, "shim.c"), *so = tempdir_path(world->dir, "shim.so");
    tempdir_write(c, source);
    snprintf(command, sizeof command, "cc -shared -fPIC -O1 -o '%s' '%s' -ldl >'%s/shim.log' 2>&1", so, c,
        world->dir);
    bool is_built = !world_is_sanitized() && system(command) == 0;
    if (is_built)
        envlist_set(&world->environment, "LD_PRELOAD=%s", so);
    else
        skip_test(test, world_is_sanitized() ? "the sanitizers come with a preloaded library of their own"
                                             : "no compiler, cc, is here");
    free(c);
    free(so);
    return is_built;
}

START_TEST(a_database_or_directory_on_a_network_file_system_is_degraded) {
    struct world *world = world_new();
    char *spool = tempdir_path(world->dir, "ingestion");
    ck_assert_int_eq(mkdir(spool, 0700), 0);
    world_write_config(world,
        "{\"databases\": {\"default\": {\"dsn\": \"%s\"}, \"snappea\": {\"dsn\": \"%s\"}},"
        " \"directories\": {\"ingestion\": {\"path\": \"%s\"}}}",
        world->main_db, world->queue_db, spool);
    free(spool);
    if (preload(world, NETWORK, "a_database_or_directory_on_a_network_file_system_is_degraded")) {
        world_start_with(world, NULL, 0);
        world_await_check(world, "default", "degraded: network_fs", SHOWS_MS);
        world_await_check(world, "snappea", "degraded: network_fs", SHOWS_MS);
        world_await(world, "/health/ready/ingestion/", 200, "\"network_fs\"", SHOWS_MS);
        ck_assert_int_eq(world_get(world, "/health/ready/"), 200);
    } else {
        world->daemon.checker = -1;
    }
    world_end(world);
}
END_TEST

START_TEST(a_disk_that_fails_is_an_io_error) {
    struct world *world = world_new();
    if (preload(world, DISK, "a_disk_that_fails_is_an_io_error")) {
        world_start_with(world, NULL, 0);
        world_await_check(world, "default", "error: io_error", SHOWS_MS);
        world_await_check(world, "snappea", "error: io_error", SHOWS_MS);
        ck_assert_int_eq(world->response.status, 503);
        ck_assert_int_eq(world_get(world, "/health/live/"), 200);
    } else {
        world->daemon.checker = -1;
    }
    world_end(world);
}
END_TEST

static const long long JUMPS_S[] = {3600, -86400, 400LL * 86400, -30LL * 365 * 86400, 0};

/* Whether the time shown is the one that the wall clock has jumped to. */
static bool is_checked_then(void *arg) {
    struct world *world = arg;
    char hour[24];
    long long offset_s = 0;
    char *path = tempdir_path(world->dir, "offset");
    int fd = open(path, O_RDONLY);
    ck_assert_int_eq(read(fd, &offset_s, sizeof offset_s), sizeof offset_s);
    close(fd);
    free(path);
    time_t there = time(NULL) + (time_t)offset_s;
    struct tm tm;
    gmtime_r(&there, &tm);
    strftime(hour, sizeof hour, "\"%Y-%m-%dT%H:", &tm);
    world_get(world, "/health/ready/");
    return strstr(world->response.body, hour) != NULL;
}

START_TEST(jumps_of_the_wall_clock_change_nothing_but_the_times_shown) {
    struct world *world = world_new();
    char *path = tempdir_path(world->dir, "offset");
    tempdir_write(path, "");
    int fd = open(path, O_WRONLY);
    ck_assert_int_eq(ftruncate(fd, sizeof JUMPS_S[0]), 0);
    envlist_set(&world->environment, "SHIM_OFFSET=%s", path);
    envlist_set(&world->environment, "BUGSINK_HEALTH_INTERVAL=3s"); /* a busy machine is no error */
    envlist_set(&world->environment, "BUGSINK_HEALTH_TIMEOUT=2900ms");
    envlist_set(&world->environment, "BUGSINK_HEALTH_SLOW=2900ms");
    if (preload(world, CLOCK, "jumps_of_the_wall_clock_change_nothing_but_the_times_shown")) {
        world_start(world);
        for (size_t i = 0; i < sizeof JUMPS_S / sizeof JUMPS_S[0]; i++) {
            ck_assert_int_eq(pwrite(fd, &JUMPS_S[i], sizeof JUMPS_S[i], 0), sizeof JUMPS_S[i]);
            for (int look = 0; look < LOOKS; look++)
                ck_assert_msg(world_get(world, "/health/ready/") == 200 && world->response.free_ms < 500,
                    "%s%s", world->response.head, world->response.body);
            ck_assert_msg(wait_until(is_checked_then, world, SHOWS_MS), "%s", world->response.body);
            ck_assert_int_eq(world->response.status, 200);
        }
        ck_assert_int_eq(daemon_log_lines(&world->daemon, "new=error", ""), 0);
        ck_assert_int_eq(daemon_log_lines(&world->daemon, "new=degraded", ""), 0);
    } else {
        world->daemon.checker = -1;
    }
    close(fd);
    free(path);
    world_end(world);
}
END_TEST

static bool has_landlock(void) {
    return syscall(SYS_landlock_create_ruleset, NULL, 0, 1) > 0;
}

/* Whether the shim's attempts there have the answer that is to be had, and none other. */
static void assert_attempts(const struct world *world, const char *what, const char *answer) {
    char *log = daemon_log(&world->daemon);
    ck_assert_msg(
        daemon_wait_log(&world->daemon, what, answer, SHOWS_MS), "no %s %s:\n%s", what, answer, log);
    free(log);
    ck_assert_int_eq(
        daemon_log_lines(&world->daemon, what, ""), daemon_log_lines(&world->daemon, what, answer));
}

static const char *const STATES[] = {"on", "off"};

START_TEST(a_driver_makes_no_file_and_opens_none_but_its_own) {
    const char *answer = strcmp(STATES[_i], "on") == 0 ? "errno=13." : "errno=0.";
    struct world *world = world_new();
    char *file = tempdir_path(world->dir, "made");
    world_write_config(world,
        "{\"databases\": {\"default\": {\"dsn\": \"%s\"}"
#ifdef WITH_MYSQL
        ", \"mysql\": {\"dsn\": \"mysql://u@127.0.0.1:2/d\", \"role\": \"plain\"}"
#endif
        ", \"postgres\": {\"dsn\": \"postgresql://u@127.0.0.1:1/d\", \"role\": \"plain\"}}}",
        world->main_db);
    envlist_set(&world->environment, "SHIM_FILE=%s", file);
    envlist_set(&world->environment, "BUGSINK_HEALTH_SANDBOX=%s", STATES[_i]);
    if (!has_landlock()) {
        skip_test("a_driver_makes_no_file_and_opens_none_but_its_own", "this kernel has no Landlock");
        world->daemon.checker = -1;
    } else if (preload(world, DRIVER, "a_driver_makes_no_file_and_opens_none_but_its_own")) {
        world_start_with(world, NULL, 0);
        world_await_check(world, "default", "ok", SHOWS_MS);
        world_await_check(world, "postgres", "error: refused", SHOWS_MS);
        assert_attempts(world, "shim pread 0 ", answer);
        assert_attempts(world, "shim connect 1 ", answer);
#ifdef WITH_MYSQL
        assert_attempts(world, "shim connect 2 ", answer);
#endif
    } else {
        world->daemon.checker = -1;
    }
    free(file);
    world_end(world);
}
END_TEST

/* Each row: what so many probes may take at most and at least. The link to the checker has its share: a
 * set of pages each two seconds. */
enum { PROBES = 100, LINK = 24, OTHERS = 7, ALLOCATIONS = 8, COUNT_SIZE = 4096 };
static const struct {
    const char *name;
    unsigned least, most;
} CALLS[] = {
    {"accept4", PROBES, PROBES + PROBES / 8}, /* another one is looked for now and then */
    {"epoll_wait", 1, PROBES + LINK},
    {"read", PROBES, PROBES},
    {"sendmsg", PROBES, PROBES},
    {"close", PROBES, PROBES},
    {"epoll_ctl", 0, 0},
    {"recvmsg", 0, LINK},
    [OTHERS] = {"others", 0, 0},
    [ALLOCATIONS] = {"allocations", 0, LINK},
};

START_TEST(a_probe_costs_five_system_calls_and_no_memory) {
    struct world *world = world_new();
    char *path = tempdir_path(world->dir, "counts");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_eq(ftruncate(fd, COUNT_SIZE), 0);
    envlist_set(&world->environment, "SHIM_COUNTS=%s", path);
    if (preload(world, COUNTS, "a_probe_costs_five_system_calls_and_no_memory")) {
        world_start(world);
        unsigned before[sizeof CALLS / sizeof CALLS[0]], after[sizeof CALLS / sizeof CALLS[0]];
        ck_assert_int_eq(pread(fd, before, sizeof before, 0), sizeof before);
        for (int probe = 0; probe < PROBES; probe++)
            ck_assert_int_eq(world_get(world, "/health/ready/"), 200);
        ck_assert_int_eq(pread(fd, after, sizeof after, 0), sizeof after);
        for (size_t i = 0; i < sizeof CALLS / sizeof CALLS[0]; i++)
            ck_assert_msg(after[i] - before[i] >= CALLS[i].least && after[i] - before[i] <= CALLS[i].most,
                "%s: %u for %d probes", CALLS[i].name, after[i] - before[i], PROBES);
    } else {
        world->daemon.checker = -1;
    }
    close(fd);
    free(path);
    world_end(world);
}
END_TEST

Suite *e2e_shim_suite(void) {
    Suite *suite = suite_create("e2e_shim");
    TCase *tcase = tcase_create("e2e_shim");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_probe_costs_five_system_calls_and_no_memory);
    tcase_add_test(tcase, a_database_or_directory_on_a_network_file_system_is_degraded);
    tcase_add_test(tcase, a_disk_that_fails_is_an_io_error);
    tcase_add_loop_test(
        tcase, a_driver_makes_no_file_and_opens_none_but_its_own, 0, sizeof STATES / sizeof STATES[0]);
    tcase_add_test(tcase, jumps_of_the_wall_clock_change_nothing_but_the_times_shown);
    return suite;
}
