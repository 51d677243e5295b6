/* Where each connection stands: one queue a state, each in the order of its deadlines. Pure. */
#ifndef BH_RESPONDER_QUEUES_H
#define BH_RESPONDER_QUEUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum connection_state {
    CONNECTION_FREE,
    CONNECTION_IDLE,      /* has its answer, and may ask again */
    CONNECTION_READING,   /* waits for its first request, or for the rest of one */
    CONNECTION_WRITING,   /* the client has not taken the whole answer yet */
    CONNECTION_LINGERING, /* answered and shut down; what still comes is thrown away, lest the answer be lost
                             to a reset */
    CONNECTION_STATE_COUNT,
};

/* The place of one connection; embedded in it as its first member. */
struct place {
    struct place *next, *previous;
    enum connection_state state;
    int64_t deadline_ms; /* monotonic; nothing where free */
};

struct queues {
    struct place heads[CONNECTION_STATE_COUNT];
};

void queues_init(struct queues *queues);

/* Adds a place that is in no queue yet, as free. */
void queues_add(struct queues *queues, struct place *place);

/* Moves it to the end of the state's queue. Within one state deadlines must not decrease from call to call.
 */
void queues_move(
    struct queues *queues, struct place *place, enum connection_state state, int64_t deadline_ms);

/* The free place used last (its memory is warm), or NULL. */
struct place *queues_free_place(const struct queues *queues);

/* The one that should make room: the oldest of those lingering, else idle, else reading, else writing; NULL
 * if none is in use. */
struct place *queues_oldest(const struct queues *queues);

/* One whose deadline has come, or NULL. */
struct place *queues_expired(const struct queues *queues, int64_t now_ms);

/* The first in that state, or NULL. */
struct place *queues_first(const struct queues *queues, enum connection_state state);

/* Whether it has no request to answer: what comes next is one, or the rest of one. */
bool queues_awaits_request(const struct place *place);

/* How many are not free. */
size_t queues_in_use(const struct queues *queues);

/* The earliest deadline, INT64_MAX if none is in use. */
int64_t queues_next_deadline_ms(const struct queues *queues);

#endif
