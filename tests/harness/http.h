/* A small HTTP client for tests: it sends exactly the bytes it is given and tells exactly what came back. */
#ifndef BH_TESTS_HTTP_H
#define BH_TESTS_HTTP_H

#include "harness/stopwatch.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_HEAD_SIZE = 4096, HTTP_BODY_SIZE = 65536 };

/* One response. Plain bytes; nothing to free. */
struct http_response {
    int status;                /* 0: none came, or no HTTP */
    char head[HTTP_HEAD_SIZE]; /* status line and headers, as they came */
    char body[HTTP_BODY_SIZE]; /* NUL-terminated */
    size_t body_length;
    bool is_whole;      /* as much body came as Content-Length says */
    bool was_reset;     /* the connection ended with a reset */
    bool has_ended;     /* the server closed the connection */
    size_t extra_bytes; /* that came after the response, before the end */
    int64_t took_ms;    /* from connecting to the last byte of the response */
    int64_t free_ms;    /* those of them that count for an upper bound (harness/stopwatch.h) */
};

struct http_client {
    int fd;
    struct stopwatch watch; /* since connecting */
    size_t length;
    bool was_reset, has_ended;
    char buffer[2 * HTTP_BODY_SIZE];
};

/* Connects to 127.0.0.1 (or ::1). Returns false when that fails, or takes longer than 3 s. */
bool http_open(struct http_client *client, int port);
bool http_open_v6(struct http_client *client, int port);
void http_close(struct http_client *client);

/* Sends what it can; a server that closes meanwhile is no failure. */
void http_send(struct http_client *client, const void *bytes, size_t length);
void http_send_text(struct http_client *client, const char *text);

/* Reads one response, and leaves what follows for the next call. is_head: a response to HEAD, which has no
 * body. Returns false when none came whole in timeout_ms. */
bool http_read(struct http_client *client, struct http_response *response, bool is_head, int64_t timeout_ms);

/* Waits for the server to close. */
bool http_read_end(struct http_client *client, struct http_response *response, int64_t timeout_ms);

/* A connection, the request, one response, the end of the connection (waited for where the request or the
 * status makes the server close). */
void http_exchange(int port, const void *request, size_t length, struct http_response *response);

/* The kubelet's probe, byte for byte, of a path. Returns the status. */
int http_probe(int port, const char *path, struct http_response *response);

/* As http_probe, with another method, and lines (each with its CR LF) between Host and Connection. */
int http_request(
    int port, const char *method, const char *path, const char *headers, struct http_response *response);

/* Copies a header's value; returns false where there is none, or more than one. */
bool http_header(const struct http_response *response, const char *name, char *value, size_t size);

/* The body as JSON: a new reference. Ends the test where it is none. */
json_t *http_json(const struct http_response *response);

#endif
