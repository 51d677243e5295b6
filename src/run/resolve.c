/* Name resolution: getaddrinfo, its answer as numeric addresses. */
#include "run/resolve.h"

#include "base/str.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

bool resolve_is_numeric(const char *host) {
    /* AI_NUMERICHOST is the very judgement of libpq's own getaddrinfo whether a name server would be asked:
     * it knows zones ("fe80::1%eth0") and the short forms of inet_aton(3) as well. */
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return false;
    freeaddrinfo(found);
    return true;
}

static const char *eai_name(int code) {
    switch (code) {
    case EAI_AGAIN: return "EAI_AGAIN";
    case EAI_FAIL: return "EAI_FAIL";
    case EAI_NONAME: return "EAI_NONAME";
    case EAI_MEMORY: return "EAI_MEMORY";
    case EAI_SYSTEM: return "EAI_SYSTEM";
    case EAI_FAMILY: return "EAI_FAMILY";
    case EAI_OVERFLOW: return "EAI_OVERFLOW";
#ifdef EAI_NODATA
    case EAI_NODATA: return "EAI_NODATA";
#endif
#ifdef EAI_ADDRFAMILY
    case EAI_ADDRFAMILY: return "EAI_ADDRFAMILY";
#endif
    default: return gai_strerror(code);
    }
}

static void add_address(struct resolve_answer *answer, int host, const struct addrinfo *info) {
    char text[RESOLVE_ADDRESS_SIZE];
    if (answer->count == RESOLVE_ADDRESSES_MAX ||
        getnameinfo(info->ai_addr, info->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST) != 0)
        return;
    for (int i = 0; i < answer->count; i++)
        if (answer->addresses[i].host == host && strcmp(answer->addresses[i].text, text) == 0)
            return;
    struct resolve_address *address = &answer->addresses[answer->count++];
    address->host = host;
    str_copy(address->text, sizeof address->text, text);
}

/* Names the host, unless it would be cut: a piece of a name may be a piece of a password that was not
 * percent-encoded, and what is cut can no longer be blanked. */
static void add_failure(struct resolve_answer *answer, const char *host, int code) {
    size_t length = strlen(answer->detail);
    char *end = answer->detail + length;
    size_t room = sizeof answer->detail - length;
    const char *comma = length > 0 ? ", " : "";
    const char *cause = code == EAI_SYSTEM ? strerror(errno) : eai_name(code);
    if (strlen(comma) + strlen(host) + strlen(": ") + strlen(cause) < room)
        snprintf(end, room, "%s%s: %s", comma, host, cause);
    else
        snprintf(end, room, "%s%s", comma, cause);
}

/* Whether this process was short of memory or descriptors, which says nothing of the name. */
static bool is_for_want_of_means(int code) {
    return code == EAI_MEMORY || (code == EAI_SYSTEM && (errno == ENOMEM || errno == EMFILE ||
                                                            errno == ENFILE || errno == ENOBUFS));
}

void resolve_now(const char *const *hosts, int count, struct resolve_answer *answer) {
    bool lacks_means = false;
    /* No AI_ADDRCONFIG: libpq, which Bugsink's own driver stands on, asks without it (fe-connect.c). It would
     * besides leave out addresses of a family that the pod has on its loopback interface alone. An address
     * without a route costs one connect() that fails at once. */
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    *answer = (struct resolve_answer){.reason = REASON_OK};
    for (int i = 0; i < count; i++) {
        struct addrinfo *found = NULL;
        int code = getaddrinfo(hosts[i], NULL, &hints, &found);
        if (code != 0) {
            lacks_means = lacks_means || is_for_want_of_means(code);
            add_failure(answer, hosts[i], code);
            continue;
        }
        for (const struct addrinfo *info = found; info; info = info->ai_next)
            add_address(answer, i, info);
        freeaddrinfo(found);
    }
    if (answer->count == 0)
        answer->reason = lacks_means ? REASON_INTERNAL : REASON_UNRESOLVED;
}
