#include "support.h"

#include <string.h>

static void they_stand_in_the_order_of_their_keys(void **state)
{
    static const char *const cases[][2] = {
        {"", ""},
        {"  ", ""},
        {"gpu=a100", "gpu=a100"},
        {"zone=b, gpu=a100 ,a=", "a=,gpu=a100,zone=b"},
        {"gpu=1,gp=1", "gp=1,gpu=1"},
        {"example.com/rack=r-1_2.3,A=Z", "A=Z,example.com/rack=r-1_2.3"},
        {"x--y.example/k=v", "x--y.example/k=v"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf out = {0};
        struct ff_err err;

        assert_int_equal(labels_read(cases[i][0], &out, &err), FF_OK);
        assert_string_equal(buf_text(&out), cases[i][1]);
        buf_done(&out);
    }
}

static void what_kubernetes_would_refuse_is_refused(void **state)
{
    static const char *const cases[][2] = {
        {"gpu", "gpu: a label is KEY=VALUE"},
        {"a=1,,b=2", ": a label is KEY=VALUE"},
        {"=x", "=x: a key"},
        {"-a=x", "-a=x: a key"},
        {"a-=x", "a-=x: a key"},
        {"a b=x", "a b=x: a key"},
        {"/a=x", "/a=x: a key"},
        {"A.com/a=x", "A.com/a=x: a key"},
        {"a..b/a=x", "a..b/a=x: a key"},
        {"a.-b/a=x", "a.-b/a=x: a key"},
        {"a-.b/a=x", "a-.b/a=x: a key"},
        {"a.b-/a=x", "a.b-/a=x: a key"},
        {"a_b/a=x", "a_b/a=x: a key"},
        {"a/b/c=x", "a/b/c=x: a key"},
        {"a=b=c", "a=b=c: a value"},
        {"a=.", "a=.: a value"},
        {"a=\xc3\xa9", "a=\xc3\xa9: a value"},
        {"b=1,a=2,b=3", "b is named twice"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf out = {0};
        struct ff_err err;

        assert_int_equal(labels_read(cases[i][0], &out, &err), FF_INVALID);
        assert_true(text_starts(err.msg, cases[i][1]));
        assert_int_equal(out.len, 0);
    }
}

static void their_sizes_have_limits(void **state)
{
    char word[65];
    struct buf text = {0}, out = {0};
    struct ff_err err;

    (void)state;
    memset(word, 'x', 64);
    word[64] = '\0';
    assert_null(labels_key_fault(word, 63));
    assert_non_null(labels_key_fault(word, 64));
    assert_null(labels_value_fault(word, 63));
    assert_non_null(labels_value_fault(word, 64));
    for (int i = 0; i < LABELS_MAX; i++)
        buf_printf(&text, "%sk%d=", i > 0 ? "," : "", i);
    assert_int_equal(labels_read(buf_text(&text), &out, &err), FF_OK);
    assert_int_equal(labels_count(buf_text(&out)), LABELS_MAX);
    buf_add_text(&text, ",more=");
    assert_int_equal(labels_read(buf_text(&text), &out, &err), FF_INVALID);
    assert_string_equal(err.msg, "there are more than 32 labels");
    buf_clear(&text);
    buf_clear(&out);
    for (int i = 0; i < 20; i++) /* 20 of 50 bytes, with the comma but for the last */
        buf_printf(&text, "%sk%02d=%.45s", i > 0 ? "," : "", i, word);
    assert_int_equal(text.len, 999);
    assert_int_equal(labels_read(buf_text(&text), &out, &err), FF_OK);
    assert_int_equal(out.len, 999);
    buf_add_text(&text, "xx");
    assert_int_equal(labels_read(buf_text(&text), &out, &err), FF_INVALID);
    assert_string_equal(err.msg, "labels have at most 1000 bytes together");
    buf_done(&text);
    buf_done(&out);
}

static void each_pair_that_is_asked_for_has_to_be_there(void **state)
{
    static const char all[] = "a=1,gpu=a100,gpus=2,zone=b";

    (void)state;
    assert_true(labels_satisfy("", ""));
    assert_true(labels_satisfy(all, ""));
    assert_true(labels_satisfy(all, all));
    assert_true(labels_satisfy(all, "gpu=a100"));
    assert_true(labels_satisfy(all, "a=1,zone=b"));
    assert_true(labels_satisfy("a=", "a="));
    assert_false(labels_satisfy("", "a=1"));
    assert_false(labels_satisfy(all, "gpu=a10"));
    assert_false(labels_satisfy(all, "gpu=a1000"));
    assert_false(labels_satisfy(all, "gpu=a100,zone=c"));
    assert_false(labels_satisfy(all, "gp=a100"));
    assert_false(labels_satisfy(all, "b=1"));
    assert_false(labels_satisfy("a=1", "a="));
    assert_false(labels_satisfy("zone=b", "a=1,zone=b"));
    assert_int_equal(labels_count(all), 4);
    assert_int_equal(labels_count(""), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_stand_in_the_order_of_their_keys),
        cmocka_unit_test(what_kubernetes_would_refuse_is_refused),
        cmocka_unit_test(their_sizes_have_limits),
        cmocka_unit_test(each_pair_that_is_asked_for_has_to_be_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
