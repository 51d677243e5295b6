/* The last changes of all checks: which check changed, to what, and when. A ring of fixed size, which
 * outlives a reload. */
#ifndef BH_REPORT_CHANGES_H
#define BH_REPORT_CHANGES_H

#include "report/reason.h"
#include "report/status.h"

#include <stddef.h>
#include <stdint.h>

enum { CHANGES_KEPT = 10, CHANGE_NAME_SIZE = 64 };

struct change {
    int64_t wall_ms;
    char name[CHANGE_NAME_SIZE]; /* of the check, copied: it may be gone by now */
    enum status status;          /* what it became */
    enum reason reason;
};

/* Embedded in its owner; {0} is none. */
struct changes {
    struct change kept[CHANGES_KEPT];
    size_t count; /* of all there were */
};

void changes_note(
    struct changes *changes, int64_t wall_ms, const char *name, enum status status, enum reason reason);

/* The n-th, the newest first; NULL past the last that is kept. Borrowed until the next is noted. */
const struct change *changes_at(const struct changes *changes, size_t n);

#endif
