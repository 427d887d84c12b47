/* Outlines: what is read back is what the file says, in parts, and nothing else is. */
#include "support_cmocka.h"
#include "support_spec.h"

#include <string.h>

#define LARGE 1203 /* tasks: the last part is not full */

/* Each needs its neighbours, every seventh those far away, the last one all of them;
 * two are asked for by a formula. */
static void add_needs(struct buf *text, int i)
{
    if (i == LARGE - 2) {
        buf_add_text(text, ", needs: \"t9.failed || !t4\"");
        return;
    }
    buf_add_text(text, ", needs: [");
    if (i == LARGE - 1)
        for (int k = 0; k < i; k++)
            buf_printf(text, "%st%d", k ? ", " : "", k);
    else if (i > 6 && i % 7 == 6)
        buf_printf(text, "t%d, t%d, t0, t1, t2", i - 2, i - 5);
    else if (i % 3 == 2)
        buf_printf(text, "t%d, t%d", i - 2, i - 1);
    buf_add_text(text, "]");
}

static void add_tasks(struct buf *text, int n, const char *indent)
{
    for (int i = 0; i < n; i++) {
        buf_printf(text, "%st%d: {noop: true", indent, i);
        add_needs(text, i);
        buf_add_text(text, "}\n");
    }
}

static struct flow *read_large(int n)
{
    struct buf text = {0};

    buf_add_text(&text, TOP "tasks:\n");
    add_tasks(&text, n, "  ");
    buf_add_text(&text, "on_failure: {mail: {noop: true}}\n"
                        "finally: {tidy: {noop: true}, sweep: {noop: true}}\n");
    struct flow *f = read_good(buf_text(&text));

    buf_done(&text);
    return f;
}

static void check_needs(const struct flow_outline *o, int64_t index,
                        const struct flow_task *t)
{
    int64_t first, last;
    uint32_t n = 0;

    for (size_t i = 0; flow_outline_need(o, index, i, &first, &last); i++)
        for (int64_t k = first; k <= last; k++) {
            assert_true(n < t->n_needs);
            assert_int_equal(k, t->needs[n++]);
        }
    assert_int_equal(n, t->n_needs);
}

static void check_part(const struct flow *f, uint32_t part, int64_t *next)
{
    struct flow_outline o;
    struct buf text = {0};

    assert_true(flow_outline_write(f, part, &text));
    assert_true(flow_outline_read(&o, buf_text(&text), text.len));
    assert_int_equal(o.n_main, f->n_main);
    assert_int_equal(*next, part * FLOW_OUTLINE_PART);
    assert_false(flow_outline_has(&o, *next - 1));
    for (; flow_outline_has(&o, *next); (*next)++) {
        assert_string_equal(flow_outline_name(&o, *next), f->tasks[*next].name);
        check_needs(&o, *next, &f->tasks[*next]);
    }
    flow_outline_done(&o);
    buf_done(&text);
}

static void all_parts_say_what_the_file_says(void **state)
{
    struct flow *f = read_large(LARGE);
    int64_t next = 0;

    (void)state;
    assert_int_equal(f->n_tasks, LARGE + 3);
    assert_int_equal(f->n_main, LARGE);
    assert_int_equal(flow_outline_parts(f), 3);
    for (uint32_t i = 0; i < 3; i++)
        check_part(f, i, &next);
    assert_int_equal(next, f->n_main);
    flow_unref(f);
}

/* Whoever reads an outline takes tasks by their index, and none of a handler. */
static void main_tasks_are_the_first_ones(void **state)
{
    struct flow *f = read_large(20);

    (void)state;
    for (uint32_t i = 0; i < f->n_tasks; i++)
        assert_int_equal(f->tasks[i].part == FLOW_MAIN, i < f->n_main);
    flow_unref(f);
}

static void a_small_file_has_none(void **state)
{
    struct flow *small = read_large(FLOW_OUTLINE_LEAST - 1);
    struct flow *large = read_large(FLOW_OUTLINE_LEAST);

    (void)state;
    assert_int_equal(flow_outline_parts(small), 0);
    assert_int_equal(flow_outline_parts(large), 2);
    flow_unref(small);
    flow_unref(large);
}

static void needs_of_neighbours_are_one_range(void **state)
{
    struct flow *f = read_good(TOP "tasks:\n  a: {noop: true}\n  b: {noop: true}\n"
                                   "  c: {noop: true, needs: [a, b]}\n"
                                   "  d: {noop: true, needs: [c, a, b]}\n");
    struct buf text = {0};

    (void)state;
    assert_true(flow_outline_write(f, 0, &text));
    assert_string_equal(buf_text(&text),
                        "{\"main\":4,\"first\":0,\"tasks\":[[\"a\"],[\"b\"],"
                        "[\"c\",[0,1]],[\"d\",[2,2,0,1]]]}");
    buf_done(&text);
    flow_unref(f);
}

/* Each task of the second half needs every other one before it. */
static void a_part_has_a_largest_size(void **state)
{
    struct buf text = {0}, part = {0};

    (void)state;
    buf_add_text(&text, TOP "tasks:\n");
    for (int i = 0; i < 2 * FLOW_OUTLINE_PART; i++) {
        buf_printf(&text, "  t%d: {noop: true, needs: [", i);
        for (int k = 0; i >= FLOW_OUTLINE_PART && k < i; k += 2)
            buf_printf(&text, "%st%d", k ? ", " : "", k);
        buf_add_text(&text, "]}\n");
    }
    struct flow *f = read_good(buf_text(&text));

    assert_true(flow_outline_write(f, 0, &part));
    buf_clear(&part);
    assert_false(flow_outline_write(f, 1, &part));
    assert_true(part.len < FLOW_OUTLINE_MAX + 10000);
    buf_done(&part);
    buf_done(&text);
    flow_unref(f);
}

static bool reads(const char *text)
{
    struct flow_outline o;
    const bool good = flow_outline_read(&o, text, strlen(text));

    if (!good)
        assert_null(o.body);
    flow_outline_done(&o);
    return good;
}

static void what_is_no_outline_is_refused(void **state)
{
    static const char *const broken[] = {
        "",
        "[]",
        "{}",
        "{\"main\":1,\"first\":0}",
        "{\"main\":1,\"first\":0,\"tasks\":{}}",
        "{\"main\":\"1\",\"first\":0,\"tasks\":[[\"a\"]]}",
        "{\"main\":1,\"tasks\":[[\"a\"]]}",
        "{\"main\":1,\"first\":-1,\"tasks\":[[\"a\"]]}",
        "{\"main\":1,\"first\":1,\"tasks\":[[\"a\"]]}",
        "{\"main\":1,\"first\":9,\"tasks\":[]}",
        "{\"main\":300000,\"first\":0,\"tasks\":[[\"a\"]]}",
        "{\"main\":1,\"first\":0,\"tasks\":[[\"a\"],[\"b\"]]}",
        "{\"main\":1,\"first\":0,\"tasks\":[\"a\"]}",
        "{\"main\":1,\"first\":0,\"tasks\":[[]]}",
        "{\"main\":1,\"first\":0,\"tasks\":[[1]]}",
        "{\"main\":1,\"first\":0,\"tasks\":[[\"a\",1]]}",
        "{\"main\":1,\"first\":0,\"tasks\":[[\"a\",[0]]]}",
        "{\"main\":1,\"first\":0,\"tasks\":[[\"a\",[0,1]]]}",
        "{\"main\":2,\"first\":0,\"tasks\":[[\"a\",[1,0]]]}",
        "{\"main\":2,\"first\":0,\"tasks\":[[\"a\",[\"0\",1]]]}",
        "{\"main\":2,\"first\":0,\"tasks\":[[\"a\",[-1,1]]]}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
        if (reads(broken[i]))
            fail_msg("taken for an outline: %s", broken[i]);
}

static void what_a_later_release_adds_is_passed_over(void **state)
{
    (void)state;
    assert_true(reads("{\"main\":2,\"first\":0,\"new\":[],"
                      "\"tasks\":[[\"a\",[],{\"kind\":\"run\"}],[\"b\",[0,0]]]}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_parts_say_what_the_file_says),
        cmocka_unit_test(main_tasks_are_the_first_ones),
        cmocka_unit_test(a_small_file_has_none),
        cmocka_unit_test(needs_of_neighbours_are_one_range),
        cmocka_unit_test(a_part_has_a_largest_size),
        cmocka_unit_test(what_is_no_outline_is_refused),
        cmocka_unit_test(what_a_later_release_adds_is_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
