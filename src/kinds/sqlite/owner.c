/* Whose a database is, and whether this process may open it: as the app does, or as root, without leaving it
 * a file that it cannot write. */
#include "kinds/sqlite/owner.h"

#include "base/io.h"

#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/capability.h>
#include <sys/syscall.h>
#endif

/* -- root -- */

/* Without CAP_CHOWN what root makes stays root's, and the app cannot write any more. */
static bool has_chown(void) {
#ifdef __linux__
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    memset(data, 0, sizeof data);
    return syscall(SYS_capget, &header, data) == 0 && (data[0].effective & (UINT32_C(1) << CAP_CHOWN)) != 0;
#else
    return true;
#endif
}

#ifdef __linux__

/* What stands for all owners that have no number in this user namespace (user_namespaces(7)). */
enum { NOBODYS_UID = 65534 };

/* Whether this is the first user namespace, in which all users are themselves; where that cannot be told, it
 * is taken for another. By stat, which is what a worker that has shut itself in can still do. */
static bool is_everybody_mapped(void) {
    const ino_t first = 0xeffffffdU; /* PROC_USER_INIT_INO (linux/proc_ns.h) */
    struct stat st;
    return stat("/proc/self/ns/user", &st) == 0 && st.st_ino == first;
}

#endif

/* An owner that is not mapped shows as "nobody", to whom nothing can be given: chown fails with EINVAL, and
 * -wal and -shm stay ours (measured: the app got "unable to open database file"). */
static bool is_mapped(uid_t owner) {
#ifdef __linux__
    return owner != NOBODYS_UID || is_everybody_mapped();
#else
    (void)owner;
    return true;
#endif
}

/* -- the app's user -- */

/* Whether the app made it, as far as it is there, and which user it is then. */
static void ask_witness(const char *path, bool *is_ours, bool *is_anothers) {
    struct stat st;
    if (!path || lstat(path, &st) < 0)
        return;
    if (st.st_uid == geteuid())
        *is_ours = true;
    else
        *is_anothers = true;
}

/* OpenShift's case: the namespace's user changed, the file was restored or belongs to a group that may write
 * it, and Bugsink works. What it makes at its start tells which user it is; the -wal and -shm beside a file
 * that we never open uncalled are its as well. */
static bool are_we_the_app(const struct check_config *config, const char *wal, const char *shm) {
    bool is_ours = false, is_anothers = false;
    ask_witness(config->database.queue_path, &is_ours, &is_anothers);
    ask_witness(config->database.wakeup_path, &is_ours, &is_anothers);
    if (!is_ours && !is_anothers) {
        ask_witness(wal, &is_ours, &is_anothers);
        ask_witness(shm, &is_ours, &is_anothers);
    }
    return is_ours && !is_anothers;
}

bool sqlite_owner_lets_open(const struct check_config *config, const char *path, const struct stat *st,
    const char *wal, const char *shm) {
    if (st->st_uid == geteuid())
        return true;
    if (geteuid() == 0)
        return has_chown() && is_mapped(st->st_uid);
    return config->database.role == ROLE_MAIN && io_access(path, R_OK | W_OK) == 0 &&
           are_we_the_app(config, wal, shm);
}
