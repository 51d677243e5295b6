/* What may be shown of libpq's messages. */
#include "kinds/postgres/tell.h"

#include "base/str.h"
#include "kinds/postgres/error.h"

#include <stdlib.h>
#include <string.h>

static const char NEXT[] = "\nconnection to server ";

/* The server gives this word as well. */
static bool is_severity(const char *at, size_t length) {
    static const char *const KNOWN[] = {"ERROR", "FATAL", "PANIC"};
    for (size_t i = 0; i < sizeof KNOWN / sizeof KNOWN[0]; i++)
        if (length == strlen(KNOWN[i]) && strncmp(at, KNOWN[i], length) == 0)
            return true;
    return false;
}

/* What follows the place that libpq names before each attempt. */
static const char *behind_place(const char *attempt) {
    static const char BEHIND[] = " failed: ";
    const char *at = strncmp(attempt, NEXT + 1, sizeof NEXT - 2) == 0 ? strstr(attempt, BEHIND) : NULL;
    return at ? at + sizeof BEHIND - 1 : attempt;
}

static void tell_attempt(struct strbuf *told, const char *attempt) {
    char sqlstate[SQLSTATE_SIZE];
    const char *said = behind_place(attempt), *text = postgres_sqlstate_find(said, sqlstate);
    strbuf_append_n(told, attempt, (size_t)(said - attempt));
    if (!text) {
        const char *known = postgres_known_words(said);
        strbuf_append(told, known ? known : "what it said is not shown");
        return;
    }
    size_t severity = strcspn(said, ":");
    strbuf_append(told, is_severity(said, severity) ? "" : "SQLSTATE ");
    strbuf_append_n(told, said, is_severity(said, severity) ? severity + sizeof ":  " - 1 : 0);
    strbuf_append(told, sqlstate);
    if (postgres_is_of_pooler(sqlstate))
        strbuf_append_n(told, text, strcspn(text, "\n"));
}

char *postgres_tell(const char *message, bool has_met) {
    char *stripped = postgres_message_strip(message);
    if (!stripped || !has_met)
        return stripped;
    struct strbuf told = {0};
    for (char *attempt = stripped; attempt;) {
        char *next = strstr(attempt, NEXT);
        if (next)
            *next++ = '\0';
        tell_attempt(&told, attempt);
        strbuf_append(&told, "\n");
        attempt = next;
    }
    str_free_secret(stripped);
    if (told.is_broken)
        strbuf_release(&told);
    return told.data;
}

bool postgres_tell_safely(const struct dsn *dsn, const PGconn *conn, char *text) {
    if (!dsn->password && strstr(text, NEXT))
        *text = '\0';
    return dsn_blank_secret(dsn, PQpass(conn), text) && *text;
}
