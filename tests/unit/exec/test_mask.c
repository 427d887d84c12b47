/* The forms in which a secret is commonly seen, in texts and values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exec/exec_priv.h"

#include <string.h>

static void expect(const char *secret, const char *text, const char *shown)
{
    struct masks m = {0};
    struct buf b = {0};

    masks_add(&m, "other one", 9);
    masks_add(&m, secret, strlen(secret));
    assert_int_equal(masks_text(&m, text, strlen(text), &b), strcmp(text, shown) != 0);
    if (strcmp(buf_text(&b), shown) != 0)
        fail_msg("'%s' is shown as '%s', not '%s'", text, buf_text(&b), shown);
    buf_done(&b);
    masks_done(&m);
}

static void the_text_and_its_common_forms_are_masked(void **state)
{
    (void)state;
    expect("p@ss/word", "a p@ss/word b", "a *** b");
    expect("p@ss/word", "other one", "***");
    expect("p@ss/word", "a p%40ss%2Fword b", "a *** b");
    expect("line one\nline two", "got line two!", "got ***!");
    expect("with \"quotes\"", "{\"x\":\"with \\\"quotes\\\"\"}", "{\"x\":\"***\"}");
    expect("abcd", "abcd abc", "*** abc");
    expect("p@ss/word", "nothing of it", "nothing of it");
}

static void forms_of_other_tools_are_masked(void **state)
{
    (void)state;
    expect("p\303\244ss/w\303\226rd", "\"p\\u00e4ss/w\\u00d6rd\"", "\"***\"");
    expect("p\303\244ss/w\303\226rd", "\"p\\u00E4ss/w\\u00D6rd\"", "\"***\"");
    expect("A\\B\303\204C", "A\\\\B\\u00c4C", "***");
    expect("a/b c!d", "x=a/b%20c%21d", "x=***");
    expect("a/b c!d", "x=a%2Fb%20c!d", "x=***");
    expect("a/b c!d", "x=a%2Fb+c%21d", "x=***");
}

static void the_ends_of_lines_around_it_are_no_part_of_it(void **state)
{
    (void)state;
    expect("tiger\n", "a tiger b", "a *** b");
    expect("tiger\n", "tiger\n", "***");
    expect("\r\ntiger\r\n", "[tiger]", "[***]");
    expect("abc\n", "abc abc", "abc abc");
    expect("tiger\nabc", "tiger abc", "tiger abc");
}

/* Whatever stands before and behind it. */
static void base64_of_what_holds_it_is_masked(void **state)
{
    static const char secret[] = "correct horse?battery>staple";

    (void)state;
    for (size_t before = 0; before < 6; before++)
        for (size_t after = 0; after < 6; after++) {
            struct masks m = {0};
            struct buf in = {0};
            struct buf out = {0};
            struct buf shown = {0};

            masks_add(&m, secret, strlen(secret));
            buf_printf(&in, "%.*s%s%.*s", (int)before, "prefix", secret, (int)after,
                       "suffix");
            base64_add(&out, in.data, in.len);
            assert_true(masks_text(&m, out.data, out.len, &shown));
            assert_true(shown.len < 24);
            buf_done(&in);
            buf_done(&out);
            buf_done(&shown);
            masks_done(&m);
        }
}

static void values_are_masked_in_all_their_texts(void **state)
{
    static const char text[] = "{\"secret 1\": [\"x secret 1\", 5, null, true, {\"k\": "
                               "\"secret 1\"}], \"plain\": \"text\"}";
    struct masks m = {0};
    struct ff_err err;
    json_t *value = json_parse(text, strlen(text), &err);

    (void)state;
    masks_add(&m, "secret 1", 8);

    json_t *masked = masks_json(&m, value);
    char *shown = json_text(masked);

    assert_string_equal(shown, "{\"***\":[\"x ***\",5,null,true,{\"k\":\"***\"}],"
                               "\"plain\":\"text\"}");
    mem_free(shown);
    json_decref(masked);
    json_decref(value);
    masks_done(&m);
}

static void numbers_made_of_its_digits_are_masked(void **state)
{
    static const char text[] = "[73519024, 173519024, -73519024.5, 7351902, 12.5]";
    struct masks m = {0};
    struct ff_err err;
    json_t *value = json_parse(text, strlen(text), &err);

    (void)state;
    masks_add(&m, "73519024", 8);

    json_t *masked = masks_json(&m, value);
    char *shown = json_text(masked);

    assert_string_equal(shown, "[\"***\",\"1***\",\"-***.5\",7351902,12.5]");
    mem_free(shown);
    json_decref(masked);
    json_decref(value);
    masks_done(&m);
}

static void the_list_for_the_runtime_has_the_longest_first(void **state)
{
    struct masks m = {0};
    size_t n = 0;

    (void)state;
    masks_add(&m, "abcdefgh", 8);
    masks_add(&m, "a longer secret", 15);

    const char *const *list = masks_list(&m);

    for (; list[n]; n++)
        assert_true(n == 0 || strlen(list[n - 1]) >= strlen(list[n]));
    assert_true(n >= 8);
    masks_done(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_and_its_common_forms_are_masked),
        cmocka_unit_test(forms_of_other_tools_are_masked),
        cmocka_unit_test(the_ends_of_lines_around_it_are_no_part_of_it),
        cmocka_unit_test(base64_of_what_holds_it_is_masked),
        cmocka_unit_test(values_are_masked_in_all_their_texts),
        cmocka_unit_test(numbers_made_of_its_digits_are_masked),
        cmocka_unit_test(the_list_for_the_runtime_has_the_longest_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
