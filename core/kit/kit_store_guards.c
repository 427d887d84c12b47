/* kit/kit_store_guards.c - checks of guards: what each kind of change expects of its
 * row, and what a commit says when it is not so. */
#include "kit/kit_store.h"

/* --- each kind with each guard --- */

/* One change of pair 1, which is not there, or is 1:10,11 at version 3. */
struct guard_case {
    bool is_there;
    int64_t expect;
    int code;
    const char *after;
};

struct guard_cases {
    uint32_t kind;
    const struct guard_case *cases; /* ends with after NULL */
};

#define ROW "1:10,11 v3"

static const struct guard_case put_absent[] = {
    {false, FF_ABSENT, FF_OK, "1:20,21 v1"},
    {true, FF_ABSENT, FF_CONFLICT, ROW},
    {0},
};
static const struct guard_case put_any[] = {
    {false, FF_ANY_VERSION, FF_OK, "1:20,21 v1"},
    {true, FF_ANY_VERSION, FF_OK, "1:20,21 v4"},
    {0},
};
static const struct guard_case put_version[] = {
    {true, 3, FF_OK, "1:20,21 v4"}, {true, 2, FF_CONFLICT, ROW},
    {true, 4, FF_CONFLICT, ROW},    {true, INT64_MAX, FF_CONFLICT, ROW},
    {false, 1, FF_CONFLICT, ""},    {0},
};
static const struct guard_case patch_any[] = {
    {true, FF_ANY_VERSION, FF_OK, "1:20,11 v4"},
    {false, FF_ANY_VERSION, FF_CONFLICT, ""},
    {0},
};
static const struct guard_case patch_version[] = {
    {true, 3, FF_OK, "1:20,11 v4"}, {true, 2, FF_CONFLICT, ROW},
    {true, 4, FF_CONFLICT, ROW},    {true, INT64_MAX, FF_CONFLICT, ROW},
    {false, 1, FF_CONFLICT, ""},    {0},
};
static const struct guard_case delete_any[] = {
    {true, FF_ANY_VERSION, FF_OK, ""},
    {false, FF_ANY_VERSION, FF_OK, ""},
    {0},
};
static const struct guard_case delete_version[] = {
    {true, 3, FF_OK, ""},        {true, 2, FF_CONFLICT, ROW},
    {true, 4, FF_CONFLICT, ROW}, {true, INT64_MAX, FF_CONFLICT, ROW},
    {false, 1, FF_CONFLICT, ""}, {0},
};
static const struct guard_case check_absent[] = {
    {false, FF_ABSENT, FF_OK, ""},
    {true, FF_ABSENT, FF_CONFLICT, ROW},
    {0},
};
static const struct guard_case check_any[] = {
    {true, FF_ANY_VERSION, FF_OK, ROW},
    {false, FF_ANY_VERSION, FF_CONFLICT, ""},
    {0},
};
static const struct guard_case check_version[] = {
    {true, 3, FF_OK, ROW},       {true, 2, FF_CONFLICT, ROW},
    {true, 4, FF_CONFLICT, ROW}, {true, INT64_MAX, FF_CONFLICT, ROW},
    {false, 1, FF_CONFLICT, ""}, {0},
};

static void add_change(struct kit_batch *b, uint32_t kind, int64_t expect)
{
    if (kind == FF_PUT)
        kit_put(b, 1, 20, 21, expect);
    else if (kind == FF_PATCH)
        kit_patch(b, 1, 20, expect);
    else if (kind == FF_DELETE)
        kit_delete(b, 1, expect);
    else
        kit_check(b, 1, expect);
}

static void prepare(struct kit_store *s, bool is_there)
{
    struct kit_batch b = {0};

    kit_delete(&b, 1, FF_ANY_VERSION);
    if (is_there) {
        kit_put(&b, 1, 8, 11, FF_ABSENT);
        kit_patch(&b, 1, 9, 1);
        kit_patch(&b, 1, 10, 2);
    }
    kit_must_commit(s, &b, "preparing pair 1");
    kit_expect_pairs(s, is_there ? ROW : "", "pair 1 as prepared");
}

static void guards_hold(struct kit *k)
{
    static const char *const kinds[] = {[FF_PUT] = "PUT",
                                        [FF_PATCH] = "PATCH",
                                        [FF_DELETE] = "DELETE",
                                        [FF_CHECK] = "CHECK"};
    const struct guard_cases *all = kit_data(k);
    struct kit_batch b = {0};
    struct kit_store s;

    kit_open(k, &s, &kit_schema);
    for (const struct guard_case *c = all->cases; c->after; c++) {
        prepare(&s, c->is_there);
        add_change(&b, all->kind, c->expect);
        kit_expect_code(k, kit_commit(&s, &b), c->code, &s.err,
                        "a %s that expects %lld of a row that is %s", kinds[all->kind],
                        (long long)c->expect,
                        c->is_there ? "at version 3" : "not there");
        if (c->code != FF_OK)
            kit_expect_int(k, s.failed, 0, "*failed, the position of the change");
        kit_expect_pairs(&s, c->after, "after a %s that expects %lld", kinds[all->kind],
                         (long long)c->expect);
    }
    kit_close(&s);
}

/* --- versions --- */

static void versions_count_changes(struct kit *k)
{
    struct kit_batch b = {0};
    struct kit_store s;

    kit_open(k, &s, &kit_schema);
    b.values[kit_put(&b, 1, 10, 11, FF_ABSENT)][PAIR_VERSION] = v_int(77);
    b.values[kit_put(&b, 2, 20, 21, FF_ANY_VERSION)][PAIR_VERSION] = v_int(77);
    kit_must_commit(&s, &b, "inserts whose values name a version");
    kit_expect_pairs(&s, "1:10,11 v1; 2:20,21 v1", "a version is the store's business");
    for (int64_t i = 1; i <= 5; i++) {
        kit_put(&b, 1, i, i, i);
        kit_patch(&b, 2, i, FF_ANY_VERSION);
        kit_must_commit(&s, &b, "change %lld of each", (long long)i);
    }
    kit_expect_pairs(&s, "1:5,5 v6; 2:5,21 v6", "after five changes of each");
    kit_put(&b, 1, 5, 5, 6);
    kit_must_commit(&s, &b, "a replacement by the same values");
    kit_delete(&b, 2, 6);
    kit_must_commit(&s, &b, "a delete");
    kit_put(&b, 2, 1, 1, FF_ABSENT);
    kit_must_commit(&s, &b, "an insert in the place of a deleted row");
    kit_expect_pairs(&s, "1:5,5 v7; 2:1,1 v1", "after delete and insert");
    kit_close(&s);
}

static void failed_is_the_first_that_did_not_hold(struct kit *k)
{
    struct kit_batch b = {0};
    struct kit_store s;

    kit_open(k, &s, &kit_schema);
    for (int64_t i = 0; i < 8; i++)
        kit_put(&b, i, i, i, FF_ABSENT);
    kit_must_commit(&s, &b, "eight pairs");
    for (int64_t bad = 0; bad < 8; bad++) {
        for (int64_t i = 0; i < 8; i++)
            kit_patch(&b, i, 100, i == bad || i == 7 ? 9 : 1);
        kit_must_fail(&s, &b, FF_CONFLICT, bad, "a stale patch at position %lld",
                      (long long)bad);
    }
    for (int64_t i = 0; i < 8; i++)
        kit_check(&b, i, i < 3 ? 1 : FF_ABSENT);
    kit_must_fail(&s, &b, FF_CONFLICT, 3, "checks that fail from position 3");
    kit_check(&b, 1, 1);
    kit_put(&b, 20, 0, 0, FF_ABSENT);
    kit_patch(&b, 20, 1, 1);
    kit_put(&b, 20, 0, 0, FF_ABSENT);
    kit_must_fail(&s, &b, FF_CONFLICT, 3, "an insert over a row of the same commit");
    kit_close(&s);
}

/* --- many rows: a store may do them together, and must not show it --- */

#define N_MANY 45

static void insert_many(struct kit_store *s, struct kit_batch *b)
{
    char u[N_MANY][24];

    for (int64_t i = 0; i < N_MANY; i++)
        kit_put(b, i, i, i, FF_ABSENT);
    kit_must_commit(s, b, "%d inserts", N_MANY);
    for (int64_t i = 0; i < N_MANY; i++)
        kit_put(b, i == 30 ? 5 : 100 + i, 0, 0, FF_ABSENT);
    kit_must_fail(s, b, FF_CONFLICT, 30, "one of %d inserts over a row that is there",
                  N_MANY);
    for (int64_t i = 0; i < N_MANY; i++) {
        snprintf(u[i], sizeof(u[i]), "u%lld", (long long)(i == 25 ? 10 : i));
        b->values[kit_put_thing(b, i, "x", FF_ABSENT)][THING_U] = v_text(u[i]);
    }
    kit_must_fail(s, b, FF_CONFLICT, 25, "one of %d inserts with a value of another",
                  N_MANY);
}

static void change_many(struct kit_store *s, struct kit_batch *b)
{
    for (int64_t i = 0; i < N_MANY; i++)
        kit_patch(b, i, i + 1, i == 33 ? 2 : 1);
    kit_must_fail(s, b, FF_CONFLICT, 33, "one of %d patches of another version",
                  N_MANY);
    for (int64_t i = 0; i < N_MANY; i++)
        kit_delete(b, i, i == 41 ? 7 : 1);
    kit_must_fail(s, b, FF_CONFLICT, 41, "one of %d deletes of another version",
                  N_MANY);
    /* A row again and again, among others that are changed once. */
    for (int64_t i = 0; i < N_MANY; i++)
        kit_patch(b, i, i + 1, 1);
    kit_patch(b, 7, 70, 2);
    kit_delete(b, 7, 3);
    kit_check(b, 7, FF_ABSENT);
    kit_put(b, 7, 77, 7, FF_ABSENT);
    kit_patch(b, 8, 80, 2);
    kit_put(b, 9, 90, 9, 2);
    kit_must_commit(s, b, "rows that are changed more than once by one commit");
}

static void many_rows_are_as_one_after_the_other(struct kit *k)
{
    struct ff_query q = kit_query(&kit_pair, -1);
    const struct ff_value from = v_int(6);
    struct kit_batch b = {0};
    struct kit_store s;

    kit_open(k, &s, &kit_schema);
    insert_many(&s, &b);
    change_many(&s, &b);
    kit_expect_int(k, kit_count(&s, &q), N_MANY, "rows after all of it");
    q.from = &from;
    q.limit = 5;
    kit_expect_text(k, kit_rows(&s, &q),
                    "k=6 version=2 left_hand=7 right_hand=6; "
                    "k=7 version=1 left_hand=77 right_hand=7; "
                    "k=8 version=3 left_hand=80 right_hand=8; "
                    "k=9 version=3 left_hand=90 right_hand=9; "
                    "k=10 version=2 left_hand=11 right_hand=10",
                    "rows that were changed once and more than once");
    kit_close(&s);
}

/* --- unique indexes --- */

static void add_unique(struct kit_batch *b, int64_t a, const char *u)
{
    const size_t i = kit_put_thing(b, a, "x", FF_ANY_VERSION);

    b->values[i][THING_U] = u ? v_text(u) : v_null();
}

static void a_unique_index_has_a_value_once(struct kit *k)
{
    struct kit_batch b = {0};
    struct kit_store s;
    size_t i;

    kit_open(k, &s, &kit_schema);
    add_unique(&b, 1, "one");
    add_unique(&b, 2, "two");
    kit_must_commit(&s, &b, "two values of a unique index");
    kit_put(&b, 5, 5, 5, FF_ABSENT);
    add_unique(&b, 3, "one");
    kit_must_fail(&s, &b, FF_CONFLICT, 1, "an insert of a value that is there");
    i = kit_add(&b, &kit_thing, FF_PATCH, 1);
    b.values[i][THING_A] = v_int(2);
    b.values[i][THING_B] = v_text("x");
    b.values[i][THING_U] = v_text("one");
    b.changes[i].set = UINT64_C(1) << THING_U;
    kit_must_fail(&s, &b, FF_CONFLICT, 0, "a patch to a value that is there");
    add_unique(&b, 3, "three");
    add_unique(&b, 4, "three");
    kit_must_fail(&s, &b, FF_CONFLICT, 1, "a value twice in one commit");
    add_unique(&b, 1, "one");
    kit_must_commit(&s, &b, "a replacement that keeps its value");
    add_unique(&b, 1, "free");
    add_unique(&b, 3, "one");
    kit_must_commit(&s, &b, "a value that the same commit has set free");
    kit_expect_pairs(&s, "", "of a commit that broke a unique index nothing is left");
    kit_close(&s);
}

/* kit_thing_n_ok is unique over (a, n, ok). */
static void add_n_ok(struct kit_batch *b, const char *key, struct ff_value n,
                     struct ff_value ok)
{
    const size_t i = kit_put_thing(b, 1, key, FF_ABSENT);

    b->values[i][THING_N] = n;
    b->values[i][THING_OK] = ok;
}

static void nulls_never_collide(struct kit *k)
{
    const struct ff_value yes = v_number(FF_BOOL, 1);
    const struct ff_value no = v_number(FF_BOOL, 0);
    struct kit_batch b = {0};
    struct kit_store s;

    kit_open(k, &s, &kit_schema);
    for (int64_t i = 0; i < 4; i++)
        add_unique(&b, 100 + i, NULL);
    kit_must_commit(&s, &b, "four nulls in a unique index of one column");
    add_n_ok(&b, "a", v_int(5), v_null());
    add_n_ok(&b, "b", v_int(5), v_null());
    add_n_ok(&b, "c", v_null(), yes);
    add_n_ok(&b, "d", v_null(), yes);
    kit_must_commit(&s, &b, "equal values beside a null");
    add_n_ok(&b, "e", v_int(5), yes);
    add_n_ok(&b, "f", v_int(5), no);
    kit_must_commit(&s, &b, "values that differ in the last column");
    add_n_ok(&b, "g", v_int(5), no);
    kit_must_fail(&s, &b, FF_CONFLICT, 0, "all columns equal and none null");
    kit_close(&s);
}

#define GUARD(NAME, KIND, CASES, WHAT)                                                 \
    {                                                                                  \
        .name = "guards/" NAME, .what = (WHAT), .run = guards_hold,                    \
        .data = &(const struct guard_cases)                                            \
        {                                                                              \
            (KIND), (CASES)                                                            \
        }                                                                              \
    }

const struct kit_check kit_store_guards[] = {
    GUARD("put-absent", FF_PUT, put_absent,
          "PUT with FF_ABSENT inserts, and conflicts where there is a row"),
    GUARD("put-any", FF_PUT, put_any,
          "PUT with FF_ANY_VERSION inserts or replaces, whichever it has to"),
    GUARD("put-version", FF_PUT, put_version,
          "PUT with a version replaces the row that has it, and conflicts otherwise"),
    GUARD(
        "patch-any", FF_PATCH, patch_any,
        "PATCH with FF_ANY_VERSION changes the row, and conflicts where there is none"),
    GUARD("patch-version", FF_PATCH, patch_version,
          "PATCH with a version changes the row that has it, and conflicts otherwise"),
    GUARD("delete-any", FF_DELETE, delete_any,
          "DELETE with FF_ANY_VERSION succeeds, whether there is a row or not"),
    GUARD("delete-version", FF_DELETE, delete_version,
          "DELETE with a version deletes the row that has it, and conflicts otherwise"),
    GUARD("check-absent", FF_CHECK, check_absent,
          "CHECK with FF_ABSENT holds where there is no row, and writes nothing"),
    GUARD("check-any", FF_CHECK, check_any,
          "CHECK with FF_ANY_VERSION holds where there is a row, and writes nothing"),
    GUARD("check-version", FF_CHECK, check_version,
          "CHECK with a version holds for the row that has it, and writes nothing"),
    {.name = "guards/versions",
     .what =
         "a version is 1 after an insert and grows by 1 with every change, whatever "
         "the values say",
     .run = versions_count_changes},
    {.name = "guards/failed-position",
     .what = "on FF_CONFLICT *failed is the first change whose guard did not hold",
     .run = failed_is_the_first_that_did_not_hold},
    {.name = "guards/many-rows",
     .what = "changes of many rows, and several of one, are as one after the other",
     .run = many_rows_are_as_one_after_the_other},
    {.name = "guards/unique",
     .what = "a change that would give a unique index a value twice is FF_CONFLICT",
     .run = a_unique_index_has_a_value_once},
    {.name = "guards/unique-null",
     .what = "rows with a null in a unique index never collide there",
     .run = nulls_never_collide},
    {0},
};
