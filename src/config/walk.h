/* A walk over the fields of a check's configuration, which packs them or unpacks them: one list of the fields
 * for both ways. For this room alone. */
#ifndef BH_CONFIG_WALK_H
#define BH_CONFIG_WALK_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct walk {
    struct strbuf *out; /* NULL: it unpacks */
    const char *at, *end;
    bool is_broken; /* the bytes are none: nothing more is read */
};

void walk_bytes(struct walk *walk, void *field, size_t size);
void walk_text(struct walk *walk, char **text);

/* A list of *count texts; is_ended: with a NULL behind it. */
void walk_texts(struct walk *walk, char ***texts, size_t *count, bool is_ended);

#define WALK_FIELD(walk, field) walk_bytes((walk), &(field), sizeof(field))

#endif
