/* http: how a request is read. */
#include "support_cmocka.h"
#include "support_spec.h"
#include <string.h>

static void a_request_is_read_with_its_defaults(void **state)
{
    struct flow *f = read_good(TOP "tasks: {a: {http: {url: 'http://x'}}}\n");
    const struct flow_work *w = f->tasks[0].work;

    (void)state;
    assert_int_equal(w->kind, FLOW_HTTP);
    assert_string_equal(flow_http_methods[w->http->method], "GET");
    assert_int_equal(w->http->follow, 5);
    assert_int_equal(w->http->max_bytes, 1 << 20);
    assert_false(w->http->allow_private);
    assert_null(w->http->expect);
    assert_int_equal(w->n_outputs, 4);
    flow_unref(f);
}

static void a_request_is_read_with_all_its_keys(void **state)
{
    struct flow *f = read_good(
        TOP "inputs: {x: string}\ntasks:\n  a:\n    http: {url: '${{ inputs.x }}', "
            "method: POST, headers: {X-A: 1, B: '${{ secrets.b }}'}, query: {q: '${{ "
            "inputs.x }}'}, json: {a: ['${{ inputs.x }}']}, expect: [200, 201], "
            "follow_redirects: 0, max_bytes: 2KiB, allow_private: true}\n"
            "  b: {needs: [a], run: x, if: tasks.a.outputs.body.id == 1}\n");
    const struct flow_http *h = f->tasks[0].work->http;

    (void)state;
    assert_string_equal(flow_http_methods[h->method], "POST");
    assert_int_equal(h->headers.n, 2);
    assert_string_equal(h->headers.items[1].value.secret, "b");
    assert_int_equal(h->query.n, 1);
    assert_int_equal(json_array_size(h->expect), 2);
    assert_int_equal(h->follow, 0);
    assert_int_equal(h->max_bytes, 2048);
    assert_true(h->allow_private);
    flow_unref(f);
}

#define HTTP(keys) TOP "tasks: {a: {http: {url: x, " keys "}}}\n"

#define URL(url) TOP "tasks: {a: {http: {url: '" url "'}}}\n"

static const struct refusal refusals[] = {
    {URL("ftp://x"), PROBLEM_VALUE, 3, 25, "ftp://x", "http:// or https://", NULL},
    {URL("https://u:p@x/"), PROBLEM_VALUE, 3, 25, "https://u:p@x/",
     "cannot hold a user name", "secrets.NAME"},
    {HTTP("headers: {a b: c}"), PROBLEM_NAME, 3, 38, "a b", "the name of a header",
     NULL},
    {TOP "tasks: {a: {http: {method: GET}}}\n", PROBLEM_MISSING, 3, 19, "url",
     "needs the key url", NULL},
    {TOP "tasks: {a: {http: x}}\n", PROBLEM_TYPE, 3, 19, "x", NULL, NULL},
    {HTTP("headers: [x]"), PROBLEM_TYPE, 3, 37, "", "headers must be a map", NULL},
    {HTTP("expect: 200"), PROBLEM_VALUE, 3, 36, "200", "list of statuses", NULL},
    {HTTP("expect: []"), PROBLEM_VALUE, 3, 36, "", "list of statuses", NULL},
    {HTTP("expect: [200, 99]"), PROBLEM_VALUE, 3, 36, "", "list of statuses", NULL},
    {HTTP("expect: [600]"), PROBLEM_VALUE, 3, 36, "", "list of statuses", NULL},
    {HTTP("expect: [x]"), PROBLEM_VALUE, 3, 36, "", "list of statuses", NULL},
    {HTTP("body: x, json: 1"), PROBLEM_EXCLUSIVE, 3, 43, "1", "both body and json",
     NULL},
    {HTTP("query: {a: '${{ secrets.a }}'}"), PROBLEM_SECRET, 3, 44, "secrets.a", NULL,
     NULL},
    {HTTP("headers: {a: '${{ nix }}'}"), PROBLEM_UNKNOWN_ROOT, 3, 46, "nix", NULL,
     NULL},
    {HTTP("headers: {a: '${{ ( }}'}"), PROBLEM_EXPRESSION, 3, 48, "", NULL, NULL},
    {TOP "tasks: {a: {run: x, http: {url: x}}}\n", PROBLEM_EXCLUSIVE, 3, 27, "",
     "not both run and http", NULL},
    {TOP "tasks: {a: {http: {url: x}, stdin: x}}\n", PROBLEM_EXCLUSIVE, 3, 36, "x",
     "stdin means nothing", NULL},
};

static void requests_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++)
        check_refusal(&refusals[i]);
}

static void addresses_that_may_be_good_are_left_to_the_request(void **state)
{
    static const char *const urls[] = {"https://x/a@b", "http://x?q=u@v", "x/y",
                                       "${{ run.id }}", "${{ run.id }}://u@x"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(urls); i++) {
        struct buf text = {0};
        buf_printf(&text, URL("%s"), urls[i]);
        flow_unref(read_good(buf_text(&text)));
        buf_done(&text);
    }
}

static void headers_have_a_limit(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_printf(&b, TOP "tasks:\n  a:\n    http:\n      url: x\n      headers:\n");
    for (int i = 0; i <= FLOW_MAX_NAMES; i++)
        buf_printf(&b, "        h%d: 1\n", i);

    struct flow_problems p = read_bad(buf_text(&b));

    assert_int_equal(p.n, 1);
    assert_int_equal(p.items[0].code, PROBLEM_LIMIT);
    flow_problems_done(&p);
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_read_with_its_defaults),
        cmocka_unit_test(a_request_is_read_with_all_its_keys),
        cmocka_unit_test(requests_that_make_no_sense_are_refused),
        cmocka_unit_test(headers_have_a_limit),
        cmocka_unit_test(addresses_that_may_be_good_are_left_to_the_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
