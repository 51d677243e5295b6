/* Liveness: which outcomes are life, which are silence, and which say nothing. */
#include "checker/liveness.h"

enum sign { SIGN_LIFE, SIGN_SILENCE, SIGN_NONE };

static enum sign sign_of(enum reason reason) {
    switch ((int)reason) {
    case REASON_REFUSED:
    case REASON_UNREACHABLE:
    case REASON_TIMEOUT:
    case REASON_RESET:
    case REASON_PROTOCOL: return SIGN_SILENCE;
    case REASON_STARTING:
    case REASON_STUCK:
    case REASON_CRASHED:
    case REASON_INTERNAL: return SIGN_NONE; /* the sidecar's own affair: neither proof nor disproof */
    }
    return SIGN_LIFE; /* an answer, even a 500 */
}

void liveness_note(struct liveness *liveness, enum reason reason, bool is_excused, int64_t fall) {
    enum sign sign = sign_of(reason);
    if (sign != SIGN_NONE)
        liveness->is_silent = sign == SIGN_SILENCE;
    if (sign == SIGN_SILENCE && is_excused) {
        liveness->silences = 0;
        return;
    }
    switch (sign) {
    case SIGN_NONE: return;
    case SIGN_SILENCE:
        liveness->silences++;
        liveness->silence = reason;
        if (reason == REASON_REFUSED || liveness->silences >= fall)
            liveness->is_away = true;
        return;
    case SIGN_LIFE:
        if (!liveness->has_answered || liveness->is_away)
            liveness->arrivals++;
        liveness->has_answered = true;
        liveness->is_away = false;
        liveness->silences = 0;
        return;
    }
}

enum reason liveness_reason(const struct liveness *liveness, enum reason reason) {
    return reason == REASON_REFUSED && !liveness->has_answered ? REASON_APP_STARTING : reason;
}

bool liveness_is_dead(
    const struct liveness *liveness, int64_t fall, int64_t start_grace_ms, int64_t running_ms) {
    return liveness->silences >= fall && (liveness->has_answered || running_ms >= start_grace_ms);
}
