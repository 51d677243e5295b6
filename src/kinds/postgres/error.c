/* PostgreSQL's errors and what they mean. */
#include "kinds/postgres/error.h"

#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

/* -- SQLSTATE (PostgreSQL's manual, appendix A) -- */

static bool is_sqlstate(const char *text) {
    for (int i = 0; i < SQLSTATE_SIZE - 1; i++)
        if (!isdigit((unsigned char)text[i]) && !(text[i] >= 'A' && text[i] <= 'Z'))
            return false;
    return true;
}

bool postgres_is_sqlstate(const char *text) {
    return strlen(text) == SQLSTATE_SIZE - 1 && is_sqlstate(text);
}

/* The next SQLSTATE, or NULL. pqBuildErrorMessage3 writes severity, colon, two spaces, code; then the end of
 * the line, or a colon and the text. */
static const char *next_sqlstate(const char *message) {
    static const char BEFORE[] = ":  ";
    const size_t before = sizeof BEFORE - 1, length = SQLSTATE_SIZE - 1;
    for (const char *at = strstr(message, BEFORE); at; at = strstr(at + before, BEFORE)) {
        const char *code = at + before;
        if (strlen(code) >= length && is_sqlstate(code) && strchr("\n:", code[length]))
            return code;
    }
    return NULL;
}

/* In a message of several attempts, the next one's, or the end. */
static const char *next_attempt(const char *message) {
    const char *next = strstr(message, "\nconnection to server ");
    return next ? next : message + strlen(message);
}

const char *postgres_sqlstate_find(const char *message, char sqlstate[SQLSTATE_SIZE]) {
    const char *last = NULL;
    for (const char *code = next_sqlstate(message); code; code = next_sqlstate(next_attempt(code)))
        last = code;
    if (!last)
        return NULL;
    memcpy(sqlstate, last, SQLSTATE_SIZE - 1);
    sqlstate[SQLSTATE_SIZE - 1] = '\0';
    return last + SQLSTATE_SIZE - 1;
}

/* -- poolers -- */

/* PgBouncer 1.18 has one SQLSTATE, protocol_violation, for all that it says itself and for what the server
 * behind it says at a login (measured; later versions have more: its pull request 814). Its own texts are
 * English always; those of the server behind come in that server's language. Asking once more would not tell
 * more. */
static const char POOLER_SQLSTATE[] = "08P01";

bool postgres_is_of_pooler(const char *sqlstate) {
    return strncmp(sqlstate, POOLER_SQLSTATE, sizeof POOLER_SQLSTATE - 1) == 0;
}

char *postgres_message_strip(const char *message) {
    struct strbuf stripped = {0};
    const char *from = message;
    for (const char *code = next_sqlstate(from); code; code = next_sqlstate(from)) {
        const char *end = code + SQLSTATE_SIZE - 1;
        if (postgres_is_of_pooler(code))
            end += strcspn(end, "\n");
        strbuf_append_n(&stripped, from, (size_t)(end - from));
        from = next_attempt(code);
    }
    strbuf_append(&stripped, from);
    if (stripped.is_broken)
        strbuf_release(&stripped); /* a secret that is cut can no longer be blanked */
    return stripped.data;
}

static bool is_before_query(enum phase phase) {
    return phase != PHASE_QUERY;
}

static enum reason reason_of_pooler(const char *text);

enum reason postgres_reason_of_sqlstate(const char *sqlstate, const char *text, enum phase phase) {
    static const struct {
        const char *sqlstate;
        enum reason reason;
    } STATES[] = {
        {"57P01", REASON_DB_STARTING}, /* admin_shutdown */
        {"57P02", REASON_DB_STARTING}, /* crash_shutdown */
        {"57P03", REASON_DB_STARTING}, /* cannot_connect_now */
        {"53300", REASON_TOO_MANY_CLIENTS},
        {"28P01", REASON_AUTH_FAILED}, /* invalid_password; also what a missing role gets */
        {"28000",
            REASON_AUTH_FAILED}, /* invalid_authorization_specification: pg_hba.conf, peer, no such role */
        {"3D000", REASON_DB_MISSING}, {"25006", REASON_READ_ONLY},
        {"42P01", REASON_UNMIGRATED}, /* undefined_table */
        {"3F000", REASON_UNMIGRATED}, /* invalid_schema_name */
        {"42703", REASON_UNMIGRATED}, /* undefined_column */
        {"53100", REASON_DISK_FULL}, {"53200", REASON_OUT_OF_MEMORY},
        {"57014", REASON_TIMEOUT}, /* query_canceled: statement_timeout, ours or the role's */
        {"55P03", REASON_TIMEOUT}, /* lock_not_available: our lock_timeout */
        {"25P03", REASON_TIMEOUT}, /* idle_in_transaction_session_timeout */
    };
    if (postgres_is_of_pooler(sqlstate))
        return reason_of_pooler(text ? text : "");
    if (strcmp(sqlstate, "42501") == 0) /* insufficient_privilege: to CONNECT, or on a table */
        return is_before_query(phase) ? REASON_AUTH_FAILED : REASON_UNMIGRATED;
    for (size_t i = 0; i < sizeof STATES / sizeof STATES[0]; i++)
        if (strcmp(STATES[i].sqlstate, sqlstate) == 0)
            return STATES[i].reason;
    return REASON_QUERY_FAILED;
}

/* -- libpq's texts -- */

/* A text, or an errno whose strerror is looked for. The order is the order of judgement: what tells of a
 * connection that got further stands above, for a message may tell of several attempts. The texts are libpq
 * 15's. */
struct row {
    const char *text;
    int error;
    enum reason reason;
};

static const struct row ROWS[] = {
    {"out of memory", 0, REASON_INTERNAL},             /* of this process: a server's has its SQLSTATE */
    {"Memory allocation failure", 0, REASON_INTERNAL}, /* getaddrinfo's EAI_MEMORY, also for an address */
    {NULL, ENOMEM, REASON_INTERNAL},
    {"could not generate nonce", 0, REASON_INTERNAL}, /* fe-auth-scram.c: without memory, or random bytes */
    {"could not encode ", 0, REASON_INTERNAL},        /* likewise: the nonce, the client proof */
    {"could not calculate ", 0, REASON_INTERNAL},
    {"no password supplied", 0, REASON_AUTH_FAILED},
    {"session is read-only", 0, REASON_READ_ONLY}, /* target_session_attrs */
    {"server is in hot standby mode", 0, REASON_READ_ONLY},
    {"session is not read-only", 0, REASON_QUERY_FAILED},
    {"server is not in hot standby mode", 0, REASON_QUERY_FAILED},
    {"authentication method", 0, REASON_AUTH_FAILED}, /* one that libpq does not support */
    {"authentication not supported", 0, REASON_AUTH_FAILED},
    {"SASL authentication", 0, REASON_AUTH_FAILED},
    {"SCRAM", 0, REASON_AUTH_FAILED},
    {"incorrect server signature", 0, REASON_AUTH_FAILED}, /* who answers does not know the password */
    {"requirepeer", 0, REASON_AUTH_FAILED},
    {"Ticket expired", 0, REASON_AUTH_FAILED}, /* Kerberos's own words, behind what GSSAPI's rows say */
    {"No Kerberos credentials available", 0, REASON_AUTH_FAILED},
    {"GSSAPI continuation error", 0, REASON_AUTH_FAILED},
    {"could not initiate GSSAPI security context", 0, REASON_AUTH_FAILED},
    {"channel binding", 0, REASON_AUTH_FAILED},
    {"expected authentication request", 0, REASON_PROTOCOL},
    {"invalid response to SSL negotiation", 0, REASON_PROTOCOL},
    {"error response during SSL exchange", 0, REASON_PROTOCOL},
    {"invalid response to GSSAPI negotiation", 0, REASON_PROTOCOL},
    {"unexpected message from server", 0, REASON_PROTOCOL},
    {"unexpected response from server", 0, REASON_PROTOCOL},
    {"lost synchronization with server", 0, REASON_PROTOCOL},
    {"message contents do not agree", 0, REASON_PROTOCOL},
    {"invalid authentication request", 0, REASON_PROTOCOL},
    {"protocol error", 0, REASON_PROTOCOL},
    {"SSL SYSCALL error: EOF", 0, REASON_RESET},
    {"SSL connection has been closed", 0, REASON_RESET},
    {"server closed the connection", 0, REASON_RESET},
    {NULL, ECONNRESET, REASON_RESET},
    {NULL, EPIPE, REASON_RESET},
    {NULL, ECONNABORTED, REASON_RESET},
    {"SSL", 0, REASON_TLS},
    {"certificate", 0, REASON_TLS},
    {"private key", 0, REASON_TLS},
    {"GSSAPI", 0, REASON_TLS},
    {NULL, ECONNREFUSED, REASON_REFUSED},
    {NULL, ENOENT, REASON_REFUSED}, /* the Unix socket */
    {NULL, EAGAIN,
        REASON_REFUSED}, /* its queue is full: connect() on a non-blocking Unix socket does not wait */
    {NULL, ETIMEDOUT, REASON_TIMEOUT},
    {NULL, ENETUNREACH, REASON_UNREACHABLE},
    {NULL, EHOSTUNREACH, REASON_UNREACHABLE},
    {NULL, ENETDOWN, REASON_UNREACHABLE},
    {NULL, EHOSTDOWN, REASON_UNREACHABLE},
    {NULL, EADDRNOTAVAIL, REASON_UNREACHABLE},
    {NULL, EAFNOSUPPORT, REASON_UNREACHABLE},
    {NULL, EPERM, REASON_UNREACHABLE}, /* netfilter, on this machine */
    {"could not translate host name", 0, REASON_UNRESOLVED},
};

/* Whether the message says text, outside of double quotes: within them stand names and paths of the user's
 * choice. */
static bool says(const char *message, const char *text) {
    bool is_quoted = false;
    size_t length = strlen(text);
    for (; *message; message++) {
        if (*message == '"')
            is_quoted = !is_quoted;
        else if (!is_quoted && strncmp(message, text, length) == 0)
            return true;
    }
    return false;
}

/* The first row that fits counts; each needs both its texts. What fits none stays query_failed, with the text
 * in the log: a pooler refuses a login for many reasons, and most are no matter of the password. */
static enum reason reason_of_pooler(const char *text) {
    static const struct {
        const char *one, *two;
        enum reason reason;
    } POOLER_ROWS[] = {
        {"no such database", "", REASON_DB_MISSING},
        {"database ", "does not exist", REASON_DB_MISSING}, /* from a server behind that speaks English */
        {"no more connections allowed", "", REASON_TOO_MANY_CLIENTS}, /* max_client_conn */
        {"too many ", "", REASON_TOO_MANY_CLIENTS},                   /* clients, connections for role */
        {"remaining connection slots", "", REASON_TOO_MANY_CLIENTS},
        {"the database system is", "", REASON_DB_STARTING},
        {"shutting down", "", REASON_DB_STARTING},
        {"shut down", "", REASON_DB_STARTING},
        {"no such user", "", REASON_AUTH_FAILED},
        {"auth", "failed", REASON_AUTH_FAILED}, /* SASL, password, auth_query */
        {"role ", "does not exist", REASON_AUTH_FAILED},
        {"pg_hba.conf", "", REASON_AUTH_FAILED},
        {"login rejected", "", REASON_AUTH_FAILED},
        {"SSL required", "", REASON_TLS},
        {"_timeout", "", REASON_TIMEOUT}, /* query_wait_timeout, query_timeout, ...: names of settings */
        {"server conn crashed", "", REASON_RESET},
        {"cannot connect to server", "", REASON_REFUSED},
        /* said of a server that is gone (measured), and of one that goes on refusing the pooler's login */
        {"server login has been failing", "", REASON_REFUSED},
    };
    for (size_t i = 0; i < sizeof POOLER_ROWS / sizeof POOLER_ROWS[0]; i++)
        if (says(text, POOLER_ROWS[i].one) && says(text, POOLER_ROWS[i].two))
            return POOLER_ROWS[i].reason;
    return REASON_QUERY_FAILED;
}

/* EACCES is told of a Unix socket's mode, and of a route that prohibits. */
static bool is_denied(const char *message, enum reason *reason) {
    if (!says(message, strerror(EACCES)))
        return false;
    *reason = says(message, "on socket ") ? REASON_PERMISSION : REASON_UNREACHABLE;
    return true;
}

static const char *words_of(const struct row *row) {
    return row->text ? row->text : strerror(row->error);
}

static const struct row *row_of(const char *message) {
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++)
        if (says(message, words_of(&ROWS[i])))
            return &ROWS[i];
    return NULL;
}

const char *postgres_known_words(const char *message) {
    const struct row *row = row_of(message);
    return row ? words_of(row) : says(message, strerror(EACCES)) ? strerror(EACCES) : NULL;
}

enum reason postgres_reason_of_message(const char *message, enum phase phase) {
    enum reason reason;
    const struct row *row = row_of(message);
    if (row)
        return row->reason;
    if (is_denied(message, &reason))
        return reason;
    switch (phase) {
    case PHASE_TLS:
    case PHASE_AUTH: return REASON_PROTOCOL; /* something answered, and libpq could make nothing of it */
    case PHASE_QUERY: return REASON_QUERY_FAILED;
    case PHASE_NONE:
    case PHASE_RESOLVE:
    case PHASE_CONNECT:
    case PHASE_STAT:
    case PHASE_OPEN:
    case PHASE_LOCK:
    case PHASE_READ:
    case PHASE_CLOSE:
    case PHASE_COUNT: break;
    }
    return REASON_INTERNAL; /* an option libpq refuses, no memory, no descriptors: the log names it */
}
