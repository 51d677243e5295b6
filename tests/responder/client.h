/* A client for the tests of the server: plain sockets, each wait with a deadline. */
#ifndef BH_TESTS_RESPONDER_CLIENT_H
#define BH_TESTS_RESPONDER_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

enum { REPLY_HEAD_SIZE = 1024 };

/* One answer. */
struct reply {
    int status; /* 0: none came */
    char head[REPLY_HEAD_SIZE];
    char *body; /* NUL behind it */
    size_t body_length;
};

/* How the server ended a connection. */
enum client_end { CLIENT_EOF, CLIENT_RESET, CLIENT_STILL_OPEN };

/* A listening socket on a free port of 127.0.0.1; any failure fails the test, as in all that follows. */
int client_listen(int *port);

int client_connect(int port);
void client_send(int fd, const char *text);
void client_send_n(int fd, const char *bytes, size_t length);

/* Reads one answer, its body too unless it has none (HEAD). Status 0 if the connection ended instead. */
struct reply client_receive(int fd, bool has_body);
void reply_release(struct reply *reply);

/* Whether the head holds that line. */
bool reply_has(const struct reply *reply, const char *line);

/* Reads to the end of the connection, for which there are some seconds. Adds the bytes read to *length, if
 * not NULL. */
enum client_end client_await_end(int fd, size_t *length);

/* One GET as the kubelet sends it, on a connection of its own, which must end well. Returns the status. */
int client_probe(int port, const char *path);

/* Takes one answer and asserts its status. */
void client_expect(int fd, int status);

#endif
