/* A service manager as far as sd_notify's protocol goes: a datagram socket, and what was said to it. */
#ifndef BH_TESTS_MANAGER_H
#define BH_TESTS_MANAGER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { MANAGER_TEXT_SIZE = 65536 };

struct manager {
    int fd;
    char path[104];
    pid_t speaker; /* who sent the last message, as the kernel says */
    char last[1024];
    char all[MANAGER_TEXT_SIZE]; /* all messages so far, with a newline behind each */
};

/* Listens at a path in dir. Ends the test on failure. */
void manager_open(struct manager *manager, const char *dir);
void manager_close(struct manager *manager);

/* Reads on until a message that holds text comes; it is then in last. Returns false when none did in
 * timeout_ms. */
bool manager_await(struct manager *manager, const char *text, int64_t timeout_ms);

/* The same for duration_ms by the clock: for what must not be heard. */
bool manager_hears_within(struct manager *manager, const char *text, int64_t duration_ms);

/* Sends it messages that nobody reads, until it has no room for more. */
void manager_fill(const struct manager *manager);

/* Reads all that is there. Returns how many messages that was. */
int manager_drain(struct manager *manager);

#endif
