/* Whom a request may be led to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fetch/fetch_priv.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static struct sockaddr_storage address_of(const char *text, uint16_t port)
{
    struct sockaddr_storage made = {0};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        memcpy(&made, &v4, sizeof(v4));
    else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
        memcpy(&made, &v6, sizeof(v6));
    else
        fail_msg("%s is no address", text);
    return made;
}

static void addresses_that_are_not_of_the_internet_have_a_kind(void **state)
{
    static const char *const refused[] = {
        "0.0.0.0",
        "0.1.2.3",
        "127.0.0.1",
        "127.255.255.255",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "169.254.169.254",
        "168.63.129.16",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "192.0.0.192",
        "198.19.255.255",
        "203.0.113.7",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::10.0.0.1",
        "2002:7f00:1::",
        "fe80::1",
        "febf::1",
        "fc00::1",
        "fd00:ec2::254",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "64:ff9b:1::1",
        "100::1",
        "::2",
        "::ffff:0:127.0.0.1",
        "::ffff:0:10.0.0.1",
        "2001:0:7f00:1::1",
        "2001:20::1",
        "3fff::1",
        "5f00::1",
        "4000::1",
        "fbff::1",
        "ff0e::1",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        const struct sockaddr_storage a = address_of(refused[i], 80);

        if (!address_kind((const struct sockaddr *)&a))
            fail_msg("%s would be asked", refused[i]);
    }
}

static void addresses_of_the_internet_have_none(void **state)
{
    static const char *const good[] = {
        "1.1.1.1",        "9.255.255.255", "11.0.0.0",        "100.63.255.255",
        "100.128.0.0",    "126.1.1.1",     "128.0.0.1",       "169.253.255.255",
        "172.15.0.1",     "172.32.0.1",    "192.167.1.1",     "192.169.0.1",
        "198.17.0.1",     "198.20.0.1",    "223.255.255.255", "2606:4700::1111",
        "2001:db9::1",    "2c0f::1",       "::ffff:1.1.1.1",  "64:ff9b::1.1.1.1",
        "2002:101:101::",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        const struct sockaddr_storage a = address_of(good[i], 80);
        const char *kind = address_kind((const struct sockaddr *)&a);

        if (kind)
            fail_msg("%s is said to be %s", good[i], kind);
    }
}

static void what_is_no_address_of_the_internet_is_refused(void **state)
{
    const struct sockaddr local = {.sa_family = AF_UNIX};

    (void)state;
    assert_non_null(address_kind(&local));
    assert_false(address_allowed("0.0.0.0/0", &local));
}

static const struct {
    const char *list, *address;
    uint16_t port;
    bool allowed;
} asked[] = {
    {NULL, "127.0.0.1", 80, false},
    {"", "127.0.0.1", 80, false},
    {"127.0.0.1", "127.0.0.1", 80, true},
    {"127.0.0.1", "127.0.0.2", 80, false},
    {"127.0.0.1", "::ffff:127.0.0.1", 80, true},
    {"127.0.0.1:8080", "127.0.0.1", 8080, true},
    {"127.0.0.1:8080", "127.0.0.1", 80, false},
    {"10.0.0.0/8, 192.168.4.0/22", "192.168.7.255", 1, true},
    {"10.0.0.0/8,192.168.4.0/22", "192.168.8.0", 1, false},
    {"0.0.0.0/0", "10.1.1.1", 1, true},
    {"0.0.0.0/0", "fd00::1", 1, false},
    {"fd00::/8", "fd12::1", 1, true},
    {"[fd00::1]:80", "fd00::1", 80, true},
    {"[fd00::1]:80", "fd00::1", 81, false},
    {"[fd00::1]", "fd00::1", 81, true},
    {"::1", "::1", 81, true},
};

static void the_list_allows_what_it_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(asked); i++) {
        const struct sockaddr_storage a = address_of(asked[i].address, asked[i].port);

        if (address_allowed(asked[i].list, (const struct sockaddr *)&a) !=
            asked[i].allowed)
            fail_msg("%s and %s", asked[i].list ? asked[i].list : "none",
                     asked[i].address);
    }
}

static void a_list_that_cannot_be_read_is_told(void **state)
{
    static const char *const wrong[] = {"example.org",   "10.0.0.0/33", "10.0.0",
                                        "10.0.0.0/x",    "1.1.1.1:0",   "1.1.1.1:99999",
                                        "::1/129",       "[::1",        "10.0.0.0/",
                                        "10.0.0.0/8:80", "[::1]80",     "[::1]x"};
    struct ff_err err = {0};

    (void)state;
    assert_true(address_check_list(NULL, &err));
    assert_true(address_check_list("10.0.0.0/8, ::1", &err));
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        if (address_check_list(wrong[i], &err))
            fail_msg("%s was read", wrong[i]);
        assert_non_null(strstr(err.msg, "engine.http_allow"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_that_are_not_of_the_internet_have_a_kind),
        cmocka_unit_test(addresses_of_the_internet_have_none),
        cmocka_unit_test(what_is_no_address_of_the_internet_is_refused),
        cmocka_unit_test(the_list_allows_what_it_names),
        cmocka_unit_test(a_list_that_cannot_be_read_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
