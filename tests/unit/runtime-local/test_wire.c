/* test_wire.c - frames, and the names of directories, on bad input too. */
#include "support.h"

#include "names.h"
#include "protocol.h"
#include "wire.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void what_is_put_is_got(void **state)
{
    struct rl_out out = {.max = 1000};
    size_t len;

    (void)state;
    rl_put_u32(&out, 7);
    rl_put_i64(&out, -8);
    rl_put_str(&out, "text");
    rl_put_str(&out, NULL);
    rl_put_str(&out, "");
    rl_put_blob(&out, "\0\1", 2);
    struct rl_in in = {.at = out.data, .end = out.data + out.len};
    assert_int_equal(rl_get_u32(&in), 7);
    assert_int_equal(rl_get_i64(&in), -8);
    assert_string_equal(rl_get_str(&in), "text");
    assert_null(rl_get_str(&in));
    assert_string_equal(rl_get_str(&in), "");
    assert_memory_equal(rl_get_blob(&in, &len), "\0\1", 2);
    assert_int_equal(len, 2);
    assert_false(in.bad);
    assert_int_equal(rl_get_u32(&in), 0);
    assert_true(in.bad);
    rl_out_done(&out);
}

static void ceiling_holds(void **state)
{
    struct rl_out out = {.max = 10};

    (void)state;
    rl_put_u64(&out, 1);
    rl_put_u32(&out, 1);
    assert_true(out.failed);
    assert_int_equal(out.len, 8);
    rl_out_done(&out);
}

/* Every prefix of a payload, and every byte of it changed, is got without harm. */
static void malformed_payloads_do_no_harm(void **state)
{
    struct rl_out out = {.max = 1000};

    (void)state;
    for (int i = 0; i < 4; i++)
        rl_put_str(&out, "some text");
    for (size_t len = 0; len < out.len; len++) {
        uint8_t *copy = malloc(len + 1); /* so that a sanitizer sees the end */
        memcpy(copy, out.data, len);
        struct rl_in in = {.at = copy, .end = copy + len};
        for (int i = 0; i < 4; i++)
            rl_get_str(&in);
        assert_true(in.bad);
        free(copy);
    }
    for (size_t at = 0; at < out.len; at++) {
        uint8_t *copy = malloc(out.len);
        memcpy(copy, out.data, out.len);
        copy[at] ^= 0xff;
        struct rl_in in = {.at = copy, .end = copy + out.len};
        for (int i = 0; i < 4; i++) {
            const char *text = rl_get_str(&in);
            if (text)
                assert_true(strlen(text) < out.len);
        }
        free(copy);
    }
    rl_out_done(&out);
}

static void frames_come_whole_however_they_are_cut(void **state)
{
    struct rl_out out = {.max = 1u << 20};
    struct rl_rx rx = {0};
    struct rl_frame frame;
    int fds[2];
    int n = 0;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    char *text = malloc(70001);
    memset(text, 'x', 70000);
    text[70000] = '\0';
    for (uint32_t i = 0; i < 5; i++) {
        const size_t begun = rl_frame_begin(&out, RL_EVENT, i);
        rl_put_str(&out, text + (i % 2 ? 0 : 69990));
        rl_frame_end(&out, begun);
    }
    for (size_t at = 0; at < out.len;) {
        const size_t some = out.len - at < 333 ? out.len - at : 333;
        assert_int_equal(send(fds[0], out.data + at, some, 0), some);
        at += some;
        while (rl_rx_read(&rx, fds[1]) == 1) {
            while (rl_rx_next(&rx, &frame) > 0) {
                assert_int_equal(frame.seq, n);
                assert_int_equal(strlen(rl_get_str(&frame.body)), n % 2 ? 70000 : 10);
                n++;
            }
        }
    }
    assert_int_equal(n, 5);
    assert_int_equal(rl_rx_read(&rx, fds[1]), 0);
    close(fds[0]);
    assert_int_equal(rl_rx_read(&rx, fds[1]), -1);
    close(fds[1]);
    rl_rx_done(&rx);
    rl_out_done(&out);
    free(text);
}

static void frame_over_the_limit_is_none(void **state)
{
    const struct rl_head head = {.len = RL_FRAME_MAX + 1, .type = RL_START};
    struct rl_rx rx = {0};
    struct rl_frame frame;
    int fds[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal(send(fds[0], &head, sizeof(head), 0), sizeof(head));
    assert_int_equal(rl_rx_read(&rx, fds[1]), 1);
    assert_int_equal(rl_rx_next(&rx, &frame), -1);
    close(fds[0]);
    close(fds[1]);
    rl_rx_done(&rx);
}

static void names_are_safe_and_differ(void **state)
{
    const struct {
        const char *id;
        const char *name;
    } cases[] = {
        {"run/1/a", "run+1+a"}, {"a+b", "a%2bb"}, {".", "%2e"},
        {"..", "%2e."},         {"a.b", "a.b"},   {"$(x)'", "%24%28x%29%27"},
        {"\xc3\xa9", "%c3%a9"},
    };
    char name[RL_NAME_SIZE];
    char id[RL_NAME_SIZE];

    (void)state;
    assert_false(rl_dir_id("%", id));
    assert_false(rl_dir_id("%4", id));
    assert_false(rl_dir_id("%%00", id));
    assert_false(rl_dir_id("%00", id));
    assert_false(rl_dir_id("a b", id));
    assert_false(rl_dir_id("%61", id)); /* other spellings of ids */
    assert_false(rl_dir_id(".a", id));
    assert_false(rl_dir_id("a%2f", id));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rl_dir_name(cases[i].id, name);
        assert_string_equal(name, cases[i].name);
        assert_true(rl_dir_id(name, id));
        assert_string_equal(id, cases[i].id);
    }
}

static void longest_ids_have_names(void **state)
{
    char id[RL_ID_MAX + 1];
    char name[RL_NAME_SIZE];
    char other[RL_NAME_SIZE];

    (void)state;
    memset(id, 'a', RL_ID_MAX);
    id[RL_ID_MAX] = '\0';
    rl_dir_name(id, name);
    assert_string_equal(name, id);
    memset(id, '$', RL_ID_MAX);
    rl_dir_name(id, name);
    assert_true(strlen(name) < RL_NAME_SIZE);
    id[200] = '#';
    rl_dir_name(id, other);
    assert_false(rl_dir_id(other, id));
    assert_string_not_equal(name, other);
    id[RL_ID_MAX - 1] = ' ';
    assert_false(rl_id_valid(id));
    assert_false(rl_id_valid(""));
    assert_true(rl_id_valid("a/b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_got),
        cmocka_unit_test(ceiling_holds),
        cmocka_unit_test(malformed_payloads_do_no_harm),
        cmocka_unit_test(frames_come_whole_however_they_are_cut),
        cmocka_unit_test(frame_over_the_limit_is_none),
        cmocka_unit_test(names_are_safe_and_differ),
        cmocka_unit_test(longest_ids_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
