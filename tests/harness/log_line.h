/* The lines of the sidecar's log, read back into their fields, whichever form they have. */
#ifndef BH_TESTS_LOG_LINE_H
#define BH_TESTS_LOG_LINE_H

#include "harness/daemon.h"

#include <jansson.h>

/* One line, without its newline, as an object: in text every value is a string, in JSON an integer is one. A
 * new reference; NULL where it is neither. */
json_t *log_line_parse(const char *line);

/* All lines so far with that event and, unless field is NULL, with that value of that field; an array of
 * objects, a new reference. Ends the test on a line that cannot be parsed. */
json_t *log_lines_find(const struct daemon *daemon, const char *event, const char *field, const char *value);

/* A field as text, an integer too; NULL where there is none. Borrowed until the next call. */
const char *log_line_field(const json_t *line, const char *field);

/* Ends the test unless the field has that value; expected NULL: unless there is no such field. */
void log_line_assert(const json_t *line, const char *field, const char *expected);

#endif
