/* What the kinds are called. */
#include "config/config.h"

#define NAME(id, name, family) [KIND_##id] = (name),
static const char *const NAMES[KIND_COUNT] = {CHECK_KINDS(NAME)};

const char *check_kind_id_name(enum check_kind_id kind) {
    return kind < KIND_COUNT ? NAMES[kind] : "?";
}
