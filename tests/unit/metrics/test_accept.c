/* Which format is chosen by which Accept header. */
#include "support.h"

#define OPEN_TYPE "application/openmetrics-text"

static void what_is_liked_better_is_chosen(void **state)
{
    static const struct {
        const char *accept;
        enum metrics_format format;
    } cases[] = {
        {NULL, METRICS_TEXT},
        {"", METRICS_TEXT},
        {"*/*", METRICS_TEXT},
        {"text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", METRICS_TEXT},
        {OPEN_TYPE, METRICS_OPEN},
        {OPEN_TYPE "; version=1.0.0; charset=utf-8", METRICS_OPEN},
        {OPEN_TYPE ";version=\"1.0.0\"", METRICS_OPEN},
        {"Application/OpenMetrics-Text;Version=1.0.0", METRICS_OPEN},
        /* Prometheus 2.42, and 3. */
        {OPEN_TYPE ";version=1.0.0;q=0.8," OPEN_TYPE ";version=0.0.1;q=0.75,"
                   "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
         METRICS_OPEN},
        {"application/vnd.google.protobuf;q=0.7," OPEN_TYPE
         ";version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=1.0.0;q=0.5,"
         "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
         METRICS_OPEN},
        /* A version that is not ours, and what is liked less. */
        {OPEN_TYPE ";version=0.0.1", METRICS_TEXT},
        {OPEN_TYPE ";version=2.0.0,text/plain;q=0.1", METRICS_TEXT},
        {OPEN_TYPE ";q=0.4,text/plain;q=0.5", METRICS_TEXT},
        {OPEN_TYPE ";q=0.5,text/plain;q=0.5", METRICS_OPEN},
        {OPEN_TYPE ";q=0", METRICS_TEXT},
        {OPEN_TYPE ";q=0.0", METRICS_TEXT},
        {"text/plain , " OPEN_TYPE " ; q=0.123", METRICS_TEXT},
        {"text/plain;q=0.122 , " OPEN_TYPE " ; q=0.123", METRICS_OPEN},
        /* What is no header at all. */
        {",,;;=,;q=,", METRICS_TEXT},
        {OPEN_TYPE ";q=0.9999999999999999999999999", METRICS_OPEN},
        {OPEN_TYPE "x", METRICS_TEXT},
        {"a b;c d " OPEN_TYPE, METRICS_TEXT},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (metrics_choose(cases[i].accept) != cases[i].format)
            fail_msg("Accept: %s", cases[i].accept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_liked_better_is_chosen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
