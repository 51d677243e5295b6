/* A SQLite database as files on a volume: all that can and must be known before it is opened. */
#ifndef BH_KINDS_SQLITE_FILE_H
#define BH_KINDS_SQLITE_FILE_H

#include "run/outcome.h"
#include "kinds/volume.h"

#include <stdbool.h>
#include <stdint.h>

struct sqlite_file {
    char *path; /* symbolic links resolved, as SQLite does it: the other files stand beside the target */
    char *directory;
    char *wal;
    char *shm;
    char *journal;
    bool had_wal, had_shm; /* before we came */
    /* May not be written, in a directory that may, and has no -wal: an ordinary connection to a WAL database
     * would make -wal and -shm there and, being read-only, could not remove them. Nobody of this uid is
     * writing such a file. */
    bool is_frozen;
    bool is_dir_shut; /* nothing may be made in the directory, and all that a writer needs is there */
    bool is_wal_mode; /* as its header says */
    bool is_shm_odd;  /* it is no regular file */
    int64_t wal_bytes;
    int64_t journal_bytes; /* -1: there is none */
    struct volume volume;
};

/* Looks at the file of config without opening it, and fills the observed values. Returns 0 when it may be
 * opened, else -1 with reason and detail in *outcome. The caller releases *file in either case. */
int sqlite_file_look(struct sqlite_file *file, const struct check_config *config, struct outcome *outcome);

/* Goes on where that was 0: reads the header, and looks at what is written beside the file. To be called
 * before SQLite has the file open. */
int sqlite_file_read(struct sqlite_file *file, const struct check_config *config, struct outcome *outcome);

void sqlite_file_release(struct sqlite_file *file);

/* Whether this process may write there, as its effective user. Returns 0, or the errno that tells why not. */
int sqlite_file_may_write(const char *path);

/* The size of a file in bytes; -1 if there is none; -2, with errno, if that cannot be told. */
int64_t sqlite_file_size(const char *path);

#endif
