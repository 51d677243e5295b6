/* A sorted list of timers; insertion from the front, for there are few and most are short. */
#include "base/timers.h"

#include <stddef.h>

enum { TURN_MS = 20 };

void timers_init(struct timers *timers, const struct clock *clock) {
    timers->clock = clock;
    timers->head = NULL;
}

void timer_init(struct timer *timer, void (*fire)(void *arg), void *arg) {
    *timer = (struct timer){.fire = fire, .arg = arg};
}

void timer_arm(struct timers *timers, struct timer *timer, int64_t delay_ms) {
    timer_disarm(timer);
    timer->due_ms = clock_now_ms(timers->clock) + (delay_ms > 0 ? delay_ms : 0);
    struct timer **link = &timers->head;
    while (*link && (*link)->due_ms <= timer->due_ms)
        link = &(*link)->next;
    timer->next = *link;
    timer->link = link;
    if (timer->next)
        timer->next->link = &timer->next;
    *link = timer;
}

void timer_disarm(struct timer *timer) {
    if (!timer->link)
        return;
    *timer->link = timer->next;
    if (timer->next)
        timer->next->link = timer->link;
    timer->next = NULL;
    timer->link = NULL;
}

bool timer_is_armed(const struct timer *timer) {
    return timer->link != NULL;
}

/* Two bounds on one call. A callback that arms itself with no delay is due again, but only in the next call.
 * And what has not had its turn when TURN_MS have passed has it later, behind what has become due meanwhile:
 * 500 checks that all begin, a fork each, must not keep the loop from its events, nor the lease from being
 * renewed (on a machine with 30 processes for each processor they took 25 s). */
void timers_run(struct timers *timers) {
    int64_t now_ms = clock_now_ms(timers->clock);
    struct timers due = {.clock = timers->clock};
    struct timer **tail = &due.head;
    while (timers->head && timers->head->due_ms <= now_ms) {
        struct timer *timer = timers->head;
        timer_disarm(timer);
        timer->link = tail;
        *tail = timer;
        tail = &timer->next;
    }
    while (due.head && clock_now_ms(timers->clock) - now_ms < TURN_MS) {
        struct timer *timer = due.head;
        timer_disarm(timer);
        timer->fire(timer->arg);
    }
    while (due.head)
        timer_arm(timers, due.head, 0);
}

int64_t timers_next_delay_ms(const struct timers *timers) {
    if (!timers->head)
        return -1;
    int64_t delay_ms = timers->head->due_ms - clock_now_ms(timers->clock);
    return delay_ms > 0 ? delay_ms : 0;
}
