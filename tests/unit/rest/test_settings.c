/* Where the server listens, and where it refuses to. */
#include "support.h"

#include "rest/rest.h"
#include <string.h>

static int parse(const char *listen, const char *cert, const char *key, bool dev,
                 struct rest_listen *out, struct ff_err *err)
{
    const struct rest_settings s = {
        .listen = listen, .host = "127.0.0.1", .tls_cert = cert, .tls_key = key};

    return rest_listen_parse(&s, dev, out, err);
}

static void addresses_and_ports_are_read(void **state)
{
    static const struct {
        const char *text, *address;
        unsigned port;
        bool loopback;
    } cases[] = {
        {"127.0.0.1:8080", "127.0.0.1", 8080, true},
        {"127.9.9.9:0", "127.9.9.9", 0, true},
        {"localhost:65535", "127.0.0.1", 65535, true},
        {"[::1]:80", "::1", 80, true},
        {"0.0.0.0:8443", "0.0.0.0", 8443, false},
        {"[::]:8443", "::", 8443, false},
        {"192.168.1.2:1", "192.168.1.2", 1, false},
        {"[::ffff:127.0.0.1]:1", "::ffff:127.0.0.1", 1, false},
    };
    struct rest_listen out;
    struct ff_err err;
    (void)state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(parse(cases[i].text, "c", "k", false, &out, &err), FF_OK);
        assert_string_equal(out.address, cases[i].address);
        assert_int_equal(out.port, cases[i].port);
        assert_int_equal(out.loopback, cases[i].loopback);
    }
}

static void what_is_no_address_and_port_is_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "127.0.0.1",
        "127.0.0.1:",
        ":8080",
        "8080",
        "::1:8080",
        "[::1]",
        "[::1:8080",
        "[]:1",
        "a.b.c:80",
        "1.2.3:80",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "1.2.3.4:",
        "127.0.0.1: 80",
        "127.1.1.1:x",
        "[127.0.0.1]:80",
        "127.0.0.1:000080",
    };
    struct rest_listen out;
    struct ff_err err;
    (void)state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(parse(cases[i], "c", "k", true, &out, &err), FF_INVALID);
        assert_non_null(strstr(err.msg, "server.listen"));
    }
}

static void off_loopback_it_wants_tls_unless_it_is_for_developing(void **state)
{
    struct rest_listen out;
    struct ff_err err;
    (void)state;

    assert_int_equal(parse("0.0.0.0:80", NULL, NULL, false, &out, &err), FF_INVALID);
    assert_non_null(strstr(err.msg, "--tls-cert"));
    assert_int_equal(parse("[::]:80", NULL, NULL, false, &out, &err), FF_INVALID);
    assert_int_equal(parse("0.0.0.0:80", NULL, NULL, true, &out, &err), FF_OK);
    assert_int_equal(parse("0.0.0.0:80", "c", "k", false, &out, &err), FF_OK);
    assert_int_equal(parse("127.0.0.1:80", NULL, NULL, false, &out, &err), FF_OK);
}

static void half_of_tls_is_none(void **state)
{
    struct rest_listen out;
    struct ff_err err;
    (void)state;

    assert_int_equal(parse("127.0.0.1:1", "c", NULL, true, &out, &err), FF_INVALID);
    assert_int_equal(parse("127.0.0.1:1", NULL, "k", true, &out, &err), FF_INVALID);
}

static void host_and_port_stand_for_themselves(void **state)
{
    struct rest_settings s = {.host = "::1", .http_port = 9000};
    struct rest_listen out;
    struct ff_err err;
    (void)state;

    assert_int_equal(rest_listen_parse(&s, false, &out, &err), FF_OK);
    assert_string_equal(out.address, "::1");
    assert_int_equal(out.port, 9000);
    assert_true(out.loopback);
    s.host = "localhost";
    assert_int_equal(rest_listen_parse(&s, false, &out, &err), FF_OK);
    assert_string_equal(out.address, "127.0.0.1");
    s.listen = "127.0.0.2:1";
    assert_int_equal(rest_listen_parse(&s, false, &out, &err), FF_OK);
    assert_string_equal(out.address, "127.0.0.2");
    s.listen = NULL;
    s.host = "db.example.com";
    assert_int_equal(rest_listen_parse(&s, false, &out, &err), FF_INVALID);
    assert_non_null(strstr(err.msg, "server.host"));
}

static void behind_a_proxy_it_listens_without_tls(void **state)
{
    struct rest_settings s = {.host = "0.0.0.0", .http_port = 8080};
    struct rest_listen out;
    struct ff_err err;
    (void)state;

    assert_int_equal(rest_listen_parse(&s, false, &out, &err), FF_INVALID);
    assert_non_null(strstr(err.msg, "server.insecure"));
    s.insecure = 1;
    assert_int_equal(rest_listen_parse(&s, false, &out, &err), FF_OK);
}

static int parse_metrics(struct rest_settings s, bool dev, struct rest_listen *out,
                         struct ff_err *err)
{
    assert_true(rest_has_metrics(&s));
    return rest_metrics_parse(&s, dev, out, err);
}

static void metrics_are_off_loopback_only_where_that_was_said(void **state)
{
    const struct rest_settings here = {.metrics_listen = "[::1]:9091"};
    const struct rest_settings port = {.host = "127.0.0.1", .metrics_port = 9091};
    const struct rest_settings wrong = {.metrics_listen = "9091"};
    const struct rest_settings none = {.host = "127.0.0.1"};
    struct rest_settings all = {.host = "0.0.0.0", .metrics_port = 9091, .insecure = 1};
    struct rest_listen out;
    struct ff_err err;
    (void)state;

    assert_false(rest_has_metrics(&none));
    assert_int_equal(parse_metrics(here, false, &out, &err), FF_OK);
    assert_int_equal(out.port, 9091);
    assert_int_equal(parse_metrics(port, false, &out, &err), FF_OK);
    assert_string_equal(out.address, "127.0.0.1");
    assert_int_equal(out.port, 9091);
    assert_int_equal(parse_metrics(all, false, &out, &err), FF_INVALID);
    assert_non_null(strstr(err.msg, "server.metrics_exposed"));
    assert_int_equal(parse_metrics(all, true, &out, &err), FF_OK);
    all.metrics_exposed = 1;
    assert_int_equal(parse_metrics(all, false, &out, &err), FF_OK);
    assert_false(out.loopback);
    assert_int_equal(parse_metrics(wrong, true, &out, &err), FF_INVALID);
    assert_non_null(strstr(err.msg, "server.metrics_listen"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_are_off_loopback_only_where_that_was_said),
        cmocka_unit_test(addresses_and_ports_are_read),
        cmocka_unit_test(what_is_no_address_and_port_is_refused),
        cmocka_unit_test(off_loopback_it_wants_tls_unless_it_is_for_developing),
        cmocka_unit_test(half_of_tls_is_none),
        cmocka_unit_test(host_and_port_stand_for_themselves),
        cmocka_unit_test(behind_a_proxy_it_listens_without_tls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
