/* SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). */
#include "harness/dice.h"

static uint64_t mix(uint64_t bits) {
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
    return bits ^ (bits >> 31);
}

struct dice dice_new(uint64_t seed, uint64_t stream) {
    return (struct dice){mix(seed) ^ mix(stream + 1)};
}

int dice_roll(struct dice *dice, int sides) {
    dice->state += 0x9e3779b97f4a7c15u;
    return (int)(mix(dice->state) % (uint64_t)sides);
}
