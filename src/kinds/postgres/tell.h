/* What may be shown of libpq's messages: its own words, and of a server's those that bear an SQLSTATE. Who
 * answers may be anyone, and may have been given the password. */
#ifndef BH_KINDS_POSTGRES_TELL_H
#define BH_KINDS_POSTGRES_TELL_H

#include "config/dsn.h"

#include <libpq-fe.h>
#include <stdbool.h>

/* A message of a connection without the words of servers. Of each attempt where and what: the SQLSTATE (and
 * of a pooler its text), or the words of libpq that are known. has_met: the server may have spoken; until
 * then all words are libpq's. The caller frees; NULL: out of memory. */
char *postgres_tell(const char *message, bool has_met);

/* Makes text fit to be shown, as dsn_blank does, of the password that libpq itself has for the connection:
 * PGPASSWORD's, or of a password file. Of several attempts it may have had several, and knows the last: then
 * nothing is shown. Returns whether anything may be. */
bool postgres_tell_safely(const struct dsn *dsn, const PGconn *conn, char *text);

#endif
