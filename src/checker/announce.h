/* What the service manager, such as systemd, is told of the sidecar's life: states, the verdict in one line,
 * and that both processes live. Where none listens, nothing is told and nothing is done. */
#ifndef BH_CHECKER_ANNOUNCE_H
#define BH_CHECKER_ANNOUNCE_H

#include "base/notify.h"
#include "base/timers.h"

/* How long until a message is sent again that the manager had no room for. */
enum { ANNOUNCE_AGAIN_MS = 500 };

enum announce_state { ANNOUNCE_STARTING, ANNOUNCE_READY, ANNOUNCE_RELOADING, ANNOUNCE_STOPPING };

/* Embedded in its owner. */
struct announcer {
    struct notify notify;
    struct timers *timers; /* NULL until announcer_start */
    void (*ask)(void *arg);
    void *arg;
    enum announce_state state;
    int64_t reloading_usec;
    char status[NOTIFY_MESSAGE_SIZE - 128];
    bool has_state_to_tell;
    bool has_status_to_tell;
    bool has_complained;
    struct timer again;
    struct timer watchdog;
};

/* Takes the manager's variables out of the environment: before anything copies it, and before any child but
 * the responder is forked. Variables that make no sense are logged; where they are the watchdog's there is
 * no watchdog, else nobody is told. */
void announcer_open(struct announcer *announcer);

/* From now on `ask` is called at half of the time for which the manager waits for a sign of life, if it waits
 * for any: whoever is asked calls announce_alive once all that must live has shown that it does. */
void announcer_start(struct announcer *announcer, struct timers *timers, void (*ask)(void *arg), void *arg);
void announcer_release(struct announcer *announcer);

/* Whether there is a manager that wants to be told. */
bool announcer_is_heard(const struct announcer *announcer);

/* Tells a change. Only the last state and the last text count where the manager does not read. text is cut to
 * fit; it must hold no secret and no line break. */
void announce_state(struct announcer *announcer, enum announce_state state);
void announce_status(struct announcer *announcer, const char *text);

/* A sign of life. One that is lost is not repeated: the next one follows. */
void announce_alive(struct announcer *announcer);

#endif
