/* Addresses in the settings, as people write them. */
#include "redis.h"

#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

static int read_all(struct rq_session *s, const char *addresses)
{
    struct ff_err err = {0};
    int code;

    *s = (struct rq_session){
        .config = {.addresses = addresses, .host = "localhost", .port = 6379}};
    code = rq_read_addresses(s, &err);
    if (code != FF_OK)
        assert_true(err.msg[0] != '\0');
    return code;
}

static void addresses_have_hosts_and_ports(void **state)
{
    static const struct {
        const char *text, *host;
        int port;
    } rows[] = {
        {"redis", "redis", 6379},
        {"redis:7000", "redis", 7000},
        {" 10.0.0.1:1 ", "10.0.0.1", 1},
        {"::1", "::1", 6379},
        {"[::1]", "::1", 6379},
        {"[fe80::2]:65535", "fe80::2", 65535},
        {"/run/redis/redis.sock", "/run/redis/redis.sock", 6379},
        {"/run/a:b", "/run/a:b", 6379},
        {NULL, "localhost", 6379},
        {"", "localhost", 6379},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rq_session s;

        assert_int_equal(read_all(&s, rows[i].text), FF_OK);
        assert_int_equal(s.n_addresses, 1);
        assert_string_equal(s.addresses[0].host, rows[i].host);
        assert_int_equal(s.addresses[0].port, rows[i].port);
    }
}

static void what_is_no_address_is_refused(void **state)
{
    static const char *const rows[] = {
        "redis:", "redis:0", "redis:65536", "redis:x", "redis:123456789", ":6379",
        "[::1",   "[]:1",    "[::1]x",      "a,,b",    "redis:6379x,b"};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rq_session s;

        assert_int_equal(read_all(&s, rows[i]), FF_INVALID);
    }
}

static void a_sentinel_has_a_port_of_its_own(void **state)
{
    static const struct {
        int64_t port; /* that is set, or the default */
        int becomes;
    } rows[] = {{6379, 26379}, {5000, 5000}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rq_session s = {.config = {.addresses = "one,two:7",
                                          .port = rows[i].port,
                                          .sentinel_master = "mymaster"}};
        struct ff_err err;

        assert_int_equal(rq_read_addresses(&s, &err), FF_OK);
        assert_int_equal(s.addresses[0].port, rows[i].becomes);
        assert_int_equal(s.addresses[1].port, 7);
    }
}

static void what_servers_name_is_an_address_or_nothing(void **state)
{
    static const struct {
        const char *host, *port;
        bool good;
    } rows[] = {
        {"10.0.0.1", "6379", true}, {"::1", "1", true},     {"redis", "65535", true},
        {"redis", "65536", false},  {"redis", "0", false},  {"redis", "", false},
        {"redis", "6x", false},     {"redis", "-1", false}, {"", "6379", false},
        {"/run/x", "6379", false},  {"x", "000001", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rq_address a;

        assert_int_equal(rq_read_address(rows[i].host, rows[i].port, &a), rows[i].good);
    }
}

static void only_this_machine_is_local(void **state)
{
    struct rq_session s;

    (void)state;
    assert_int_equal(read_all(&s, "localhost,127.0.0.1:1,[::1]:2,/run/x"), FF_OK);
    assert_true(rq_all_local(&s));
    assert_int_equal(read_all(&s, "localhost,redis"), FF_OK);
    assert_false(rq_all_local(&s));
}

static void more_addresses_than_there_is_room_for_are_refused(void **state)
{
    char text[2 * (RQ_MAX_ADDRESSES + 1) + 1] = "";
    struct rq_session s;

    (void)state;
    for (int i = 0; i < RQ_MAX_ADDRESSES; i++)
        strcat(text, i > 0 ? ",a" : "a");
    assert_int_equal(read_all(&s, text), FF_OK);
    assert_int_equal(s.n_addresses, RQ_MAX_ADDRESSES);
    strcat(text, ",a");
    assert_int_equal(read_all(&s, text), FF_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_have_hosts_and_ports),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(a_sentinel_has_a_port_of_its_own),
        cmocka_unit_test(what_servers_name_is_an_address_or_nothing),
        cmocka_unit_test(only_this_machine_is_local),
        cmocka_unit_test(more_addresses_than_there_is_room_for_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
