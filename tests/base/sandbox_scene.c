/* Runs what gives something up in a process of its own. */
#include "base/sandbox_scene.h"

#include "base/sandbox.h"
#include "harness/fork.h"
#include "harness/sandbox.h"
#include "harness/skip.h"
#include "harness/tempdir.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct scene scene;

void scene_set_up(void) {
    scene.dir = tempdir_new();
    scene.other = tempdir_new();
    scene.file = tempdir_path(scene.dir, "file");
    scene.other_file = tempdir_path(scene.other, "file");
    tempdir_write(scene.file, "here\n");
    tempdir_write(scene.other_file, "there\n");
    chmod(scene.dir, 0777);
}

void scene_tear_down(void) {
    free(scene.dir);
    free(scene.other);
    free(scene.file);
    free(scene.other_file);
}

int scene_run(int (*body)(void), enum log_format format, int *number) {
    int ends[2], status;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t pid = test_fork();
    if (pid == 0) {
        log_configure(LOG_INFO, format, "test", ends[1]);
        sandbox_forbid_privileges();
        _exit(body());
    }
    close(ends[1]);
    size_t length = 0;
    for (ssize_t got = 1; got > 0 && length<sizeof scene.log - 1; length += got> 0 ? (size_t)got : 0)
        got = read(ends[0], scene.log + length, sizeof scene.log - 1 - length);
    scene.log[length] = '\0';
    close(ends[0]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    if (number)
        *number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int landlock_version(void) {
    return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
}

bool scene_has_seccomp(const char *test) {
    const char *lack = sandbox_lack();
    if (lack && test)
        skip_test(test, lack);
    return !lack;
}

bool scene_has_landlock(const char *test) {
    if (landlock_version() > 0)
        return true;
    skip_test(test, "this kernel has no Landlock");
    return false;
}

int scene_opened(const char *path, int flags) {
    int fd = open(path, flags | O_CLOEXEC, 0600);
    int cause = fd < 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    return cause;
}
