/* Messages as the server keeps them: what is written is read, and anything else that
 * somebody may have put there is refused without reading beyond its end. */
#include "redis.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct rq_session session = {.id = "0123456789abcdef"};

static struct rq_text packed(const char *id, const void *body, size_t len)
{
    const struct ff_message m = {
        .struct_size = sizeof(m), .topic = "t", .id = id, .body = body, .len = len};
    struct rq_text text = {0};

    rq_pack(&session, &text, &m);
    assert_false(text.failed);
    return text;
}

/* In memory of just that size, so that a sanitizer sees one byte too many. */
static bool unpack(const char *data, size_t len, struct ff_message *out, char **own)
{
    *own = malloc(len > 0 ? len : 1);
    assert_non_null(*own);
    if (len > 0)
        memcpy(*own, data, len);
    return rq_unpack(*own, len, out);
}

static void what_is_packed_is_unpacked(void **state)
{
    struct rq_text text = packed("the id", "\0body\xff", 6);
    struct ff_message out = {0};
    char *own;

    (void)state;
    assert_true(unpack(text.s, text.len, &out, &own));
    assert_string_equal(out.id, "the id");
    assert_int_equal(out.len, 6);
    assert_memory_equal(out.body, "\0body\xff", 6);
    assert_int_equal(out.delivery, 1);
    free(own);
    rq_text_done(&text);
}

static void equal_messages_are_different_members_of_a_set(void **state)
{
    struct rq_text a = packed("id", "x", 1);
    struct rq_text b = packed("id", "x", 1);

    (void)state;
    assert_int_equal(a.len, b.len);
    assert_memory_not_equal(a.s, b.s, a.len);
    rq_text_done(&a);
    rq_text_done(&b);
}

static void a_message_without_its_end_is_refused(void **state)
{
    struct rq_text text = packed("the id", "", 0);

    (void)state;
    for (size_t len = 0; len < text.len; len++) {
        struct ff_message out = {0};
        char *own;

        assert_false(unpack(text.s, len, &out, &own));
        free(own);
    }
    rq_text_done(&text);
}

static void a_number_that_is_none_is_refused(void **state)
{
    static const char *const beginnings[] = {"|", "x|", "1x|", "-1|", "123456789012|"};

    (void)state;
    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
        char data[64] = {0};
        struct ff_message out = {0};
        char *own;

        snprintf(data, sizeof(data), "%s0123456789abcdefid", beginnings[i]);
        assert_false(unpack(data, sizeof(data), &out, &own));
        free(own);
    }
}

static void a_body_that_is_too_long_is_refused(void **state)
{
    char *body = calloc(1, RQ_MAX_BODY + 1);
    struct rq_text most = packed("id", body, RQ_MAX_BODY);
    struct rq_text more = packed("id", body, RQ_MAX_BODY + 1);
    struct ff_message out = {0};

    (void)state;
    assert_true(rq_unpack(most.s, most.len, &out));
    assert_false(rq_unpack(more.s, more.len, &out));
    rq_text_done(&most);
    rq_text_done(&more);
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_packed_is_unpacked),
        cmocka_unit_test(equal_messages_are_different_members_of_a_set),
        cmocka_unit_test(a_message_without_its_end_is_refused),
        cmocka_unit_test(a_number_that_is_none_is_refused),
        cmocka_unit_test(a_body_that_is_too_long_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
