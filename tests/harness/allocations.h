/* Failing allocations: lets the n-th one of a piece of work fail, for every n that there is, and sees that
 * nothing leaks, nothing crashes and nothing lies.
 *
 * The test runner is linked with --wrap (ALLOCATION_WRAPS in the Makefile), so that what src/ allocates comes
 * by here; jansson, libevent and SQLite are told to allocate here, too. */
#ifndef BH_TESTS_ALLOCATIONS_H
#define BH_TESTS_ALLOCATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A piece of work that is done again and again, each time with another allocation failing. */
struct allocation_scenario {
    const char *name;
    /* Makes ready for one attempt; may be NULL. */
    void (*prepare)(void *arg);
    /* Does it. Only here an allocation fails, so nothing is asserted here. Returns what `judge` is told. */
    int (*run)(void *arg);
    /* Judges what it has come to. has_failed: an allocation did; without, all must be right and whole. */
    void (*judge)(void *arg, int result, bool has_failed);
    /* Frees what `run` has left. Whatever `run` allocated must be free afterwards. May be NULL. */
    void (*release)(void *arg);
    /* It may end the process for want of memory: with one line of the log, and status 1. */
    bool may_exit;
};

/* Tells the libraries to allocate through the wrappers. To be called before anything else in a test. */
void allocations_hook_libraries(void);

/* Does the work with the first allocation failing, then the second, until it needs no more of them; and once
 * more. Fails the test, naming the scenario and the number, where a promise is broken. Returns how many
 * allocations the work takes. */
int allocations_fail_each(const struct allocation_scenario *scenario, void *arg);

/* The same, with the allocations failing in each child that the work forks, and none in this process; where
 * the child ends is judged by how its parent takes it. */
int allocations_fail_each_in_children(const struct allocation_scenario *scenario, void *arg);

#endif
