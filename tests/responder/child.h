/* A process forked by a test: it ends with its test at the latest, and its end is part of what is tested. */
#ifndef BH_TESTS_RESPONDER_CHILD_H
#define BH_TESTS_RESPONDER_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Forks a child that runs the function and exits with what it returns; with 99 if memory leaked (under
 * AddressSanitizer). */
pid_t forked_start(int (*run)(void *arg), void *arg);

/* Waits, with a deadline, and returns the exit code; -1 if a signal ended it. Fails the test if it does not
 * end. */
int forked_await(pid_t pid);

/* Stops the child and returns once it stands still; and lets it run on. */
void forked_freeze(pid_t pid);
void forked_thaw(pid_t pid);

/* Processor time it has used, in microseconds. */
int64_t forked_cpu_us(pid_t pid);

#endif
