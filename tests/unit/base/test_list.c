#include "support.h"

struct thing {
    int number;
    struct list link;
};

static void things_leave_in_the_order_they_came(void **state)
{
    struct thing things[3] = {{.number = 0}, {.number = 1}, {.number = 2}};
    struct list head;

    (void)state;
    list_init(&head);
    assert_true(list_empty(&head));
    assert_null(list_first(&head));
    for (size_t i = 0; i < COUNT_OF(things); i++)
        list_add_tail(&head, &things[i].link);
    for (int i = 0; i < 3; i++) {
        struct list *link = list_first(&head);

        assert_int_equal(LIST_OF(link, struct thing, link)->number, i);
        list_del(link);
    }
    assert_true(list_empty(&head));
}

static void deleting_twice_does_no_harm(void **state)
{
    struct thing a = {0};
    struct thing b = {0};
    struct list head;

    (void)state;
    list_init(&head);
    list_add_tail(&head, &a.link);
    list_add_tail(&head, &b.link);
    list_del(&a.link);
    list_del(&a.link);
    assert_ptr_equal(list_first(&head), &b.link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(things_leave_in_the_order_they_came),
        cmocka_unit_test(deleting_twice_does_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
