/* A scripted TCP server on 127.0.0.1, in a process of its own: it does the same to everyone who connects. */
#ifndef BH_TESTS_PEER_H
#define BH_TESTS_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum peer_ending {
    PEER_HOLDS,
    PEER_CLOSES,
    PEER_RESETS, /* closes with a reset */
};

/* What happens to a connection, in this order. Afterwards it is held open, in silence, unless `closes`. */
struct peer_script {
    int reads;         /* so many times something is read and thrown away, each followed by a reply */
    const char *reply; /* sent after each read; with reads = 0, at once. NULL: nothing */
    size_t reply_size;
    int drip_ms;             /* above 0: the reply goes out byte by byte, with this pause */
    enum peer_ending closes; /* true: PEER_CLOSES */
};

struct peer {
    int port;
    pid_t pid;
};

/* Starts it on a free port. script is copied, but its reply is borrowed. Ends the test on failure. */
struct peer peer_start(const struct peer_script *script);

/* The same, on that port. */
struct peer peer_start_on(const struct peer_script *script, int port);

/* Ends it, and all its connections. */
void peer_stop(struct peer *peer);

/* A port of 127.0.0.1 on which nothing listens: it is kept for the test, until that ends. */
int peer_free_port(void);

#endif
