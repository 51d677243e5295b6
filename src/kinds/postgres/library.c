/* libpq's functions, by their own names: each hands its call on to the library, once that is loaded. */
#include "kinds/postgres/library.h"

#include <libpq-fe.h>
#include <stdio.h>

/* result, name, parameters, arguments: a line for each function that is called, F for those with a result and
 * P for those without. The header's own declaration stands beside each, so that the compiler finds one that
 * is not as it should be. */
#define FUNCTIONS(F, P)                                                                                      \
    F(PGconn *, PQconnectStartParams, (const char *const *keywords, const char *const *values, int expand),  \
        (keywords, values, expand))                                                                          \
    F(PostgresPollingStatusType, PQconnectPoll, (PGconn * conn), (conn))                                     \
    F(PQconninfoOption *, PQconndefaults, (void), ())                                                        \
    F(PQconninfoOption *, PQconninfoParse, (const char *text, char **error), (text, error))                  \
    P(void, PQconninfoFree, (PQconninfoOption * options), (options))                                         \
    P(void, PQfinish, (PGconn * conn), (conn))                                                               \
    F(ConnStatusType, PQstatus, (const PGconn *conn), (conn))                                                \
    F(PGTransactionStatusType, PQtransactionStatus, (const PGconn *conn), (conn))                            \
    F(int, PQprotocolVersion, (const PGconn *conn), (conn))                                                  \
    F(int, PQsslInUse, (PGconn * conn), (conn))                                                              \
    F(int, PQgssEncInUse, (PGconn * conn), (conn))                                                           \
    F(int, PQserverVersion, (const PGconn *conn), (conn))                                                    \
    F(char *, PQhost, (const PGconn *conn), (conn))                                                          \
    F(char *, PQhostaddr, (const PGconn *conn), (conn))                                                      \
    F(char *, PQport, (const PGconn *conn), (conn))                                                          \
    F(int, PQbackendPID, (const PGconn *conn), (conn))                                                       \
    F(char *, PQerrorMessage, (const PGconn *conn), (conn))                                                  \
    F(char *, PQpass, (const PGconn *conn), (conn))                                                          \
    F(int, PQsocket, (const PGconn *conn), (conn))                                                           \
    F(PGVerbosity, PQsetErrorVerbosity, (PGconn * conn, PGVerbosity verbosity), (conn, verbosity))           \
    F(PQnoticeReceiver, PQsetNoticeReceiver, (PGconn * conn, PQnoticeReceiver receive, void *arg),           \
        (conn, receive, arg))                                                                                \
    F(int, PQsendQuery, (PGconn * conn, const char *query), (conn, query))                                   \
    F(PGresult *, PQgetResult, (PGconn * conn), (conn))                                                      \
    F(int, PQisBusy, (PGconn * conn), (conn))                                                                \
    F(int, PQconsumeInput, (PGconn * conn), (conn))                                                          \
    F(int, PQsetnonblocking, (PGconn * conn, int is_on), (conn, is_on))                                      \
    F(int, PQflush, (PGconn * conn), (conn))                                                                 \
    F(ExecStatusType, PQresultStatus, (const PGresult *result), (result))                                    \
    F(char *, PQresultErrorMessage, (const PGresult *result), (result))                                      \
    F(char *, PQresultErrorField, (const PGresult *result, int field), (result, field))                      \
    F(int, PQntuples, (const PGresult *result), (result))                                                    \
    F(int, PQnfields, (const PGresult *result), (result))                                                    \
    F(char *, PQfname, (const PGresult *result, int column), (result, column))                               \
    F(int, PQgetisnull, (const PGresult *result, int row, int column), (result, row, column))                \
    F(char *, PQgetvalue, (const PGresult *result, int row, int column), (result, row, column))              \
    P(void, PQclear, (PGresult * result), (result))                                                          \
    F(int, PQlibVersion, (void), ())

LIBRARY_FUNCTIONS(FUNCTIONS)

static void version(char *text, size_t size) {
    int number = PQlibVersion();
    snprintf(text, size, "%d.%d", number / 10000, number % 10000);
}

struct library postgres_library = {
    .name = "libpq",
    .soname = "libpq.so.5",
    .package = "libpq5",
    .symbols = SYMBOLS,
    .symbol_count = sizeof SYMBOLS / sizeof SYMBOLS[0],
    .version = version,
};
