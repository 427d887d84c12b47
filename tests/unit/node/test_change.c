/* Changes beside the loop: planned on lanes, committed with others. */
#include "support.h"

static const char one_task[] = "flowforge: 1\nname: one\ntasks:\n  a: {run: 'true'}\n";

/* --- plans of these tests --- */

/* Adds one to a counter, guarded by what was read. */
struct adding {
    struct asked asked;
    struct place *place;
    int tries;
};

static int plan_add(void *arg, const struct node_plan *p, struct ff_err *err)
{
    struct adding *a = arg;
    struct counter_row row;
    const int code = store_read_counter(a->place->store, p->reader, "test", &row, err);

    a->tries = p->tries + 1;
    if (code != FF_OK)
        return code;
    row.next++;
    batch_put(p->batch, &record_counter, &row, row.version);
    return FF_OK;
}

static int64_t counted(struct place *p)
{
    struct counter_row row;
    struct ff_err err = {0};

    check(store_read_counter(p->store, STORE_READER_CALLER, "test", &row, &err), &err);
    return row.next - 1;
}

static void ask(struct place *p, node_plan_fn *plan, void *arg, struct asked *asked)
{
    struct ff_err err = {0};

    *asked = (struct asked){.place = p};
    /* arg begins with its answer, or is it. */
    assert_ptr_equal(arg, asked);
    check(node_change(p->node, p->pool, plan, arg, on_changed, &err), &err);
    assert_false(asked->answered);
}

/* --- races --- */

static void who_was_slower_plans_again_and_no_change_is_lost(void **state)
{
    struct place *p = *state;
    struct adding adding[12];
    int tries = 0;

    for (size_t i = 0; i < COUNT_OF(adding); i++) {
        adding[i].place = p;
        ask(p, plan_add, &adding[i], &adding[i].asked);
    }
    run_until(p, COUNT_OF(adding));
    for (size_t i = 0; i < COUNT_OF(adding); i++) {
        assert_int_equal(adding[i].asked.code, FF_OK);
        tries += adding[i].tries;
    }
    assert_int_equal(counted(p), COUNT_OF(adding));
    assert_true(tries >= (int)COUNT_OF(adding));
}

/* Somebody else is faster each time. */
static int plan_too_late(void *arg, const struct node_plan *p, struct ff_err *err)
{
    struct adding *a = arg;
    int64_t no;
    const int code = plan_add(arg, p, err);

    return code == FF_OK ? store_take_numbers(a->place->store, "test", 1, &no, err)
                         : code;
}

static void who_is_always_slower_is_told_so_in_the_end(void **state)
{
    struct place *p = *state;
    struct adding a = {.place = p};
    struct ff_err err = {0};

    ask(p, plan_too_late, &a, &a.asked);
    run_until(p, 1);
    assert_int_equal(a.asked.code, FF_BUSY);
    assert_non_null(strstr(a.asked.msg, "try again"));
    assert_int_equal(counted(p), a.tries);
    assert_int_equal(node_change_now(p->node, plan_too_late, &a, &err), FF_BUSY);
    assert_int_equal(err.code, FF_BUSY);
    assert_int_equal(counted(p), 2 * a.tries);
}

/* --- what plans say --- */

struct saying {
    struct asked asked;
    int code;
    bool keep;
};

static int plan_say(void *arg, const struct node_plan *p, struct ff_err *err)
{
    const struct saying *s = arg;
    const struct counter_row row = {.name = span_of("said"), .next = 7};

    batch_put(p->batch, &record_counter, &row, FF_ABSENT);
    *p->keep = s->keep;
    return s->code == FF_OK ? FF_OK : ff_fail(err, s->code, 0, "it says so");
}

static void what_a_plan_says_is_the_answer_and_nothing_is_done(void **state)
{
    struct place *p = *state;
    struct saying s = {.code = FF_INVALID};
    struct ff_err err = {0};

    ask(p, plan_say, &s, &s.asked);
    run_until(p, 1);
    assert_int_equal(s.asked.code, FF_INVALID);
    assert_string_equal(s.asked.msg, "it says so");
    assert_int_equal(node_change_now(p->node, plan_say, &s, &err), FF_INVALID);
    assert_string_equal(err.msg, "it says so");
    s.code = FF_DENIED;
    assert_int_equal(node_change_now(p->node, plan_say, &s, &err), FF_DENIED);
    assert_int_equal(rows_of(p, &record_counter), 0);
}

static void what_is_kept_of_a_plan_that_failed_is_durable(void **state)
{
    struct place *p = *state;
    struct saying s = {.code = FF_DENIED, .keep = true};
    struct ff_err err = {0};

    ask(p, plan_say, &s, &s.asked);
    run_until(p, 1);
    assert_int_equal(s.asked.code, FF_DENIED);
    assert_string_equal(s.asked.msg, "it says so");
    assert_int_equal(rows_of(p, &record_counter), 1);
    /* It is there already: the answer is the same. */
    assert_int_equal(node_change_now(p->node, plan_say, &s, &err), FF_DENIED);
    ask(p, plan_say, &s, &s.asked);
    run_until(p, 2);
    assert_int_equal(s.asked.code, FF_DENIED);
    assert_string_equal(s.asked.msg, "it says so");
}

static int plan_nothing(void *arg, const struct node_plan *p, struct ff_err *err)
{
    (void)arg;
    (void)p;
    (void)err;
    return FF_OK;
}

static void a_plan_without_rows_is_done_at_once(void **state)
{
    struct place *p = *state;
    struct asked a;
    struct ff_err err = {0};

    ask(p, plan_nothing, &a, &a);
    run_until(p, 1);
    assert_int_equal(a.code, FF_OK);
    assert_int_equal(node_change_now(p->node, plan_nothing, NULL, &err), FF_OK);
}

/* --- bounds --- */

static void more_than_may_wait_are_refused_at_once(void **state)
{
    struct place *p = *state;
    struct adding adding[300];
    struct ff_err err = {0};
    size_t n = 0;

    for (size_t i = 0; i < COUNT_OF(adding); i++) {
        adding[i].asked = (struct asked){.place = p};
        const int code = node_change(p->node, p->pool, plan_nothing, &adding[i].asked,
                                     on_changed, &err);

        if (code == FF_OK)
            n++;
        else
            assert_int_equal(code, FF_BUSY);
    }
    assert_int_equal(n, 203); /* on three lanes, and 200 that wait */
    run_until(p, n);
    assert_false(adding[299].asked.answered);
}

static void a_pool_is_closed_after_its_changes_are_durable(void **state)
{
    struct place *p = *state;
    struct adding adding[5];

    for (size_t i = 0; i < COUNT_OF(adding); i++) {
        adding[i].place = p;
        ask(p, plan_add, &adding[i], &adding[i].asked);
    }
    store_readers_close(p->pool);
    p->pool = NULL;
    /* Those that had to plan again could not any more. */
    int64_t n_done = 0;

    for (size_t i = 0; i < COUNT_OF(adding); i++) {
        assert_true(adding[i].asked.answered);
        n_done += adding[i].asked.code == FF_OK;
        if (adding[i].asked.code != FF_OK)
            assert_int_equal(adding[i].asked.code, FF_CANCELLED);
    }
    assert_true(n_done > 0);
    assert_int_equal(counted(p), n_done);
}

static void who_has_lost_his_shard_tells_users_to_come_again(void **state)
{
    struct place *p = *state;
    const struct store_claim me = {.owner = "me"}, other = {.owner = "other"};
    struct adding a = {.place = p};
    struct shard_row row;
    struct ff_err err = {0};

    check(store_acquire_shard(p->store, NODE_SHARD, &me, &row, &err), &err);
    store_set_fence(p->store, &row);
    check(store_acquire_shard(p->store, NODE_SHARD, &other, &row, &err), &err);
    ask(p, plan_add, &a, &a.asked);
    run_until(p, 1);
    assert_int_equal(a.asked.code, FF_UNAVAILABLE);
    assert_int_equal(counted(p), 0);
}

/* --- submits --- */

struct submitting {
    struct asked asked;
    struct node_submit what;
    struct node_submitted made;
    char first[ID_TEXT]; /* of the first try */
};

static int plan_submit(void *arg, const struct node_plan *p, struct ff_err *err)
{
    struct submitting *s = arg;
    const int code = node_plan_submit(p, TENANT_DEFAULT, &s->what, &s->made, err);

    if (p->tries == 0)
        memcpy(s->first, s->made.id, ID_TEXT);
    return code;
}

static void runs_that_are_submitted_at_once_are_all_there(void **state)
{
    struct place *p = *state;
    struct submitting all[100];
    struct source source;
    struct map seen = {0};

    source_open(&source, one_task);
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        all[i] = (struct submitting){.what = submit_of(&source)};
        ask(p, plan_submit, &all[i], &all[i].asked);
    }
    run_until(p, COUNT_OF(all));
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        struct arena arena = {0};
        struct run_row row;
        struct ff_err err = {0};

        assert_int_equal(all[i].asked.code, FF_OK);
        check(store_run_by_id(p->store, STORE_READER_CALLER, TENANT_DEFAULT,
                              all[i].made.id, &arena, &row, &err),
              &err);
        assert_int_equal(row.run, all[i].made.run);
        assert_null(map_get(&seen, row.run));
        map_set(&seen, row.run, &all[i]);
        arena_done(&arena);
    }
    assert_int_equal(rows_of(p, &record_run), COUNT_OF(all));
    assert_int_equal(rows_of(p, &record_workflow), 1);
    map_done(&seen);
    source_close(&source);
}

static const char with_input[] =
    "flowforge: 1\nname: large\ninputs:\n  word: {type: string}\ntasks:\n"
    "  a: {run: 'true'}\n";

static char *large_word(void)
{
    char *word = mem_alloc(200001);

    memset(word, 'x', 200000);
    return word;
}

static void open_large(struct source *source)
{
    struct flow_problems problems = {0};
    MEM_AUTO char *word = large_word();

    source->text = with_input;
    source->flow = flow_parse(with_input, strlen(with_input), &problems);
    assert_non_null(source->flow);
    source->inputs = json_pack("{s:s}", "word", word);
}

static size_t n_files_in(struct place *p, const char *folder)
{
    MEM_AUTO char *path = file_join(p->dir, folder);
    DIR *dir = file_open_dir(path);
    size_t n = 0;

    for (const struct dirent *e; dir && (e = readdir(dir));)
        n += e->d_name[0] != '.';
    if (dir)
        closedir(dir);
    return n;
}

static void large_inputs_are_files_before_the_run_is_there(void **state)
{
    struct place *p = *state;
    struct submitting s = {0};
    struct source source;
    struct buf folder = {0};

    open_large(&source);
    s.what = submit_of(&source);
    ask(p, plan_submit, &s, &s.asked);
    run_until(p, 1);
    assert_int_equal(s.asked.code, FF_OK);
    buf_printf(&folder, "runs/%s/values", s.made.id);
    assert_int_equal(n_files_in(p, buf_text(&folder)), 1);
    assert_int_equal(n_files_in(p, "submitting"), 0);
    buf_done(&folder);
    source_close(&source);
}

/* The row that the batch guards is changed before the batch is committed. */
static int plan_submit_late(void *arg, const struct node_plan *p, struct ff_err *err)
{
    struct submitting *s = arg;
    struct adding a = {.place = s->asked.place};
    int64_t no;
    int code = plan_submit(arg, p, err);

    if (code == FF_OK)
        code = plan_add(&a, p, err);
    if (code == FF_OK && p->tries == 0)
        code = store_take_numbers(s->asked.place->store, "test", 1, &no, err);
    return code;
}

static void large_inputs_of_a_try_that_was_refused_do_not_stay(void **state)
{
    struct place *p = *state;
    struct submitting s = {0};
    struct source source;

    open_large(&source);
    s.what = submit_of(&source);
    ask(p, plan_submit_late, &s, &s.asked);
    run_until(p, 1);
    assert_int_equal(s.asked.code, FF_OK);
    assert_int_equal(counted(p), 2);
    assert_int_equal(rows_of(p, &record_run), 1);
    assert_int_equal(n_files_in(p, "runs"), 1);
    assert_int_equal(n_files_in(p, "submitting"), 0);
    /* Whoever else settles the first one takes no folder away but its own. */
    assert_string_not_equal(s.made.id, s.first);
    source_close(&source);
}

/* One process makes a run, and another one sweeps. */
static void no_sweep_gets_between_a_lost_try_and_what_becomes_of_it(void **state)
{
    struct place *p = *state;
    struct submitting s = {0};
    struct source source;
    struct own_plan o;
    struct node_given *given;
    struct ff_err err = {0};

    open_large(&source);
    s.what = submit_of(&source);
    plan_open(&o, p);
    check(plan_submit(&s, &o.plan, &err), &err);
    check(node_keep_given(p->node, &o.batch, &given, &err), &err);
    check(node_sweep_given(p->node, &err), &err);
    assert_int_equal(n_files_in(p, "submitting"), 1);
    assert_int_equal(n_files_in(p, "runs"), 1);
    check(node_settle_given(p->node, given, &err), &err);
    assert_int_equal(n_files_in(p, "submitting"), 0);
    assert_int_equal(n_files_in(p, "runs"), 0);
    assert_int_equal(rows_of(p, &record_run), 0);
    plan_close(&o);
    source_close(&source);
}

static void what_is_settled_and_was_made_after_all_stays(void **state)
{
    struct place *p = *state;
    struct submitting s = {0};
    struct source source;
    struct own_plan o;
    struct node_given *given;
    struct ff_err err = {0};

    open_large(&source);
    s.what = submit_of(&source);
    plan_open(&o, p);
    check(plan_submit(&s, &o.plan, &err), &err);
    check(node_keep_given(p->node, &o.batch, &given, &err), &err);
    check(plan_commit(&o, &err), &err);
    check(node_settle_given(p->node, given, &err), &err);
    assert_int_equal(n_files_in(p, "submitting"), 0);
    assert_int_equal(n_files_in(p, "runs"), 1);
    assert_int_equal(rows_of(p, &record_run), 1);
    plan_close(&o);
    source_close(&source);
}

static int plan_submit_never(void *arg, const struct node_plan *p, struct ff_err *err)
{
    struct submitting *s = arg;
    struct adding a = {.place = s->asked.place};
    const int code = plan_submit(arg, p, err);

    return code == FF_OK ? plan_too_late(&a, p, err) : code;
}

static void nothing_stays_of_a_submit_that_is_given_up(void **state)
{
    struct place *p = *state;
    struct submitting s = {0};
    struct source source;

    open_large(&source);
    s.what = submit_of(&source);
    ask(p, plan_submit_never, &s, &s.asked);
    run_until(p, 1);
    assert_int_equal(s.asked.code, FF_BUSY);
    store_readers_close(p->pool); /* who sweeps does so on a lane */
    p->pool = NULL;
    assert_int_equal(rows_of(p, &record_run), 0);
    assert_int_equal(n_files_in(p, "runs"), 0);
    assert_int_equal(n_files_in(p, "submitting"), 0);
    source_close(&source);
}

/* --- doubt --- */

static void a_commit_in_doubt_makes_one_run(void **state)
{
    struct place *p = *state;
    struct submitting s = {0};
    struct source source;

    source_open(&source, one_task);
    s.what = submit_of(&source);
    ask(p, plan_submit, &s, &s.asked);
    run_until(p, 1);
    assert_int_equal(s.asked.code, FF_OK);
    assert_int_equal(rows_of(p, &record_run), 1);
    source_close(&source);
}

static void a_submit_in_doubt_finds_its_run_by_the_id(void **state)
{
    struct place *p = *state;
    struct submitting s = {0};
    struct source source;
    struct own_plan o;
    struct ff_err err = {0};

    source_open(&source, one_task);
    s.what = submit_of(&source);
    plan_open(&o, p);
    check(plan_submit(&s, &o.plan, &err), &err);
    const struct node_submitted first = s.made;

    o.plan.tries = 1;
    o.plan.doubted = true;
    batch_reset(&o.batch); /* it was not carried out: again, under the same id */
    check(plan_submit(&s, &o.plan, &err), &err);
    assert_string_equal(s.made.id, first.id);
    check(plan_commit(&o, &err), &err);
    const struct node_submitted second = s.made;

    o.plan.tries = 2;
    check(plan_submit(&s, &o.plan, &err), &err); /* it was */
    assert_int_equal(o.batch.n, 0);
    assert_string_equal(s.made.id, first.id);
    assert_int_equal(s.made.run, second.run);
    plan_close(&o);
    source_close(&source);
}

/* A plan whose first try is in doubt, and which then says something itself. */
struct stopping {
    struct asked asked;
    int says, n_tries;
    bool doubted;
};

static int plan_stop(void *arg, const struct node_plan *p, struct ff_err *err)
{
    struct stopping *s = arg;
    const struct limit_size_row none = {
        .tenant = 1, .name = span_of("none"), .size = 1};

    s->n_tries++;
    s->doubted = p->doubted;
    if (p->tries > 0)
        return ff_fail(err, s->says, 0, "it says so");
    batch_check(p->batch, &record_limit_size, &none, 7); /* it conflicts */
    return FF_OK;
}

/* It tells nothing of the try that was in doubt. */
static void a_plan_that_gets_nowhere_leaves_the_doubt(void **state)
{
    static const int passing[] = {FF_BUSY, FF_UNAVAILABLE, FF_FULL, FF_NO_MEMORY};
    struct place *p = *state;

    for (size_t i = 0; i < COUNT_OF(passing); i++) {
        struct stopping s = {.says = passing[i]};
        struct ff_err err = {0};

        if (i == 0) {
            assert_int_equal(node_change_now(p->node, plan_stop, &s, &err),
                             FF_IN_DOUBT);
            assert_int_equal(err.code, FF_IN_DOUBT);
        } else {
            place_close(state);
            place_open_doubtful(state);
            p = *state;
            ask(p, plan_stop, &s, &s.asked);
            run_until(p, 1);
            assert_int_equal(s.asked.code, FF_IN_DOUBT);
            assert_non_null(strstr(s.asked.msg, "look before"));
        }
        assert_true(s.doubted);
        assert_int_equal(s.n_tries, 2);
    }
}

static void what_a_plan_knows_after_a_doubt_is_the_answer(void **state)
{
    struct place *p = *state;
    struct stopping s = {.says = FF_NOT_FOUND};
    struct ff_err err = {0};

    assert_int_equal(node_change_now(p->node, plan_stop, &s, &err), FF_NOT_FOUND);
    assert_true(s.doubted);
    assert_string_equal(err.msg, "it says so");
}

/* The lowest layer of doubt: what the committer says of a batch whose guard is broken,
 * perhaps by its own first try. */
struct doubting {
    struct asked asked;
    bool doubted;
};

static int plan_doubt(void *arg, const struct node_plan *p, struct ff_err *err)
{
    struct doubting *d = arg;

    d->doubted = p->doubted;
    return p->doubted ? node_fail_doubt(err) : FF_OK;
}

static void who_cannot_tell_says_that_nobody_knows(void **state)
{
    struct place *p = *state;
    struct run_row run = {.tenant = 1, .run = 1, .version = 1};
    struct doubting d = {0};
    struct node_event_told told;
    const struct node_event event = {.name = "go"};
    const struct node_backfill fill = {.schedule = "x"};
    const struct node_reset reset = {.how = NODE_RESET_ALL};
    int64_t no, n;
    struct own_plan o;
    struct ff_err err = {0};

    plan_open(&o, p);
    o.plan.tries = 1;
    o.plan.doubted = true;
    run.parent_run = MODEL_NULL;
    assert_int_equal(plan_doubt(&d, &o.plan, &err), FF_IN_DOUBT);
    assert_int_equal(
        node_plan_message(&o.plan, TENANT_DEFAULT, &run, "pause", NULL, &err),
        FF_IN_DOUBT);
    assert_int_equal(node_plan_signal(&o.plan, TENANT_DEFAULT, &run, &event, &err),
                     FF_IN_DOUBT);
    assert_int_equal(node_plan_event(&o.plan, TENANT_DEFAULT, &event, &told, &err),
                     FF_IN_DOUBT);
    assert_int_equal(node_plan_backfill(&o.plan, TENANT_DEFAULT, &fill, &no, &n, &err),
                     FF_IN_DOUBT);
    assert_int_equal(node_plan_reset(&o.plan, TENANT_DEFAULT, &run, &reset, &err),
                     FF_IN_DOUBT);
    assert_non_null(strstr(err.msg, "look before"));
    assert_int_equal(o.batch.n, 0);
    plan_close(&o);
}

/* --- runs that begin again --- */

#define ENDED_ID "01890000-0000-7000-8000-000000000001"

struct resetting {
    struct asked asked;
    struct run_row run;
    bool others; /* write to it in the middle of the first try */
    int n_tries;
};

static void put_run(struct place *p, struct run_row *run)
{
    struct batch b = {0};
    struct ff_err err = {0};

    batch_put(&b, &record_run, run, FF_ANY_VERSION);
    check(store_commit_now(p->store, &b, NULL, &err), &err);
    batch_done(&b);
}

/* The first try loses against somebody who has nothing to do with the run. */
static int plan_reset(void *arg, const struct node_plan *p, struct ff_err *err)
{
    const struct node_reset all = {.how = NODE_RESET_ALL};
    struct resetting *r = arg;
    struct adding a = {.place = r->asked.place};
    int64_t no;
    int code = node_plan_reset(p, TENANT_DEFAULT, &r->run, &all, err);

    r->n_tries++;
    if (code == FF_OK)
        code = plan_add(&a, p, err);
    if (code == FF_OK && p->tries == 0)
        code = store_take_numbers(a.place->store, "test", 1, &no, err);
    if (code == FF_OK && p->tries == 0 && r->others)
        put_run(a.place, &r->run);
    return code;
}

static struct resetting reset_of(struct place *p)
{
    struct resetting r = {.run = {.tenant = TENANT_DEFAULT.no,
                                  .run = 1,
                                  .id = span_of(ENDED_ID),
                                  .project = PROJECT_DEFAULT,
                                  .workflow = span_of("w"),
                                  .hash = span_of("none"),
                                  .kind = span_of(engine_dag.name),
                                  .state = RUN_FAILED,
                                  .inputs = span_of("{}"),
                                  .parent_run = MODEL_NULL}};

    put_run(p, &r.run);
    r.run.version = 1;
    return r;
}

static void a_reset_is_planned_again_while_the_run_is_the_same(void **state)
{
    struct place *p = *state;
    struct resetting r = reset_of(p);

    ask(p, plan_reset, &r, &r.asked);
    run_until(p, 1);
    assert_int_equal(r.asked.code, FF_OK);
    assert_int_equal(r.n_tries, 2);
    assert_int_equal(rows_of(p, &record_open_run), 1);
}

static void a_reset_of_a_run_that_others_change_is_refused(void **state)
{
    struct place *p = *state;
    struct resetting r = reset_of(p);

    r.others = true;
    ask(p, plan_reset, &r, &r.asked);
    run_until(p, 1);
    assert_int_equal(r.asked.code, FF_CONFLICT);
    assert_int_equal(r.n_tries, 2);
    assert_int_equal(rows_of(p, &record_open_run), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(who_was_slower_plans_again_and_no_change_is_lost),
        ON_EACH(who_is_always_slower_is_told_so_in_the_end),
        ON_EACH(what_a_plan_says_is_the_answer_and_nothing_is_done),
        ON_EACH(what_is_kept_of_a_plan_that_failed_is_durable),
        ON_EACH(a_plan_without_rows_is_done_at_once),
        ON_EACH(more_than_may_wait_are_refused_at_once),
        ON_EACH(a_pool_is_closed_after_its_changes_are_durable),
        ON_EACH(who_has_lost_his_shard_tells_users_to_come_again),
        ON_EACH(runs_that_are_submitted_at_once_are_all_there),
        ON_EACH(large_inputs_are_files_before_the_run_is_there),
        ON_EACH(large_inputs_of_a_try_that_was_refused_do_not_stay),
        ON_EACH(no_sweep_gets_between_a_lost_try_and_what_becomes_of_it),
        ON_EACH(what_is_settled_and_was_made_after_all_stays),
        ON_EACH(nothing_stays_of_a_submit_that_is_given_up),
        ON_EACH(a_submit_in_doubt_finds_its_run_by_the_id),
        ON_EACH(who_cannot_tell_says_that_nobody_knows),
        cmocka_unit_test_setup_teardown(a_commit_in_doubt_makes_one_run,
                                        place_open_lying, place_close),
        cmocka_unit_test_setup_teardown(a_plan_that_gets_nowhere_leaves_the_doubt,
                                        place_open_doubtful, place_close),
        cmocka_unit_test_setup_teardown(what_a_plan_knows_after_a_doubt_is_the_answer,
                                        place_open_doubtful, place_close),
        ON_EACH(a_reset_is_planned_again_while_the_run_is_the_same),
        ON_EACH(a_reset_of_a_run_that_others_change_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
