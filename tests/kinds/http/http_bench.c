/* An HTTP check on the rig. */
#include "kinds/http/http_bench.h"

#include "kinds/kinds.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

void http_bench_open(struct http_bench *bench, const char *address, int port, int64_t timeout_ms) {
    struct error err;
    rig_init(&bench->rig);
    snprintf(bench->url, sizeof bench->url, "http://%s:%d/health/ready", address, port);
    snprintf(bench->expect, sizeof bench->expect, "OK");
    bench->own = (struct rig_check){
        .config = {
            .kind = KIND_HTTP, .timeout_ms = timeout_ms, .app.url = bench->url, .app.expect = bench->expect}};
    ck_assert_msg(check_init(&bench->own.check, &HTTP_KIND, &bench->rig.env, &bench->own.config, rig_finished,
                      &bench->own, &err) == 0,
        "%s", err.text);
}

void http_bench_close(struct http_bench *bench) {
    check_release(&bench->own.check);
    rig_release(&bench->rig);
}

void http_bench_expect(struct http_bench *bench, enum reason reason, const char *code, enum phase phase) {
    rig_run(&bench->rig, &bench->own);
    const struct outcome *outcome = &bench->own.outcome;
    const char *phase_text = phase_name(outcome->phase);
    ck_assert_msg(outcome->reason == reason && strcmp(outcome->code, code) == 0 && outcome->phase == phase,
        "%s \"%s\" in phase %s: %s", reason_info(outcome->reason)->slug, outcome->code,
        phase_text ? phase_text : "none", outcome->detail);
}
