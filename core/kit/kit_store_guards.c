/* kit/kit_store_guards.c - checks of guards: what each kind of change expects of its
 * row, and what a commit says when it is not so. */
#include "kit/kit_store.h"

static void an_insert_finds_no_row(struct kit *k)
{
    struct kit_batch b = {0};
    struct kit_store s;

    kit_open(k, &s, &kit_schema);
    kit_put(&b, 1, 10, 11, FF_ABSENT);
    kit_must_commit(&s, &b, "an insert where there is no row");
    kit_expect_pairs(&s, "1:10,11 v1", "after an insert");
    kit_put(&b, 1, 20, 21, FF_ABSENT);
    kit_must_fail(&s, &b, FF_CONFLICT, 0, "an insert over a row");
    kit_expect_pairs(&s, "1:10,11 v1", "after an insert that failed");
    kit_close(&s);
}

static void a_replacement_finds_its_version(struct kit *k)
{
    struct kit_batch b = {0};
    struct kit_store s;

    kit_open(k, &s, &kit_schema);
    kit_put(&b, 1, 10, 11, 1);
    kit_must_fail(&s, &b, FF_CONFLICT, 0, "a replacement where there is no row");
    kit_put(&b, 1, 10, 11, FF_ABSENT);
    kit_must_commit(&s, &b, "an insert");
    kit_put(&b, 1, 20, 21, 1);
    kit_must_commit(&s, &b, "a replacement of version 1");
    kit_expect_pairs(&s, "1:20,21 v2", "after a replacement");
    kit_put(&b, 1, 30, 31, 1);
    kit_must_fail(&s, &b, FF_CONFLICT, 0, "a replacement of version 1 of a row at 2");
    kit_put(&b, 1, 30, 31, 3);
    kit_must_fail(&s, &b, FF_CONFLICT, 0, "a replacement of version 3 of a row at 2");
    kit_expect_pairs(&s, "1:20,21 v2", "after replacements that failed");
    kit_close(&s);
}

const struct kit_check kit_store_guards[] = {
    {.name = "guards/put-absent",
     .what = "PUT with FF_ABSENT inserts, and conflicts where there is a row",
     .run = an_insert_finds_no_row},
    {.name = "guards/put-version",
     .what = "PUT with a version replaces the row that has it, and conflicts otherwise",
     .run = a_replacement_finds_its_version},
    {0},
};
