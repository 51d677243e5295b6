/* The log: one line an event, key=value or one JSON object, to standard error, in one write.
 *
 *     struct log_line line;
 *     log_begin(&line, LOG_INFO, "check changed");
 *     log_str(&line, "check", name);
 *     log_int(&line, "duration_ms", 12);
 *     log_end(&line);
 *
 * It never blocks: what a full pipe does not take is lost, and the next line that goes out says how many
 * (lost_lines). Never hand it a DSN or a driver's text whose secrets are not blanked. */
#ifndef BH_BASE_LOG_H
#define BH_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

enum { LOG_LINE_SIZE = 2048 };

struct log_line {
    bool is_wanted;
    size_t length;
    char text[LOG_LINE_SIZE];
};

/* Sets what is written, and how: for the whole process, because a log must work from anywhere. process is a
 * word that stands in each line ("checker", "responder", "check"). fd -1 is standard error. */
void log_configure(enum log_level level, enum log_format format, const char *process, int fd);

/* The settings in force, for a process that is to log as this one does. */
void log_settings(enum log_level *level, enum log_format *format);

/* Changes that word alone, for a forked process that logs under its own name. */
void log_set_process(const char *process);

bool log_level_parse(const char *text, enum log_level *level);
bool log_format_parse(const char *text, enum log_format *format);
const char *log_level_name(enum log_level level);
const char *log_format_name(enum log_format format);

void log_begin(struct log_line *line, enum log_level level, const char *event);
void log_str(struct log_line *line, const char *key, const char *value); /* NULL: the field is left out */
void log_int(struct log_line *line, const char *key, int64_t value);
void log_bool(struct log_line *line, const char *key, bool value); /* true or false, in JSON without quotes */
void log_end(struct log_line *line);

/* An event with no fields, and one with a single formatted text under the key "error". */
void log_event(enum log_level level, const char *event);
void log_error(const char *event, const char *text);
void log_warning(const char *event, const char *text); /* the text under the key "warning" */

#endif
