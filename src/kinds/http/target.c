/* From the configuration to socket address and request, and from the answer to a reason. */
#include "kinds/http/target.h"

#include "config/address.h"
#include "kinds/http/ask.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

/* -- the requests -- */

static void set_address(struct http_target *target, const struct address *address) {
    union {
        struct sockaddr_storage any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } to = {0};
    if (address->is_ipv6) {
        to.in6.sin6_family = AF_INET6;
        to.in6.sin6_port = htons(address->port);
        inet_pton(AF_INET6, address->host, &to.in6.sin6_addr);
        target->address_size = sizeof to.in6;
    } else {
        to.in.sin_family = AF_INET;
        to.in.sin_port = htons(address->port);
        inet_pton(AF_INET, address->host, &to.in.sin_addr);
        target->address_size = sizeof to.in;
    }
    target->address = to.any;
}

static bool write_requests(
    struct http_target *target, const struct check_config *config, const char *authority, const char *path) {
    const struct ask_address address = {.root = config->app.root ? config->app.root : "",
        .path = path,
        .host = config->app.host ? config->app.host : authority,
        .is_https = config->app.is_https};
    bool is_whole = true;
    for (int i = QUESTION_NONE; i < QUESTION_COUNT; i++) {
        ask_write(&target->requests[i], (enum app_question)i, &address);
        is_whole = is_whole && !target->requests[i].is_broken;
    }
    return is_whole;
}

int http_target_init(struct http_target *target, const struct check_config *config, struct error *err) {
    static const char SCHEME[] = "http://";
    char authority[ADDRESS_TEXT_SIZE] = "";
    struct address address;
    *target = (struct http_target){0};
    const char *start = config->app.url + sizeof SCHEME - 1;
    size_t length = strncmp(config->app.url, SCHEME, sizeof SCHEME - 1) == 0 ? strcspn(start, "/") : 0;
    if (length == 0 || length >= sizeof authority || start[length] != '/')
        return error_set(err, "%s: not of the form http://ADDRESS:PORT/PATH", config->app.url);
    memcpy(authority, start, length);
    if (address_parse(authority, &address, err) < 0)
        return -1;
    set_address(target, &address);
    if (write_requests(target, config, authority, start + length))
        return 0;
    http_target_release(target);
    return error_set(err, "out of memory");
}

void http_target_release(struct http_target *target) {
    for (int i = QUESTION_NONE; i < QUESTION_COUNT; i++)
        strbuf_release(&target->requests[i]);
}

/* -- the answer -- */

static bool is_expected(const char *body, size_t length, const char *expect) {
    static const char WHITE[] = " \t\r\n\v\f";
    size_t wanted = strlen(expect);
    while (length > 0 && memchr(WHITE, body[length - 1], sizeof WHITE - 1))
        length--;
    while (wanted > 0 && memchr(WHITE, expect[wanted - 1], sizeof WHITE - 1))
        wanted--;
    return length == wanted && (length == 0 || memcmp(body, expect, length) == 0);
}

enum reason http_reason_of_answer(int status, const char *body, size_t length, const char *expect) {
    if (status == 200)
        return is_expected(body, length, expect) ? REASON_OK : REASON_IDENTITY;
    switch (status) {
    case 400: return REASON_HOST_REJECTED; /* Django: DisallowedHost */
    case 404: return REASON_NOT_FOUND;
    case 429: return REASON_THROTTLED;
    }
    if (status >= 300 && status < 400)
        return REASON_REDIRECTED;
    /* What is left (204, 401, 403, 405, ...) Bugsink's endpoint never says: somebody else does. */
    return status >= 500 ? REASON_APP_ERROR : REASON_IDENTITY;
}

enum reason http_reason_of_errno(int cause) {
    switch (cause) {
    case ECONNREFUSED: return REASON_REFUSED;
    case ECONNRESET:
    case EPIPE:
    case ECONNABORTED: return REASON_RESET;
    case ETIMEDOUT: return REASON_TIMEOUT;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN: return REASON_UNREACHABLE;
    }
    /* EMFILE, ENOMEM, ...; also EADDRNOTAVAIL (no local port is free, or no IPv6 here) and EACCES, EPERM (a
     * filter of this machine): nothing was asked, so nothing is known of Bugsink. */
    return REASON_INTERNAL;
}
