/* Tells one file from another, and one content from another: for comparison alone, and never shown. */
#ifndef BH_REPORT_IDENTITY_H
#define BH_REPORT_IDENTITY_H

#include <stdint.h>

/* {0} knows nothing. Plain bytes: it may cross a pipe between our own processes. */
struct identity {
    uint64_t device;
    uint64_t inode;   /* 0: not known, or there is no such file */
    uint64_t content; /* a hash of what stands in it; 0: not known */
};

#endif
