/* The driver does what store-memory does. */
#include "support.h"
#include "support_same.h"

static void random_operations_have_the_results_of_store_memory(void **state)
{
    (void)state;
    check_random_operations(SUPPORT_DRIVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations_have_the_results_of_store_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
