/* Descriptors that are passed over a Unix socket (unix(7), SCM_RIGHTS). */
#ifndef BH_BASE_PASS_H
#define BH_BASE_PASS_H

#include <sys/socket.h>

/* Room for the control part of a message with one descriptor; and of one that is received, where more may
 * come than are wanted: what finds no room the kernel drops. */
union pass_control {
    struct cmsghdr head; /* for the alignment */
    char bytes[CMSG_SPACE(4 * sizeof(int))];
};

/* Lays the descriptor to pass into the message's control part. It stays the caller's. */
void pass_attach(struct msghdr *message, union pass_control *control, int fd);

/* Makes room for descriptors in a message that is to be received with MSG_CMSG_CLOEXEC. */
void pass_make_room(struct msghdr *message, union pass_control *control);

/* Takes the first descriptor of a received message into *fd, which is the caller's then, where *fd is below
 * 0, and closes all others. Returns how many came. */
int pass_take(struct msghdr *message, int *fd);

#endif
