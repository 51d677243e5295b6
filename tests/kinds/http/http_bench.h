/* An HTTP check on the rig. */
#ifndef BH_TESTS_KINDS_HTTP_HTTP_BENCH_H
#define BH_TESTS_KINDS_HTTP_HTTP_BENCH_H

#include "harness/rig.h"

enum { URL_SIZE = 128 };

struct http_bench {
    struct rig rig;
    struct rig_check own;
    char url[URL_SIZE], expect[4];
};

/* Prepares a check of http://address:port/health/ready that expects "OK". */
void http_bench_open(struct http_bench *bench, const char *address, int port, int64_t timeout_ms);
void http_bench_close(struct http_bench *bench);

/* Runs it once; fails the test where the outcome is another. */
void http_bench_expect(struct http_bench *bench, enum reason reason, const char *code, enum phase phase);

#endif
