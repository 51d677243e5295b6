/* Packs and unpacks the configuration of one check. */
#include "config/pack.h"

#include "config/kind.h"
#include "config/walk.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void walk_check(struct walk *walk, struct check_config *check) {
    walk_text(walk, &check->name);
    WALK_FIELD(walk, check->kind);
    WALK_FIELD(walk, check->is_critical);
    WALK_FIELD(walk, check->is_sandboxed);
    WALK_FIELD(walk, check->interval_ms);
    WALK_FIELD(walk, check->timeout_ms);
    WALK_FIELD(walk, check->retry_interval_ms);
    WALK_FIELD(walk, check->slow_ms);
    walk->is_broken = walk->is_broken || (unsigned)check->kind >= KIND_COUNT;
    if (!walk->is_broken)
        config_kind_of(check->kind)->walk(walk, check);
}

void check_config_pack(const struct check_config *check, struct strbuf *bytes) {
    struct check_config copy = *check; /* whose texts are only read */
    walk_check(&(struct walk){.out = bytes}, &copy);
}

int check_config_unpack(const char **at, const char *end, struct check_config *check) {
    struct walk walk = {.at = *at, .end = end};
    *check = (struct check_config){.name = NULL};
    walk_check(&walk, check);
    *at = walk.at;
    if (!walk.is_broken) {
        check_config_guard(check);
        return 0;
    }
    if ((unsigned)check->kind >= KIND_COUNT)
        free(check->name);
    else
        check_config_release(check);
    *check = (struct check_config){.name = NULL};
    return -1;
}

void text_pack(const char *text, struct strbuf *bytes) {
    char *copy = (char *)(uintptr_t)text; /* which is only read */
    walk_text(&(struct walk){.out = bytes}, &copy);
}

int text_unpack(const char **at, const char *end, char **text) {
    struct walk walk = {.at = *at, .end = end};
    walk_text(&walk, text);
    *at = walk.at;
    return walk.is_broken ? -1 : 0;
}
