/* test_range.c - nodes come out in the order in which they came, whatever is taken out
 * of the middle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "sched/sched_priv.h"

enum { BLOCKS = 512, BLOCK = 300 };

struct model {
    struct ranges ranges;
    struct range items[BLOCKS * BLOCK]; /* of one node each, the first is next */
    size_t n;
    int64_t scale;        /* from block to block */
    int64_t left[BLOCKS]; /* nodes that wait */
    struct rand rnd;
};

static size_t block_of(const struct model *m, int64_t node)
{
    return (size_t)(node / m->scale + (node < 0 ? -(node % m->scale != 0) : 0) +
                    BLOCKS / 2);
}

static int64_t first_of(const struct model *m, uint64_t block)
{
    return ((int64_t)block - BLOCKS / 2) * m->scale;
}

static void model_add(struct model *m)
{
    const uint64_t block = rand_below(&m->rnd, BLOCKS);
    struct range range = {.node = first_of(m, block),
                          .count = rand_below(&m->rnd, 8) ? 1 : BLOCK,
                          .since_us = (int64_t)rand_below(&m->rnd, 3) - 1};

    if (m->left[block] > 0) /* no node is offered twice */
        return;
    if (rand_below(&m->rnd, 10) == 0)
        range.since_us = (int64_t)rand_next(&m->rnd);
    m->left[block] = range.count;
    ranges_add(&m->ranges, &range);
    for (int64_t i = 0; i < range.count; i++)
        m->items[m->n++] = (struct range){range.node + i, 1, range.since_us};
}

static void drop(struct model *m, size_t i)
{
    m->left[block_of(m, m->items[i].node)]--;
    memmove(m->items + i, m->items + i + 1, (--m->n - i) * sizeof(*m->items));
}

static void model_take(struct model *m)
{
    if (m->n == 0)
        return;
    assert_int_equal(m->ranges.first.since_us, m->items[0].since_us);
    assert_int_equal(ranges_take(&m->ranges), m->items[0].node);
    drop(m, 0);
}

static void model_cut(struct model *m)
{
    int64_t node =
        first_of(m, rand_below(&m->rnd, BLOCKS)) + (int64_t)rand_below(&m->rnd, BLOCK);
    const int64_t count = 1 + (int64_t)rand_below(&m->rnd, 2 * (uint64_t)BLOCK);
    int64_t gone = 0;

    if (m->n > 0 && rand_below(&m->rnd, 4) == 0) /* the last one is at another place */
        node = m->items[m->n - 1].node;
    for (size_t i = m->n; i-- > 0;)
        if (m->items[i].node >= node && m->items[i].node < node + count) {
            drop(m, i);
            gone++;
        }
    assert_int_equal(ranges_cut(&m->ranges, node, count), gone);
}

/* It grows, and is emptied, in turns. */
static void random_use(uint64_t seed, int64_t scale)
{
    struct model *m = mem_alloc(sizeof(*m));

    rand_seed(&m->rnd, seed);
    m->scale = scale;
    ranges_init(&m->ranges);
    for (int step = 0; step < 4000; step++) {
        const bool grows = step / 1000 % 2 == 0;
        if (rand_below(&m->rnd, 10) == 0)
            model_cut(m);
        else if (rand_below(&m->rnd, grows ? 2 : 10) == 0)
            model_add(m);
        for (int i = 0; i < (grows ? 1 : 30); i++)
            model_take(m);
        assert_int_equal(m->ranges.n_nodes, m->n);
    }
    ranges_done(&m->ranges);
    mem_free(m);
}

static void random_use_agrees_with_a_model(void **state)
{
    (void)state;
    const char *given = getenv("FF_SEED");
    const uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);

    print_message("seed %llu\n", (unsigned long long)seed);
    random_use(seed, BLOCK); /* some go on where others end */
    random_use(seed, INT64_C(1) << 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_use_agrees_with_a_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
