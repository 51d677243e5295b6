/* Name resolution in a one-shot child: getaddrinfo blocks, and only it follows the pod's resolver rules. */
#ifndef BH_RUN_RESOLVE_H
#define BH_RUN_RESOLVE_H

#include "run/child.h"
#include "report/reason.h"

enum { RESOLVE_HOSTS_MAX = 8, RESOLVE_ADDRESSES_MAX = 32, RESOLVE_ADDRESS_SIZE = 64 };

struct resolve_address {
    int host;                        /* index into the hosts asked for */
    char text[RESOLVE_ADDRESS_SIZE]; /* numeric */
};

/* The answer: reason is OK, or UNRESOLVED when no host gave an address, or INTERNAL / CRASHED. */
struct resolve_answer {
    enum reason reason;
    int signal;       /* that killed the child, or 0 */
    char detail[256]; /* for the log: the hosts that failed, each with its cause; a name that would be cut is
                         left out */
    int count;
    struct resolve_address addresses[RESOLVE_ADDRESSES_MAX];
};

/* Whether host is a numeric address (IPv4 or IPv6, no brackets, a zone is allowed), which needs no
 * resolution. */
bool resolve_is_numeric(const char *host);

/* Asks for the addresses of hosts, IPv4 and IPv6, in getaddrinfo's order, each once; each host is asked for
 * one time. Blocks: for a process that is a one-shot child already. */
void resolve_now(const char *const *hosts, int count, struct resolve_answer *answer);

/* The same in a child of its own: asks for the addresses of hosts (count of them; read before it returns).
 * *child is set to the child, and to NULL when it is reaped; child_abandon stops the question, and
 * child_disown must be called before *child goes away. Returns -1 where no child can be started. */
int resolve_start(struct children *children, const char *const *hosts, int count, int64_t deadline_ms,
    struct child **child, void (*done)(void *arg, const struct resolve_answer *answer), void *arg,
    struct error *err);

#endif
