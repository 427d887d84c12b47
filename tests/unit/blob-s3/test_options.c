/* test_options.c - what is refused when a session is opened, and what URLs are made. */
#include "support.h"

#include <string.h>

static void no_log(struct ff_core *self, int level, const char *file, int line,
                   const char *fmt, ...)
{
    (void)self;
    (void)level;
    (void)file;
    (void)line;
    (void)fmt;
}

static struct s3 *opened(const struct s3_config *c, struct ff_err *err)
{
    static const struct ff_host host = {.struct_size = sizeof(host), .log = no_log};
    void *session = NULL;

    ff_driver_entry()->ops.blob->open(&host, c, &session, err);
    return session;
}

static struct s3_config good(void)
{
    return (struct s3_config){.bucket = "my-blobs",
                              .region = "eu-central-2",
                              .prefix = "",
                              .access_key = "AK",
                              .secret_key = "hidden",
                              .profile = "default"};
}

static void urls_follow_the_style(void **state)
{
    static const struct {
        const char *endpoint;
        enum s3_style style;
        const char *base;
    } cases[] = {
        {NULL, S3_STYLE_AUTO, "https://my-blobs.s3.eu-central-2.amazonaws.com"},
        {NULL, S3_STYLE_PATH, "https://s3.eu-central-2.amazonaws.com/my-blobs"},
        {"https://s3.example.org/", S3_STYLE_AUTO, "https://s3.example.org/my-blobs"},
        {"https://s3.example.org:9000", S3_STYLE_VIRTUAL,
         "https://my-blobs.s3.example.org:9000"},
        {"http://localhost:9000", S3_STYLE_AUTO, "http://localhost:9000/my-blobs"},
        {"http://127.0.0.1", S3_STYLE_AUTO, "http://127.0.0.1/my-blobs"},
        {"http://[::1]:80", S3_STYLE_AUTO, "http://[::1]:80/my-blobs"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct s3_config c = good();
        struct ff_err err;
        c.endpoint = cases[i].endpoint;
        c.style = cases[i].style;
        struct s3 *s = opened(&c, &err);
        assert_non_null(s);
        assert_string_equal(s->base, cases[i].base);
        assert_string_equal(s->where, strstr(s->base, "//") + 2);
        ff_driver_entry()->ops.blob->close(s);
    }
}

#define REFUSED(member, value, part)                                                   \
    do {                                                                               \
        struct s3_config c = good();                                                   \
        struct ff_err err = {0};                                                       \
        c.member = (value);                                                            \
        assert_null(opened(&c, &err));                                                 \
        assert_non_null(strstr(err.msg, (part)));                                      \
        assert_null(strstr(err.msg, "hidden"));                                        \
    } while (0)

static void wrong_options_are_refused(void **state)
{
    (void)state;
    REFUSED(bucket, "My_Blobs", "bucket");
    REFUSED(bucket, "a/", "bucket");
    REFUSED(region, "", "region");
    REFUSED(region, "a/../b", "region");
    REFUSED(prefix, "/x", "prefix");
    REFUSED(prefix, "a?b", "prefix");
    REFUSED(prefix, "a/../b", "prefix");
    REFUSED(endpoint, "s3.example.org", "begins with https://");
    REFUSED(endpoint, "https://user@host", "a scheme and a host");
    REFUSED(endpoint, "https://host/path", "a scheme and a host");
    REFUSED(endpoint, "https://", "a scheme and a host");
    REFUSED(endpoint, "http://s3.example.org", "without TLS");
    REFUSED(endpoint, "http://127.0.0.1.example.org", "without TLS");
    REFUSED(endpoint, "http://localhost.example.org", "without TLS");
    REFUSED(secret_key, NULL, "no keys");
    REFUSED(access_key, "a:b", "no : in it");
    REFUSED(credentials_file, "/nowhere", "not both");
}

static void http_elsewhere_is_for_who_wants_it(void **state)
{
    struct s3_config c = good();
    struct ff_err err;

    (void)state;
    c.endpoint = "http://s3.example.org";
    c.allow_http = 1;
    struct s3 *s = opened(&c, &err);
    assert_non_null(s);
    ff_driver_entry()->ops.blob->close(s);
}

static void names_go_there_and_back(void **state)
{
    struct s3_config c = good();
    struct ff_err err;
    char name[S3_NAME_MAX];
    struct s3_object o;
    static const struct ff_blob_id id = {
        .space = "a_1",
        .hash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"};

    (void)state;
    c.prefix = "x/y-";
    struct s3 *s = opened(&c, &err);
    assert_non_null(s);
    s3_name(s, &id, 1763000000000000, name);
    assert_true(s3_parse_name(s, name, &o));
    assert_string_equal(o.space, id.space);
    assert_string_equal(o.hash, id.hash);
    assert_int_equal(o.put_us, 1763000000000000);
    name[strlen(name) - 1] = 'x';
    assert_false(s3_parse_name(s, name, &o));
    memset(strrchr(name, '.') + 1, '9', 20); /* later than any time that is kept */
    assert_false(s3_parse_name(s, name, &o));
    assert_false(s3_parse_name(s, "x/y-A/0", &o));
    assert_false(s3_parse_name(s, "x/y-", &o));
    assert_false(s3_parse_name(s, "z", &o));
    ff_driver_entry()->ops.blob->close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_follow_the_style),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(http_elsewhere_is_for_who_wants_it),
        cmocka_unit_test(names_go_there_and_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
