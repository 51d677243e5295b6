/* Compares a fresh look with what a running sidecar says. */
#include "cmd/beside.h"

#include "base/str.h"
#include "checker/listen.h"
#include "cmd/http_get.h"
#include "report/route.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = 300, URL_SIZE = 320 };

char *beside_ask(const struct config_source *source) {
    char base[256], url[URL_SIZE], *listen = config_listen(source);
    struct http_answer answer;
    struct error err;
    int result = listen_local_url(listen, base, sizeof base);
    free(listen);
    if (result < 0)
        return NULL;
    snprintf(url, sizeof url, "%s%s", base, route_of(ROUTE_HEALTH)->label);
    return http_get(url, PATIENCE_MS, &answer, &err) < 0 ? NULL : answer.body;
}

/* The code of that check in the answer; "ok" where it has none. */
static const char *code_there(const json_t *codes, const char *name) {
    const char *code = json_string_value(json_object_get(codes, name));
    return code ? code : reason_info(REASON_OK)->slug;
}

static bool is_same(const json_t *json, const struct snapshot *snapshot) {
    const json_t *codes = json_object_get(json, "codes");
    if (json_is_true(json_object_get(json, "ready")) != snapshot_is_ready(snapshot))
        return false;
    for (size_t i = 0; i < snapshot->check_count; i++) {
        const struct check_view *check = &snapshot->checks[i];
        if (strcmp(code_there(codes, check->name), reason_info(check->reason)->slug) != 0)
            return false;
    }
    return true;
}

/* Whatever answers on the port may be anybody's: names and codes are shown where they are plain. */
static void append_codes(struct strbuf *text, json_t *codes) {
    const char *name, *separator = ": ";
    json_t *code;
    json_object_foreach(codes, name, code) {
        const char *slug = json_string_value(code);
        strbuf_format(text, "%s%s ", separator, str_is_name(name) ? name : "?");
        strbuf_append(text, slug && str_is_name(slug) ? slug : "?");
        separator = ", ";
    }
}

char *beside_differing(const char *answer, const struct snapshot *snapshot) {
    struct strbuf text = {0};
    json_t *json = answer ? json_loads(answer, 0, NULL) : NULL, *codes = json_object_get(json, "codes");
    if (json_is_object(codes) && json_is_boolean(json_object_get(json, "ready")) &&
        !is_same(json, snapshot)) {
        bool is_ready = json_is_true(json_object_get(json, "ready"));
        strbuf_format(&text, "The running sidecar says %s", is_ready ? "ready" : "not ready");
        append_codes(&text, codes);
        strbuf_append(&text, ". This was a fresh look, without the history that the sidecar judges by.");
    }
    json_decref(json);
    if (text.is_broken)
        strbuf_release(&text);
    return text.data;
}
