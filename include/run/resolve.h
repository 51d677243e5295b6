/* Name resolution, in the process that may block: getaddrinfo does, and only it follows the pod's resolver
 * rules. */
#ifndef BH_RUN_RESOLVE_H
#define BH_RUN_RESOLVE_H

#include "report/reason.h"

#include <stdbool.h>

enum { RESOLVE_HOSTS_MAX = 8, RESOLVE_ADDRESSES_MAX = 32, RESOLVE_ADDRESS_SIZE = 64 };

struct resolve_address {
    int host;                        /* index into the hosts asked for */
    char text[RESOLVE_ADDRESS_SIZE]; /* numeric */
};

/* The answer: reason is OK, or UNRESOLVED when no host gave an address, or INTERNAL for want of memory or
 * descriptors. */
struct resolve_answer {
    enum reason reason;
    char detail[256]; /* for the log: the hosts that failed, each with its cause; a name that would be cut is
                         left out */
    int count;
    struct resolve_address addresses[RESOLVE_ADDRESSES_MAX];
};

/* Whether host is a numeric address (IPv4 or IPv6, no brackets, a zone is allowed), which needs no
 * resolution. */
bool resolve_is_numeric(const char *host);

/* Asks for the addresses of hosts (count of them), IPv4 and IPv6, in getaddrinfo's order, each once. Blocks
 * for as long as the resolver's own rules let it. */
void resolve_now(const char *const *hosts, int count, struct resolve_answer *answer);

#endif
