/* dice.h - chance that can be had again: the same seed gives the same throws. */
#ifndef FILTER_DICE_H
#define FILTER_DICE_H

#include <stdint.h>

struct dice {
    uint64_t state;
};

/* splitmix64: any state will do, also 0. */
static inline uint64_t dice_throw(struct dice *d)
{
    uint64_t z = d->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* True for so many throws of a thousand. */
static inline int dice_hits(struct dice *d, int64_t per_thousand)
{
    return (int64_t)(dice_throw(d) % 1000) < per_thousand;
}

/* 0 to max, both included. */
static inline int64_t dice_upto(struct dice *d, int64_t max)
{
    return max > 0 ? (int64_t)(dice_throw(d) % ((uint64_t)max + 1)) : 0;
}

#endif
