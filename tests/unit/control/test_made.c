/* test_made.c - which runs are taken up from the rows that made them, and what becomes
 * of those. That the same comes of them as of runs that were loaded is judged by the
 * simulator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/control_priv.h"

#define FIVE  "flowforge: 1\nname: five\ntasks:\n  a: {run: 'true'}\n"
#define HASH  "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
#define OTHER "fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9"

/* As much of a process as taking up needs; one run of the file was loaded. */
struct place {
    struct control control;
    struct live *live;
};

static struct run_row row_of(int64_t run)
{
    return (struct run_row){.tenant = 7,
                            .run = run,
                            .version = 1,
                            .id = span_of("0193a000-0000-7000-8000-00000000000a"),
                            .project = 3,
                            .workflow = span_of("five"),
                            .hash = span_of(HASH),
                            .kind = span_of("dag"),
                            .state = RUN_PENDING,
                            .inputs = span_of("{\"n\":1}"),
                            .created_at = 1,
                            .started_at = MODEL_NULL,
                            .finished_at = MODEL_NULL,
                            .nominal_at = MODEL_NULL,
                            .parent_run = MODEL_NULL,
                            .root = MODEL_NULL,
                            .parent_node = MODEL_NULL,
                            .parent_attempt = MODEL_NULL,
                            .depth = MODEL_NULL,
                            .no_cache = MODEL_NULL};
}

static void know_one(struct place *p)
{
    const struct run_row row = row_of(1);
    struct ff_err err;
    struct plan *plan =
        plan_new(&engine_dag, FIVE, strlen(FIVE), (struct span){0}, &err);
    struct live *l = control_live_new(&p->control, (struct tenant){7}, 1);

    assert_non_null(plan);
    l->run = engine_run_new(plan, &row, 0, &err);
    l->names = (struct run_names){mem_text("acme"), mem_text("web")};
    plan_unref(plan);
    control_know(l);
    control_live_free(l);
    map_del(&p->control.lives, 1);
}

static int begin(void **state)
{
    struct place *p = mem_alloc(sizeof(*p));

    list_init(&p->control.dirty);
    list_init(&p->control.stepped);
    p->control.sched = sched_new();
    p->control.pump_posted = true; /* there is no loop */
    know_one(p);
    p->live = control_live_new(&p->control, (struct tenant){7}, 2);
    *state = p;
    return 0;
}

static int end(void **state)
{
    struct place *p = *state;

    control_live_free(p->live);
    map_done(&p->control.lives);
    control_known_free(&p->control);
    sched_free(p->control.sched);
    mem_free(p);
    return 0;
}

static void the_next_run_of_a_file_is_taken_up(void **state)
{
    struct place *p = *state;
    const struct run_row row = row_of(2);

    assert_true(control_take_up(p->live, &row));
    assert_non_null(p->live->run);
    assert_int_equal(p->live->run->row.version, 1);
    assert_int_equal(p->live->run->next_seq, 2); /* after its first event */
    assert_int_equal(json_integer_value(json_object_get(p->live->run->inputs, "n")), 1);
    assert_string_equal(p->live->names.tenant, "acme");
    assert_string_equal(p->live->names.project, "web");
    assert_int_equal(p->live->root, 2);
    assert_int_equal(p->live->inputs.n, 1);
    assert_int_equal(p->live->inputs.items[0].in.type, INPUT_RESUME);
    /* When it is loaded after all it may hold places and signals. */
    assert_int_equal(p->live->loaded_seq, 1);
}

static void refuses(struct place *p, const struct run_row *row)
{
    assert_false(control_take_up(p->live, row));
    assert_null(p->live->run);
    assert_int_equal(p->live->inputs.n, 0);
}

static void what_is_not_known_is_loaded(void **state)
{
    struct run_row row = row_of(2);

    row.hash = span_of(OTHER);
    refuses(*state, &row);
    row = row_of(2);
    row.tenant = 8; /* the names are of another one */
    refuses(*state, &row);
    row = row_of(2);
    row.project = 4;
    refuses(*state, &row);
    row = row_of(2);
    row.kind = span_of("ladder");
    refuses(*state, &row);
}

static void what_needs_more_than_its_row_is_loaded(void **state)
{
    struct run_row row = row_of(2);
    char large[5000];

    row.inputs = span_of("{\"$values\":\"" HASH "\"}");
    refuses(*state, &row);
    memset(large, ' ', sizeof(large));
    large[0] = '{';
    large[1] = '}';
    row.inputs = (struct span){.s = large, .len = sizeof(large)};
    refuses(*state, &row);
    row = row_of(2);
    row.parent_run = 1;
    row.root = 1;
    refuses(*state, &row);
    row = row_of(2);
    row.entry = span_of("a");
    refuses(*state, &row);
}

/* The lane says what is wrong with it. */
static void what_cannot_be_read_is_loaded(void **state)
{
    struct run_row row = row_of(2);

    row.inputs = span_of("{");
    refuses(*state, &row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_next_run_of_a_file_is_taken_up, begin, end),
        cmocka_unit_test_setup_teardown(what_is_not_known_is_loaded, begin, end),
        cmocka_unit_test_setup_teardown(what_needs_more_than_its_row_is_loaded, begin,
                                        end),
        cmocka_unit_test_setup_teardown(what_cannot_be_read_is_loaded, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
