/* The gate: runs that the processor would not serve yet wait for their turn. */
#include "run/gate.h"

#include <stddef.h>

enum {
    UNHEARD_MAX = 4,
    LOOK_MS = 5, /* how often it is looked whether there is room, while anybody waits */
};

void turn_init(struct turn *turn, void (*take)(void *arg), void *arg) {
    *turn = (struct turn){.take = take, .arg = arg};
}

static void append(struct gate *gate, struct turn *turn) {
    turn->since_ms = clock_now_ms(gate->timers->clock);
    turn->is_waiting = true;
    turn->next = NULL;
    *gate->last = turn;
    gate->last = &turn->next;
}

static struct turn *pop(struct gate *gate) {
    struct turn *turn = gate->first;
    gate->first = turn->next;
    if (!gate->first)
        gate->last = &gate->first;
    turn->is_waiting = false;
    return turn;
}

static bool has_room(const struct gate *gate) {
    return children_unheard(gate->children) < UNHEARD_MAX;
}

static void look(void *arg) {
    struct gate *gate = arg;
    while (gate->first && has_room(gate)) {
        struct turn *turn = pop(gate);
        turn->take(turn->arg);
    }
    if (gate->first)
        timer_arm(gate->timers, &gate->look, LOOK_MS);
}

void gate_init(struct gate *gate, struct children *children, struct timers *timers) {
    *gate = (struct gate){.children = children, .timers = timers};
    gate->last = &gate->first;
    timer_init(&gate->look, look, gate);
}

bool gate_enter(struct gate *gate, struct turn *turn) {
    if (turn->is_waiting)
        return false;
    if (!gate->first && has_room(gate))
        return true;
    append(gate, turn);
    if (!timer_is_armed(&gate->look))
        timer_arm(gate->timers, &gate->look, LOOK_MS);
    return false;
}

void gate_leave(struct gate *gate, struct turn *turn) {
    struct turn **link = &gate->first;
    while (*link && *link != turn)
        link = &(*link)->next;
    if (!*link)
        return;
    *link = turn->next;
    if (gate->last == &turn->next)
        gate->last = link;
    turn->is_waiting = false;
}

bool gate_note(struct gate *gate, int64_t delay_ms) {
    int64_t now_ms = clock_now_ms(gate->timers->clock);
    gate->delayed += delay_ms >= GATE_DELAY_MS;
    if (delay_ms < GATE_LATE_MS)
        return false;
    if (gate->late_ms == 0 || now_ms - gate->late_ms > GATE_SPELL_MS)
        gate->late_since_ms = now_ms;
    gate->late_ms = now_ms;
    bool was_told = gate->told_ms > 0 && now_ms - gate->told_ms < GATE_SILENCE_MS;
    if (was_told || now_ms - gate->late_since_ms < GATE_PATIENCE_MS)
        return false;
    gate->told_ms = now_ms;
    return true;
}
