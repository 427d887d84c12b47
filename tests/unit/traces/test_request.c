#include "traces/traces.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void add(void *arg, const char *key, const char *value)
{
    buf_printf(arg, "[%s=%s]", key, value);
}

static void a_list_of_pairs_is_read_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *list, *pairs; /* NULL: it is none */
    } cases[] = {
        {"", ""},
        {"a=b", "[a=b]"},
        {" a = b , c=d,", "[a=b][c=d]"},
        {"a=1%2C2,b=x=y", "[a=1,2][b=x=y]"},
        {"a=", "[a=]"},
        {"a", NULL},
        {"=b", NULL},
        {"a=%2", NULL},
        {"a=%zz", NULL},
        {"a=%00", NULL},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf pairs = {0};

        assert_int_equal(trace_pairs(cases[i].list, add, &pairs),
                         cases[i].pairs != NULL);
        if (cases[i].pairs)
            assert_string_equal(buf_text(&pairs), cases[i].pairs);
        buf_done(&pairs);
    }
}

static void a_request_is_whole_and_names_its_sender_once(void **state)
{
    (void)state;
    const struct trace_sender from = {
        .service = "s", .version = "1", .attributes = "service.name=t,team=a"};
    struct buf text = {0};
    struct jsonw w = {.out = &text};

    trace_request_open(&from, &w);
    trace_request_close(&w);
    assert_string_equal(
        buf_text(&text),
        "{\"resourceSpans\":[{\"resource\":{\"attributes\":["
        "{\"key\":\"service.name\",\"value\":{\"stringValue\":\"s\"}},"
        "{\"key\":\"service.version\",\"value\":{\"stringValue\":\"1\"}},"
        "{\"key\":\"team\",\"value\":{\"stringValue\":\"a\"}}]},"
        "\"scopeSpans\":[{\"scope\":{\"name\":\"flowforge\",\"version\":\"1\"},"
        "\"spans\":[]}]}]}");
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_of_pairs_is_read_or_refused),
        cmocka_unit_test(a_request_is_whole_and_names_its_sender_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
