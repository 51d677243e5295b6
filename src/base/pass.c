/* Descriptors that are passed over a Unix socket. */
#include "base/pass.h"

#include <string.h>
#include <unistd.h>

void pass_attach(struct msghdr *message, union pass_control *control, int fd) {
    memset(control, 0, sizeof *control);
    message->msg_control = control;
    message->msg_controllen = CMSG_SPACE(sizeof fd);
    struct cmsghdr *head = CMSG_FIRSTHDR(message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(head), &fd, sizeof fd);
}

void pass_make_room(struct msghdr *message, union pass_control *control) {
    message->msg_control = control;
    message->msg_controllen = sizeof *control;
}

int pass_take(struct msghdr *message, int *fd) {
    int count = 0;
    for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head; head = CMSG_NXTHDR(message, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
            continue;
        const unsigned char *data = CMSG_DATA(head);
        for (size_t left = head->cmsg_len - CMSG_LEN(0); left >= sizeof(int); left -= sizeof(int)) {
            int taken;
            memcpy(&taken, data, sizeof taken);
            data += sizeof taken;
            if (count++ == 0 && *fd < 0)
                *fd = taken;
            else
                close(taken);
        }
    }
    return count;
}
