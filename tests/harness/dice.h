/* Numbers by chance that come again with the same seed. */
#ifndef BH_TESTS_DICE_H
#define BH_TESTS_DICE_H

#include <stdint.h>

struct dice {
    uint64_t state;
};

/* Each stream of one seed has numbers of its own. */
struct dice dice_new(uint64_t seed, uint64_t stream);

/* From 0 to sides - 1. */
int dice_roll(struct dice *dice, int sides);

#endif
