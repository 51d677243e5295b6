/* Publishing: the state of everything, rendered and handed to the responder with a lease, and to the service
 * manager as one line. */
#ifndef BH_CHECKER_PUBLISHER_H
#define BH_CHECKER_PUBLISHER_H

#include "base/process.h"
#include "base/timers.h"
#include "checker/announce.h"
#include "checker/engine.h"
#include "link/link.h"

#include <stdbool.h>
#include <stdint.h>

/* The sidecar's own state, as the pages tell it. */
struct sidecar {
    const char *config; /* "ok", or why the configuration that was last read is not the one in force */
    bool has_reload_failed;
    int64_t config_read_at_ms; /* wall clock, as the next */
    int64_t started_at_ms;
    bool is_draining;
    bool is_ending; /* the responder was told to go, and may have gone: nothing is published */
};

/* Embedded in its owner. All pointers are borrowed. */
struct publisher {
    const struct sidecar *sidecar;
    struct timers *timers;
    struct announcer *announcer;
    struct engine *engine; /* NULL until publisher_start, as is the sender */
    struct link_sender *sender;
    struct timer publish;
    struct timer lease;
    struct process_meter meter;
    int64_t leased_ms;      /* when the lease was last renewed */
    int64_t made_ms;        /* when pages were last made */
    int64_t read_ms;        /* when somebody last read what only newer pages tell otherwise; 0: never */
    int64_t rests_until_ms; /* after pages that took long to make */
    bool has_news;          /* that the pages do not tell yet */
    bool has_failed;
    bool has_settled; /* since the configuration was read */
};

void publisher_init(struct publisher *publisher, const struct sidecar *sidecar, struct timers *timers,
    struct announcer *announcer);

/* Publishes for the first time. */
void publisher_start(struct publisher *publisher, struct engine *engine, struct link_sender *sender);

/* Publishes now. */
void publisher_publish(struct publisher *publisher);

/* To be called in every turn of the loop before a run is begun: publishes what is to be published, renews the
 * lease where it is due, or a fifth of it over, and sends it. However many runs wait for their turn, a
 * checker whose loop turns is not stale. */
void publisher_turn(struct publisher *publisher);

/* For how long after somebody has read numbers (a time, a latency, a count) they are kept new, and how old
 * they become where nobody does. */
enum { PUBLISHER_READERS_MS = 150 * 1000, PUBLISHER_QUIET_MS = 5 * 1000 };

/* There is news: with a change of verdict it is published at once (where pages take long to make, after a
 * rest of a few times as long). Else, while there are readers, with the next renewal of the lease; where
 * there are none, when the pages are PUBLISHER_QUIET_MS old. publisher is the argument, so that this may be
 * the engine's `checked`. */
void publisher_on_checked(void *publisher, bool is_change);

/* Somebody has read numbers: news that waits is published for who reads on. */
void publisher_on_read(struct publisher *publisher);

/* Closes what it measures with. */
void publisher_release(struct publisher *publisher);

/* Another configuration is in force: what its first round took is given back once more. */
void publisher_unsettle(struct publisher *publisher);

#endif
