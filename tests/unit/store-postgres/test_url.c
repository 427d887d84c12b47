/* What a connection URI says of the settings. */
#include "postgres.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void begin(struct pg_config *c, const char *url)
{
    *c = (struct pg_config){.url = url,
                            .host = strdup("localhost"),
                            .database = strdup("flowforge"),
                            .user = strdup("flowforge"),
                            .port = 5432};
}

static void end(struct pg_config *c)
{
    const char *texts[] = {c->host,          c->database, c->user,   c->password,
                           c->ssl_root_cert, c->ssl_cert, c->ssl_key};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        free((void *)(uintptr_t)texts[i]);
}

static void expect_refused(const char *url, const char *words)
{
    struct pg_config c;
    struct ff_err err = {0};

    begin(&c, url);
    assert_int_equal(pg_take_url(&c, &err), FF_INVALID);
    if (!strstr(err.msg, words))
        fail_msg("%s: %s", url, err.msg);
    assert_null(strstr(err.msg, "pass"));
    end(&c);
}

static void test_without_one_nothing_changes(void **state)
{
    struct pg_config c;
    struct ff_err err = {0};

    (void)state;
    begin(&c, NULL);
    assert_int_equal(pg_take_url(&c, &err), FF_OK);
    assert_string_equal(c.host, "localhost");
    assert_int_equal(c.port, 5432);
    end(&c);
}

static void test_all_parts(void **state)
{
    struct pg_config c;
    struct ff_err err = {0};

    (void)state;
    begin(&c, "postgresql://ada:p%40ss@db.example.com:6432/work?sslmode=require"
              "&sslrootcert=/ca.pem");
    assert_int_equal(pg_take_url(&c, &err), FF_OK);
    assert_string_equal(c.host, "db.example.com");
    assert_int_equal(c.port, 6432);
    assert_string_equal(c.user, "ada");
    assert_string_equal(c.password, "p@ss");
    assert_string_equal(c.database, "work");
    assert_string_equal(pg_ssl_words[c.ssl_mode], "require");
    assert_string_equal(c.ssl_root_cert, "/ca.pem");
    end(&c);
}

static void test_what_is_left_out_stays(void **state)
{
    struct pg_config c;
    struct ff_err err = {0};

    (void)state;
    begin(&c, "postgres://db");
    assert_int_equal(pg_take_url(&c, &err), FF_OK);
    assert_string_equal(c.host, "db");
    assert_string_equal(c.user, "flowforge");
    assert_string_equal(c.database, "flowforge");
    assert_int_equal(c.port, 5432);
    assert_int_equal(c.ssl_mode, PG_SSL_AUTO);
    end(&c);
}

static void test_several_hosts_keep_their_ports(void **state)
{
    struct pg_config c;
    struct ff_err err = {0};

    (void)state;
    begin(&c, "postgresql://db1:5433,db2,db3:5435/work");
    assert_int_equal(pg_take_url(&c, &err), FF_OK);
    assert_string_equal(c.host, "db1:5433,db2,db3:5435");
    assert_int_equal(c.port, 5432);
    end(&c);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    expect_refused("host=db password=pass", "it is no postgresql://");
    expect_refused("postgresql://u:pass@db:port%zz/", "it is no postgresql://");
    expect_refused("postgresql://u:pass@db:99999/x", "99999 is no port");
    expect_refused("postgresql://u:pass@db/x?sslmode=maybe", "sslmode maybe");
    expect_refused("postgresql://u:pass@db/x?options=-c%20fsync%3Doff",
                   "options cannot be set by it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_one_nothing_changes),
        cmocka_unit_test(test_all_parts),
        cmocka_unit_test(test_what_is_left_out_stays),
        cmocka_unit_test(test_several_hosts_keep_their_ports),
        cmocka_unit_test(test_what_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
