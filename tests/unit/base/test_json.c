/* jansson's own writer is the oracle for ours, but for the form of reals. */
#include "support.h"

#include <math.h>
#include <string.h>

static json_t *parse(const char *text)
{
    struct ff_err err = {0};
    json_t *value = json_parse(text, strlen(text), &err);

    if (!value)
        fail_msg("%s: %s", text, err.msg);
    return value;
}

static void refused(const char *text, size_t len, const char *why)
{
    struct ff_err err = {0};

    assert_null(json_parse(text, len, &err));
    assert_int_equal(err.code, FF_INVALID);
    if (!strstr(err.msg, why))
        fail_msg("%s: says \"%s\", not \"%s\"", text, err.msg, why);
}

static void any_value_comes_back_as_it_was(void **state)
{
    static const char *const texts[] = {
        "null",
        "true",
        "false",
        "0",
        "-1",
        "9223372036854775807",
        "-9223372036854775808",
        "1.0",
        "0.1",
        "-2.5",
        "1e300",
        "\"\"",
        "\"text\"",
        "[]",
        "{}",
        "[1,[2,[3]],{}]",
        "{\"z\":1,\"a\":{\"m\":[],\"b\":null}}",
        "\"\xc3\xa9\xf0\x9f\x98\x80\"",
        "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001F\x7f\"",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        json_t *value = parse(texts[i]);
        MEM_AUTO char *text = json_text(value);

        if (strcmp(texts[i], "1e300") == 0)
            assert_string_equal(text, "1e+300");
        else
            assert_string_equal(text, texts[i]);
        json_decref(value);
    }
}

static void what_is_wrong_is_refused_with_a_place(void **state)
{
    (void)state;
    refused("", 0, "line");
    refused("{", 1, "line 1");
    refused("[1,]", 4, "line 1, column 4");
    refused("[\n\n x]", 6, "line 3");
    refused("{\"a\":1,\"a\":2}", 13, "duplicate");
    refused("1 2", 3, "end of file expected");
    refused("9223372036854775808", 19, "too big");
    refused("\"\xff\"", 3, "0xff");
    refused("\"\\u0000\"", 8, "NUL");
    refused("nul", 3, "line");
    assert_null(json_parse("{", 1, NULL));
}

/* n brackets, the same number closed again. */
static char *nested(size_t n)
{
    struct buf b = {0};

    for (size_t i = 0; i < n; i++)
        buf_add_char(&b, '[');
    for (size_t i = 0; i < n; i++)
        buf_add_char(&b, ']');
    return buf_take(&b);
}

static void depth_ends_at_128(void **state)
{
    MEM_AUTO char *deepest = nested(128);
    MEM_AUTO char *deeper = nested(129);
    MEM_AUTO char *bomb = nested(1000000);
    struct buf wide = {0};
    json_t *value = parse(deepest);

    (void)state;
    json_decref(value);
    refused(deeper, strlen(deeper), "deeper than 128");
    refused(bomb, strlen(bomb), "deeper than 128");
    buf_add_text(&wide, "[\"[[[\\\"[[");
    for (int i = 0; i < 200; i++)
        buf_add_text(&wide, "[[[{{{");
    buf_add_text(&wide, "\"");
    for (int i = 0; i < 200; i++)
        buf_add_text(&wide, ",[{}]");
    buf_add_text(&wide, "]");
    value = parse(buf_text(&wide));
    assert_int_equal(json_array_size(value), 201);
    json_decref(value);
    buf_done(&wide);
}

static void reals_are_short_and_read_back_exactly(void **state)
{
    struct rand r = support_rand();

    (void)state;
    for (int i = 0; i < 20000; i++) {
        const uint64_t bits = rand_next(&r);
        double x = 0;

        memcpy(&x, &bits, sizeof(x));
        if (!isfinite(x))
            continue;
        json_t *value = json_real(x);
        MEM_AUTO char *text = json_text(value);
        json_t *back = parse(text);

        assert_true(json_is_real(back));
        assert_true(json_real_value(back) == x);
        json_decref(value);
        json_decref(back);
    }
}

static json_t *random_value(struct rand *r, int depth);

/* Up to 40 bytes of what makes trouble: control characters, quotes, UTF-8. */
static void random_text(struct rand *r, struct buf *out)
{
    static const char *const pieces[] = {
        "\"",           "\\",   "\n", "\x01", "\x1f",     "a",       "plain te",
        "\xe2\x82\xac", "\x7f", "/",  "\t",   "\xc3\xa9", "01234567"};

    for (uint64_t n = rand_below(r, 6); n > 0; n--)
        buf_add_text(out, pieces[rand_below(r, COUNT_OF(pieces))]);
}

static json_t *random_container(struct rand *r, int depth)
{
    json_t *value = rand_below(r, 2) ? json_array() : json_object();

    for (uint64_t n = rand_below(r, 6); n > 0; n--) {
        struct buf key = {0};

        random_text(r, &key);
        if (json_is_array(value))
            json_array_append_new(value, random_value(r, depth + 1));
        else
            json_object_set_new(value, buf_text(&key), random_value(r, depth + 1));
        buf_done(&key);
    }
    return value;
}

static json_t *random_value(struct rand *r, int depth)
{
    struct buf text = {0};
    json_t *value = NULL;

    switch (rand_below(r, depth < 6 ? 8 : 4)) {
    case 0:
        return json_integer((json_int_t)rand_next(r));
    case 1:
        return json_boolean(rand_below(r, 2));
    case 2:
        return json_null();
    case 3:
    case 4:
        random_text(r, &text);
        value = json_stringn(buf_text(&text), text.len);
        buf_done(&text);
        return value;
    default:
        return random_container(r, depth);
    }
}

static void writing_agrees_with_jansson(void **state)
{
    struct rand r = support_rand();

    (void)state;
    for (int i = 0; i < 3000; i++) {
        json_t *value = random_value(&r, 0);
        MEM_AUTO char *ours = json_text(value);
        MEM_AUTO char *theirs = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        json_t *back = parse(ours);

        assert_string_equal(ours, theirs);
        assert_true(json_equal(value, back));
        json_decref(value);
        json_decref(back);
    }
}

/* Up to two bytes of it are others, of those that mean something. */
static void spoil(struct rand *r, char *text, size_t len)
{
    static const char bytes[] = "\"\\[]{},:-+.eE0129 \t\n\x01\xc3\xff"
                                "tfnu/";

    for (uint64_t n = rand_below(r, 3); n > 0 && len > 0; n--)
        text[rand_below(r, len)] = bytes[rand_below(r, sizeof(bytes))];
}

static void assert_read_as_by_jansson(const char *text, size_t len)
{
    struct ff_err err = {0};
    json_t *ours = json_parse(text, len, &err);
    json_t *theirs =
        json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);

    if (!ours != !theirs || (ours && !json_equal(ours, theirs)))
        fail_msg("%s: not read as jansson reads it: %s", text, err.msg);
    json_decref(ours);
    json_decref(theirs);
}

static const char *const odd_texts[] = {
    "-",
    "-0",
    "00",
    "01",
    "-01",
    "0.5",
    "1e2",
    "999999999999999999",
    "-999999999999999999",
    "1000000000000000000",
    "[ ]",
    "{ }",
    " 1 ",
    "[1,]",
    "{\"a\\n\":{\"b\\n\":1}}",
    "{\"a\":1,\"a\":2}",
    "{\"a\" : [ 1 , 2 ] }",
    "true",
    "truex",
    "tru",
    "\"\\u00e9\"",
    "\"\\x\"",
    "\"\t\"",
    "\"",
    "{\"a\"}",
    "[1 2]",
    "1e400",
    "-0.0",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "\xef\xbb\xbf 1", /* a mark of the order of bytes */
    "1 \xef\xbb\xbf",
    "\"\x7f\"",
    "\"\xc0\x80\"",
    "\"\xed\xa0\x80\"", /* half of a pair */
    "\"\xf4\x90\x80\x80\"",
    "\"\xc3\\n\xa9\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ud83d\"",
    "\"\\u0000\"",
    "{\"\":1,\"\":2}",
    "{\"a\":1,\"\\u0061\":2}",
    "{\"\\u0061\":1,\"a\":2}",
    "",
    " ",
};

static void reading_agrees_with_jansson(void **state)
{
    static const size_t forms[] = {JSON_COMPACT, JSON_INDENT(2), JSON_ENSURE_ASCII,
                                   JSON_ESCAPE_SLASH};
    struct rand r = support_rand();

    (void)state;
    for (size_t i = 0; i < COUNT_OF(odd_texts); i++)
        assert_read_as_by_jansson(odd_texts[i], strlen(odd_texts[i]));
    for (size_t i = 0; i < 6000; i++) {
        json_t *value = random_value(&r, 0);
        char *given = json_dumps(value, JSON_ENCODE_ANY | forms[i % COUNT_OF(forms)]);
        const size_t len = strlen(given);
        MEM_AUTO char *exact = mem_grow(NULL, len + 1, 1);

        memcpy(exact, given, len + 1);
        spoil(&r, exact, len);
        assert_read_as_by_jansson(exact, len);
        free(given);
        json_decref(value);
    }
}

static void the_streaming_writer_puts_the_commas(void **state)
{
    struct buf b = {0};
    struct jsonw w = {.out = &b};
    json_t *value = parse("[1,{\"k\":2}]");

    (void)state;
    jsonw_open(&w, '{');
    jsonw_key(&w, "text");
    jsonw_text(&w, "a\"b");
    jsonw_key(&w, "none");
    jsonw_text(&w, NULL);
    jsonw_key(&w, "list");
    jsonw_open(&w, '[');
    jsonw_int(&w, -5);
    jsonw_bool(&w, true);
    jsonw_bool(&w, false);
    jsonw_open(&w, '[');
    jsonw_close(&w, ']');
    jsonw_open(&w, '{');
    jsonw_close(&w, '}');
    jsonw_null(&w);
    jsonw_text_len(&w, "a\0b", 3);
    jsonw_value(&w, value);
    jsonw_raw(&w, "{\"raw\":1}", 9);
    jsonw_close(&w, ']');
    jsonw_key(&w, "k\n");
    jsonw_value(&w, NULL);
    jsonw_close(&w, '}');
    assert_string_equal(
        buf_text(&b),
        "{\"text\":\"a\\\"b\",\"none\":null,\"list\":[-5,true,false,[],{},"
        "null,\"a\\u0000b\",[1,{\"k\":2}],{\"raw\":1}],\"k\\n\":null}");
    json_decref(value);
    buf_done(&b);
}

/* Any bytes at any offset: the result is JSON that says the same, with U+FFFD for each
 * byte that is no UTF-8. */
static void text_of_any_bytes_becomes_json(void **state)
{
    struct rand r = support_rand();

    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct buf b = {0};
        struct buf expected = {0};
        struct jsonw w = {.out = &b};
        const size_t len = rand_below(&r, 40);
        char *text = mem_grow(NULL, len, 1); /* of its exact size, for the sanitizer */

        for (size_t k = 0; k < len; k++)
            text[k] = (char)(1 + rand_below(&r, rand_below(&r, 3) ? 126 : 255));
        for (size_t k = 0; k < len;) {
            const size_t step = text_utf8_len(text + k, len - k);

            if (step)
                buf_add(&expected, text + k, step);
            else
                buf_add_text(&expected, "\xef\xbf\xbd");
            k += step ? step : 1;
        }
        jsonw_text_len(&w, text, len);
        json_t *back = parse(buf_text(&b));
        assert_string_equal(json_string_value(back), buf_text(&expected));
        json_decref(back);
        mem_free(text);
        buf_done(&b);
        buf_done(&expected);
    }
}

static void appending_keeps_what_is_there(void **state)
{
    struct buf b = {0};
    json_t *value = parse("{\"a\":[]}");

    (void)state;
    buf_add_text(&b, "x=");
    json_add_to(&b, value);
    assert_string_equal(buf_text(&b), "x={\"a\":[]}");
    json_decref(value);
    buf_done(&b);
}

static int use_our_memory(void **state)
{
    (void)state;
    mem_init();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_value_comes_back_as_it_was),
        cmocka_unit_test(what_is_wrong_is_refused_with_a_place),
        cmocka_unit_test(depth_ends_at_128),
        cmocka_unit_test(reals_are_short_and_read_back_exactly),
        cmocka_unit_test(writing_agrees_with_jansson),
        cmocka_unit_test(reading_agrees_with_jansson),
        cmocka_unit_test(the_streaming_writer_puts_the_commas),
        cmocka_unit_test(text_of_any_bytes_becomes_json),
        cmocka_unit_test(appending_keeps_what_is_there),
    };

    return cmocka_run_group_tests(tests, use_our_memory, NULL);
}
