/* Sealing and opening, and the keys that do it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "secret/secret_priv.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define KEY_A "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define KEY_B "202122232425262728292a2b2c2d2e2f303132333435363738393A3B3C3D3E3F"

static struct keys keys_of(const char *text)
{
    const struct secret_place p = {.keys = text};
    struct keys k;
    struct ff_err err = {0};

    if (keys_load(&p, &k, &err) != FF_OK)
        fail_msg("%s", err.msg);
    return k;
}

static void what_was_sealed_opens_again(void **state)
{
    struct keys k = keys_of(KEY_A);
    struct secret_value v;
    struct buf sealed = {0};
    struct buf again = {0};
    struct ff_err err;

    (void)state;
    assert_int_equal(cipher_seal(&k.items[0], "c", "hunter2", 7, &sealed, &err), FF_OK);
    assert_int_equal(cipher_seal(&k.items[0], "c", "hunter2", 7, &again, &err), FF_OK);
    assert_string_not_equal(buf_text(&sealed), buf_text(&again));
    assert_int_equal(
        cipher_open(&k.items[0], "c", (struct span){sealed.data, sealed.len}, &v, &err),
        FF_OK);
    assert_string_equal(v.text, "hunter2");
    secret_value_wipe(&v);
    assert_null(v.text);
    buf_done(&sealed);
    buf_done(&again);
}

static void expect_closed(const struct key *key, const char *context, const char *text,
                          size_t len)
{
    struct secret_value v;
    struct ff_err err = {0};

    assert_int_equal(cipher_open(key, context, (struct span){text, len}, &v, &err),
                     FF_DENIED);
}

static void nothing_that_was_changed_opens(void **state)
{
    struct keys k = keys_of(KEY_A "," KEY_B);
    struct buf sealed = {0};
    struct ff_err err;

    (void)state;
    assert_int_equal(k.n, 2);
    assert_int_equal(cipher_seal(&k.items[0], "c", "hunter2", 7, &sealed, &err), FF_OK);
    expect_closed(&k.items[1], "c", sealed.data, sealed.len);
    expect_closed(&k.items[0], "d", sealed.data, sealed.len);
    expect_closed(&k.items[0], "c", sealed.data, sealed.len - 4);
    expect_closed(&k.items[0], "c", "", 0);
    expect_closed(&k.items[0], "c", "no base64!", 10);
    for (size_t i = 0; i < sealed.len; i++) {
        const char was = sealed.data[i];

        sealed.data[i] = was == 'A' ? 'B' : 'A';
        expect_closed(&k.items[0], "c", sealed.data, sealed.len);
        sealed.data[i] = was;
    }
    buf_done(&sealed);
}

static void keys_that_are_none_are_refused(void **state)
{
    static const struct {
        const char *keys, *why;
    } wrong[] = {
        {"", "there is no key"},
        {"short", "32 bytes"},
        {KEY_A "x", "32 bytes"},
        {KEY_A "," KEY_A "Zg==", "32 bytes"},
        {"0000000000000000000000000000000000000000000000000000000000000000",
         "no random one"},
        {"zz2122232425262728292a2b2c2d2e2f303132333435363738393A3B3C3D3E3F",
         "32 bytes"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        const struct secret_place p = {.keys = wrong[i].keys};
        struct keys k;
        struct ff_err err = {0};

        assert_int_equal(keys_load(&p, &k, &err), FF_INVALID);
        if (!strstr(err.msg, wrong[i].why))
            fail_msg("%s", err.msg);
        assert_null(strstr(err.msg, "2122"));
    }
}

static void a_key_file_is_made_for_its_owner_alone(void **state)
{
    char dir[] = "/tmp/ff-secret-XXXXXX";
    const struct secret_place p = {.data_dir = mkdtemp(dir)};
    struct keys k = {.n = 0};
    struct keys loaded;
    struct stat st;
    struct ff_err err = {0};

    (void)state;
    assert_int_equal(keys_load(&p, &loaded, &err), FF_NOT_FOUND);
    assert_int_equal(keys_add(&k, &err), FF_OK);
    assert_int_equal(keys_add(&k, &err), FF_OK);
    assert_int_equal(keys_save(&p, &k, &err), FF_OK);
    assert_int_equal(keys_load(&p, &loaded, &err), FF_OK);
    assert_int_equal(loaded.n, 2);
    assert_memory_equal(&loaded.items[0], &k.items[0], sizeof(k.items[0]));
    assert_ptr_equal(keys_find(&loaded, span_of(k.items[1].id)), &loaded.items[1]);
    assert_null(keys_find(&loaded, span_of("0123456789abcdef")));

    MEM_AUTO char *path = file_join(dir, "secret.keys");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    chmod(path, 0640);
    assert_int_equal(keys_load(&p, &loaded, &err), FF_DENIED);
    assert_non_null(strstr(err.msg, "chmod 600"));
    file_remove_tree(dir);
}

static void there_is_a_limit_of_keys(void **state)
{
    struct keys k = {.n = 0};
    struct ff_err err = {0};

    (void)state;
    for (int i = 0; i < KEYS_MAX; i++)
        assert_int_equal(keys_add(&k, &err), FF_OK);
    assert_int_equal(keys_add(&k, &err), FF_FULL);
    keys_wipe(&k);
    assert_int_equal(k.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_sealed_opens_again),
        cmocka_unit_test(nothing_that_was_changed_opens),
        cmocka_unit_test(keys_that_are_none_are_refused),
        cmocka_unit_test(a_key_file_is_made_for_its_owner_alone),
        cmocka_unit_test(there_is_a_limit_of_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
