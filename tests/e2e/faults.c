/* The preloaded library of faults. */
#include "e2e/faults.h"

#include "harness/tempdir.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* It stands beside the program. */
static void library_path(char path[PATH_MAX]) {
    char *program = realpath(program_path(), NULL);
    ck_assert_ptr_nonnull(program);
    *strrchr(program, '/') = '\0';
    ck_assert_int_lt(snprintf(path, PATH_MAX, "%s/faults.so", program), PATH_MAX);
    free(program);
}

const char *faults_why_not(void) {
#ifdef __SANITIZE_ADDRESS__
    return "the sanitizers come with a preloaded library of their own";
#else
    return NULL;
#endif
}

/* To ld.so a blank in LD_PRELOAD ends a name: what is built at a path with one in it goes by another name. */
static char *name_library(const char *dir) {
    char library[PATH_MAX];
    library_path(library);
    ck_assert_msg(access(library, R_OK) == 0, "%s is not built", library);
    char *name = tempdir_path(dir, "faults.so");
    ck_assert_msg(strpbrk(name, " :") == NULL, "%s cannot be preloaded", name);
    ck_assert(symlink(library, name) == 0 || errno == EEXIST);
    return name;
}

struct fault_control *faults_preload(struct envlist *environment, const char *dir) {
    char *path = tempdir_path(dir, "faults");
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, sizeof(struct fault_control)), 0);
    void *memory = mmap(NULL, sizeof(struct fault_control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ck_assert(memory != MAP_FAILED);
    close(fd);
    char *library = name_library(dir);
    envlist_set(environment, "LD_PRELOAD=%s", library);
    free(library);
    envlist_set(environment, "BH_FAULTS=%s", path);
    free(path);
    return memory;
}

void faults_arm(struct fault *fault, enum fault_call call, int error, int nth) {
    fault->error = 0;
    fault->call = (int)call;
    fault->nth = nth;
    fault->count = 0;
    fault->hits = 0;
    fault->error = error;
}

bool faults_disarm(struct fault_control *control) {
    for (int i = 0; i < FAULTS_MAX; i++)
        control->faults[i].error = 0;
    return control->faults[0].hits > 0;
}

void faults_release(struct fault_control *control) {
    munmap(control, sizeof *control);
}
