/* Writes log lines, as text or JSON, each whole in one write. */
#include "base/log.h"

#include "base/clock.h"
#include "base/str.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct {
    enum log_level level;
    enum log_format format;
    int fd;
    char process[16];
    int64_t lost; /* lines that could not be written since the last one that could */
    bool is_torn; /* of the last one that was begun only a part was taken (a full disk) */
} state = {LOG_INFO, LOG_TEXT, STDERR_FILENO, "main", 0, false};

static const char *const LEVELS[] = {"debug", "info", "warning", "error"};
static const char *const FORMATS[] = {"text", "json"};

/* Room kept at the end of a line for what closes it: a quote, a brace, a newline. */
enum { TAIL_SIZE = 4 };

void log_configure(enum log_level level, enum log_format format, const char *process, int fd) {
    state.level = level;
    state.format = format;
    state.fd = fd < 0 ? STDERR_FILENO : fd;
    log_set_process(process);
}

void log_set_process(const char *process) {
    str_copy(state.process, sizeof state.process, process);
}

void log_settings(enum log_level *level, enum log_format *format) {
    *level = state.level;
    *format = state.format;
}

bool log_level_parse(const char *text, enum log_level *level) {
    for (size_t i = 0; i < sizeof LEVELS / sizeof LEVELS[0]; i++)
        if (strcmp(text, LEVELS[i]) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    return false;
}

bool log_format_parse(const char *text, enum log_format *format) {
    for (size_t i = 0; i < sizeof FORMATS / sizeof FORMATS[0]; i++)
        if (strcmp(text, FORMATS[i]) == 0) {
            *format = (enum log_format)i;
            return true;
        }
    return false;
}

const char *log_level_name(enum log_level level) {
    return LEVELS[level];
}

const char *log_format_name(enum log_format format) {
    return FORMATS[format];
}

/* Appends length bytes, or nothing when they do not all fit: a line is cut between characters, never within
 * an escape. */
static bool put(struct log_line *line, const char *data, size_t length) {
    if (line->length + length + TAIL_SIZE > sizeof line->text)
        return false;
    memcpy(line->text + line->length, data, length);
    line->length += length;
    return true;
}

static void put_text(struct log_line *line, const char *text) {
    put(line, text, strlen(text));
}

/* One character of a quoted string: escaped where JSON or a terminal would stumble over it. Returns the bytes
 * it took from text, 0 when the line is full. */
static size_t put_quoted_char(struct log_line *line, const char *text) {
    unsigned char c = (unsigned char)*text;
    char escape[8];
    size_t length = str_utf8_length(text);
    if (c == '"' || c == '\\')
        snprintf(escape, sizeof escape, "\\%c", c);
    else if (c < 0x20 || c == 0x7f)
        snprintf(escape, sizeof escape, "\\u%04x", c);
    else if (length == 0)
        str_copy(escape, sizeof escape, "?"); /* not UTF-8 */
    else
        return put(line, text, length) ? length : 0;
    return put(line, escape, strlen(escape)) ? 1 : 0;
}

static void put_quoted(struct log_line *line, const char *value) {
    put_text(line, "\"");
    for (size_t taken; *value && (taken = put_quoted_char(line, value)) > 0;)
        value += taken;
    line->text[line->length++] = '"'; /* from the tail's room */
}

static bool is_plain(const char *value) {
    if (*value == '\0')
        return false;
    for (const char *c = value; *c; c++)
        if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f || *c == '"' || *c == '\\' || *c == '=')
            return false;
    return true;
}

/* Starts a field, unless the line has no room left for it: a line may lose its last fields, never its form.
 */
static bool put_key(struct log_line *line, const char *key) {
    if (!line->is_wanted || line->length + strlen(key) + 64 > sizeof line->text)
        return false;
    if (line->length > 0 && line->text[line->length - 1] != '{')
        put_text(line, state.format == LOG_JSON ? "," : " ");
    if (state.format == LOG_JSON) {
        put_quoted(line, key);
        put_text(line, ":");
    } else {
        put_text(line, key);
        put_text(line, "=");
    }
    return true;
}

void log_str(struct log_line *line, const char *key, const char *value) {
    if (!value || !put_key(line, key))
        return;
    if (state.format == LOG_JSON || !is_plain(value) || !put(line, value, strlen(value)))
        put_quoted(line, value);
}

void log_int(struct log_line *line, const char *key, int64_t value) {
    char digits[24];
    if (!put_key(line, key))
        return;
    snprintf(digits, sizeof digits, "%" PRId64, value);
    put_text(line, digits);
}

void log_bool(struct log_line *line, const char *key, bool value) {
    if (put_key(line, key))
        put_text(line, value ? "true" : "false");
}

void log_begin(struct log_line *line, enum log_level level, const char *event) {
    line->length = 0;
    line->is_wanted = level >= state.level;
    if (!line->is_wanted)
        return;
    char now[CLOCK_TEXT_SIZE];
    clock_format_utc(clock_wall_ms(clock_system()), now);
    if (state.format == LOG_JSON)
        put_text(line, "{");
    log_str(line, "time", now);
    log_str(line, "level", LEVELS[level]);
    log_str(line, "process", state.process);
    log_str(line, "event", event);
    if (state.lost > 0)
        log_int(line, "lost_lines", state.lost);
}

/* A log that nobody reads must not stop the service: what does not fit into a full pipe now is lost, and
 * counted. A line is shorter than PIPE_BUF, so a pipe that is writable takes it whole, without waiting. */
static bool is_writable(void) {
    struct pollfd pollfd = {.fd = state.fd, .events = POLLOUT};
    int count;
    do
        count = poll(&pollfd, 1, 0);
    while (count < 0 && errno == EINTR);
    return count == 1 && (pollfd.revents & POLLOUT);
}

static ssize_t write_once(const char *text, size_t length) {
    ssize_t taken;
    do
        taken = write(state.fd, text, length);
    while (taken < 0 && errno == EINTR);
    return taken;
}

void log_end(struct log_line *line) {
    if (!line->is_wanted)
        return;
    if (state.format == LOG_JSON)
        line->text[line->length++] = '}';
    line->text[line->length++] = '\n';
    bool has_room = is_writable();
    if (has_room && state.is_torn) /* else a reader of lines would lose this one with that one */
        state.is_torn = write_once("\n", 1) != 1;
    ssize_t taken = has_room && !state.is_torn ? write_once(line->text, line->length) : 0;
    if (taken == (ssize_t)line->length) {
        state.lost = 0;
        return;
    }
    state.lost++;
    state.is_torn = state.is_torn || taken > 0;
}

void log_event(enum log_level level, const char *event) {
    struct log_line line;
    log_begin(&line, level, event);
    log_end(&line);
}

void log_warning(const char *event, const char *text) {
    struct log_line line;
    log_begin(&line, LOG_WARNING, event);
    log_str(&line, "warning", text);
    log_end(&line);
}

void log_error(const char *event, const char *text) {
    struct log_line line;
    log_begin(&line, LOG_ERROR, event);
    log_str(&line, "error", text);
    log_end(&line);
}
