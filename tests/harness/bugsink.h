/* A scripted Bugsink on 127.0.0.1, in processes of its own: it answers its endpoint and the two questions as
 * a real one was seen to do, and counts what it was asked. */
#ifndef BH_TESTS_BUGSINK_H
#define BH_TESTS_BUGSINK_H

#include "run/question.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum bugsink_answer {
    BUGSINK_WELL,      /* 200 OK, 401 and 403, each with its own words */
    BUGSINK_FAILS,     /* 500 */
    BUGSINK_SILENT,    /* holds the connection until it is told otherwise, and then answers so */
    BUGSINK_RESETS,    /* closes without an answer, as when its worker is killed */
    BUGSINK_ABSENT,    /* 404 */
    BUGSINK_UNALLOWED, /* 405 */
    BUGSINK_REJECTS,   /* 400: ALLOWED_HOSTS */
    BUGSINK_REDIRECTS, /* 302 */
    BUGSINK_THROTTLES, /* 429 */
    BUGSINK_PROXY,     /* 401 of a proxy that wants a login */
    BUGSINK_FORBIDS,   /* 403 of a firewall */
    BUGSINK_ANSWERS,
};

struct bugsink_book;

struct bugsink {
    int port;
    pid_t pid;
    struct bugsink_book *book; /* shared with its processes */
};

/* Starts it, all well, on that port, or on a free one where that is 0. Ends the test on failure. */
struct bugsink bugsink_start(int port);
void bugsink_stop(struct bugsink *bugsink);

/* What it says from now on; QUESTION_NONE: of its endpoint. */
void bugsink_set(const struct bugsink *bugsink, enum app_question question, enum bugsink_answer answer);

/* It opens that file at each question, and makes an empty one where there is none, as SQLite does. */
void bugsink_keep_file(const struct bugsink *bugsink, const char *path);

/* How often it was asked, and how many requests of any other kind came. */
int bugsink_count(const struct bugsink *bugsink, enum app_question question);
int bugsink_foreign_count(const struct bugsink *bugsink);

/* How many waited at one time for the answer to a question that needs the database, at most. */
int bugsink_most_at_once(const struct bugsink *bugsink);

/* Waits until it was asked that so many times more. Returns false when that takes longer. */
bool bugsink_await(const struct bugsink *bugsink, enum app_question question, int times, int64_t timeout_ms);

#endif
