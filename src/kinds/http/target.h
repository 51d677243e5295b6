/* Where Bugsink is asked over HTTP, with what request, and what its answer means. Pure. */
#ifndef BH_KINDS_HTTP_TARGET_H
#define BH_KINDS_HTTP_TARGET_H

#include "base/error.h"
#include "base/str.h"
#include "config/config.h"
#include "report/reason.h"
#include "run/question.h"

#include <sys/socket.h>

struct http_target {
    struct sockaddr_storage address;
    socklen_t address_size;
    struct strbuf requests[QUESTION_COUNT]; /* for each question all bytes; for none, those of the endpoint */
};

/* Prepares address and requests from a configuration's url, host, root and is_https. On failure there is
 * nothing to release. */
int http_target_init(struct http_target *target, const struct check_config *config, struct error *err);
void http_target_release(struct http_target *target);

/* What a complete answer means. body may be NULL where length is 0; white space at its end does not count. */
enum reason http_reason_of_answer(int status, const char *body, size_t length, const char *expect);

/* What an errno of connect, send or recv means. */
enum reason http_reason_of_errno(int cause);

#endif
