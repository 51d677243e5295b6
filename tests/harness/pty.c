/* Pseudo-terminals. */
#include "harness/pty.h"

#include "harness/wait.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct pty *pty_open(void) {
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (master < 0)
        return NULL;
    struct pty *pty = calloc(1, sizeof *pty);
    ck_assert_ptr_nonnull(pty);
    ck_assert_msg(grantpt(master) == 0 && unlockpt(master) == 0, "no pseudo-terminal");
    pty->master = master;
    pty->slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    ck_assert_int_ge(pty->slave, 0);
    pty_resize(pty, 80, 24);
    return pty;
}

void pty_close(struct pty *pty) {
    close(pty->master);
    close(pty->slave);
    free(pty);
}

void pty_resize(const struct pty *pty, unsigned columns, unsigned rows) {
    const struct winsize window = {.ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows};
    ck_assert_int_eq(ioctl(pty->master, TIOCSWINSZ, &window), 0);
}

void pty_read(struct pty *pty) {
    for (ssize_t got;
         (got = read(pty->master, pty->text + pty->length, PTY_TEXT_SIZE - 1 - pty->length)) > 0;)
        pty->length += (size_t)got;
    ck_assert_uint_lt(pty->length, PTY_TEXT_SIZE - 1);
    pty->text[pty->length] = '\0';
}

struct search {
    struct pty *pty;
    size_t from;
    const char *text;
};

static bool is_written(void *arg) {
    struct search *search = arg;
    pty_read(search->pty);
    return search->from <= search->pty->length && strstr(search->pty->text + search->from, search->text);
}

bool pty_await(struct pty *pty, size_t from, const char *text, int64_t timeout_ms) {
    struct search search = {pty, from, text};
    return wait_until(is_written, &search, timeout_ms);
}
