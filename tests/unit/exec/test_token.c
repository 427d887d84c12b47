/* test_token.c - task tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "exec/exec_priv.h"

struct fixture {
    struct exec exec;
    struct attempt attempt;
    char dir[64];
};

static int open_one(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    struct ff_err err = {0};

    snprintf(f->dir, sizeof(f->dir), "/tmp/ff-token-XXXXXX");
    if (!mkdtemp(f->dir))
        return -1;
    f->exec.setup.files_dir = f->exec.setup.data_dir = f->dir;
    f->exec.setup.loop = loop_new(&err);
    f->attempt.exec = &f->exec;
    f->attempt.key = (struct attempt_key){{1}, 5, NODE_OF(3, 7), 2};
    *state = f;
    return token_load_key(&f->exec, &err);
}

static int close_one(void **state)
{
    struct fixture *f = *state;

    loop_free(f->exec.setup.loop);
    file_remove_tree(f->dir);
    mem_free(f);
    return 0;
}

static void a_token_names_its_attempt(void **state)
{
    struct fixture *f = *state;
    char token[TOKEN_MAX];
    struct attempt_key key;
    struct ff_err err;

    token_make(&f->exec, &f->attempt, loop_wall_us(f->exec.setup.loop) + 1000000,
               token);
    assert_int_equal(token_check(&f->exec, token, &key, &err), FF_OK);
    assert_int_equal(key.run, 5);
    assert_int_equal(key.node, NODE_OF(3, 7));
    assert_int_equal(key.attempt, 2);
}

static void every_changed_byte_spoils_it(void **state)
{
    struct fixture *f = *state;
    char token[TOKEN_MAX];
    struct attempt_key key;
    struct ff_err err;

    token_make(&f->exec, &f->attempt, loop_wall_us(f->exec.setup.loop) + 1000000,
               token);
    for (size_t i = 0; token[i]; i++) {
        const char old = token[i];
        token[i] = old == '1' ? '2' : '1';
        assert_int_equal(token_check(&f->exec, token, &key, &err), FF_DENIED);
        token[i] = old;
    }
    token[strlen(token) - 1] = 0;
    assert_int_equal(token_check(&f->exec, token, &key, &err), FF_DENIED);
    assert_int_equal(token_check(&f->exec, "", &key, &err), FF_DENIED);
}

static void it_ends(void **state)
{
    struct fixture *f = *state;
    char token[TOKEN_MAX];
    struct attempt_key key;
    struct ff_err err;

    token_make(&f->exec, &f->attempt, loop_wall_us(f->exec.setup.loop) - 1, token);
    assert_int_equal(token_check(&f->exec, token, &key, &err), FF_DENIED);
    assert_non_null(strstr(err.msg, "expired"));
}

static void the_key_outlives_the_process(void **state)
{
    struct fixture *f = *state;
    struct exec next = {.setup = f->exec.setup};
    char token[TOKEN_MAX];
    struct attempt_key key;
    struct ff_err err;

    token_make(&f->exec, &f->attempt, loop_wall_us(f->exec.setup.loop) + 1000000,
               token);
    assert_int_equal(token_load_key(&next, &err), FF_OK);
    assert_int_equal(token_check(&next, token, &key, &err), FF_OK);
}

static void a_ticket_is_no_token(void **state)
{
    struct fixture *f = *state;
    const int64_t ends_us = loop_wall_us(f->exec.setup.loop) + 1000000;
    char token[TOKEN_MAX], ticket[TOKEN_MAX], mixed[TOKEN_MAX + 1];
    struct attempt_key key;
    int64_t said_us;
    struct ff_err err;

    token_make(&f->exec, &f->attempt, ends_us, token);
    ticket_make(&f->exec, &f->attempt, ends_us, ticket);
    assert_int_equal(ticket_check(&f->exec, ticket, &key, &said_us, &err), FF_OK);
    assert_int_equal(key.run, 5);
    assert_int_equal(key.attempt, 2);
    assert_int_equal(said_us, ends_us);
    assert_int_equal(token_check(&f->exec, ticket, &key, &err), FF_DENIED);
    assert_non_null(strstr(err.msg, "exchanged"));
    assert_int_equal(ticket_check(&f->exec, token, &key, &said_us, &err), FF_DENIED);
    /* Nor is one with the word of the other in front of it. */
    snprintf(mixed, sizeof(mixed), "fft1%s", token + strlen("ff1"));
    assert_int_equal(ticket_check(&f->exec, mixed, &key, &said_us, &err), FF_DENIED);
    snprintf(mixed, sizeof(mixed), "ff1%s", ticket + strlen("fft1"));
    assert_int_equal(token_check(&f->exec, mixed, &key, &err), FF_DENIED);
}

static void a_key_that_is_cut_short_is_not_made_anew(void **state)
{
    struct fixture *f = *state;
    MEM_AUTO char *path = file_join(f->dir, "task.key");
    struct exec next = {.setup = f->exec.setup};
    struct ff_err err;

    assert_int_equal(truncate(path, TOKEN_KEY_SIZE - 1), 0);
    assert_int_equal(token_load_key(&next, &err), FF_UNAVAILABLE);
    assert_non_null(strstr(err.msg, "delete it"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(token_load_key(&next, &err), FF_OK);
    assert_memory_not_equal(next.token_key, f->exec.token_key, TOKEN_KEY_SIZE);
}

static void a_key_of_the_data_directory_stays_good(void **state)
{
    struct fixture *f = *state;
    MEM_AUTO char *files = file_join(f->dir, "files");
    MEM_AUTO char *old = file_join(f->dir, "task.key");
    struct exec next = {.setup = f->exec.setup};
    struct ff_err err;

    next.setup.files_dir = files;
    assert_int_equal(file_make_dirs(files, 0700), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(token_load_key(&next, &err), FF_OK);
        assert_memory_equal(next.token_key, f->exec.token_key, TOKEN_KEY_SIZE);
        unlink(old); /* it is not wanted any more */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_token_names_its_attempt, open_one, close_one),
        cmocka_unit_test_setup_teardown(every_changed_byte_spoils_it, open_one,
                                        close_one),
        cmocka_unit_test_setup_teardown(it_ends, open_one, close_one),
        cmocka_unit_test_setup_teardown(the_key_outlives_the_process, open_one,
                                        close_one),
        cmocka_unit_test_setup_teardown(a_ticket_is_no_token, open_one, close_one),
        cmocka_unit_test_setup_teardown(a_key_of_the_data_directory_stays_good,
                                        open_one, close_one),
        cmocka_unit_test_setup_teardown(a_key_that_is_cut_short_is_not_made_anew,
                                        open_one, close_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
