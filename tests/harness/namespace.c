/* Enters namespaces. */
#include "harness/namespace.h"

#include "base/str.h"
#include "harness/tempdir.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

static int write_file(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t written = write(fd, text, strlen(text));
    close(fd);
    return written == (ssize_t)strlen(text) ? 0 : -1;
}

/* user_namespaces(7): setgroups must be denied before a plain user may map its group. */
static int become_root_inside(uid_t uid, gid_t gid) {
    char map[64];
    snprintf(map, sizeof map, "0 %d 1", (int)uid);
    if (write_file("/proc/self/setgroups", "deny") < 0 || write_file("/proc/self/uid_map", map) < 0)
        return -1;
    snprintf(map, sizeof map, "0 %d 1", (int)gid);
    return write_file("/proc/self/gid_map", map);
}

static int raise_loopback(void) {
    struct ifreq request = {.ifr_flags = IFF_UP};
    str_copy(request.ifr_name, sizeof request.ifr_name, "lo");
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int result = fd < 0 ? -1 : ioctl(fd, SIOCSIFFLAGS, &request);
    if (fd >= 0)
        close(fd);
    return result;
}

const char *namespace_enter(void) {
    uid_t uid = geteuid();
    gid_t gid = getegid();
    if (unshare(CLONE_NEWNS | CLONE_NEWNET | (uid == 0 ? 0 : CLONE_NEWUSER)) < 0)
        return strerror(errno);
    if (uid != 0 && become_root_inside(uid, gid) < 0)
        return "user namespaces are restricted here";
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || raise_loopback() < 0)
        return strerror(errno);
    return NULL;
}

void namespace_cover(const char *path, const char *with) {
    ck_assert_msg(mount(with, path, NULL, MS_BIND, NULL) == 0, "%s over %s: %s", with, path, strerror(errno));
}

static void set_address(int fd, unsigned long request_id, const char *address) {
    struct ifreq request = {.ifr_flags = 0};
    struct sockaddr_in in = {.sin_family = AF_INET};
    ck_assert_int_eq(inet_pton(AF_INET, address, &in.sin_addr), 1);
    str_copy(request.ifr_name, sizeof request.ifr_name, "lo:1");
    memcpy(&request.ifr_addr, &in, sizeof in);
    ck_assert_msg(ioctl(fd, request_id, &request) == 0, "%s: %s", address, strerror(errno));
}

void namespace_add_address(const char *address) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    set_address(fd, SIOCSIFADDR, address);
    set_address(fd, SIOCSIFNETMASK, "255.255.255.255");
    close(fd);
}

const char *namespace_filter(const char *rules) {
    char command[1024];
    if (system("command -v nft >/dev/null 2>&1") != 0)
        return "the command nft is missing here";
    int length = snprintf(command, sizeof command,
        "nft 'flush ruleset; table inet t { chain in { type filter hook input priority 0; %s; }; }' 2>&1",
        *rules ? rules : "policy accept");
    ck_assert_int_lt(length, (int)sizeof command);
    return system(command) == 0 ? NULL : "nft refuses";
}

void namespace_tmpfs(const char *path, long bytes) {
    char options[64];
    snprintf(options, sizeof options, "size=%ld", bytes);
    ck_assert_msg(mount("tmpfs", path, "tmpfs", 0, options) == 0, "%s: %s", path, strerror(errno));
}

int namespace_silent_dns(const char *dir) {
    char *resolv = tempdir_path(dir, "resolv.conf"), *nsswitch = tempdir_path(dir, "nsswitch.conf");
    tempdir_write(resolv, "nameserver 127.0.0.1\n");
    tempdir_write(nsswitch, "hosts: dns\n");
    namespace_cover("/etc/resolv.conf", resolv);
    if (access("/etc/nsswitch.conf", F_OK) == 0)
        namespace_cover("/etc/nsswitch.conf", nsswitch);
    free(resolv);
    free(nsswitch);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(53), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert(fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0);
    return fd;
}
