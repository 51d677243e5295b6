/* What a PostgreSQL server sends, written message by message (protocol 3.0). */
#ifndef BH_TESTS_WIRE_H
#define BH_TESTS_WIRE_H

#include "base/str.h"

/* A message: its type, its length, its body. */
void wire_put(struct strbuf *stream, char type, const char *body, size_t size);

/* CommandComplete with that tag; ReadyForQuery with that status. */
void wire_put_complete(struct strbuf *stream, const char *tag);
void wire_put_ready(struct strbuf *stream, char status);

/* RowDescription and DataRow, of a list ended by NULL; a value of "NULL" is SQL's. */
void wire_put_columns(struct strbuf *stream, const char *const *names);
void wire_put_row(struct strbuf *stream, const char *const *values);

/* ErrorResponse of that severity and SQLSTATE. */
void wire_put_error(struct strbuf *stream, const char *severity, const char *sqlstate);

/* What answers the questions of role main, in two parts: to the opening, and to the questions, with these
 * values of in_recovery and installations. */
void wire_put_opening(struct strbuf *stream);
void wire_put_answers(struct strbuf *stream, const char *in_recovery, const char *installations);

#endif
