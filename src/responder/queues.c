/* Queues of connections, one a state: first in, first out, so that the head has the earliest deadline. */
#include "responder/queues.h"

#include <stddef.h>

void queues_init(struct queues *queues) {
    for (int state = 0; state < CONNECTION_STATE_COUNT; state++) {
        struct place *head = &queues->heads[state];
        *head = (struct place){.next = head, .previous = head};
    }
}

/* Free places are used last in, first out; all others queue. */
static void insert(struct queues *queues, struct place *place) {
    struct place *head = &queues->heads[place->state];
    struct place *before = place->state == CONNECTION_FREE ? head : head->previous;
    place->previous = before;
    place->next = before->next;
    before->next->previous = place;
    before->next = place;
}

void queues_add(struct queues *queues, struct place *place) {
    place->state = CONNECTION_FREE;
    insert(queues, place);
}

void queues_move(
    struct queues *queues, struct place *place, enum connection_state state, int64_t deadline_ms) {
    place->previous->next = place->next;
    place->next->previous = place->previous;
    place->state = state;
    place->deadline_ms = deadline_ms;
    insert(queues, place);
}

size_t queues_in_use(const struct queues *queues) {
    size_t count = 0;
    for (int state = CONNECTION_FREE + 1; state < CONNECTION_STATE_COUNT; state++) {
        const struct place *head = &queues->heads[state];
        for (const struct place *place = head->next; place != head; place = place->next)
            count++;
    }
    return count;
}

struct place *queues_first(const struct queues *queues, enum connection_state state) {
    const struct place *head = &queues->heads[state];
    return head->next == head ? NULL : head->next;
}

struct place *queues_free_place(const struct queues *queues) {
    return queues_first(queues, CONNECTION_FREE);
}

struct place *queues_oldest(const struct queues *queues) {
    static const enum connection_state ORDER[] = {
        CONNECTION_LINGERING, CONNECTION_IDLE, CONNECTION_READING, CONNECTION_WRITING};
    struct place *oldest = NULL;
    for (size_t i = 0; !oldest && i < sizeof ORDER / sizeof ORDER[0]; i++)
        oldest = queues_first(queues, ORDER[i]);
    return oldest;
}

bool queues_awaits_request(const struct place *place) {
    return place->state == CONNECTION_IDLE || place->state == CONNECTION_READING;
}

/* The one with the earliest deadline, or NULL. */
static struct place *most_urgent(const struct queues *queues) {
    struct place *urgent = NULL;
    for (int state = CONNECTION_FREE + 1; state < CONNECTION_STATE_COUNT; state++) {
        struct place *first = queues_first(queues, (enum connection_state)state);
        if (first && (!urgent || first->deadline_ms < urgent->deadline_ms))
            urgent = first;
    }
    return urgent;
}

struct place *queues_expired(const struct queues *queues, int64_t now_ms) {
    struct place *urgent = most_urgent(queues);
    return urgent && urgent->deadline_ms <= now_ms ? urgent : NULL;
}

int64_t queues_next_deadline_ms(const struct queues *queues) {
    const struct place *urgent = most_urgent(queues);
    return urgent ? urgent->deadline_ms : INT64_MAX;
}
