/* "Did you mean": finds the known word nearest to a misspelt one. */
#ifndef BH_CONFIG_SUGGEST_H
#define BH_CONFIG_SUGGEST_H

#include <stddef.h>

struct suggestion {
    const char *word; /* misspelt */
    const char *best; /* the nearest word considered so far that is near enough, or NULL */
    size_t distance;
};

void suggestion_init(struct suggestion *suggestion, const char *word);

/* Considers a right word, which must outlive the suggestion. */
void suggestion_consider(struct suggestion *suggestion, const char *candidate);

#endif
