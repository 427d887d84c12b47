/* Names of keys in a cluster, and where a node says that they are. */
#include "redis.h"

#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

static void all_keys_share_a_tag_in_a_cluster_alone(void **state)
{
    static const struct {
        bool cluster;
        const char *prefix, *keys;
    } rows[] = {
        {false, "flowforge", "flowforge"},
        {true, "flowforge", "{flowforge}"},
        {true, "a{two}b", "a{two}b"}, /* one of the user's own */
        {true, "{two}", "{two}"},
        {true, "{}x", "{{}x}"}, /* none: nothing stands between them */
        {true, "a}b", "{a}b}"},
        {true, "a{b", "{a{b}"},
        {false, "}x", "}x"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rq_session s = {.cluster = rows[i].cluster,
                               .config = {.prefix = rows[i].prefix, .db = 3}};
        char channels[128];
        struct ff_err err;

        snprintf(channels, sizeof(channels), "%s@3:", rows[i].keys);
        assert_int_equal(rq_name_keys(&s, &err), FF_OK);
        assert_string_equal(s.prefix, rows[i].keys);
        assert_string_equal(s.channels, channels);
    }
}

static void a_prefix_that_ends_its_tag_at_once_is_refused(void **state)
{
    struct rq_session s = {.cluster = true, .config = {.prefix = "}x"}};
    struct ff_err err;

    (void)state;
    assert_int_equal(rq_name_keys(&s, &err), FF_INVALID);
}

static void the_longest_prefix_has_room(void **state)
{
    char prefix[RQ_MAX_PREFIX + 1];
    struct rq_session s = {.cluster = true,
                           .config = {.prefix = prefix, .db = 1000000}};
    struct ff_err err;

    (void)state;
    memset(prefix, 'x', RQ_MAX_PREFIX);
    prefix[RQ_MAX_PREFIX] = '\0';
    assert_int_equal(rq_name_keys(&s, &err), FF_OK);
    assert_int_equal(strlen(s.prefix), RQ_MAX_PREFIX + 2);
    assert_string_equal(s.channels + RQ_MAX_PREFIX + 2, "@1000000:");
}

static void a_node_says_where_to_go(void **state)
{
    static const struct {
        const char *said, *host; /* NULL: nowhere */
        int port;
    } rows[] = {
        {"MOVED 3999 127.0.0.1:6381", "127.0.0.1", 6381},
        {"MOVED 3999 redis-2.example.com:1", "redis-2.example.com", 1},
        {"MOVED 3999 ::1:6381", "::1", 6381},
        {"MOVED 3999 :6381", "here", 6381},
        {"MOVED 3999 127.0.0.1:", NULL, 0},
        {"MOVED 3999 127.0.0.1:99999", NULL, 0},
        {"MOVED 3999", NULL, 0},
        {"MOVED", NULL, 0},
        {"MOVED 1 /run/x:1", NULL, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct rq_session s = {.target = {.host = "here", .port = 7}};
        const redisReply reply = {.str = (char *)(uintptr_t)rows[i].said};
        struct rq_address to = {0};

        assert_int_equal(rq_moved_to(&s, &reply, &to), rows[i].host != NULL);
        if (!rows[i].host)
            continue;
        assert_string_equal(to.host, rows[i].host);
        assert_int_equal(to.port, rows[i].port);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_keys_share_a_tag_in_a_cluster_alone),
        cmocka_unit_test(a_prefix_that_ends_its_tag_at_once_is_refused),
        cmocka_unit_test(the_longest_prefix_has_room),
        cmocka_unit_test(a_node_says_where_to_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
