/* bench/sched.c - what a place of a limit costs: one node of a run through the
 * scheduler, from its offer to the end of its attempt, without limits and with them,
 * one after the other in one run, so that the ratio does not depend on the machine.
 *
 *     sched [nodes] */
#include "sched/sched.h"

#include "base/base.h"

#include <stdlib.h>
#include <time.h>

#define SLOTS  64
#define ROUNDS 5 /* of each the fastest counts */

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void take_place(void *arg, const struct sched_place *place)
{
    *(int64_t *)arg += place->place;
}

struct shape {
    const char *name;
    struct sched_need needs[2];
    size_t n_needs;
    int64_t at_once; /* attempts that run */
};

/* A full house: each attempt that ends makes room for the next. */
static double run(const struct shape *shape, int64_t nodes)
{
    struct sched *s = sched_new();
    struct sched_run *r = sched_run_new(s, 1, 1, s);
    int64_t running[SLOTS] = {0};
    int64_t first = 0, n = 0, sum = 0, node;
    void *owner;

    sched_add_slots(s, shape->at_once);
    const int64_t before = now_ns();
    sched_offer_limited(r, 0, nodes, 0, shape->needs, shape->n_needs);
    for (int64_t ended = 0; ended < nodes; ended++) {
        while (sched_pick(s, &owner, &node)) {
            sched_started(r, node, 1, take_place, &sum);
            running[(first + n++) % SLOTS] = node;
        }
        sched_ended(r, running[first], take_place, &sum);
        sched_return_slot(r);
        sched_settled(r);
        first = (first + 1) % SLOTS;
        n--;
    }
    const double each = (double)(now_ns() - before) / (double)nodes;
    sched_run_free(r);
    sched_free(s);
    return each;
}

int main(int argc, char **argv)
{
    static const struct shape shapes[] = {
        {.name = "no limit, 1 at once", .at_once = 1},
        {.name = "no limit, 64 at once", .at_once = SLOTS},
        {.name = "a semaphore of 1, 1 at once",
         .needs = {{.name = "semaphore:a", .amount = 1, .size = 1}},
         .n_needs = 1,
         .at_once = 1},
        {.name = "a semaphore of 1, 64 slots",
         .needs = {{.name = "semaphore:a", .amount = 1, .size = 1}},
         .n_needs = 1,
         .at_once = SLOTS},
        {.name = "a semaphore of 64, 64 at once",
         .needs = {{.name = "semaphore:a", .amount = 1, .size = 64}},
         .n_needs = 1,
         .at_once = SLOTS},
        {.name = "two of 64, 64 at once",
         .needs = {{.name = "semaphore:a", .amount = 1, .size = 64},
                   {.name = "semaphore:b", .amount = 1, .size = 64}},
         .n_needs = 2,
         .at_once = SLOTS},
    };
    const int64_t nodes = argc > 1 ? strtoll(argv[1], NULL, 10) : 1000000;
    double plain = 0;

    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        double best = 0;
        for (int k = 0; k < ROUNDS; k++) {
            const double each = run(&shapes[i], nodes);
            best = k == 0 || each < best ? each : best;
        }
        if (i == 0 || (shapes[i].n_needs == 0 && best < plain))
            plain = best;
        printf("%-32s %6.0f ns a node, %5.1f times\n", shapes[i].name, best,
               best / plain);
    }
    return 0;
}
