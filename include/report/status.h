/* The words in which the state of a check is told: its status, and the phase of a run. */
#ifndef BH_REPORT_STATUS_H
#define BH_REPORT_STATUS_H

#include <stdbool.h>

enum status {
    STATUS_OK,
    STATUS_DEGRADED, /* ready, but somebody should know */
    STATUS_ERROR,
    STATUS_STARTING, /* no run has finished yet */
};

/* How far a run has come; with a timeout it is what an operator needs to know. */
enum phase {
    PHASE_NONE,
    PHASE_RESOLVE,
    PHASE_CONNECT,
    PHASE_TLS,
    PHASE_AUTH,
    PHASE_QUERY,
    PHASE_STAT,
    PHASE_OPEN,
    PHASE_LOCK,
    PHASE_READ,
    PHASE_CLOSE,
    PHASE_COUNT,
};

/* "ok", "degraded", "error", "starting". */
const char *status_name(enum status status);

/* "resolve", ...; NULL for PHASE_NONE. */
const char *phase_name(enum phase phase);

/* Whether a check in this status lets Bugsink be ready. */
bool status_is_ready(enum status status);

#endif
