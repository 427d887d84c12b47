/* The file: what of YAML is taken, and the place in each refusal. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

struct words {
    const char *a, *b, *deep, *list;
};

static const struct ff_opt words[] = {
    {.name = "a", .type = FF_OPT_TEXT, .offset = offsetof(struct words, a)},
    {.name = "b", .type = FF_OPT_TEXT, .offset = offsetof(struct words, b)},
    {.name = "deep.er", .type = FF_OPT_TEXT, .offset = offsetof(struct words, deep)},
    {.name = "list", .type = FF_OPT_TEXT, .offset = offsetof(struct words, list)},
    {0},
};

static const char *get_a(const char *yaml)
{
    static char text[64];
    struct config *c = load(yaml, NULL);
    struct words w = {0};

    assert_string_equal(fill(c, "s", words, &w), "");
    snprintf(text, sizeof(text), "%s", w.a ? w.a : "(unset)");
    config_free(c);
    return text;
}

static void empty_files_have_no_settings(void **state)
{
    static const char *const texts[] = {"", "\n", "# only words\n", "---\n",
                                        "---\n~\n"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        assert_string_equal(get_a(texts[i]), "(unset)");
}

static void empty_sections_have_no_settings(void **state)
{
    (void)state;
    assert_string_equal(get_a("s:\n"), "(unset)");
    assert_string_equal(get_a("s: {}\n"), "(unset)");
    assert_string_equal(get_a("s: ~\nother:\n"), "(unset)");
}

static void null_is_as_good_as_not_written(void **state)
{
    (void)state;
    assert_string_equal(get_a("s:\n  a:\n  b: x\n"), "(unset)");
    assert_string_equal(get_a("s: {a: ~}\n"), "(unset)");
    assert_string_equal(get_a("s: {a: null}\n"), "(unset)");
    assert_string_equal(get_a("s: {a: ''}\n"), "");
    assert_string_equal(get_a("s: {a: 'null'}\n"), "null");
}

static void plain_words_stay_text(void **state)
{
    static const char *const same[] = {"on",   "yes", "010",        "1_000", "1:30",
                                       "0x10", "=",   "2001-01-01", ".inf",  "a b"};
    char yaml[64];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(same); i++) {
        snprintf(yaml, sizeof(yaml), "s: {a: %s}\n", same[i]);
        assert_string_equal(get_a(yaml), same[i]);
    }
}

static void all_quotes_and_blocks_are_read(void **state)
{
    (void)state;
    assert_string_equal(get_a("s:\n  a: \"x\\ty\\u00e9\"\n"), "x\ty\xc3\xa9");
    assert_string_equal(get_a("s:\n  a: 'it''s'\n"), "it's");
    assert_string_equal(get_a("s:\n  a: |\n    one\n    two\n"), "one\ntwo\n");
    assert_string_equal(get_a("s:\n  a: >-\n    one\n    two\n"), "one two");
    assert_string_equal(get_a("\xef\xbb\xbfs: {a: x}\r\n"), "x");
}

static void lists_are_joined_by_commas(void **state)
{
    struct config *c =
        load("s:\n  a: [x, 'y', \"z\"]\n  b: []\n  list:\n  - 1\n  - 2\n", NULL);
    struct words w = {0};

    (void)state;
    assert_string_equal(fill(c, "s", words, &w), "");
    assert_string_equal(w.a, "x,y,z");
    assert_string_equal(w.b, "");
    assert_string_equal(w.list, "1,2");
    config_free(c);
}

static void mappings_in_a_section_make_dotted_keys(void **state)
{
    struct config *c = load("s:\n  deep:\n    er: x\n", NULL);
    struct words w = {0};

    (void)state;
    assert_string_equal(fill(c, "s", words, &w), "");
    assert_string_equal(w.deep, "x");
    config_free(c);
}

static void each_trick_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *yaml, *sentence;
    } cases[] = {
        {"s:\n  a: &x 1\n", "2:6: anchors are not allowed here"},
        {"s: &x\n  a: 1\n", "1:4: anchors are not allowed here"},
        {"s:\n  a: *x\n", "2:6: aliases are not allowed here"},
        {"s:\n  a: !!str 1\n", "2:6: tags are not allowed here"},
        {"s: !x {a: 1}\n", "1:4: tags are not allowed here"},
        {"s:\n  a: !x [1]\n", "2:6: tags are not allowed here"},
        {"s:\n  a: ! 1\n", "2:6: tags are not allowed here"},
        {"%TAG ! tag:x,2000:\n---\ns: {}\n", "1:1: tags are not allowed here"},
        {"s:\n  a: 1\n  a: 2\n", "3:3: s.a is here twice, first in line 2"},
        {"s: {a: 1}\ns: {b: 1}\n", "2:1: s is here twice, first in line 1"},
        {"s:\n  deep.er: 1\n  deep:\n    er: 2\n",
         "4:5: s.deep.er is here twice, first in line 2"},
        {"s:\n  <<: {a: 1}\n", "2:3: merge keys are not allowed here"},
        {"s:\n  ? [a]\n  : 1\n", "2:5: a key must be a plain word"},
        {"s:\n  a b: 1\n", "2:3: a key has letters, digits, '_', '-' and '.' only"},
        {"s:\n  \"a\\0b\": 1\n",
         "2:3: a key has letters, digits, '_', '-' and '.' only"},
        {"s:\n  '': 1\n", "2:3: a key has 1 to 63 characters"},
        {"s.a: 1\n", "1:1: a section's name has no '.'"},
        {"s: 1\n", "1:4: s is a section: it holds 'key: value' lines"},
        {"s: [1]\n", "1:4: s is a section: it holds 'key: value' lines"},
        {"- s\n", "1:1: settings are sections of 'key: value' lines"},
        {"word\n", "1:1: settings are sections of 'key: value' lines"},
        {"s: {a: 1}\n---\nt: {a: 1}\n", "2:1: a second document is not allowed here"},
        {"s:\n  a: \"x\\0y\"\n", "2:6: a value may not contain a NUL character"},
        {"s:\n  a: [x, \"\\0\"]\n", "2:10: a value may not contain a NUL character"},
        {"s:\n  a: ['x,y']\n", "2:7: a value in a list may not contain a comma"},
        {"s:\n  a: [[x]]\n", "2:7: a list here has plain values only"},
        {"s:\n  a: [{b: x}]\n", "2:7: a list here has plain values only"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char wanted[256];

        snprintf(wanted, sizeof(wanted), "config.yaml:%s", cases[i].sentence);
        assert_string_equal(refusal_of(cases[i].yaml, strlen(cases[i].yaml)), wanted);
    }
}

static void depth_ends_at_four(void **state)
{
    static const char ok[] = "s:\n  a:\n    b:\n      c: 1\n";
    static const char deep[] = "s:\n  a:\n    b:\n      c:\n        d: 1\n";
    static const char list[] = "s:\n  a:\n    b:\n      c: [1]\n";

    (void)state;
    assert_string_equal(refusal_of(ok, strlen(ok)), "");
    assert_string_equal(
        refusal_of(deep, strlen(deep)),
        "config.yaml:5:9: nested too deep; settings have 4 levels at most");
    assert_string_equal(
        refusal_of(list, strlen(list)),
        "config.yaml:4:10: nested too deep; settings have 4 levels at most");
}

static void brackets_without_end_are_refused_early(void **state)
{
    static char text[1024 * 1024];

    (void)state;
    memset(text, '{', sizeof(text));
    memcpy(text, "s: ", 3);
    assert_string_not_equal(refusal_of(text, sizeof(text)), "");
    memset(text + 3, '[', sizeof(text) - 3);
    assert_string_not_equal(refusal_of(text, sizeof(text)), "");
}

static void long_keys_are_refused(void **state)
{
    char yaml[256];

    (void)state;
    snprintf(yaml, sizeof(yaml), "s:\n  %064d: 1\n", 0);
    assert_string_equal(refusal_of(yaml, strlen(yaml)),
                        "config.yaml:2:3: a key has 1 to 63 characters");
    snprintf(yaml, sizeof(yaml), "s:\n  %040d:\n    %040d: 1\n", 0, 0);
    assert_string_equal(
        refusal_of(yaml, strlen(yaml)),
        "config.yaml:3:5: this key with those above it is longer than 63");
}

static void bytes_that_are_no_text_are_refused(void **state)
{
    (void)state;
    assert_string_equal(refusal_of("s:\n  a: \xff\n", 10),
                        "config.yaml:2:6: this is not valid UTF-8");
    assert_string_equal(refusal_of("s:\n  \xc3\xa9: \xc0\x80\n", 12),
                        "config.yaml:2:6: this is not valid UTF-8");
    assert_string_equal(refusal_of("s:\n  a: \0\n", 10),
                        "config.yaml:2:6: a NUL character is not allowed here");
    assert_string_equal(refusal_of("s:\n  a: \x01\n", 10),
                        "config.yaml:2:6: control characters are not allowed");
}

static void broken_yaml_is_refused_with_its_place(void **state)
{
    (void)state;
    assert_string_equal(refusal_of("s:\n  a: 'x\n", 11),
                        "config.yaml:3:1: found unexpected end of stream");
    assert_string_equal(refusal_of("s:\n\ta: x\n", 9),
                        "config.yaml:2:1: found character that cannot start any token");
    assert_string_equal(refusal_of("s: {a: 1\n", 9),
                        "config.yaml:2:1: did not find expected ',' or '}'");
}

static void files_above_one_mebibyte_are_refused(void **state)
{
    size_t len = 1024 * 1024 + 1;
    char *text = malloc(len);

    (void)state;
    memset(text, '#', len);
    assert_string_equal(refusal_of(text, len),
                        "config.yaml is larger than 1 MiB, too large for settings");
    assert_string_equal(refusal_of(text, len - 1), "");
    free(text);
}

/* Whatever the bytes: settings or a refusal, and nothing for a sanitizer. */
static void damaged_files_never_do_harm(void **state)
{
    static const char good[] = "server:\n  port: 80\n  \"k\\u0041\": 'v'\nredis:\n"
                               "  addresses: [\"a:1\", b]\n  t: {x: 1, y: |\n    z}\n";
    char text[sizeof(good)];
    struct rand r;

    (void)state;
    rand_seed(&r, 20261121);
    for (int round = 0; round < 2000; round++) {
        memcpy(text, good, sizeof(good));
        for (uint64_t n = rand_below(&r, 4) + 1; n > 0; n--)
            text[rand_below(&r, sizeof(good) - 1)] =
                "{}[]:,-\"'&*!|>%@`#\n\t \\0x\xff~?<"[rand_below(&r, 28)];
        refusal_of(text, rand_below(&r, sizeof(good)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_files_have_no_settings),
        cmocka_unit_test(empty_sections_have_no_settings),
        cmocka_unit_test(null_is_as_good_as_not_written),
        cmocka_unit_test(plain_words_stay_text),
        cmocka_unit_test(all_quotes_and_blocks_are_read),
        cmocka_unit_test(lists_are_joined_by_commas),
        cmocka_unit_test(mappings_in_a_section_make_dotted_keys),
        cmocka_unit_test(each_trick_is_refused_with_its_place),
        cmocka_unit_test(depth_ends_at_four),
        cmocka_unit_test(brackets_without_end_are_refused_early),
        cmocka_unit_test(long_keys_are_refused),
        cmocka_unit_test(bytes_that_are_no_text_are_refused),
        cmocka_unit_test(broken_yaml_is_refused_with_its_place),
        cmocka_unit_test(files_above_one_mebibyte_are_refused),
        cmocka_unit_test(damaged_files_never_do_harm),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
