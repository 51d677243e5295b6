/* A file system that passes everything through to a directory (libfuse3, in a process of its own), and that
 * can be made to hang as a dead volume does. It lives in the test's own mount namespace (harness/namespace.h)
 * and ends with the test, however that ends: then the kernel lets go of whoever waits for it. */
#ifndef BH_TESTS_HUNGFS_H
#define BH_TESTS_HUNGFS_H

#include <pthread.h>
#include <sys/types.h>

/* What every request goes through. */
struct hungfs_gate {
    pthread_rwlock_t lock; /* who holds it for writing holds all requests */
    _Atomic int delay_ms;
};

struct hungfs {
    char path[256]; /* where it is mounted */
    pid_t pid;
    struct hungfs_gate *gate; /* in memory shared with the server */
    enum hungfs_way { HUNGFS_ANSWERS, HUNGFS_IS_DEAF, HUNGFS_HOLDS } way;
};

/* Enters namespaces and mounts it, with the files of source, on a new directory. Returns NULL, or why it
 * cannot be done here: a reason to skip the test. */
const char *hungfs_start(struct hungfs *fs, const char *source);

/* From now on nobody gets an answer. HUNGFS_IS_DEAF: the server is stopped and reads no request; the kernel
 * lets a reader go who is killed before his request was read. HUNGFS_HOLDS: it reads requests and keeps them;
 * such a reader stays in the kernel (state D), killed or not. */
void hungfs_hang(struct hungfs *fs, enum hungfs_way way);

/* From now on each request is answered late, by so much; 0: at once. */
void hungfs_delay(struct hungfs *fs, int delay_ms);

/* It answers again, what waits first. */
void hungfs_go_on(struct hungfs *fs);

/* Unmounts it; whoever waited gets an error. */
void hungfs_end(struct hungfs *fs);

#endif
