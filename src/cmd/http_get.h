/* One GET over plain HTTP, with a deadline: what probe needs, in an image without curl. */
#ifndef BH_CMD_HTTP_GET_H
#define BH_CMD_HTTP_GET_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct http_answer {
    int status;
    char *body; /* NUL-terminated; the caller frees */
    size_t body_length;
};

/* Fetches http://HOST[:PORT]/PATH; host may be a name or an address (IPv6 in brackets). At most 4 MiB of
 * answer are read; timeout_ms covers everything but name resolution. On failure returns -1 and the error says
 * what happened. */
int http_get(const char *url, int64_t timeout_ms, struct http_answer *answer, struct error *err);

#endif
