/* test_news.c - what whoever leads is told of a commit: nothing that he would not read
 * himself. */
#include "support.h"

static const char one_task[] =
    "flowforge: 1\nname: one\n"
    "inputs: {word: {type: string, default: 'a \"b\" \u00fc'}}\n"
    "labels: {team: ''}\n"
    "tasks:\n  a: {run: 'true'}\n";

struct made {
    struct own_plan plan;
    struct node_submitted run;
    struct node_news news;
    struct source source;
};

static void make(struct made *m, struct place *p)
{
    struct ff_err err = {0};
    json_t *labels = json_pack("{s:s, s:s}", "team", "", "ticket", "\xf0\x9f\x90\x99");

    *m = (struct made){0};
    source_open(&m->source, one_task);
    plan_open(&m->plan, p);
    struct node_submit what = submit_of(&m->source);

    what.labels = labels;
    what.priority = -3;
    what.no_cache = true;
    check(node_plan_submit(&m->plan.plan, TENANT_DEFAULT, &what, &m->run, &err), &err);
    json_decref(labels);
}

static void unmake(struct made *m)
{
    node_news_done(&m->news);
    plan_close(&m->plan);
    source_close(&m->source);
}

/* As if this process led. */
static void note(struct made *m, struct place *p, bool leads)
{
    p->node->owner = leads;
    node_note_news(p->node, &m->plan.batch, &m->news);
    p->node->owner = false;
}

static void same(const struct run_row *a, const struct run_row *b)
{
    struct ff_value left[64], right[64];

    model_to_values(&record_run, a, left);
    model_to_values(&record_run, b, right);
    for (uint16_t i = 0; i < record_run.n_columns; i++) {
        assert_int_equal(left[i].type, right[i].type);
        if (!left[i].type)
            continue;
        if (!left[i].s) {
            assert_null(right[i].s);
            assert_int_equal(left[i].i, right[i].i);
            continue;
        }
        assert_int_equal(left[i].len, right[i].len);
        assert_memory_equal(left[i].s, right[i].s, left[i].len);
    }
}

static void a_new_run_is_told_with_the_row_that_is_read(void **state)
{
    struct place *p = *state;
    struct made m;
    struct ff_err err = {0};
    struct arena arena = {0};
    struct run_row row;

    make(&m, p);
    note(&m, p, true);
    check(plan_commit(&m.plan, &err), &err);
    assert_false(m.news.all);
    assert_int_equal(m.news.n, 1);
    assert_int_equal(m.news.items[0].run, m.run.run);
    assert_non_null(m.news.items[0].row);
    check(store_run_by_id(p->store, STORE_READER_CALLER, TENANT_DEFAULT, m.run.id,
                          &arena, &row, &err),
          &err);
    same(m.news.items[0].row, &row);
    arena_done(&arena);
    unmake(&m);
}

static void whoever_leads_elsewhere_reads_it(void **state)
{
    struct made m;

    make(&m, *state);
    note(&m, *state, false);
    assert_int_equal(m.news.n, 1);
    assert_null(m.news.items[0].row);
    unmake(&m);
}

static void a_run_with_more_of_a_history_is_read(void **state)
{
    struct made m;

    make(&m, *state);
    const struct event_row event = {.tenant = TENANT_DEFAULT.no,
                                    .run = m.run.run,
                                    .seq = 2,
                                    .body = span_of("[]"),
                                    .position = MODEL_NULL};

    batch_put(&m.plan.batch, &record_event, &event, FF_ABSENT);
    note(&m, *state, true);
    assert_false(m.news.all);
    assert_int_equal(m.news.n, 1);
    assert_null(m.news.items[0].row);
    unmake(&m);
}

static void a_run_with_tasks_is_looked_for(void **state)
{
    struct made m;

    make(&m, *state);
    const struct task_row task = {
        .tenant = TENANT_DEFAULT.no, .run = m.run.run, .state = TASK_SUCCEEDED};

    batch_put(&m.plan.batch, &record_task, &task, FF_ABSENT);
    note(&m, *state, true);
    assert_true(m.news.all);
    unmake(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(a_new_run_is_told_with_the_row_that_is_read),
        ON_EACH(whoever_leads_elsewhere_reads_it),
        ON_EACH(a_run_with_more_of_a_history_is_read),
        ON_EACH(a_run_with_tasks_is_looked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
