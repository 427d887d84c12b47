/* Types: what each takes, what it refuses, and in which words. */
#include "support.h"

#include <string.h>

static const char *const sizes[] = {"small", "large", NULL};

struct all {
    const char *text;
    int64_t number, flag, wait, bytes, size, free_number;
};

#define AT(field) offsetof(struct all, field)

static const struct ff_opt all[] = {
    {.name = "text", .type = FF_OPT_TEXT, .offset = AT(text)},
    {.name = "number",
     .type = FF_OPT_INT,
     .offset = AT(number),
     .min = 1,
     .max = 65535},
    {.name = "flag", .type = FF_OPT_BOOL, .offset = AT(flag), .fallback = "true"},
    {.name = "wait",
     .type = FF_OPT_SECONDS,
     .offset = AT(wait),
     .fallback = "30s",
     .min = 1000,
     .max = 3600000000},
    {.name = "bytes",
     .type = FF_OPT_SIZE,
     .offset = AT(bytes),
     .min = 1024,
     .max = 1048576},
    {.name = "size", .type = FF_OPT_CHOICE, .offset = AT(size), .choices = sizes},
    {.name = "free", .type = FF_OPT_INT, .offset = AT(free_number)},
    {0},
};

static void every_type_is_stored_as_itself(void **state)
{
    struct config *c = load("s:\n  text: a b\n  number: 8080\n  flag: false\n"
                            "  wait: 250ms\n  bytes: 64KiB\n  size: large\n"
                            "  free: -9223372036854775808\n",
                            NULL);
    struct all a = {0};

    (void)state;
    assert_string_equal(fill(c, "s", all, &a), "");
    assert_string_equal(a.text, "a b");
    assert_int_equal(a.number, 8080);
    assert_int_equal(a.flag, 0);
    assert_int_equal(a.wait, 250000);
    assert_int_equal(a.bytes, 65536);
    assert_int_equal(a.size, 1);
    assert_true(a.free_number == INT64_MIN);
    config_free(c);
}

static void defaults_hold_where_nothing_is_set(void **state)
{
    struct config *c = load(NULL, NULL);
    struct all a = {0};

    (void)state;
    assert_string_equal(fill(c, "s", all, &a), "");
    assert_null(a.text);
    assert_int_equal(a.number, 0);
    assert_int_equal(a.flag, 1);
    assert_int_equal(a.wait, 30000000);
    config_free(c);
}

static void defaults_hold_without_a_config(void **state)
{
    struct all a = {0};

    (void)state;
    assert_string_equal(fill(NULL, "s", all, &a), "");
    assert_int_equal(a.flag, 1);
    assert_int_equal(a.wait, 30000000);
}

static void wrong_values_are_refused_with_place_and_reason(void **state)
{
    static const struct {
        const char *line, *sentence;
    } cases[] = {
        {"number: 80x", "2:11: s.number: '80x' is not a whole number"},
        {"number: ' 80'", "2:11: s.number: ' 80' is not a whole number"},
        {"number: +80", "2:11: s.number: '+80' is not a whole number"},
        {"number: ''", "2:11: s.number: '' is not a whole number"},
        {"number: '-'", "2:11: s.number: '-' is not a whole number"},
        {"number: 1e3", "2:11: s.number: '1e3' is not a whole number"},
        {"number: 9223372036854775808",
         "2:11: s.number: '9223372036854775808' is beyond 64 bits"},
        {"number: 65536",
         "2:11: s.number: '65536' is out of range; allowed is 1 to 65535"},
        {"number: 0", "2:11: s.number: '0' is out of range; allowed is 1 to 65535"},
        {"flag: yes", "2:9: s.flag: 'yes' is neither true nor false"},
        {"flag: True", "2:9: s.flag: 'True' is neither true nor false"},
        {"wait: 30",
         "2:9: s.wait: '30' is not a duration such as 250ms, 30s, 10m or 2h"},
        {"wait: 0s", "2:9: s.wait: '0s' is out of range; allowed is 1ms to 1h00m"},
        {"bytes: 1.5MiBs",
         "2:10: s.bytes: '1.5MiBs' is not a size such as 512, 64KiB, 2MiB or 1GiB"},
        {"bytes: 2MiB",
         "2:10: s.bytes: '2MiB' is out of range; allowed is 1.0 KiB to 1.0 MiB"},
        {"size: huge", "2:9: s.size: 'huge' is none of: small, large"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char yaml[128];
        char wanted[256];
        struct config *c;
        struct all a = {.number = 7};

        snprintf(yaml, sizeof(yaml), "s:\n  %s\n", cases[i].line);
        snprintf(wanted, sizeof(wanted), "config.yaml:%s", cases[i].sentence);
        c = load(yaml, NULL);
        assert_string_equal(fill(c, "s", all, &a), wanted);
        assert_int_equal(a.number, 7);
        assert_int_equal(a.flag, 0);
        config_free(c);
    }
}

static void long_values_are_shortened_in_sentences(void **state)
{
    struct config *c =
        load("s:\n  number: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\n", NULL);
    struct all a = {0};

    (void)state;
    assert_string_equal(fill(c, "s", all, &a),
                        "config.yaml:2:11: s.number: "
                        "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...'"
                        " is not a whole number");
    config_free(c);
}

static void control_characters_stay_out_of_sentences(void **state)
{
    struct config *c = load("s:\n  flag: \"a\\n\\e[31m\"\n", NULL);
    struct all a = {0};

    (void)state;
    assert_string_equal(fill(c, "s", all, &a),
                        "config.yaml:2:9: s.flag: 'a??[31m' is neither true nor false");
    config_free(c);
}

static void secrets_stay_out_of_sentences(void **state)
{
    static const struct ff_opt secret[] = {
        {.name = "pin", .type = FF_OPT_INT, .flags = FF_OPT_SECRET},
        {0},
    };
    struct config *c = load("s:\n  pin: hunter2\n", NULL);
    int64_t pin;

    (void)state;
    assert_string_equal(fill(c, "s", secret, &pin),
                        "config.yaml:2:8: s.pin: its value is not a whole number");
    config_free(c);
}

static void required_settings_must_be_set(void **state)
{
    static const struct ff_opt required[] = {
        {.name = "ssl-mode", .type = FF_OPT_TEXT, .flags = FF_OPT_REQUIRED},
        {0},
    };
    static const char *const absent[] = {"", "s: {ssl-mode: ''}", "s: {ssl-mode: }"};
    char *env[] = {(char *)"FLOWFORGE_S_SSL_MODE=on", NULL};
    struct config *c;
    const char *text;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(absent); i++) {
        c = load(absent[i], NULL);
        assert_string_equal(fill(c, "s", required, &text),
                            "s.ssl-mode is required; set it in the file or by "
                            "FLOWFORGE_S_SSL_MODE");
        config_free(c);
    }
    c = load("", env);
    assert_string_equal(fill(c, "s", required, &text), "");
    config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_stored_as_itself),
        cmocka_unit_test(defaults_hold_where_nothing_is_set),
        cmocka_unit_test(defaults_hold_without_a_config),
        cmocka_unit_test(wrong_values_are_refused_with_place_and_reason),
        cmocka_unit_test(long_values_are_shortened_in_sentences),
        cmocka_unit_test(control_characters_stay_out_of_sentences),
        cmocka_unit_test(secrets_stay_out_of_sentences),
        cmocka_unit_test(required_settings_must_be_set),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
