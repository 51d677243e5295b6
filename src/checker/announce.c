/* Tells the service manager what changed, and tells it again where there was no room. */
#include "checker/announce.h"

#include "base/log.h"
#include "base/str.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void complain(struct announcer *announcer, const char *why) {
    if (!announcer->has_complained)
        log_warning("the service manager is not told", why);
    announcer->has_complained = true;
}

static const char *state_line(const struct announcer *announcer, char *text, size_t size) {
    switch (announcer->state) {
    case ANNOUNCE_STARTING: break;
    case ANNOUNCE_READY: return "READY=1\n";
    case ANNOUNCE_RELOADING:
        snprintf(text, size, "RELOADING=1\nMONOTONIC_USEC=%" PRId64 "\n", announcer->reloading_usec);
        return text;
    case ANNOUNCE_STOPPING: return "STOPPING=1\n";
    }
    return "";
}

static void tell(void *arg) {
    struct announcer *announcer = arg;
    char message[NOTIFY_MESSAGE_SIZE], state[64];
    snprintf(message, sizeof message, "%s%s%s",
        announcer->has_state_to_tell ? state_line(announcer, state, sizeof state) : "",
        announcer->has_status_to_tell ? "STATUS=" : "",
        announcer->has_status_to_tell ? announcer->status : "");
    if (!message[0])
        return;
    if (notify_send(&announcer->notify, message) < 0) {
        bool is_full = errno == EAGAIN || errno == ENOBUFS;
        complain(announcer, strerror(errno));
        if (is_full && announcer->timers) {
            timer_arm(announcer->timers, &announcer->again, ANNOUNCE_AGAIN_MS);
            return;
        }
    } else {
        announcer->has_complained = false;
    }
    announcer->has_state_to_tell = announcer->has_status_to_tell = false;
}

/* Twice in its time; but no watchdog is worth a processor. */
static int64_t watchdog_pause_ms(const struct announcer *announcer) {
    enum { PAUSE_MIN_MS = 20 };
    int64_t pause_ms = announcer->notify.watchdog_ms / 2;
    return pause_ms > PAUSE_MIN_MS ? pause_ms : PAUSE_MIN_MS;
}

static void on_watchdog(void *arg) {
    struct announcer *announcer = arg;
    timer_arm(announcer->timers, &announcer->watchdog, watchdog_pause_ms(announcer));
    announcer->ask(announcer->arg);
}

void announcer_open(struct announcer *announcer) {
    struct error err;
    *announcer = (struct announcer){.state = ANNOUNCE_STARTING};
    timer_init(&announcer->again, tell, announcer);
    timer_init(&announcer->watchdog, on_watchdog, announcer);
    if (notify_open(&announcer->notify, &err) < 0)
        complain(announcer, err.text);
}

void announcer_start(struct announcer *announcer, struct timers *timers, void (*ask)(void *arg), void *arg) {
    announcer->timers = timers;
    announcer->ask = ask;
    announcer->arg = arg;
    if (announcer->notify.watchdog_ms > 0)
        timer_arm(timers, &announcer->watchdog, watchdog_pause_ms(announcer));
}

void announcer_release(struct announcer *announcer) {
    timer_disarm(&announcer->again);
    timer_disarm(&announcer->watchdog);
    notify_close(&announcer->notify);
}

bool announcer_is_heard(const struct announcer *announcer) {
    return announcer->notify.fd >= 0;
}

void announce_state(struct announcer *announcer, enum announce_state state) {
    if (!announcer_is_heard(announcer) || state == announcer->state)
        return;
    announcer->state = state;
    announcer->reloading_usec = notify_now_usec();
    announcer->has_state_to_tell = true;
    tell(announcer);
}

void announce_status(struct announcer *announcer, const char *text) {
    char status[sizeof announcer->status];
    str_copy(status, sizeof status, text);
    if (!announcer_is_heard(announcer) || strcmp(status, announcer->status) == 0)
        return;
    memcpy(announcer->status, status, sizeof status);
    announcer->has_status_to_tell = true;
    tell(announcer);
}

void announce_alive(struct announcer *announcer) {
    if (notify_send(&announcer->notify, "WATCHDOG=1") < 0)
        complain(announcer, strerror(errno));
}
