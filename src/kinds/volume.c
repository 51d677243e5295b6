/* Asks statvfs, and on Linux statfs, about a volume. */
#include "kinds/volume.h"

#include <stddef.h>
#include <sys/statvfs.h>
#ifdef __linux__
#include <sys/vfs.h>
#endif

bool volume_type_is_network(uint32_t type) {
    /* statfs(2) and linux/magic.h: NFS, SMB, CIFS, SMB2, 9p. */
    static const uint32_t TYPES[] = {0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x01021997};
    for (size_t i = 0; i < sizeof TYPES / sizeof TYPES[0]; i++)
        if (TYPES[i] == type)
            return true;
    return false;
}

static int ask_network(const char *path, bool *is_network) {
    *is_network = false;
#ifdef __linux__
    struct statfs fs;
    if (statfs(path, &fs) < 0)
        return -1;
    *is_network = volume_type_is_network((uint32_t)fs.f_type);
#else
    (void)path;
#endif
    return 0;
}

static int64_t bytes_of(uint64_t blocks, uint64_t block_size) {
    if (block_size > 0 && blocks > INT64_MAX / block_size)
        return INT64_MAX;
    return (int64_t)(blocks * block_size);
}

int volume_look(const char *path, struct volume *volume) {
    struct statvfs fs;
    if (statvfs(path, &fs) < 0)
        return -1;
    uint64_t size = fs.f_frsize ? fs.f_frsize : fs.f_bsize;
    /* More than there is: on BSD, a negative number, when only root's reserve is left. */
    uint64_t available = fs.f_bavail > fs.f_blocks ? 0 : fs.f_bavail;
    volume->total_bytes = bytes_of(fs.f_blocks, size);
    volume->free_bytes = bytes_of(available, size);
    volume->free_inodes = fs.f_files > 0 ? bytes_of(fs.f_favail, 1) : -1;
    /* Some file systems know no numbers and say 0 for all of them: that is not full. */
    volume->is_full = (fs.f_blocks > 0 && available == 0) || (fs.f_files > 0 && fs.f_favail == 0);
    volume->is_read_only = (fs.f_flag & ST_RDONLY) != 0;
    return ask_network(path, &volume->is_network);
}

bool volume_is_low(const struct volume *volume, int64_t min_free_bytes) {
    if (volume->total_bytes == 0)
        return false;
    int64_t twentieth = volume->total_bytes / 20;
    const int64_t standard = INT64_C(256) * 1024 * 1024;
    int64_t mark = min_free_bytes >= 0 ? min_free_bytes : twentieth < standard ? twentieth : standard;
    return volume->free_bytes < mark;
}
