/* Answers as bytes: a head composed in place, and a body (in one part or two) that is borrowed. Pure. */
#ifndef BH_RESPONDER_RESPONSE_H
#define BH_RESPONDER_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is answered, and to whom. */
struct answer {
    int status;       /* one of 200, 400, 404, 405, 408, 431, 503 */
    const char *type; /* Content-Type; at most RESPONSE_TYPE_MAX characters */
    const char *body;
    size_t body_length;
    const char *tail; /* what follows the body, of this moment; NULL: nothing */
    size_t tail_length;
    int64_t age_s;    /* since the pages were made; 0 for texts of our own */
    bool omits_body;  /* the request was a HEAD: Content-Length as if, and no body */
    bool keeps_alive; /* the connection stays open behind this answer */
    int64_t idle_s;   /* for how long, while the client is silent; 0: it is not announced */
    bool is_http_1_0; /* the client has to be told that it does */
    bool prefers_health_json;
    bool takes_probes;  /* who asks belongs in the body, at its end */
    bool takes_metrics; /* the responder's own metrics belong behind the body */
};

/* How often a browser looks again. */
enum { RESPONSE_REFRESH_S = 10 };

enum { RESPONSE_HEAD_SIZE = 1024, RESPONSE_TYPE_MAX = 127 };

struct response {
    char head[RESPONSE_HEAD_SIZE];
    size_t head_length;
    const char *body, *tail;
    size_t body_length, tail_length; /* 0 where none is sent */
};

/* Composes the answer. Body and tail are borrowed from it. wall_ms is for the Date field. */
void response_compose(struct response *response, const struct answer *answer, int64_t wall_ms);

/* Fills status, type, body and age with our own plain text for an error: 400, 404, 405, 408 or 431. */
void response_set_error(struct answer *answer, int status);

#endif
