/* Who counts as one address. */
#include "support.h"

#include "http/conn.h"
#include <arpa/inet.h>
#include <string.h>

static struct http_server server = {.opts = {.n_per_address_max = 2}};

static bool add(const char *text, struct http_address **out)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct sockaddr_in v4 = {.sin_family = AF_INET};

    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return http_address_add(&server, (void *)&v4, out);
    assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return http_address_add(&server, (void *)&v6, out);
}

/* Two of the first, then one of the second: may it come? */
static bool has_room_after(const char *first, const char *second)
{
    struct http_address *a, *b, *c;

    assert_true(add(first, &a));
    assert_true(add(first, &b));
    assert_ptr_equal(a, b);
    bool room = add(second, &c);
    http_address_del(&server, a);
    http_address_del(&server, b);
    if (room)
        http_address_del(&server, c);
    assert_int_equal(server.addresses.n, 0);
    map_done(&server.addresses);
    server.addresses = (struct map){0};
    return room;
}

static void an_ipv4_address_is_one(void **state)
{
    (void)state;
    assert_false(has_room_after("192.0.2.1", "192.0.2.1"));
    assert_true(has_room_after("192.0.2.1", "192.0.2.2"));
}

static void an_ipv6_network_of_64_bits_is_one(void **state)
{
    (void)state;
    assert_false(has_room_after("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff"));
    assert_true(has_room_after("2001:db8::1", "2001:db8:0:1::1"));
}

static void ipv4_within_ipv6_is_the_ipv4_address(void **state)
{
    (void)state;
    assert_false(has_room_after("::ffff:192.0.2.1", "192.0.2.1"));
    assert_true(has_room_after("::ffff:192.0.2.1", "::ffff:192.0.2.2"));
}

static void a_peer_is_told_what_it_counts_as(void **state)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(1)};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(1)};
    struct http_peer peer;
    (void)state;

    assert_int_equal(inet_pton(AF_INET6, "2001:db8::1:2", &v6.sin6_addr), 1);
    assert_true(http_peer_of(-1, false, (void *)&v6, &peer));
    assert_string_equal(peer.address, "[2001:db8::1:2]:1");
    assert_string_equal(peer.network, "2001:db8::");
    assert_int_equal(inet_pton(AF_INET, "192.0.2.1", &v4.sin_addr), 1);
    assert_true(http_peer_of(-1, false, (void *)&v4, &peer));
    assert_string_equal(peer.network, "192.0.2.1");
}

static void without_a_limit_nobody_is_counted(void **state)
{
    struct http_address *a;

    (void)state;
    server.opts.n_per_address_max = 0;
    for (int i = 0; i < 5; i++) {
        assert_true(add("192.0.2.1", &a));
        assert_null(a);
    }
    http_address_del(&server, a);
    server.opts.n_per_address_max = 2;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ipv4_address_is_one),
        cmocka_unit_test(an_ipv6_network_of_64_bits_is_one),
        cmocka_unit_test(a_peer_is_told_what_it_counts_as),
        cmocka_unit_test(ipv4_within_ipv6_is_the_ipv4_address),
        cmocka_unit_test(without_a_limit_nobody_is_counted),
    };

    mem_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
