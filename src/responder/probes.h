/* Who asks: of each path that a probe is meant for, when it was asked last, how often it is asked, and by
 * whom. It is information, not a verdict. Of fixed size, whatever clients send. */
#ifndef BH_RESPONDER_PROBES_H
#define BH_RESPONDER_PROBES_H

#include "report/exposition.h"
#include "report/route.h"
#include "responder/response.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROBES_AGENT_SIZE = 48, PROBES_INTERVALS = 3, PROBES_PATHS = 3 };

/* One path. */
struct probed {
    bool was_asked;
    int64_t asked_ms, asked_wall_ms;        /* last */
    int64_t intervals_ms[PROBES_INTERVALS]; /* the newest ones, in no order */
    size_t interval_count;                  /* that were ever measured */
    char agent[PROBES_AGENT_SIZE];          /* printable ASCII; empty: it named itself not */
};

/* {0}: nobody has asked. */
struct probes {
    struct probed paths[PROBES_PATHS];
};

/* A request of that route was answered from a page; one of another path is nothing. agent: the value of its
 * User-Agent, of which the first word is kept. */
void probes_note(struct probes *probes, enum route_id route, const char *agent, size_t length, int64_t now_ms,
    int64_t wall_ms);

/* How often it is asked, -1 while that is not known: the median of the newest intervals, so that a single
 * request by hand does not change it. */
int64_t probed_period_ms(const struct probed *probed);

/* Whether whoever asked has stopped: nobody has for twice a period. */
bool probed_is_silent(const struct probed *probed, int64_t now_ms);

/* Pure: the part of the metrics. */
void probes_put(const struct probes *probes, struct exposition *page);

/* Composes what a page of /health/, as JSON or for people, says of this moment, in memory that must stay, and
 * puts it in the place of the answer's end. A body that does not end as those pages do stays as it is. */
enum { PROBES_TEXT_SIZE = 4096 };
void probes_add_tail(
    const struct probes *probes, int64_t now_ms, char memory[PROBES_TEXT_SIZE], struct answer *answer);

#endif
