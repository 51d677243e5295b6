/* The file system that can hang: its operations, each through the gate, and its process. */
#define FUSE_USE_VERSION 35
#include "harness/hungfs.h"

#include "base/process.h"
#include "base/str.h"
#include "harness/fork.h"
#include "harness/namespace.h"
#include "harness/tempdir.h"
#include "harness/wait.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { END_MS = 2000 };

/* What the operations know: fuse_get_context()->private_data. */
struct server {
    int source; /* the directory that is passed through */
    struct hungfs_gate *gate;
};

/* -- operations -- */

/* Every operation begins here: waits while requests are held. Returns the directory. */
static int pass(void) {
    const struct server *server = fuse_get_context()->private_data;
    int delay_ms = server->gate->delay_ms;
    const struct timespec delay = {.tv_nsec = delay_ms * 1000000L};
    if (delay_ms > 0)
        nanosleep(&delay, NULL);
    pthread_rwlock_rdlock(&server->gate->lock);
    pthread_rwlock_unlock(&server->gate->lock);
    return server->source;
}

static const char *name_of(const char *path) {
    return path[1] ? path + 1 : ".";
}

/* The kernel's way to say it: 0 or above, or -errno. */
static int result_of(ssize_t result) {
    return result < 0 ? -errno : (int)result;
}

static void *op_init(struct fuse_conn_info *connection, struct fuse_config *config) {
    (void)connection;
    config->use_ino = 1;
    config->hard_remove = 1;
    config->entry_timeout = config->attr_timeout = config->negative_timeout = 0; /* each look asks us */
    return fuse_get_context()->private_data;
}

static int op_getattr(const char *path, struct stat *st, struct fuse_file_info *file) {
    (void)file;
    return result_of(fstatat(pass(), name_of(path), st, AT_SYMLINK_NOFOLLOW));
}

static int open_as(const char *path, int flags, mode_t mode, struct fuse_file_info *file) {
    int fd = openat(pass(), name_of(path), flags | O_CLOEXEC, mode);
    file->fh = (uint64_t)fd;
    return fd < 0 ? -errno : 0;
}

static int op_open(const char *path, struct fuse_file_info *file) {
    return open_as(path, file->flags, 0, file);
}

static int op_create(const char *path, mode_t mode, struct fuse_file_info *file) {
    return open_as(path, file->flags | O_CREAT, mode, file);
}

static int op_read(const char *path, char *bytes, size_t size, off_t at, struct fuse_file_info *file) {
    (void)path;
    pass();
    return result_of(pread((int)file->fh, bytes, size, at));
}

static int op_write(const char *path, const char *bytes, size_t size, off_t at, struct fuse_file_info *file) {
    (void)path;
    pass();
    return result_of(pwrite((int)file->fh, bytes, size, at));
}

static int op_truncate(const char *path, off_t size, struct fuse_file_info *file) {
    int source = pass();
    int fd = file ? (int)file->fh : openat(source, name_of(path), O_WRONLY | O_CLOEXEC);
    int result = fd < 0 ? -errno : result_of(ftruncate(fd, size));
    if (!file && fd >= 0)
        close(fd);
    return result;
}

static int op_unlink(const char *path) {
    return result_of(unlinkat(pass(), name_of(path), 0));
}

static int op_statfs(const char *path, struct statvfs *fs) {
    (void)path;
    return result_of(fstatvfs(pass(), fs));
}

static int op_fsync(const char *path, int is_data_only, struct fuse_file_info *file) {
    (void)path;
    (void)is_data_only;
    pass();
    return result_of(fsync((int)file->fh));
}

static int op_flush(const char *path, struct fuse_file_info *file) {
    (void)path;
    (void)file;
    pass();
    return 0;
}

static int op_release(const char *path, struct fuse_file_info *file) {
    (void)path;
    pass();
    return result_of(close((int)file->fh));
}

static const struct fuse_operations OPERATIONS = {
    .init = op_init,
    .getattr = op_getattr,
    .open = op_open,
    .create = op_create,
    .read = op_read,
    .write = op_write,
    .truncate = op_truncate,
    .unlink = op_unlink,
    .statfs = op_statfs,
    .fsync = op_fsync,
    .flush = op_flush,
    .release = op_release,
};

/* -- the server's process -- */

static _Noreturn void serve(const struct hungfs *fs, const char *source, int ready_fd, pid_t parent) {
    process_close_from(STDERR_FILENO + 1, &ready_fd, 1);
    char name[] = "hungfs";
    char *arguments[] = {name, NULL};
    struct fuse_args args = FUSE_ARGS_INIT(1, arguments);
    struct server server = {open(source, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fs->gate};
    struct fuse *fuse = fuse_new(&args, &OPERATIONS, sizeof OPERATIONS, &server);
    struct fuse_loop_config config = {.max_idle_threads = 10}; /* each held request holds one */
    if (server.source < 0 || !fuse || fuse_mount(fuse, fs->path) < 0 || !process_die_with_parent(parent))
        _exit(1);
    if (write(ready_fd, "r", 1) != 1)
        _exit(1);
    close(ready_fd);
    fuse_loop_mt(fuse, &config);
    _exit(0);
}

static struct hungfs_gate *make_gate(void) {
    struct hungfs_gate *gate =
        mmap(NULL, sizeof *gate, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(gate, MAP_FAILED);
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    ck_assert_int_eq(pthread_rwlock_init(&gate->lock, &attributes), 0);
    pthread_rwlockattr_destroy(&attributes);
    return gate;
}

/* Starts the server and waits until it has mounted, or has failed. */
static bool start_server(struct hungfs *fs, const char *source) {
    int ends[2];
    char byte;
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    pid_t parent = getpid();
    fs->pid = test_fork();
    if (fs->pid == 0)
        serve(fs, source, ends[1], parent);
    close(ends[1]);
    bool is_mounted = read(ends[0], &byte, 1) == 1;
    close(ends[0]);
    return is_mounted;
}

const char *hungfs_start(struct hungfs *fs, const char *source) {
    static char why[128];
    int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        snprintf(why, sizeof why, "/dev/fuse: %s", strerror(errno));
        return why;
    }
    close(fd);
    const char *refusal = namespace_enter();
    if (refusal)
        return refusal;
    char *path = tempdir_new();
    str_copy(fs->path, sizeof fs->path, path);
    free(path);
    fs->gate = make_gate();
    fs->way = HUNGFS_ANSWERS;
    if (start_server(fs, source))
        return NULL;
    waitpid(fs->pid, NULL, 0);
    return "a FUSE file system cannot be mounted here";
}

void hungfs_hang(struct hungfs *fs, enum hungfs_way way) {
    ck_assert_int_eq(fs->way, HUNGFS_ANSWERS);
    fs->way = way;
    if (way == HUNGFS_HOLDS)
        ck_assert_int_eq(pthread_rwlock_wrlock(&fs->gate->lock), 0);
    if (way == HUNGFS_IS_DEAF)
        ck_assert_int_eq(kill(fs->pid, SIGSTOP), 0);
}

void hungfs_delay(struct hungfs *fs, int delay_ms) {
    ck_assert_int_lt(delay_ms, 1000);
    fs->gate->delay_ms = delay_ms;
}

void hungfs_go_on(struct hungfs *fs) {
    if (fs->way == HUNGFS_HOLDS)
        ck_assert_int_eq(pthread_rwlock_unlock(&fs->gate->lock), 0);
    if (fs->way == HUNGFS_IS_DEAF)
        ck_assert_int_eq(kill(fs->pid, SIGCONT), 0);
    fs->way = HUNGFS_ANSWERS;
}

static bool has_ended(void *arg) {
    const struct hungfs *fs = arg;
    return waitpid(fs->pid, NULL, WNOHANG) == fs->pid;
}

void hungfs_end(struct hungfs *fs) {
    hungfs_go_on(fs);
    umount2(fs->path, MNT_DETACH); /* the server ends when the last file is closed */
    if (!wait_until(has_ended, fs, END_MS)) {
        kill(fs->pid, SIGKILL);
        waitpid(fs->pid, NULL, 0);
    }
    munmap(fs->gate, sizeof *fs->gate);
}
