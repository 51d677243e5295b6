/* What errors of MySQL, MariaDB and their client library mean, and what a server's first bytes are. Pure. */
#ifndef BH_KINDS_MYSQL_ERROR_H
#define BH_KINDS_MYSQL_ERROR_H

#include "report/reason.h"

#include <stdbool.h>
#include <stddef.h>

/* The reason an error stands for: a server's number (1000 to 1999, and from 3000 on) or one of MariaDB
 * Connector/C's own (2000 to 2999, and from 5000 on). The message counts only where the library puts into it
 * what its number does not say: the system's error, a plugin that is missing. */
enum reason mysql_reason_of_error(unsigned error, const char *message);

/* Whether the client library made that error, and not the server. */
bool mysql_error_is_librarys(unsigned error);

/* The number to show and to judge: that of the server's error, where the library hides it in a text of its
 * own because TLS was wanted and not yet there; else error itself. */
unsigned mysql_number_of_error(unsigned error, const char *message);

/* Whether these first bytes of a connection (as many as have come) may be a server's greeting, or the error
 * that comes in its place. The library itself reports anything else as a lost connection. */
bool mysql_may_be_greeting(const unsigned char *bytes, size_t count);

/* What the first bytes of a connection, that may be a greeting, say of TLS. */
enum mysql_offer {
    MYSQL_OFFER_UNKNOWN, /* not yet: more must come */
    MYSQL_OFFER_TLS,
    MYSQL_OFFER_NONE,
    MYSQL_OFFER_NOTHING, /* this is no greeting of today's: an error, or a server of twenty years ago */
};

enum mysql_offer mysql_offer_of_greeting(const unsigned char *bytes, size_t count);

#endif
