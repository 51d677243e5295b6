/* A pseudo-terminal: what a program writes to it is read here, and its window has a size. */
#ifndef BH_TESTS_PTY_H
#define BH_TESTS_PTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PTY_TEXT_SIZE = 1 << 18 };

struct pty {
    int master;
    int slave; /* for the program: standard output, standard error */
    size_t length;
    char text[PTY_TEXT_SIZE]; /* all that was written so far, NUL-terminated */
};

/* Returns NULL where there are no pseudo-terminals: in a bare chroot, say. pty_close frees it. */
struct pty *pty_open(void);
void pty_close(struct pty *pty);

/* Sets the window's size, which tells nobody. */
void pty_resize(const struct pty *pty, unsigned columns, unsigned rows);

/* Reads what is there, without waiting. */
void pty_read(struct pty *pty);

/* Waits until text has been written after the first `from` bytes. Returns false when it is not in time. */
bool pty_await(struct pty *pty, size_t from, const char *text, int64_t timeout_ms);

#endif
