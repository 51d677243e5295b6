/* Measures time as a promise means it: without the time in which the machine was too busy to keep any. */
#ifndef BH_TESTS_STOPWATCH_H
#define BH_TESTS_STOPWATCH_H

#include <stdint.h>

struct stopwatch {
    int64_t begin_ms;
    int64_t begin_used_ms;
    int64_t begin_idle_ms; /* of one processor, on average; -1: the machine does not say */
};

struct stopwatch stopwatch_start(void);

/* Milliseconds since the start. For lower bounds: what must not happen early. */
int64_t stopwatch_ms(const struct stopwatch *watch);

/* Processor time that this process has used since. For what a piece of work may cost. */
int64_t stopwatch_used_ms(const struct stopwatch *watch);

/* Those of the milliseconds that passed in which the machine had processor time to spare (/proc/stat), 10 ms
 * more or less; all of them where it does not say, and a twentieth of them however busy it is. Whoever wanted
 * to run then could, so this is the time of an upper bound: beside other work a process is late by what that
 * work took, and not by more. On an idle machine it is the time that passed but for what the test and the
 * program computed themselves. */
int64_t stopwatch_free_ms(const struct stopwatch *watch);

#endif
