/* How a conversation with a MySQL server tells how far it is, and what went wrong. */
#include "kinds/mysql/talk.h"

#include "kinds/mysql/error.h"

#include <stdio.h>

void mysql_talk_enter(struct mysql_talk *talk, enum phase phase) {
    phase_report_enter(&talk->run->phases, phase);
}

/* Returns false, so that a failing function can return it. */
bool mysql_talk_fail(struct mysql_talk *talk, enum reason reason, enum phase phase, const char *detail) {
    talk->outcome->reason = reason;
    talk->outcome->phase = phase;
    outcome_set_detail(talk->outcome, talk->config, detail);
    return false;
}

bool mysql_talk_fail_with_error(struct mysql_talk *talk, enum phase phase) {
    unsigned error = mysql_errno(talk->mysql);
    const char *message = mysql_error(talk->mysql);
    snprintf(talk->outcome->code, sizeof talk->outcome->code, "%u", mysql_number_of_error(error, message));
    enum reason reason = mysql_reason_of_error(error, message);
    /* The library's own texts name a plugin out of a buffer that may have been used again meanwhile. */
    if (reason == REASON_AUTH_UNSUPPORTED && mysql_error_is_librarys(error))
        message = "the server asks for a plugin that is not installed here, or that is not allowed";
    return mysql_talk_fail(talk, reason, phase, message);
}
