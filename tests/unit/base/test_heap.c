/* The heap against a naive model: the least (when, order) of all that are in it. */
#include "support.h"

#define N_ITEMS 300
#define STEPS   20000

static const struct heap_item *least(const struct heap_item *items)
{
    const struct heap_item *first = NULL;

    for (size_t i = 0; i < N_ITEMS; i++) {
        if (!items[i].at)
            continue;
        if (!first || items[i].when < first->when ||
            (items[i].when == first->when && items[i].order < first->order))
            first = &items[i];
    }
    return first;
}

static void it_agrees_with_the_model(void **state)
{
    static struct heap_item items[N_ITEMS];
    struct rand r = support_rand();
    struct heap h = {0};
    size_t n = 0;

    (void)state;
    for (int step = 0; step < STEPS; step++) {
        struct heap_item *item = &items[rand_below(&r, N_ITEMS)];
        const bool was_in = item->at != 0;

        if (rand_below(&r, 2) == 0) {
            heap_del(&h, item);
            n -= was_in ? 1 : 0;
            assert_int_equal(item->at, 0);
        } else if (!was_in) {
            item->when = (int64_t)rand_below(&r, 50) - 25;
            heap_add(&h, item);
            n++;
        }
        assert_int_equal(h.n, n);
        assert_ptr_equal(heap_first(&h), least(items));
    }
    heap_done(&h);
    for (size_t i = 0; i < N_ITEMS; i++)
        assert_int_equal(items[i].at, 0);
}

static void ties_come_out_in_order_of_insertion(void **state)
{
    struct heap_item items[100] = {0};
    struct heap h = {0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(items); i++) {
        items[i].when = 5;
        heap_add(&h, &items[i]);
    }
    for (size_t i = 0; i < COUNT_OF(items); i++) {
        assert_ptr_equal(heap_first(&h), &items[i]);
        heap_del(&h, &items[i]);
    }
    assert_null(heap_first(&h));
    heap_done(&h);
}

static void adding_again_moves_an_item(void **state)
{
    struct heap_item a = {.when = 1};
    struct heap_item b = {.when = 2};
    struct heap h = {0};

    (void)state;
    heap_add(&h, &a);
    heap_add(&h, &b);
    heap_del(&h, &a);
    a.when = 3;
    heap_add(&h, &a);
    assert_ptr_equal(heap_first(&h), &b);
    heap_del(&h, &b);
    heap_del(&h, &b);
    assert_int_equal(h.n, 1);
    heap_done(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_agrees_with_the_model),
        cmocka_unit_test(ties_come_out_in_order_of_insertion),
        cmocka_unit_test(adding_again_moves_an_item),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
