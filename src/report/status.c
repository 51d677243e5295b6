/* Names of statuses and phases. */
#include "report/status.h"

#include <stddef.h>

const char *status_name(enum status status) {
    static const char *const NAMES[] = {"ok", "degraded", "error", "starting"};
    return NAMES[status];
}

const char *phase_name(enum phase phase) {
    static const char *const NAMES[PHASE_COUNT] = {
        [PHASE_RESOLVE] = "resolve",
        [PHASE_CONNECT] = "connect",
        [PHASE_TLS] = "tls",
        [PHASE_AUTH] = "auth",
        [PHASE_QUERY] = "query",
        [PHASE_STAT] = "stat",
        [PHASE_OPEN] = "open",
        [PHASE_LOCK] = "lock",
        [PHASE_READ] = "read",
        [PHASE_CLOSE] = "close",
    };
    return NAMES[phase];
}

bool status_is_ready(enum status status) {
    return status == STATUS_OK || status == STATUS_DEGRADED;
}
