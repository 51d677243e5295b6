/* Keeps the last changes. */
#include "report/changes.h"

#include "base/str.h"

void changes_note(
    struct changes *changes, int64_t wall_ms, const char *name, enum status status, enum reason reason) {
    struct change *change = &changes->kept[changes->count++ % CHANGES_KEPT];
    *change = (struct change){.wall_ms = wall_ms, .status = status, .reason = reason};
    str_copy(change->name, sizeof change->name, name);
}

const struct change *changes_at(const struct changes *changes, size_t n) {
    if (n >= CHANGES_KEPT || n >= changes->count)
        return NULL;
    return &changes->kept[(changes->count - 1 - n) % CHANGES_KEPT];
}
