/* Who decides in the endurance test what happens when, and what is reported of it. */
#ifndef BH_TESTS_ENDURANCE_DIRECTOR_H
#define BH_TESTS_ENDURANCE_DIRECTOR_H

#include "e2e/endurance.h"
#include "e2e/endurance_watch.h"
#include "e2e/hostile.h"
#include "harness/gauge.h"

/* What happens to one target. */
struct course {
    struct dice dice;
    const struct fault *fault; /* NULL: none */
    const struct fault *next;  /* which has to come next; NULL: any */
    bool will_show;
    int64_t next_ms; /* not before then comes the next fault, or the end of this one */
};

struct director {
    struct scene scene;
    struct model model;
    struct resource_watch watch;
    struct prober prober;
    struct hostile hostile;
    struct gauge gauge;
    struct course courses[TARGET_COUNT];
    uint64_t seed;
    int64_t seconds, started_ms, looked_ms, idle_cpu_ms, idle_ms;
    bool is_finishing;
};

int64_t director_faults_begun(const struct director *director);

/* Writes endurance.md beside the program, and its first line to standard output. */
void director_report(const struct director *director);

#endif
