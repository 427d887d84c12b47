/* test_sources.c - what a submit does not read again: that the store has its file, and
 * within which bounds runs may be opened as long as nobody has committed. */
#include "support.h"

#include "model/access_rows.h"

static const char one_task[] = "flowforge: 1\nname: one\ntasks:\n  a: {run: 'true'}\n";

static int plan_text(struct place *p, struct tenant t, const char *text,
                     struct own_plan *o, struct ff_err *err)
{
    struct node_submitted run = {0};
    struct source source;

    plan_open(o, p);
    source_open(&source, text);
    const struct node_submit what = submit_of(&source);
    const int code = node_plan_submit(&o->plan, t, &what, &run, err);

    source_close(&source);
    return code;
}

static int plan_one(struct place *p, struct tenant t, struct own_plan *o,
                    struct ff_err *err)
{
    return plan_text(p, t, one_task, o, err);
}

/* Does a submit write the file? */
static bool writes(struct place *p, int64_t tenant, bool commits)
{
    struct own_plan o;
    struct ff_err err = {0};
    bool found = false;

    check(plan_one(p, (struct tenant){tenant}, &o, &err), &err);
    for (size_t i = 0; i < o.batch.n; i++)
        found = found || o.batch.items[i].record == &record_workflow;
    if (commits)
        check(plan_commit(&o, &err), &err);
    plan_close(&o);
    return found;
}

static void a_file_is_written_until_it_is_there(void **state)
{
    struct place *p = *state;
    const int64_t ours = TENANT_DEFAULT.no;

    assert_true(writes(p, ours, false));
    assert_true(writes(p, ours, true)); /* the one before came to nothing */
    assert_false(writes(p, ours, true));
    assert_false(writes(p, ours, true));
    assert_true(writes(p, ours + 1, true)); /* another tenant has none of it */
    assert_false(writes(p, ours + 1, true));
    assert_int_equal(rows_of(p, &record_workflow), 2);
    assert_int_equal(rows_of(p, &record_open_run), 5);
}

static void lose_files(struct place *p)
{
    struct source source;
    struct batch b = {0};
    struct ff_err err = {0};

    source_open(&source, one_task);
    const struct node_submit what = submit_of(&source);
    const struct workflow_row row = {.tenant = TENANT_DEFAULT.no,
                                     .hash = span_of(what.hash)};

    batch_delete(&b, &record_workflow, &row, FF_ANY_VERSION);
    check(store_commit_now(p->store, &b, NULL, &err), &err);
    batch_done(&b);
    source_close(&source);
}

static void a_file_that_the_store_has_lost_is_soon_written_again(void **state)
{
    struct place *p = *state;
    const int64_t ours = TENANT_DEFAULT.no;

    assert_true(writes(p, ours, true));
    assert_false(writes(p, ours, true));
    lose_files(p);
    assert_int_equal(rows_of(p, &record_workflow), 0);
    p->node->sources.since_us -= UNITS_SECOND; /* as if that had gone by */
    assert_true(writes(p, ours, true));
    assert_int_equal(rows_of(p, &record_workflow), 1);
}

/* Tasks, and a group of as many; flow_outline_parts says what that comes to. */
static char *large_text(int n)
{
    struct buf text = {0};

    buf_add_text(&text, "flowforge: 1\nname: large\ntasks:\n");
    for (int i = 0; i < n; i++)
        buf_printf(&text, "  t%d: {run: 'true'}\n", i);
    buf_add_text(&text, "  g:\n    tasks:\n");
    for (int i = 0; i < n; i++)
        buf_printf(&text, "      g%d: {run: 'true'}\n", i);
    return buf_take(&text);
}

static void submit_text(struct place *p, const char *text)
{
    struct own_plan o;
    struct ff_err err = {0};

    check(plan_text(p, TENANT_DEFAULT, text, &o, &err), &err);
    check(plan_commit(&o, &err), &err);
    plan_close(&o);
}

struct outlines {
    int n_file, n_group;
};

static int count_outline(void *arg, const void *row)
{
    const struct workflow_outline_row *outline = row;
    struct outlines *seen = arg;
    struct flow_outline o;

    assert_true(flow_outline_read(&o, outline->body.s, outline->body.len));
    assert_int_equal(o.first, outline->part * FLOW_OUTLINE_PART);
    if (span_is(outline->entry, "g"))
        assert_int_equal(flow_outline_name(&o, o.first)[0], 'g');
    seen->n_file += span_is(outline->entry, OUTLINE_OF_FILE);
    seen->n_group += span_is(outline->entry, "g");
    flow_outline_done(&o);
    return 0;
}

static void a_large_file_is_written_with_its_outline(void **state)
{
    struct place *p = *state;
    MEM_AUTO char *large = large_text(FLOW_OUTLINE_LEAST);
    MEM_AUTO char *small = large_text(FLOW_OUTLINE_LEAST / 2);
    const struct store_query q = {.record = &record_workflow_outline};
    struct outlines seen = {0};
    struct ff_err err = {0};

    submit_text(p, small);
    assert_int_equal(rows_of(p, &record_workflow_outline), 0);
    submit_text(p, large);
    submit_text(p, large);
    check(store_scan(p->store, STORE_READER_CALLER, &q, count_outline, &seen, &err),
          &err);
    assert_int_equal(seen.n_file, 3); /* g itself is one more task */
    assert_int_equal(seen.n_group, 2);
    assert_int_equal(rows_of(p, &record_workflow_outline), 5);
}

static void limit(struct place *p, int64_t most)
{
    const struct tenant_row row = {.tenant = TENANT_DEFAULT.no,
                                   .name = span_of("default"),
                                   .disabled_at = MODEL_NULL,
                                   .max_projects = MODEL_NULL,
                                   .max_members = MODEL_NULL,
                                   .max_keys = MODEL_NULL,
                                   .max_running = MODEL_NULL,
                                   .max_open_runs = most,
                                   .max_requests_per_s = MODEL_NULL,
                                   .weight = MODEL_NULL};
    struct batch b = {0};
    struct ff_err err = {0};

    batch_put(&b, &record_tenant, &row, FF_ANY_VERSION);
    check(store_commit_now(p->store, &b, NULL, &err), &err);
    batch_done(&b);
}

static int code_of_submit(struct place *p)
{
    struct own_plan o;
    struct ff_err err = {0};
    const int code = plan_one(p, TENANT_DEFAULT, &o, &err);

    plan_close(&o);
    return code;
}

static void a_limit_counts_from_when_it_is_set(void **state)
{
    struct place *p = *state;

    assert_true(writes(p, TENANT_DEFAULT.no, true));
    assert_int_equal(code_of_submit(p), FF_OK);
    assert_int_equal(code_of_submit(p), FF_OK); /* nobody has committed since */
    limit(p, 1);
    assert_int_equal(code_of_submit(p), FF_FULL);
    assert_int_equal(code_of_submit(p), FF_FULL);
    limit(p, 2);
    assert_int_equal(code_of_submit(p), FF_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(a_file_is_written_until_it_is_there),
        ON_EACH(a_file_that_the_store_has_lost_is_soon_written_again),
        ON_EACH(a_large_file_is_written_with_its_outline),
        ON_EACH(a_limit_counts_from_when_it_is_set),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
