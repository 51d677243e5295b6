/* What PostgreSQL's errors mean: SQLSTATE codes, and libpq's own texts where no server has spoken. Pure. */
#ifndef BH_CHECKS_POSTGRES_ERROR_H
#define BH_CHECKS_POSTGRES_ERROR_H

#include "report/reason.h"
#include "report/status.h"

#include <stdbool.h>

enum { SQLSTATE_SIZE = 6 };

/* Finds the last SQLSTATE in what PQerrorMessage says of a failed connect under PQERRORS_SQLSTATE, where each
 * server's error is a line that ends in ":  28P01". The last: with sslmode=prefer, or several hosts, each
 * attempt adds its own. */
bool postgres_sqlstate_find(const char *message, char sqlstate[SQLSTATE_SIZE]);

/* The reason a server's error stands for, in the phase where it came. */
enum reason postgres_reason_of_sqlstate(const char *sqlstate, enum phase phase);

/* The reason of a message of libpq's own, in English (this program never calls setlocale). phase is how far
 * the connection had come. Where the message tells of several attempts, the one that got furthest counts. */
enum reason postgres_reason_of_message(const char *message, enum phase phase);

#endif
