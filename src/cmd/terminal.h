/* The terminal of check and wait: what it can show, and a view on it that changes in place. */
#ifndef BH_CMD_TERMINAL_H
#define BH_CMD_TERMINAL_H

#include "base/error.h"
#include "base/timers.h"
#include "run/loop.h"

#include <stdbool.h>
#include <stddef.h>

/* How to dress a text for fd, as enum text_style: colours on a terminal unless NO_COLOR is set or TERM is
 * "dumb", symbols on one whose locale (LC_ALL, else LC_CTYPE, else LANG) is of UTF-8, nothing elsewhere. */
unsigned terminal_style(const char *const *environment, int fd);

/* The width of that terminal. Where fd is none, or one without a size: COLUMNS of the environment, if it is
 * set; else 80 for a terminal, and 0 (no limit) for a pipe or a file, so that grep finds a sentence in one
 * line. */
size_t terminal_width(const char *const *environment, int fd);

/* Whether fd is a terminal on which a text can be changed in place: any but a dumb one. */
bool terminal_is_live(const char *const *environment, int fd);

/* A view that takes the whole screen of standard output while it is open, and leaves what was there before as
 * it was. What goes to the log meanwhile is held back where that is a terminal too, up to a pipe's worth. */
struct terminal_view {
    struct loop *loop;
    void (*draw)(void *arg); /* to call terminal_draw; NULL: the view is not open */
    void *arg;
    struct timer second;
    struct event *resized, *stopped;
    int held_log[2]; /* a pipe; -1 where nothing is held back */
    int saved_error; /* standard error meanwhile */
};

/* Opens it and draws. From now on draw is called each second, when the window changes its size, and when the
 * process goes on after Ctrl-Z. */
int terminal_open(
    struct terminal_view *view, struct loop *loop, void (*draw)(void *arg), void *arg, struct error *err);

/* Puts text, whole lines, in the place of what is shown, as much of it as the window takes. Returns false
 * when the terminal is gone. */
bool terminal_draw(const struct terminal_view *view, const char *text);

/* Restores the screen and lets out the log. Closing one that is not open is nothing. */
void terminal_close(struct terminal_view *view);

#endif
