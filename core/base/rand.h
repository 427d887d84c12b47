/* base/rand.h - xoshiro256** (Blackman, Vigna 2018), seeded; and the one door to the
 * kernel's randomness. */
#ifndef BASE_RAND_H
#define BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

struct rand {
    uint64_t s[4];
};

void rand_seed(struct rand *r, uint64_t seed); /* by splitmix64 */
uint64_t rand_next(struct rand *r);
uint64_t rand_below(struct rand *r, uint64_t n); /* 0..n-1; n > 0 */

/* splitmix64's finisher: a good hash of one number. Pure. */
uint64_t rand_mix(uint64_t x);

/* From the kernel; never fails (ends the process if there is no randomness). */
void rand_system(void *bytes, size_t len);

#endif
