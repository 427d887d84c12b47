#include "cli/logs/logs_print.h"
#include "cli/logs/logs_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

struct fixture {
    char dir[64];
};

static int set_up(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));

    snprintf(f->dir, sizeof(f->dir), "/tmp/ff-logs-XXXXXX");
    *state = f;
    return mkdtemp(f->dir) ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    const int code = file_remove_tree(f->dir);

    mem_free(f);
    return code;
}

/* Adds text to a file of an attempt's folder. */
static void add(const struct fixture *f, const char *attempt, const char *name,
                const char *text)
{
    MEM_AUTO char *dir = file_join(f->dir, attempt);
    MEM_AUTO char *path = file_join(dir, name);

    assert_int_equal(0, file_make_dirs(dir, 0700));
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static struct log_source *source(const struct fixture *f, const char *attempt, bool sdk)
{
    MEM_AUTO char *dir = file_join(f->dir, attempt);

    return log_source_new(dir, sdk);
}

#define AT(second) "2026-11-21T19:20:" #second ".000000Z "

static void lines_are_taken_apart(void **state)
{
    static const char line[] = AT(01) "stderr P half a line";
    struct log_line l;

    (void)state;
    assert_true(log_line_parse(line, strlen(line), &l));
    assert_int_equal(l.stream, LOG_STDERR);
    assert_false(l.whole);
    assert_int_equal(l.text.len, strlen("half a line"));
    static const char empty[] = AT(01) "sdk F ";
    assert_true(log_line_parse(empty, strlen(empty), &l));
    assert_true(l.whole);
    assert_int_equal(l.text.len, 0);
}

static void what_is_no_line_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "x",
        AT(01),
        AT(01) "stdout",
        AT(01) "stdout F",
        "now x",
        "now stdout F text",
        AT(01) "nowhere F text",
        AT(01) "stdout X text",
        AT(01) "stdout FP text",
        AT(01) "stdout  text",
    };
    struct log_line l;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(log_line_parse(bad[i], strlen(bad[i]), &l));
}

static void the_folder_says_whose_log_it_is(void **state)
{
    struct log_source *s = log_source_new("/x/fetch.3.12", false);

    (void)state;
    assert_string_equal(s->task, "fetch");
    assert_string_equal(s->path, "fetch.3");
    assert_int_equal(s->item, 3);
    assert_int_equal(s->attempt, 12);
    log_source_free(s);
    s = log_source_new("fetch.1", true);
    assert_int_equal(s->item, -1);
    log_source_free(s);
    assert_null(log_source_new("/x/fetch", false));
    assert_null(log_source_new("/x/.1", false));
    assert_null(log_source_new("/x/fetch.x", false));
}

static void chunks_follow_each_other(void **state)
{
    const struct fixture *f = *state;
    struct log_source *s = source(f, "a.1", false);
    struct buf all = {0};

    assert_false(log_source_next(s, false));
    add(f, "a.1", "000001.log", AT(01) "stdout F one\n" AT(02) "stdout F two\n");
    add(f, "a.1", "000002.log", AT(03) "stdout F three\n");
    while (log_source_next(s, false))
        buf_printf(&all, "%.*s,", (int)s->line.text.len, s->line.text.s);
    add(f, "a.1", "000002.log", AT(04) "stdout F fo");
    assert_false(log_source_next(s, false)); /* its end is not there yet */
    add(f, "a.1", "000002.log", "ur\n");
    add(f, "a.1", "000003.log", AT(05) "stdout F five");
    while (log_source_next(s, false))
        buf_printf(&all, "%.*s,", (int)s->line.text.len, s->line.text.s);
    assert_true(log_source_next(s, true));
    buf_printf(&all, "%.*s", (int)s->line.text.len, s->line.text.s);
    assert_false(log_source_next(s, true));
    assert_string_equal(buf_text(&all), "one,two,three,four,five");
    buf_done(&all);
    log_source_free(s);
}

/* Longer than a first read, and than a buffer. */
static void long_lines_are_whole(void **state)
{
    const struct fixture *f = *state;
    const size_t len = 200000;
    MEM_AUTO char *text = mem_alloc(len + 1);
    struct log_source *s = source(f, "a.1", false);

    memset(text, 'x', len);
    add(f, "a.1", "000001.log", AT(01) "stdout F ");
    add(f, "a.1", "000001.log", text);
    add(f, "a.1", "000001.log", "\n" AT(02) "stdout F short\n");
    assert_true(log_source_next(s, false));
    assert_int_equal(s->line.text.len, len);
    assert_true(log_source_next(s, false));
    assert_int_equal(s->line.text.len, 5);
    log_source_free(s);
}

static void logs_are_merged_by_time(void **state)
{
    const struct fixture *f = *state;
    struct log_source *sources[4] = {source(f, "a.1", false), source(f, "a.1", true),
                                     source(f, "b.0.1", false),
                                     source(f, "c.1", false)};
    struct log_merge merge = {0};
    struct log_source *s;
    struct buf all = {0};

    add(f, "a.1", "000001.log", AT(01) "stdout F 1\n" AT(04) "stderr F 4\n");
    add(f, "a.1", "sdk.log", AT(02) "sdk F 2\nnot a line\n" AT(06) "sdk F 6\n");
    add(f, "b.0.1", "000001.log", AT(03) "stdout F 3\n" AT(05) "stdout F 5\n");
    for (size_t i = 0; i < 4; i++)
        log_merge_add(&merge, sources[i], true);
    while ((s = log_merge_first(&merge))) {
        buf_printf(&all, "%.*s", (int)s->line.text.len, s->line.text.s);
        log_merge_pop(&merge, true);
    }
    assert_string_equal(buf_text(&all), "123456");
    buf_done(&all);
    log_merge_done(&merge);
    for (size_t i = 0; i < 4; i++)
        log_source_free(sources[i]);
}

/* --- printing --- */

static void give(struct logs_print *p, struct log_source *s, const char *line)
{
    assert_true(log_line_parse(line, strlen(line), &s->line));
    logs_print_line(p, s);
}

static void pieces_of_lines_are_put_together_and_never_mixed(void **state)
{
    struct logs_print p = {.prefix = true, .only = -1};
    struct log_source *a = log_source_new("a.1", false);
    struct log_source *b = log_source_new("b.2.3", false);

    (void)state;
    give(&p, a, AT(01) "stdout P one ");
    give(&p, a, AT(01) "stdout F line");
    give(&p, a, AT(02) "stdout P cut");
    give(&p, b, AT(03) "stderr F other");
    give(&p, a, AT(04) "stdout F off");
    give(&p, a, AT(04) "stderr P end");
    logs_print_end(&p);
    assert_string_equal(buf_text(&p.out), "a | one line\na | cut\nb.2#3 | other\n"
                                          "a | off\na | end\n");
    buf_done(&p.out);
    log_source_free(a);
    log_source_free(b);
}

static void raw_is_what_was_written(void **state)
{
    struct logs_print p = {.raw = true, .only = -1};
    struct log_source *a = log_source_new("a.1", false);

    (void)state;
    give(&p, a, AT(01) "stdout F x");
    give(&p, a, AT(01) "system F [flowforge: 3 bytes dropped]");
    give(&p, a, AT(01) "stdout P no end");
    logs_print_end(&p);
    assert_string_equal(buf_text(&p.out), "x\nno end");
    buf_done(&p.out);
    log_source_free(a);
}

static void json_survives_bytes_that_are_no_text(void **state)
{
    struct logs_print p = {.json = true, .only = LOG_STDOUT};
    struct log_source *a = log_source_new("a.1", false);
    struct ff_err err = {0};

    (void)state;
    give(&p, a, AT(01) "stderr F not wanted");
    give(&p, a, AT(01) "stdout F a\xff\"b");
    json_t *line = json_parse(buf_text(&p.out), p.out.len - 1, &err);
    assert_non_null(line);
    assert_string_equal(json_string_value(json_object_get(line, "text")),
                        "a\xef\xbf\xbd\"b");
    json_decref(line);
    buf_done(&p.out);
    log_source_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_taken_apart),
        cmocka_unit_test(what_is_no_line_is_refused),
        cmocka_unit_test(the_folder_says_whose_log_it_is),
        cmocka_unit_test_setup_teardown(chunks_follow_each_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_lines_are_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(logs_are_merged_by_time, set_up, tear_down),
        cmocka_unit_test(pieces_of_lines_are_put_together_and_never_mixed),
        cmocka_unit_test(raw_is_what_was_written),
        cmocka_unit_test(json_survives_bytes_that_are_no_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
