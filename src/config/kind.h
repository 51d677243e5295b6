/* What a kind owns of the configuration: it reads, compares, prints and frees its own fields. For this room
 * alone. */
#ifndef BH_CONFIG_KIND_H
#define BH_CONFIG_KIND_H

#include "config/config.h"

struct loader;
struct walk;

/* One kind, or a family of kinds that are configured alike. Both checks of a comparison are of this family.
 */
struct config_kind {
    int (*load)(struct loader *loader); /* adds its checks and items */
    bool (*asks_the_same)(const struct check_config *a, const struct check_config *b);
    bool (*has_same_limits)(const struct check_config *a, const struct check_config *b); /* NULL: has none */
    void (*log)(const struct check_config *check, struct log_line *line);
    void (*where)(const struct check_config *check, struct strbuf *where);
    void (*limits)(const struct check_config *check, struct check_limits *limits); /* NULL: times alone */
    void (*blank)(const struct check_config *check, char *text); /* NULL: nothing to blank */
    void (*guard)(const struct check_config *check);             /* its secrets; NULL: it has none */
    int64_t (*patience_ms)(const struct check_config *check);    /* NULL: none */
    void (*walk)(struct walk *walk, struct check_config *check); /* over its own fields */
    void (*release)(struct check_config *check);                 /* overwrites every secret */
};

extern const struct config_kind CONFIG_DATABASE, CONFIG_DIRECTORY, CONFIG_SETTINGS, CONFIG_APP;

/* The family of a kind. */
const struct config_kind *config_kind_of(enum check_kind_id kind);

/* The n-th family in the order in which they are loaded, NULL past the last. */
const struct config_kind *config_kind_in_order(size_t n);

#endif
