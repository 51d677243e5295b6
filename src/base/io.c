/* Descriptors and small files: the few calls that several rooms need. */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

int io_set_nonblocking(int fd) {
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

int io_set_cloexec(int fd) {
    int flags = fcntl(fd, F_GETFD);
    return flags < 0 ? -1 : fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
}

int io_socket(int family) {
#ifdef SOCK_CLOEXEC
    return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
#else
    int fd = socket(family, SOCK_STREAM, 0);
    if (fd >= 0 && (io_set_nonblocking(fd) < 0 || io_set_cloexec(fd) < 0)) {
        close(fd);
        fd = -1;
    }
    return fd;
#endif
}

/* By way of faccessat2 (Linux 5.8), which a container's profile that is older may refuse, by EPERM or
 * whatever it likes: and of that the C library thinks that the file had refused. So a refusal counts when the
 * old call, which every profile has, refuses as well. It goes by the real user: the same one, but in programs
 * that have changed theirs, and of another user's capabilities it knows nothing, which is why it comes
 * second. */
int io_access(const char *path, int mode) {
    if (faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0)
        return 0;
    int cause = errno;
    if (getuid() != geteuid() || getgid() != getegid())
        return cause;
    return access(path, mode) == 0 ? 0 : errno;
}

/* Reads up to size bytes, to the end of the file. Returns the count, or -1 with errno. */
static ssize_t read_up_to(int fd, char *data, size_t size) {
    size_t length = 0;
    while (length < size) {
        ssize_t got = read(fd, data + length, size - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        length += (size_t)got;
    }
    return (ssize_t)length;
}

int io_read_file(const char *path, size_t max_bytes, char **data, size_t *length, struct error *err) {
    *data = NULL;
    /* O_NONBLOCK: opening a FIFO must not wait for its writer. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return error_set(err, "%s: %s", path, strerror(errno));
    struct stat st;
    char *buffer = NULL;
    ssize_t got = -1;
    int cause;
    if (fstat(fd, &st) < 0) {
        cause = errno;
    } else if (!S_ISREG(st.st_mode)) {
        cause = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
    } else if ((*data = buffer = malloc(max_bytes + 2)) == NULL) { /* in memory, too, where valgrind looks */
        cause = ENOMEM;
    } else {
        got = read_up_to(fd, buffer, max_bytes + 1);
        cause = got < 0 ? errno : (size_t)got > max_bytes ? EFBIG : 0;
    }
    close(fd);
    if (cause != 0 || got < 0) {
        if (buffer && got > 0)
            explicit_bzero(buffer, (size_t)got);
        free(buffer);
        *data = NULL;
        error_set(err, "%s: %s", path, cause == EINVAL ? "not a regular file" : strerror(cause));
        errno = cause;
        return -1;
    }
    buffer[got] = '\0';
    *length = (size_t)got;
    return 0;
}

int io_write_all(int fd, const void *data, size_t length) {
    const char *at = data;
    while (length > 0) {
        ssize_t written = write(fd, at, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -1;
        at += written;
        length -= (size_t)written;
    }
    return 0;
}

int io_read_all(int fd, void *data, size_t length) {
    for (char *at = data; length > 0;) {
        ssize_t got = read(fd, at, length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return -1;
        at += got;
        length -= (size_t)got;
    }
    return 0;
}
