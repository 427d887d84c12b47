/* kit/kit_store_atomic.c - checks of commits as a whole: all or nothing, in order, and
 * refused when a change makes no sense. */
#include "kit/kit_store.h"

/* --- all or nothing --- */

#define BEFORE "1:10,11 v1; 2:20,21 v1; 3:30,31 v1"

static void add_one_of_each(struct kit_batch *b)
{
    kit_patch(b, 1, 99, 1);
    kit_delete(b, 2, 1);
    kit_put(b, 3, 99, 99, 1);
    kit_put(b, 4, 99, 99, FF_ABSENT);
}

static void open_with_three(struct kit *k, struct kit_store *s)
{
    struct kit_batch b = {0};

    kit_open(k, s, &kit_schema);
    for (int64_t i = 1; i <= 3; i++)
        kit_put(&b, i, i * 10, i * 10 + 1, FF_ABSENT);
    kit_must_commit(s, &b, "three pairs");
    kit_expect_pairs(s, BEFORE, "three pairs");
}

static void a_conflict_leaves_nothing(struct kit *k)
{
    struct kit_batch b = {0};
    struct kit_store s;

    open_with_three(k, &s);
    add_one_of_each(&b);
    kit_check(&b, 1, 1);
    kit_must_fail(&s, &b, FF_CONFLICT, 4, "a check that the first change has outdated");
    kit_expect_pairs(&s, BEFORE, "after a conflict at the end");
    add_one_of_each(&b);
    kit_put(&b, 3, 1, 1, FF_ABSENT);
    add_one_of_each(&b);
    kit_must_fail(&s, &b, FF_CONFLICT, 4, "an insert over a row in the middle");
    kit_expect_pairs(&s, BEFORE, "after a conflict in the middle");
    add_one_of_each(&b);
    kit_must_commit(&s, &b, "the same changes without one at fault");
    kit_expect_pairs(&s, "1:99,11 v2; 3:99,99 v2; 4:99,99 v1", "after a commit");
    kit_close(&s);
}

static void an_invalid_change_leaves_nothing(struct kit *k)
{
    struct kit_batch b = {0};
    struct kit_store s;

    open_with_three(k, &s);
    add_one_of_each(&b);
    kit_delete(&b, 1, FF_ABSENT);
    kit_must_fail(&s, &b, FF_INVALID, 4, "a change that makes no sense");
    kit_expect_pairs(&s, BEFORE, "after a change that makes no sense");
    kit_close(&s);
}

static void one_commit_reaches_all_records(struct kit *k)
{
    struct ff_query q = kit_query(&kit_event, -1);
    struct kit_batch b = {0};
    struct kit_store s;
    size_t i;

    kit_open(k, &s, &kit_schema);
    kit_put(&b, 1, 1, 1, FF_ABSENT);
    i = kit_add(&b, &kit_event, FF_PUT, FF_ABSENT);
    b.values[i][EVENT_ID] = v_int(7);
    kit_put_thing(&b, 1, "a", FF_ABSENT);
    kit_put(&b, 1, 1, 1, FF_ABSENT);
    kit_must_fail(&s, &b, FF_CONFLICT, 3, "an insert over a row of the same commit");
    kit_expect_int(k, kit_count(&s, &q), 0, "events after a commit that failed");
    kit_expect_pairs(&s, "", "pairs after a commit that failed");
    q.record = &kit_thing;
    kit_expect_int(k, kit_count(&s, &q), 0, "things after a commit that failed");
    kit_close(&s);
}

/* --- order --- */

static void later_changes_see_the_earlier(struct kit *k)
{
    struct kit_batch b = {0};
    struct kit_store s;

    kit_open(k, &s, &kit_schema);
    kit_check(&b, 1, FF_ABSENT);
    kit_put(&b, 1, 1, 1, FF_ABSENT);
    kit_check(&b, 1, 1);
    kit_patch(&b, 1, 2, 1);
    kit_check(&b, 1, 2);
    kit_put(&b, 1, 3, 3, 2);
    kit_delete(&b, 1, 3);
    kit_check(&b, 1, FF_ABSENT);
    kit_put(&b, 1, 4, 4, FF_ABSENT);
    kit_patch(&b, 1, 5, FF_ANY_VERSION);
    kit_put(&b, 2, 1, 1, FF_ABSENT);
    kit_delete(&b, 2, FF_ANY_VERSION);
    kit_must_commit(&s, &b, "one row changed eight times by one commit");
    kit_expect_pairs(&s, "1:5,4 v2", "after it");
    kit_delete(&b, 1, 2);
    kit_patch(&b, 1, 9, 2);
    kit_must_fail(&s, &b, FF_CONFLICT, 1, "a patch of a row that is deleted before");
    kit_patch(&b, 1, 9, 2);
    kit_patch(&b, 1, 9, 2);
    kit_must_fail(&s, &b, FF_CONFLICT, 1, "the second patch of one version");
    kit_expect_pairs(&s, "1:5,4 v2", "after commits that failed");
    kit_close(&s);
}

static void no_change_is_a_commit_too(struct kit *k)
{
    struct kit_batch b = {0};
    struct kit_store s;

    open_with_three(k, &s);
    kit_must_commit(&s, &b, "a commit of no changes");
    kit_check(&b, 1, 1);
    kit_must_commit(&s, &b, "a commit of one check");
    kit_expect_pairs(&s, BEFORE, "after commits that write nothing");
    kit_close(&s);
}

#define MANY 3000

static void a_commit_may_be_large(struct kit *k)
{
    struct ff_change *changes = mem_array(MANY + 1, sizeof(*changes));
    struct ff_value(*values)[N_PAIR] = mem_array(MANY + 1, sizeof(*values));
    const struct ff_query all = kit_query(&kit_pair, -1);
    struct kit_store s;
    size_t failed = KIT_UNTOUCHED;

    kit_open(k, &s, &kit_schema);
    for (size_t i = 0; i <= MANY; i++) {
        values[i][PAIR_K] = v_int((int64_t)(i % MANY));
        values[i][PAIR_LEFT] = values[i][PAIR_RIGHT] = v_int((int64_t)i);
        changes[i] = (struct ff_change){.kind = FF_PUT,
                                        .record = &kit_pair,
                                        .expect = FF_ABSENT,
                                        .values = values[i]};
    }
    kit_expect_code(k, s.ops->commit(s.session, changes, MANY + 1, &failed, &s.err),
                    FF_CONFLICT, &s.err, "%d inserts of which the last is a double",
                    MANY + 1);
    kit_expect_int(k, failed, MANY, "*failed, the position of the double");
    kit_expect_int(k, kit_count(&s, &all), 0, "rows after a large commit that failed");
    kit_expect_code(k, s.ops->commit(s.session, changes, MANY, &failed, &s.err), FF_OK,
                    &s.err, "%d inserts", MANY);
    kit_expect_int(k, kit_count(&s, &all), MANY, "rows after a large commit");
    kit_close(&s);
    mem_free(changes);
    mem_free(values);
}

/* --- patches --- */

static void a_patch_writes_the_columns_in_set(struct kit *k)
{
    struct ff_query q = kit_query(&kit_thing, -1);
    struct kit_batch b = {0};
    struct kit_store s;
    size_t i;

    kit_open(k, &s, &kit_schema);
    i = kit_put_thing(&b, 1, "a", FF_ABSENT);
    b.values[i][THING_N] = v_int(5);
    b.values[i][THING_T] = v_text("kept");
    b.values[i][THING_U] = v_text("gone");
    kit_must_commit(&s, &b, "a row");
    i = kit_put_thing(&b, 1, "a", 1);
    b.changes[i].kind = FF_PATCH;
    b.changes[i].set =
        UINT64_C(1) << THING_N | UINT64_C(1) << THING_U | UINT64_C(1) << THING_COLOR;
    b.values[i][THING_N] = v_int(6);
    b.values[i][THING_T] = v_text("not in set");
    b.values[i][THING_COLOR] = v_number(FF_ENUM, BLUE);
    kit_must_commit(&s, &b, "a patch of n, u and color");
    q.want = UINT64_C(1) << THING_VERSION | UINT64_C(1) << THING_N |
             UINT64_C(1) << THING_T | UINT64_C(1) << THING_U |
             UINT64_C(1) << THING_COLOR;
    kit_expect_text(k, kit_rows(&s, &q), " version=2 n=6 t=kept u=null color=blue",
                    "the row after a patch");
    i = kit_put_thing(&b, 1, "a", 2);
    b.changes[i].kind = FF_PATCH;
    kit_must_commit(&s, &b, "a patch of no column");
    kit_expect_text(k, kit_rows(&s, &q), " version=3 n=6 t=kept u=null color=blue",
                    "a patch of no column is a change, too");
    kit_close(&s);
}

static void a_put_writes_every_column(struct kit *k)
{
    struct ff_query q = kit_query(&kit_thing, -1);
    struct kit_batch b = {0};
    struct kit_store s;
    size_t i;

    kit_open(k, &s, &kit_schema);
    i = kit_put_thing(&b, 1, "a", FF_ABSENT);
    b.values[i][THING_T] = v_text("old");
    b.values[i][THING_N] = v_int(5);
    kit_must_commit(&s, &b, "a row");
    i = kit_put_thing(&b, 1, "a", 1);
    b.changes[i].set = UINT64_C(1) << THING_N; /* means nothing to a PUT */
    b.values[i][THING_N] = v_int(6);
    kit_must_commit(&s, &b, "a replacement whose t is null");
    q.want = UINT64_C(1) << THING_N | UINT64_C(1) << THING_T;
    kit_expect_text(k, kit_rows(&s, &q), " n=6 t=null", "the row after a replacement");
    kit_close(&s);
}

const struct kit_check kit_store_atomic[] = {
    {.name = "atomic/conflict",
     .what = "of a commit that conflicts nothing is written",
     .run = a_conflict_leaves_nothing},
    {.name = "atomic/invalid",
     .what = "of a commit with an invalid change nothing is written, and *failed is it",
     .run = an_invalid_change_leaves_nothing},
    {.name = "atomic/records",
     .what = "a commit is all or nothing over several records",
     .run = one_commit_reaches_all_records},
    {.name = "atomic/order",
     .what = "changes apply in their order; a later one sees the earlier ones",
     .run = later_changes_see_the_earlier},
    {.name = "atomic/empty",
     .what = "a commit that writes nothing succeeds and writes nothing",
     .run = no_change_is_a_commit_too},
    {.name = "atomic/large",
     .what = "a commit of thousands of changes is all or nothing, too",
     .run = a_commit_may_be_large},
    {.name = "changes/patch",
     .what = "PATCH writes the columns in `set` and no other",
     .run = a_patch_writes_the_columns_in_set},
    {.name = "changes/put",
     .what = "PUT writes every column, null where the value is null",
     .run = a_put_writes_every_column},
    {0},
};
