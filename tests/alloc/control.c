/* tests/alloc/control.c - what must be found: code that takes a failed allocation
 * badly, in one way each. A harness that calls one of these right could find nothing.
 */
#include "alloc.h"

#include <stdlib.h>

/* So many that none is missed where a stale register still points to one. */
#define N_LOST 16

static int leaks(void)
{
    static char *volatile blocks[N_LOST];
    bool failed = false;

    for (size_t i = 0; i < N_LOST; i++) {
        blocks[i] = malloc(100);
        failed = failed || !blocks[i];
    }
    for (size_t i = 0; i < N_LOST; i++) {
        if (!failed)
            free(blocks[i]);
        blocks[i] = NULL;
    }
    return 0;
}

static int writes_to_nothing(void)
{
    char *volatile bytes = malloc(10);

    bytes[0] = 1;
    free(bytes);
    return 0;
}

/* As a driver that says OK and has done nothing. */
static int says_that_all_is_well(void)
{
    char *volatile bytes = malloc(10);
    const bool done = bytes != NULL;

    free(bytes);
    return done ? 0 : 1;
}

const struct scenario controls[] = {
    {.name = "leaks", .direct = leaks},
    {.name = "crashes", .direct = writes_to_nothing},
    {.name = "lies", .direct = says_that_all_is_well},
};
const size_t n_controls = COUNT_OF(controls);
