/* The volume that a file stands on: its free space, and whether it can be written. */
#ifndef BH_KINDS_VOLUME_H
#define BH_KINDS_VOLUME_H

#include <stdbool.h>
#include <stdint.h>

struct volume {
    int64_t total_bytes;
    int64_t free_bytes;  /* for an ordinary user, without what is reserved for root */
    int64_t free_inodes; /* -1: this file system has no fixed number of them */
    bool is_full;        /* no free block, or no free inode */
    bool is_read_only;   /* the mount through which path leads there is */
    bool is_network;     /* NFS, SMB or 9p, where SQLite's WAL mode is not supported */
};

/* Asks about the volume of path, which exists. May block where the volume hangs. Returns 0, or -1 with errno.
 */
int volume_look(const char *path, struct volume *volume);

/* Whether free space is below min_free_bytes; -1 stands for 256 MiB or 5 % of the volume, the smaller. */
bool volume_is_low(const struct volume *volume, int64_t min_free_bytes);

/* Whether statfs's f_type (Linux) is that of a network file system. FUSE does not count: what is behind it is
 * not known. */
bool volume_type_is_network(uint32_t type);

#endif
