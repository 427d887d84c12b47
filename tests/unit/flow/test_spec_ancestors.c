/* Ancestors of random graphs against a search that is too simple to be wrong, and files
 * of many tasks. */
#include "flow/spec.h"
#include "support_cmocka.h"
#include "support_spec.h"
#include <stdlib.h>
#include <string.h>

#define MAX_TASKS 700

static uint64_t seed_of_run(void)
{
    const char *text = getenv("FF_SEED");

    return text ? strtoull(text, NULL, 10) : 20260807;
}

struct graph {
    size_t n;
    bool before[MAX_TASKS][MAX_TASKS]; /* [task][ancestor] */
    struct flow_task tasks[MAX_TASKS];
    uint32_t order[MAX_TASKS];
};

/* Tasks need some before them in a random order, mostly near ones. */
static void make_graph(struct graph *g, struct rand *r)
{
    g->n = 2 + rand_below(r, MAX_TASKS - 2);
    for (uint32_t i = 0; i < g->n; i++) {
        size_t at = rand_below(r, i + 1);

        g->order[i] = g->order[at];
        g->order[at] = i;
    }
    for (size_t i = 0; i < g->n; i++) {
        uint32_t task = g->order[i];
        struct flow_task *t = &g->tasks[task];
        size_t n_needs = i == 0 ? 0 : rand_below(r, 3);

        t->needs = mem_array(3, sizeof(*t->needs));
        for (size_t k = 0; k < n_needs; k++) {
            size_t near = i < 20 || rand_below(r, 4) == 0 ? i : 20;
            uint32_t need = g->order[i - 1 - rand_below(r, near)];

            t->needs[t->n_needs++] = need;
            g->before[task][need] = true;
            for (size_t a = 0; a < g->n; a++)
                g->before[task][a] |= g->before[need][a];
        }
    }
}

static void ask_everything(struct graph *g, struct rand *r)
{
    struct spec s = {.tasks = {.items = g->tasks, .n = g->n, .cap = g->n},
                     .order = g->order};
    size_t n = 1 + rand_below(r, 20000);
    struct spec_before *asked = mem_array(n, sizeof(*asked));

    for (size_t i = 0; i < n; i++) {
        asked[i].task = (uint32_t)rand_below(r, g->n);
        do
            asked[i].before = (uint32_t)rand_below(r, g->n);
        while (asked[i].before == asked[i].task);
    }
    spec_answer_before(&s, asked, n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(asked[i].holds, g->before[asked[i].task][asked[i].before]);
    mem_free(asked);
}

static void ancestors_are_those_of_a_plain_search(void **state)
{
    uint64_t seed = seed_of_run();
    struct rand r;

    (void)state;
    print_message("FF_SEED=%llu\n", (unsigned long long)seed);
    rand_seed(&r, seed);
    for (int round = 0; round < 30; round++) {
        struct graph *g = mem_alloc(sizeof(*g));

        make_graph(g, &r);
        ask_everything(g, &r);
        for (size_t i = 0; i < g->n; i++)
            mem_free(g->tasks[i].needs);
        mem_free(g);
    }
}

#define MANY 10000

enum far { NEAR, FIRST, ANYWHERE };

/* A chain; each task refers to one before it. */
static void write_chain(struct buf *b, enum far far)
{
    uint64_t x = 1;

    buf_add_text(b, TOP "tasks:\n  t0: {run: x, outputs: {o: file}}\n");
    for (int i = 1; i < MANY; i++) {
        int used = far == NEAR ? i - 1 : 0;

        if (far == ANYWHERE)
            used = (int)((x = rand_mix(x)) % (uint64_t)i);
        buf_printf(b,
                   "  t%d:\n    needs: [t%d]\n    run: ./work \"$A\"\n"
                   "    env: {A: \"${{ tasks.t%d.outputs.o }}\"}\n"
                   "    outputs: {o: file}\n",
                   i, i - 1, used);
    }
}

static void long_chains_are_read_however_far_they_refer(void **state)
{
    (void)state;
    for (enum far far = NEAR; far <= ANYWHERE; far++) {
        struct buf b = {0};

        write_chain(&b, far);

        struct flow *f = read_good(buf_text(&b));

        assert_int_equal(f->n_main, MANY);
        assert_int_equal(f->tasks[MANY - 1].needs[0], MANY - 2);
        assert_int_equal(flow_task_index(f, "t9999"), MANY - 1);
        flow_unref(f);
        buf_done(&b);
    }
}

static void a_task_may_need_all_the_others(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_add_text(&b, TOP "tasks:\n");
    for (int i = 0; i < MANY; i++)
        buf_printf(&b, "  t%d: {run: x}\n", i);
    buf_add_text(&b, "  join:\n    noop: true\n    needs:\n");
    for (int i = 0; i < MANY; i++)
        buf_printf(&b, "    - t%d\n", i);

    struct flow *f = read_good(buf_text(&b));

    assert_int_equal(f->tasks[MANY].n_needs, MANY);
    assert_int_equal(f->tasks[7].n_needed_by, 1);
    flow_unref(f);
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ancestors_are_those_of_a_plain_search),
        cmocka_unit_test(long_chains_are_read_however_far_they_refer),
        cmocka_unit_test(a_task_may_need_all_the_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
