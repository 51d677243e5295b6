/* Tells one file from another, and one content from another: for comparison alone, and never shown. */
#ifndef BH_REPORT_IDENTITY_H
#define BH_REPORT_IDENTITY_H

#include <stdint.h>

/* {0} knows nothing. Plain bytes: it may cross a pipe between our own processes. */
struct identity {
    uint64_t device;
    uint64_t inode;   /* 0: not known, or there is no such file */
    uint64_t content; /* a hash of what stands in it; 0: not known */
    uint64_t writer; /* of a database: who held its write lock through the whole look, and since which commit;
                        0: nobody, or not known */
    uint64_t task;   /* of a queue: the number of its oldest task; 0: none, or not known */
};

#endif
