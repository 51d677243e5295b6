/* Tests of what PostgreSQL's errors are taken for. The messages are libpq 15's own, as they came from real
 * servers. */
#include "kinds/postgres/error.h"
#include "kinds/postgres/tell.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *message;
    const char *sqlstate; /* NULL: none */
} FOUND[] = {
    {"connection to server at \"127.0.0.1\", port 5432 failed: FATAL:  28P01\n", "28P01"},
    {"connection to server at \"h\" (10.0.0.1), port 5432 failed: FATAL:  28000\n"
     "connection to server at \"h\" (10.0.0.1), port 5432 failed: FATAL:  28P01\n",
        "28P01"}, /* sslmode=prefer: with TLS, then without */
    {"connection to server at \"a\" (10.0.0.1), port 5432 failed: FATAL:  57P03\n"
     "connection to server at \"b\" (10.0.0.2), port 5432 failed: Connection refused\n"
     "\tIs the server running on that host and accepting TCP/IP connections?\n",
        "57P03"},
    {"\xd0\x9e\xd0\xa8\xd0\x98\xd0\x91\xd0\x9a\xd0\x90:  42P01", "42P01"}, /* the severity is localised */
    {"FATAL:  3D000", "3D000"},
    {"connection to server at \"h\", port 1 failed: Connection refused\n", NULL},
    {"FATAL:  password authentication failed\n", NULL},
    {"connection to server at \"h\", port 1 failed: FATAL:  28P01: password authentication failed for user "
     "\"u\"\n"
     "LOCATION:  auth_failed, auth.c:331\n",
        "28P01"}, /* verbose */
    {"connection to server at \"h\", port 1 failed: FATAL:  28000: x:  53300: y\nDETAIL:  53300\n"
     "connection to server at \"h\", port 2 failed: FATAL:  3D000: z\n",
        "3D000"},
    {"connection to server at \"h\", port 1 failed: FATAL:  3D000: said:  53300: y\n", "3D000"},
    {"FATAL:  28P0", NULL},
    {"FATAL:  28p01\n", NULL},
    {"FATAL:  28P011\n", NULL},
    {":  ", NULL},
    {"", NULL},
};

START_TEST(the_last_sqlstate_is_found) {
    char sqlstate[SQLSTATE_SIZE] = "";
    const char *rest = postgres_sqlstate_find(FOUND[_i].message, sqlstate);
    ck_assert_int_eq(rest != NULL, FOUND[_i].sqlstate != NULL);
    if (FOUND[_i].sqlstate)
        ck_assert_str_eq(sqlstate, FOUND[_i].sqlstate);
}
END_TEST

static const struct {
    const char *sqlstate;
    enum phase phase;
    enum reason reason;
} STATES[] = {
    {"57P01", PHASE_QUERY, REASON_DB_STARTING},
    {"57P02", PHASE_QUERY, REASON_DB_STARTING},
    {"57P03", PHASE_AUTH, REASON_DB_STARTING},
    {"53300", PHASE_AUTH, REASON_TOO_MANY_CLIENTS},
    {"28P01", PHASE_AUTH, REASON_AUTH_FAILED},
    {"28000", PHASE_AUTH, REASON_AUTH_FAILED},
    {"42501", PHASE_AUTH, REASON_AUTH_FAILED},
    {"42501", PHASE_QUERY, REASON_UNMIGRATED},
    {"3D000", PHASE_AUTH, REASON_DB_MISSING},
    {"25006", PHASE_QUERY, REASON_READ_ONLY},
    {"42P01", PHASE_QUERY, REASON_UNMIGRATED},
    {"53100", PHASE_QUERY, REASON_DISK_FULL},
    {"53200", PHASE_QUERY, REASON_OUT_OF_MEMORY},
    {"57014", PHASE_QUERY, REASON_TIMEOUT},
    {"55P03", PHASE_QUERY, REASON_TIMEOUT},
    {"XX000", PHASE_QUERY, REASON_QUERY_FAILED},
    {"08P01", PHASE_AUTH, REASON_QUERY_FAILED}, /* a pooler's, of which the text is not known */
    {"55000", PHASE_AUTH, REASON_QUERY_FAILED},
};

START_TEST(a_sqlstate_has_its_reason) {
    ck_assert_int_eq(
        postgres_reason_of_sqlstate(STATES[_i].sqlstate, NULL, STATES[_i].phase), STATES[_i].reason);
}
END_TEST

/* PgBouncer 1.18's own, and what it passes on of a server behind. */
static const struct {
    const char *text;
    enum reason reason;
} POOLED[] = {
    {"SASL authentication failed", REASON_AUTH_FAILED},
    {"password authentication failed for user \"u\"", REASON_AUTH_FAILED},
    {"no such user: u", REASON_AUTH_FAILED},
    {"bouncer config error: auth failed", REASON_AUTH_FAILED},
    {"role \"u\" does not exist", REASON_AUTH_FAILED},
    {"no such database: d", REASON_DB_MISSING},
    {"database \"d\" does not exist", REASON_DB_MISSING},
    {"role \"database \" does not exist", REASON_AUTH_FAILED},
    {"no more connections allowed (max_client_conn)", REASON_TOO_MANY_CLIENTS},
    {"sorry, too many clients already", REASON_TOO_MANY_CLIENTS},
    {"the database system is starting up", REASON_DB_STARTING},
    {"bouncer is shutting down", REASON_DB_STARTING},
    {"query_wait_timeout", REASON_TIMEOUT},
    {"server conn crashed?", REASON_RESET},
    {"pgbouncer cannot connect to server", REASON_REFUSED},
    {"SSL required", REASON_TLS},
    {"unsupported startup parameter: options", REASON_QUERY_FAILED},
    {"server login has been failing, try again later (server_login_retry)", REASON_REFUSED},
    {"Passwort-Authentifizierung fehlgeschlagen", REASON_QUERY_FAILED},
    {"", REASON_QUERY_FAILED},
    {NULL, REASON_QUERY_FAILED},
};

START_TEST(what_a_pooler_says_has_its_reason) {
    enum reason reason = postgres_reason_of_sqlstate("08P01", POOLED[_i].text, PHASE_AUTH);
    ck_assert_msg(reason == POOLED[_i].reason, "%s: %s", reason_info(reason)->slug, POOLED[_i].text);
}
END_TEST

static const struct {
    const char *message, *stripped;
} STRIPPED[] = {
    {"connection to server at \"h\", port 1 failed: FATAL:  28P01: "
     "Passwort-Authentifizierung\nfehlgeschlagen\n"
     "LOCATION:  auth.c\n",
        "connection to server at \"h\", port 1 failed: FATAL:  28P01"},
    {"connection to server at \"h\", port 1 failed: FATAL:  28000: text\nLOCATION:  x\n"
     "connection to server at \"h\", port 2 failed: Connection refused\n",
        "connection to server at \"h\", port 1 failed: FATAL:  28000\n"
        "connection to server at \"h\", port 2 failed: Connection refused\n"},
    {"connection to server at \"h\", port 1 failed: FATAL:  08P01: no such database: d\nMORE\n",
        "connection to server at \"h\", port 1 failed: FATAL:  08P01: no such database: d"},
    {"fe_sendauth: no password supplied\n", "fe_sendauth: no password supplied\n"},
    {"", ""},
};

START_TEST(the_texts_of_servers_are_left_out_but_a_poolers) {
    char *stripped = postgres_message_strip(STRIPPED[_i].message);
    ck_assert_str_eq(stripped, STRIPPED[_i].stripped);
    free(stripped);
}
END_TEST

#define AT(port) "connection to server at \"127.0.0.1\", port " #port " failed: "

static const struct {
    const char *message;
    bool has_met;
    const char *told;
} TOLD[] = {
    {AT(1) "Connection refused\n\tIs the server running?\n", false,
        AT(1) "Connection refused\n\tIs the server running?\n"},
    {AT(1) "FATAL:  28P01: no password \"quoted\"\nLOCATION:  x\n", true, AT(1) "FATAL:  28P01\n"},
    {AT(1) "GSSAPI continuation error: Unspecified GSS failure.  Minor code may provide more information: "
           "Ticket expired\n",
        true, AT(1) "Ticket expired\n"},
    {AT(1) "GSSAPI continuation error: No credentials were supplied: No Kerberos credentials available "
           "(default cache: FILE:/x)\n",
        true, AT(1) "No Kerberos credentials available\n"},
    {AT(1) "FATAL:  quoted\n", true, AT(1) "what it said is not shown\n"},
    {AT(1) "quoted", true, AT(1) "what it said is not shown\n"},
    {AT(1) "quoted, and could not calculate SCRAM\n", true, AT(1) "could not calculate \n"},
    {AT(1) "quoted:  28P01: quoted\n", true, AT(1) "SQLSTATE 28P01\n"},
    {AT(1) "FATAL:  quoted\n" AT(2) "FATAL:  28P01\n", true,
        AT(1) "what it said is not shown\n" AT(2) "FATAL:  28P01\n"},
    {AT(1) "FATAL:  08P01: no such database: d\nquoted\n", true,
        AT(1) "FATAL:  08P01: no such database: d\n"},
    {"server closed the connection unexpectedly\n\tThis probably means\n", true,
        "server closed the connection\n"},
    {"ERROR:  42P01\n", true, "ERROR:  42P01\n"},
    {"quoted\n", true, "what it said is not shown\n"},
    {"", true, "what it said is not shown\n"},
    {"error received from server in SCRAM exchange: quoted\n", true, "SCRAM\n"},
};

START_TEST(of_what_a_server_says_only_what_bears_an_sqlstate_is_told) {
    char *told = postgres_tell(TOLD[_i].message, TOLD[_i].has_met);
    ck_assert_str_eq(told, TOLD[_i].told);
    free(told);
}
END_TEST

static const struct {
    const char *message;
    enum phase phase;
    enum reason reason;
} MESSAGES[] = {
    {"connection to server at \"127.0.0.1\", port 1 failed: Connection refused\n"
     "\tIs the server running on that host and accepting TCP/IP connections?\n",
        PHASE_CONNECT, REASON_REFUSED},
    {"connection to server on socket \"/run/.s.PGSQL.5432\" failed: No such file or directory\n"
     "\tIs the server running locally and accepting connections on that socket?\n",
        PHASE_CONNECT, REASON_REFUSED},
    {"connection to server on socket \"/run/.s.PGSQL.5432\" failed: Permission denied\n", PHASE_CONNECT,
        REASON_PERMISSION},
    {"connection to server at \"h\" (10.0.0.1), port 1 failed: Permission denied\n", PHASE_CONNECT,
        REASON_UNREACHABLE},
    {"connection to server at \"h\" (::1), port 1 failed: Connection refused\n"
     "connection to server at \"h\" (10.0.0.1), port 1 failed: Network is unreachable\n",
        PHASE_CONNECT, REASON_REFUSED},
    {"connection to server at \"h\" (10.0.0.1), port 1 failed: No route to host\n", PHASE_CONNECT,
        REASON_UNREACHABLE},
    {"connection to server at \"h\" (10.0.0.1), port 1 failed: Connection timed out\n", PHASE_CONNECT,
        REASON_TIMEOUT},
    {"connection to server at \"h\", port 1 failed: server closed the connection unexpectedly\n"
     "\tThis probably means the server terminated abnormally\n\tbefore or while processing the request.\n",
        PHASE_TLS, REASON_RESET},
    {"connection to server at \"h\", port 1 failed: SSL SYSCALL error: EOF detected\n", PHASE_TLS,
        REASON_RESET},
    {"connection to server at \"h\", port 1 failed: SSL SYSCALL error: Connection reset by peer\n", PHASE_TLS,
        REASON_RESET},
    {"connection to server at \"h\", port 1 failed: received invalid response to SSL negotiation: H\n",
        PHASE_TLS, REASON_PROTOCOL},
    {"connection to server at \"h\", port 1 failed: expected authentication request from server, but "
     "received H\n",
        PHASE_AUTH, REASON_PROTOCOL},
    {"connection to server at \"h\", port 1 failed: server does not support SSL, but SSL was required\n",
        PHASE_TLS, REASON_TLS},
    {"connection to server at \"h\", port 1 failed: SSL error: certificate verify failed\n", PHASE_TLS,
        REASON_TLS},
    {"connection to server at \"h\" (127.0.0.1), port 1 failed: could not initiate GSSAPI security context: "
     "Unspecified GSS failure.  Minor code may provide more information: Ticket expired\n",
        PHASE_TLS, REASON_AUTH_FAILED},
    {"connection to server at \"h\" (127.0.0.1), port 1 failed: could not initiate GSSAPI security context: "
     "No credentials were supplied\n",
        PHASE_TLS, REASON_AUTH_FAILED},
    {"connection to server at \"h\" (127.0.0.1), port 1 failed: GSSAPI continuation error: Unspecified GSS "
     "failure\n",
        PHASE_AUTH, REASON_AUTH_FAILED},
    {"connection to server at \"h\" (127.0.0.1), port 1 failed: GSSAPI encryption required but was "
     "impossible (possibly no credential cache, no server support, or using a local socket)\n",
        PHASE_CONNECT, REASON_TLS},
    {"connection to server at \"h\", port 1 failed: server certificate for \"db\" does not match host name "
     "\"h\"\n",
        PHASE_TLS, REASON_TLS},
    {"connection to server at \"h\", port 1 failed: root certificate file \"/x\" does not exist\n", PHASE_TLS,
        REASON_TLS},
    {"connection to server at \"h\", port 1 failed: could not open certificate file \"/x\": No such file or "
     "directory\n",
        PHASE_TLS, REASON_TLS},
    {"connection to server at \"h\", port 1 failed: fe_sendauth: no password supplied\n", PHASE_AUTH,
        REASON_AUTH_FAILED},
    {"connection to server at \"h\", port 1 failed: session is read-only\n", PHASE_QUERY, REASON_READ_ONLY},
    /* names and paths are not the message */
    {"connection to server at \"certificate-SSL\" (10.0.0.1), port 1 failed: Connection refused\n",
        PHASE_CONNECT, REASON_REFUSED},
    {"connection to server at \"h\", port 1 failed: something new\n", PHASE_AUTH, REASON_PROTOCOL},
    {"invalid sslmode value: \"requires\"\n", PHASE_CONNECT, REASON_INTERNAL},
    {"could not create socket: Too many open files\n", PHASE_CONNECT, REASON_INTERNAL},
    {"out of memory\n", PHASE_CONNECT, REASON_INTERNAL},
    {"something new\n", PHASE_QUERY, REASON_QUERY_FAILED},
    {"lost synchronization with server: got message type \"x\", length 1\n", PHASE_QUERY, REASON_PROTOCOL},
};

START_TEST(a_message_has_its_reason) {
    enum reason reason = postgres_reason_of_message(MESSAGES[_i].message, MESSAGES[_i].phase);
    ck_assert_msg(reason == MESSAGES[_i].reason, "%s: %s", reason_info(reason)->slug, MESSAGES[_i].message);
}
END_TEST

Suite *postgres_error_suite(void) {
    Suite *suite = suite_create("postgres_error");
    TCase *tcase = tcase_create("postgres_error");
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, the_last_sqlstate_is_found, 0, sizeof FOUND / sizeof FOUND[0]);
    tcase_add_loop_test(tcase, a_sqlstate_has_its_reason, 0, sizeof STATES / sizeof STATES[0]);
    tcase_add_loop_test(tcase, what_a_pooler_says_has_its_reason, 0, sizeof POOLED / sizeof POOLED[0]);
    tcase_add_loop_test(
        tcase, of_what_a_server_says_only_what_bears_an_sqlstate_is_told, 0, sizeof TOLD / sizeof TOLD[0]);
    tcase_add_loop_test(
        tcase, the_texts_of_servers_are_left_out_but_a_poolers, 0, sizeof STRIPPED / sizeof STRIPPED[0]);
    tcase_add_loop_test(tcase, a_message_has_its_reason, 0, sizeof MESSAGES / sizeof MESSAGES[0]);
    return suite;
}
