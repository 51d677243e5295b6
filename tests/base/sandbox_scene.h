/* A process that gives something up, with two directories to try it on, and what became of it. */
#ifndef BH_TESTS_BASE_SANDBOX_SCENE_H
#define BH_TESTS_BASE_SANDBOX_SCENE_H

#include "base/log.h"

#include <stdbool.h>

struct scene {
    char *dir, *other;       /* two directories, with a file each */
    char *file, *other_file; /* "file" in them */
    char log[4096];          /* of the last process */
};

/* The one scene of a suite: a checked fixture. */
extern struct scene scene;
void scene_set_up(void);
void scene_tear_down(void);

/* Runs body in a process whose log goes to scene.log. Returns its exit status, or -1 with the signal's number
 * in *number, which may be NULL. */
int scene_run(int (*body)(void), enum log_format format, int *number);

/* These say why not, once; test NULL: not even that. */
bool scene_has_seccomp(const char *test);
bool scene_has_landlock(const char *test);

/* The errno of an open; 0 where it succeeds. */
int scene_opened(const char *path, int flags);

/* In the child: nothing may be asserted, so the line that was not so is its status. */
#define EXPECT(claim)                                                                                        \
    do                                                                                                       \
        if (!(claim))                                                                                        \
            return __LINE__ % 200 + 1;                                                                       \
    while (0)

#endif
