/* What PostgreSQL's errors mean: SQLSTATE codes, and libpq's own texts where no server has spoken. Pure. */
#ifndef BH_KINDS_POSTGRES_ERROR_H
#define BH_KINDS_POSTGRES_ERROR_H

#include "report/reason.h"
#include "report/status.h"

#include <stdbool.h>

enum { SQLSTATE_SIZE = 6 };

/* Finds the last SQLSTATE in what PQerrorMessage says of a failed connect, where each server's error is a
 * line that ends in ":  28P01" (PQERRORS_SQLSTATE), or has ":  28P01: text" (PQERRORS_VERBOSE). The last:
 * with sslmode=prefer, or several hosts, each attempt adds its own. Returns what follows the code (": text",
 * or the end of its line), or NULL where there is none. */
const char *postgres_sqlstate_find(const char *message, char sqlstate[SQLSTATE_SIZE]);

/* The reason a server's error stands for, in the phase where it came. text is what the server says with it,
 * in its own language, and looked at only where a pooler says the same SQLSTATE of everything; NULL or "":
 * not known. */
enum reason postgres_reason_of_sqlstate(const char *sqlstate, const char *text, enum phase phase);

/* Whether a pooler may have said it, of whatever it had to say: then only the text tells. */
bool postgres_is_of_pooler(const char *sqlstate);

/* Copies a message of a failed connect without the texts of servers, which may be in any language and of any
 * length: of each the SQLSTATE stays. A pooler's text stays. The caller frees. */
char *postgres_message_strip(const char *message);

/* Whether it has the form of one: what a server gives as one may be anything. */
bool postgres_is_sqlstate(const char *text);

/* The words of libpq, or of the system, by which postgres_reason_of_message judges; NULL: none that is known.
 * A constant: nothing of the message itself. */
const char *postgres_known_words(const char *message);

/* The reason of a message of libpq's own, in English (this program never calls setlocale). phase is how far
 * the connection had come. Where the message tells of several attempts, the one that got furthest counts. */
enum reason postgres_reason_of_message(const char *message, enum phase phase);

#endif
