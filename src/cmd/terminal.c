/* Tells what a terminal can show, and keeps a view on it. */
#include "cmd/terminal.h"

#include "base/io.h"
#include "base/str.h"
#include "config/environment.h"
#include "render/text.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { SECOND_MS = 1000, COLUMNS = 80, COLUMNS_LEAST = 20, ROWS = 24 };

/* As xterm has it, and all that came after: the second screen, without a cursor. It has no history that a
 * change of the window's size could mix up with what we draw. */
static const char ENTER[] = "\033[?1049h\033[?25l", LEAVE[] = "\033[?25h\033[?1049l";
static const char HOME[] = "\033[H", CLEAR_LINE[] = "\033[K", CLEAR_REST[] = "\033[J";

static const char MORE[] = "(more: make the window larger)";

/* -- what it can show -- */

bool terminal_is_live(const char *const *environment, int fd) {
    const char *name = environment_get(environment, "TERM");
    return isatty(fd) && !(name && strcmp(name, "dumb") == 0);
}

/* By its name alone: in an image the locale itself is often not installed. */
static bool is_utf8(const char *const *environment) {
    const char *locale = environment_get(environment, "LC_ALL");
    if (!locale)
        locale = environment_get(environment, "LC_CTYPE");
    if (!locale)
        locale = environment_get(environment, "LANG");
    return locale && (strcasestr(locale, "UTF-8") || strcasestr(locale, "utf8"));
}

unsigned terminal_style(const char *const *environment, int fd) {
    if (!terminal_is_live(environment, fd))
        return TEXT_PLAIN;
    unsigned colour = environment_get(environment, "NO_COLOR") ? TEXT_PLAIN : TEXT_COLOUR;
    return colour | (is_utf8(environment) ? TEXT_SYMBOLS : TEXT_PLAIN);
}

size_t terminal_width(const char *const *environment, int fd) {
    struct winsize window = {0};
    const char *columns = environment_get(environment, "COLUMNS");
    if (isatty(fd) && ioctl(fd, TIOCGWINSZ, &window) == 0 && window.ws_col > 0)
        return window.ws_col;
    long wished = columns ? strtol(columns, NULL, 10) : 0;
    if (wished >= COLUMNS_LEAST && wished <= UINT16_MAX)
        return (size_t)wished;
    return isatty(fd) ? COLUMNS : 0;
}

/* -- the log meanwhile -- */

static int hold_log(struct terminal_view *view, struct error *err) {
    view->held_log[0] = view->held_log[1] = view->saved_error = -1;
    if (!isatty(STDERR_FILENO))
        return 0;
    if (pipe2(view->held_log, O_CLOEXEC | O_NONBLOCK) < 0)
        return error_set(err, "cannot make a pipe: %s", strerror(errno));
    view->saved_error = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (view->saved_error >= 0 && dup2(view->held_log[1], STDERR_FILENO) >= 0)
        return 0;
    error_set(err, "cannot set standard error aside: %s", strerror(errno));
    close(view->held_log[0]);
    close(view->held_log[1]);
    return -1;
}

static void release_log(struct terminal_view *view) {
    char text[4096];
    if (view->saved_error < 0)
        return;
    dup2(view->saved_error, STDERR_FILENO);
    close(view->saved_error);
    close(view->held_log[1]);
    for (ssize_t got; (got = read(view->held_log[0], text, sizeof text)) > 0 || (got < 0 && errno == EINTR);)
        fwrite(text, 1, got > 0 ? (size_t)got : 0, stderr);
    close(view->held_log[0]);
}

/* -- drawing -- */

/* How many columns a line of ours takes: no escape sequence, and each character of UTF-8 once. */
static size_t count_columns(const char *line, size_t length) {
    size_t columns = 0;
    for (size_t i = 0; i < length; i++) {
        if (line[i] == '\033')
            while (i < length && line[i] != 'm')
                i++;
        else
            columns += ((unsigned char)line[i] & 0xc0) != 0x80;
    }
    return columns;
}

bool terminal_draw(const struct terminal_view *view, const char *text) {
    (void)view;
    struct winsize window = {0};
    ioctl(STDOUT_FILENO, TIOCGWINSZ, &window); /* on failure, or where nobody has set it, it stays 0 */
    size_t width = window.ws_col > 0 ? window.ws_col : COLUMNS,
           left = window.ws_row > 0 ? window.ws_row : ROWS;
    struct strbuf frame = {0};
    strbuf_append(&frame, HOME);
    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n"), columns = count_columns(line, length);
        size_t rows = columns == 0 ? 1 : (columns + width - 1) / width;
        if (rows >= left) { /* the last row is for whatever is typed, and for this */
            strbuf_append_n(&frame, MORE, strlen(MORE) < width ? strlen(MORE) : width);
            break;
        }
        left -= rows;
        strbuf_append_n(&frame, line, length);
        /* A full row has nothing to clear; the cursor still stands on its last column. */
        strbuf_append(&frame, columns == 0 || columns % width != 0 ? CLEAR_LINE : "");
        strbuf_append(&frame, "\r\n");
        line += length + (line[length] == '\n');
    }
    strbuf_append(&frame, CLEAR_REST);
    bool is_whole = !frame.is_broken;
    if (is_whole)
        fputs(frame.data, stdout);
    strbuf_release(&frame);
    return fflush(stdout) == 0 || !is_whole;
}

static void on_second(void *arg) {
    struct terminal_view *view = arg;
    timer_arm(&view->loop->timers, &view->second, SECOND_MS);
    view->draw(view->arg);
}

static void on_resized(evutil_socket_t number, short events, void *arg) {
    (void)number;
    (void)events;
    struct terminal_view *view = arg;
    view->draw(view->arg);
}

/* Ctrl-Z: the shell is given its screen, and takes the terminal back from us. */
static void on_stopped(evutil_socket_t number, short events, void *arg) {
    (void)number;
    (void)events;
    struct terminal_view *view = arg;
    fputs(LEAVE, stdout);
    fflush(stdout);
    raise(SIGSTOP);
    /* cppcheck-suppress unreachableCode ; SIGCONT brings us here */
    fputs(ENTER, stdout);
    view->draw(view->arg);
}

/* -- open and close -- */

int terminal_open(
    struct terminal_view *view, struct loop *loop, void (*draw)(void *arg), void *arg, struct error *err) {
    *view = (struct terminal_view){.loop = loop, .arg = arg};
    if (hold_log(view, err) < 0)
        return -1;
    view->draw = draw;
    view->resized = loop_watch_signal(loop, SIGWINCH, on_resized, view);
    view->stopped = loop_watch_signal(loop, SIGTSTP, on_stopped, view);
    timer_init(&view->second, on_second, view);
    fputs(ENTER, stdout);
    on_second(view);
    return 0;
}

void terminal_close(struct terminal_view *view) {
    if (!view->draw)
        return;
    view->draw = NULL;
    timer_disarm(&view->second);
    if (view->resized)
        event_free(view->resized);
    if (view->stopped)
        event_free(view->stopped);
    fputs(LEAVE, stdout);
    fflush(stdout);
    release_log(view);
}
