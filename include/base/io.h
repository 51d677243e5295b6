/* Descriptors and small files. */
#ifndef BH_BASE_IO_H
#define BH_BASE_IO_H

#include "base/error.h"

#include <stddef.h>

/* Makes a descriptor non-blocking / close it on exec. Returns 0, or -1 with errno. */
int io_set_nonblocking(int fd);
int io_set_cloexec(int fd);

/* A stream socket of that family, non-blocking and closed on exec. Returns it, or -1 with errno. */
int io_socket(int family);

/* Whether this process may do that with the file (R_OK, W_OK, X_OK, F_OK), by its effective user and groups.
 * Returns 0, or what speaks against it as an errno. */
int io_access(const char *path, int mode);

/* Reads a whole regular file of at most max_bytes into *data (NUL behind it; the caller frees, with
 * str_free_secret where it holds a secret) and *length. On failure returns -1, the error says path and cause,
 * and errno tells it: EFBIG for more than max_bytes, EISDIR or EINVAL for what is no regular file. */
int io_read_file(const char *path, size_t max_bytes, char **data, size_t *length, struct error *err);

/* Writes all of data, through interruptions and short writes. Returns 0, or -1 with errno. */
int io_write_all(int fd, const void *data, size_t length);

/* Reads that many bytes, as they come. Returns 0, or -1 where it ends before them or fails. */
int io_read_all(int fd, void *data, size_t length);

#endif
