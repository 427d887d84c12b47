#include "support.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void digests_are_those_of_fips_180(void **state)
{
    char text[SHA256_TEXT];

    (void)state;
    sha256_text("", 0, text);
    assert_string_equal(
        text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha256_text("abc", 3, text);
    assert_string_equal(
        text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void macs_are_those_of_rfc_4231(void **state)
{
    static const char what[] = "what do ya want for nothing?";
    static const char longer[] =
        "Test Using Larger Than Block-Size Key - Hash Key First";
    unsigned char key[131];
    char text[SHA256_TEXT];

    (void)state;
    sha256_hmac("Jefe", 4, what, strlen(what), text);
    assert_string_equal(
        text, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof(key));
    sha256_hmac(key, sizeof(key), longer, strlen(longer), text);
    assert_string_equal(
        text, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    sha256_hmac(NULL, 0, "", 0, text);
    assert_string_equal(
        text, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void a_file_has_the_digest_of_its_bytes(void **state)
{
    MEM_AUTO char *dir = support_dir();
    MEM_AUTO char *path = file_join(dir, "big");
    const size_t size = 200001;
    MEM_AUTO char *bytes = mem_alloc(size);
    char of_file[SHA256_TEXT];
    char of_bytes[SHA256_TEXT];
    long long found = 0;

    (void)state;
    memset(bytes, 'x', size);
    assert_int_equal(file_write_durable(path, bytes, size, 0600), 0);
    sha256_text(bytes, size, of_bytes);
    assert_int_equal(sha256_file(path, of_file, &found), 0);
    assert_string_equal(of_file, of_bytes);
    assert_int_equal(found, size);
    assert_int_equal(sha256_file(path, of_file, NULL), 0);
    assert_int_equal(sha256_file(dir, of_file, NULL), -EISDIR);
    assert_int_equal(file_remove_tree(dir), 0);
    assert_int_equal(sha256_file(path, of_file, NULL), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_those_of_fips_180),
        cmocka_unit_test(macs_are_those_of_rfc_4231),
        cmocka_unit_test(a_file_has_the_digest_of_its_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
