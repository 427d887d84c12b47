/* Each broken driver, and the sentence with which it is refused. */
#include "support.h"

#include <string.h>

static struct driver *load(const char *name, uint32_t kind, struct ff_err *err)
{
    *err = (struct ff_err){0};
    return driver_load(FF_TEST_DRIVERS, name, kind, err);
}

static void a_good_driver_is_loaded_once(void **state)
{
    struct ff_err err;
    struct driver *d = load("good", FF_QUEUE, &err);
    const struct driver_info *info;

    (void)state;
    assert_non_null(d);
    info = driver_info(d);
    assert_string_equal(info->d.name, "good");
    assert_string_equal(info->d.version, "1.2.3");
    assert_string_equal(info->d.summary, "carries nothing");
    assert_int_equal(info->kind, FF_QUEUE);
    assert_string_equal(info->path, FF_TEST_DRIVERS "/good.so");
    assert_ptr_equal(load("good", 0, &err), d);
    assert_ptr_equal(load(FF_TEST_DRIVERS "/good.so", 0, &err), d);
    assert_ptr_equal(load(FF_TEST_DRIVERS "/../drivers/good.so", 0, &err), d);
}

static void the_wrong_kind_is_refused_first_and_again(void **state)
{
    struct ff_err err;

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_null(load("newer", FF_STORE, &err));
        assert_int_equal(err.code, FF_INVALID);
        assert_non_null(strstr(err.msg,
                               "it is a driver of kind auth, but one of kind store is "
                               "needed"));
        if (i == 0)
            assert_non_null(load("newer", FF_AUTH, &err));
    }
}

static void newer_drivers_work_as_far_as_we_know(void **state)
{
    struct ff_err err;
    struct driver *d = load("newer", FF_AUTH, &err);

    (void)state;
    assert_non_null(d);
    assert_int_equal(driver_info(d)->d.ops.auth->verify(NULL, "x", NULL, NULL, &err),
                     FF_DENIED);
    assert_null(driver_info(d)->d.ops.auth->refresh);
}

static const struct {
    const char *name;
    int code;
    const char *sentence;
} broken[] = {
    {"no-entry", FF_INVALID,
     "is no FlowForge driver: it does not export "
     "ff_driver_entry"},
    {"no-symbol", FF_INVALID, "undefined symbol: from_a_library_that_is_not_there"},
    {"entry-null", FF_INVALID, "its ff_driver_entry returns nothing"},
    {"magic", FF_INVALID,
     "its magic number is 0x7f454c46, so it is no FlowForge driver"},
    {"abi-major", FF_UNSUPPORTED,
     "it was compiled for ABI 2, this FlowForge speaks ABI 1"},
    {"struct-small", FF_INVALID,
     "its descriptor has 72 bytes, fewer than the 80 of ABI 1.0"},
    {"struct-absurd", FF_INVALID, "its descriptor claims to have 100000 bytes"},
    {"kind", FF_UNSUPPORTED, "it is of kind 9, which is unknown here"},
    {"threads", FF_UNSUPPORTED, "its threading model is 3, which is unknown here"},
    {"threads-queue", FF_INVALID,
     "as a driver of kind queue it must be FF_ON_LOOP, because it is called on the "
     "loop thread"},
    {"name-null", FF_INVALID, "it has no name"},
    {"name-spaces", FF_INVALID,
     "its name is 'my queue', not small letters, digits and '-'"},
    {"version-null", FF_INVALID, "it does not say its version"},
    {"version-empty", FF_INVALID, "it does not say its version"},
    {"ops-null", FF_INVALID, "it has no table of functions"},
    {"ops-small", FF_INVALID,
     "its table of functions has 48 bytes, at least 56 are needed"},
    {"ops-absurd", FF_INVALID, "its table of functions claims to have 65536 bytes"},
    {"ops-odd", FF_INVALID, "its table of functions claims to have 61 bytes"},
    {"slot", FF_INVALID, "its function publish is missing, which queue needs"},
    {"slot-of-cap", FF_INVALID,
     "its function broadcast is missing, which a capability that it claims needs"},
    {"config-absurd", FF_INVALID, "its configuration claims to have 67108864 bytes"},
    {"option-name", FF_INVALID,
     "its option max messages has a name that is not small letters, digits, '_', '-', "
     "'.'"},
    {"option-empty", FF_INVALID,
     "its option  has a name that is not small letters, digits, '_', '-', '.'"},
    {"option-nameless", FF_INVALID, "its option 2 has no name"},
    {"option-type", FF_INVALID,
     "its option second is of type 77, which is unknown here"},
    {"option-choices", FF_INVALID, "its option second has no choices"},
    {"option-offset", FF_INVALID,
     "its option second lies at offset 16, beyond the 16 bytes of configuration"},
    {"option-offset-huge", FF_INVALID,
     "its option second lies at offset 4294967295, beyond the 16 bytes of "
     "configuration"},
    {"option-odd", FF_INVALID,
     "its option second lies at offset 4, which is not a multiple of 8"},
    {"option-shared", FF_INVALID, "its option second lies at the same offset as first"},
    {"option-twice", FF_INVALID, "its option first is there twice"},
    {"option-range", FF_INVALID, "its option second has a minimum above its maximum"},
    {"option-default", FF_INVALID,
     "its option second has a default that it does not allow"},
    {"option-endless", FF_INVALID,
     "its option 1256 is the 257th: has the table no end?"},
};

/* The sentence names the file first, of a long path its end. */
static bool names(const char *msg, const char *name)
{
    char file[64];

    snprintf(file, sizeof(file), "/%s.so", name);
    return strstr(msg, file) != NULL;
}

static void each_broken_rule_has_its_own_sentence(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(broken); i++) {
        struct ff_err err;
        size_t len = strlen(broken[i].sentence);

        if (load(broken[i].name, 0, &err))
            fail_msg("%s was taken", broken[i].name);
        if (strlen(err.msg) < len ||
            strcmp(err.msg + strlen(err.msg) - len, broken[i].sentence) != 0)
            fail_msg("%s: %s", broken[i].name, err.msg);
        if (!names(err.msg, broken[i].name))
            fail_msg("%s is not named: %s", broken[i].name, err.msg);
        assert_int_equal(err.code, broken[i].code);
    }
}

static void no_two_rules_share_a_sentence(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(broken); i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(broken[i].sentence, broken[k].sentence) == 0 &&
                strncmp(broken[i].name, broken[k].name, 6) != 0)
                fail_msg("%s and %s", broken[i].name, broken[k].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_driver_is_loaded_once),
        cmocka_unit_test(the_wrong_kind_is_refused_first_and_again),
        cmocka_unit_test(newer_drivers_work_as_far_as_we_know),
        cmocka_unit_test(each_broken_rule_has_its_own_sentence),
        cmocka_unit_test(no_two_rules_share_a_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
