/* The requests of the HTTP kind, and what Bugsink's answers to its two questions say of its database. */
#include "kinds/http/ask.h"

#include <string.h>

#define TEN_ZEROS "0000000000"

/* A token and a key of the right length that no Bugsink gives away: both are drawn at random. */
#define NO_TOKEN TEN_ZEROS TEN_ZEROS TEN_ZEROS TEN_ZEROS
#define NO_KEY   TEN_ZEROS TEN_ZEROS TEN_ZEROS "00"

#define ENVELOPE "{}\n"

/* The request that Bugsink's proxy would pass on. X-Forwarded-Proto: Bugsink's own settings leave the
 * redirect to https to the proxy (settings/default.py silences security.W008), but an installation's may hold
 * SECURE_SSL_REDIRECT, and would send a plain request away; where nobody has told Bugsink to trust the header
 * it changes nothing. */
static void write_head(struct strbuf *request, const struct ask_address *address) {
    strbuf_format(request,
        "Host: %s\r\n"
        "User-Agent: bugsink-health/%s\r\n"
        "Accept: */*\r\n"
        "%s",
        address->host, BH_VERSION, address->is_https ? "X-Forwarded-Proto: https\r\n" : "");
}

/* Both questions skip login and CSRF, and are answered by one look at the database: the token's with 401, the
 * project's, which is looked up as that of every event is, with 403. (Bugsink: bugsink/authentication.py,
 * ingest/views.py, get_project_for_request.) */
void ask_write(struct strbuf *request, enum app_question question, const struct ask_address *address) {
    switch (question) {
    case QUESTION_TOKEN:
        strbuf_format(request, "GET %s/api/canonical/0/projects/ HTTP/1.1\r\n", address->root);
        write_head(request, address);
        strbuf_append(request, "Authorization: Bearer " NO_TOKEN "\r\n");
        break;
    case QUESTION_PROJECT:
        strbuf_format(request, "POST %s/api/0/envelope/?sentry_key=" NO_KEY " HTTP/1.1\r\n", address->root);
        write_head(request, address);
        strbuf_format(request, "Content-Type: application/x-sentry-envelope\r\nContent-Length: %zu\r\n",
            sizeof ENVELOPE - 1);
        break;
    case QUESTION_NONE:
    case QUESTION_COUNT:
        strbuf_format(request, "GET %s HTTP/1.1\r\n", address->path);
        write_head(request, address);
        break;
    }
    strbuf_append(request, "Connection: close\r\n\r\n");
    if (question == QUESTION_PROJECT)
        strbuf_append(request, ENVELOPE);
}

bool ask_is_told_by_status(int status) {
    return status != 401 && status != 403;
}

static bool has_text(const char *body, size_t length, const char *text) {
    size_t wanted = strlen(text);
    for (size_t i = 0; length >= wanted && i <= length - wanted; i++)
        if (memcmp(body + i, text, wanted) == 0)
            return true;
    return false;
}

/* {"detail":"Invalid Bearer token."} and "Project not found or key incorrect", as Bugsink says them, with 401
 * and 403. A proxy that wants a login, and Django's page on CSRF, have other bodies, and have asked no
 * database. The words of the first may be translated; its key may not. */
static bool is_refusal(enum app_question question, const char *body, size_t length) {
    return has_text(body, length, question == QUESTION_TOKEN ? "\"detail\"" : "Project not found");
}

enum answer ask_judge(enum app_question question, int status, const char *body, size_t length) {
    if (status == 404 || status == 405 || status == 501)
        return ANSWER_ABSENT; /* 501: a server that knows no such method, which Django never says */
    if (status >= 500)
        return ANSWER_FAILS;
    if (!ask_is_told_by_status(status) && is_refusal(question, body, length))
        return ANSWER_WELL;
    return ANSWER_MUTE;
}
