/* How the changes of a commit become statements: few, and in an order that nobody could
 * tell from one after the other. No server is needed for that. */
#include "postgres.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { K, VERSION, NOTE, STATE, ID, N_COLUMNS };

static const char *const state_names[] = {"new", "old", NULL};
static const struct ff_column columns[] = {
    [K] = {.name = "k", .type = FF_INT, .since = 1},
    [VERSION] = {.name = "version", .type = FF_INT, .since = 1},
    [NOTE] = {.name = "note", .type = FF_TEXT, .flags = FF_COL_NULLABLE, .since = 1},
    [STATE] = {.name = "state",
               .type = FF_ENUM,
               .flags = FF_COL_NULLABLE,
               .names = state_names,
               .since = 1},
    [ID] = {.name = "id", .type = FF_TEXT, .flags = FF_COL_NULLABLE, .since = 1},
};
static const uint16_t by_id[] = {ID};
static const struct ff_index indexes[] = {
    {.name = "named_id", .columns = by_id, .n_columns = 1, .unique = 1, .since = 1},
};
static const struct ff_record plain = {.struct_size = sizeof(struct ff_record),
                                       .name = "plain",
                                       .since = 1,
                                       .columns = columns,
                                       .n_columns = N_COLUMNS,
                                       .n_key = 1};
static const struct ff_record named = {.struct_size = sizeof(struct ff_record),
                                       .name = "named",
                                       .since = 1,
                                       .columns = columns,
                                       .n_columns = N_COLUMNS,
                                       .n_key = 1,
                                       .indexes = indexes,
                                       .n_indexes = 1};
static const struct ff_record *const records[] = {&plain, &named, NULL};
static const struct ff_schema schema = {
    .struct_size = sizeof(struct ff_schema), .version = 1, .records = records};

#define MAX_CHANGES 3000

struct world {
    struct pg_session s;
    struct pg_config config;
    struct ff_change *changes;
    struct ff_value (*values)[N_COLUMNS];
    size_t n, failed;
    struct ff_err err;
};

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    w->changes = calloc(MAX_CHANGES, sizeof(*w->changes));
    w->values = calloc(MAX_CHANGES, sizeof(*w->values));
    w->config.schema = "flowforge";
    w->s.config = &w->config;
    w->s.schema = &schema;
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    pg_plan_free(w->s.plan);
    pg_cache_done(&w->s.cache);
    free(w->changes);
    free(w->values);
    free(w);
    return 0;
}

static struct ff_value text(const char *s)
{
    return (struct ff_value){.type = FF_TEXT, .s = s, .len = strlen(s)};
}

static struct ff_value *add(struct world *w, const struct ff_record *record,
                            uint32_t kind, int64_t key, int64_t expect)
{
    struct ff_value *values = w->values[w->n];

    values[K] = (struct ff_value){.type = FF_INT, .i = key};
    w->changes[w->n++] = (struct ff_change){
        .kind = kind, .record = record, .expect = expect, .values = values};
    return values;
}

static void patch(struct world *w, const struct ff_record *record, int64_t key,
                  uint16_t column, const char *value)
{
    add(w, record, FF_PATCH, key, 1)[column] = text(value);
    w->changes[w->n - 1].set = UINT64_C(1) << column;
}

static int make(struct world *w, bool one_each)
{
    w->failed = SIZE_MAX;
    return pg_plan_make(&w->s, w->changes, w->n, one_each, &w->failed, &w->err);
}

/* "PUT:3 PATCH:2": kinds and numbers of rows, in the order of the statements. */
static const char *groups(struct world *w)
{
    static const char *const kinds[] = {[FF_PUT] = "PUT",
                                        [FF_PATCH] = "PATCH",
                                        [FF_DELETE] = "DELETE",
                                        [FF_CHECK] = "CHECK"};
    static char out[512];
    size_t len = 0;

    assert_int_equal(make(w, false), FF_OK);
    out[0] = '\0';
    for (size_t i = 0; i < w->s.plan->n_groups; i++)
        len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%s:%zu", i ? " " : "",
                                kinds[w->s.plan->groups[i].shape.kind],
                                w->s.plan->groups[i].n);
    return out;
}

/* --- */

static void however_many_rows_there_are_the_statements_are_few(void **state)
{
    struct world *w = *state;

    add(w, &plain, FF_CHECK, 5000, 1);
    for (int64_t i = 0; i < 1000; i++) {
        add(w, &plain, FF_PUT, i, FF_ABSENT)[NOTE] = text("new");
        patch(w, &plain, 1000 + i, NOTE, "patched");
        add(w, &plain, FF_DELETE, 2000 + i % 900, FF_ANY_VERSION);
        w->n -= i >= 900; /* a row is deleted once */
    }
    assert_string_equal(groups(w), "CHECK:1 PUT:1000 PATCH:1000 DELETE:900");
}

static void what_is_done_to_a_row_again_comes_in_a_later_statement(void **state)
{
    struct world *w = *state;

    add(w, &plain, FF_PUT, 1, FF_ABSENT);
    add(w, &plain, FF_PUT, 2, FF_ABSENT);
    patch(w, &plain, 1, NOTE, "a");
    patch(w, &plain, 3, NOTE, "a");
    add(w, &plain, FF_PUT, 4, FF_ABSENT); /* not back into the first one */
    add(w, &plain, FF_CHECK, 3, 2);
    assert_string_equal(groups(w), "PUT:2 PATCH:2 PUT:1 CHECK:1");
}

static void rows_of_other_records_are_not_the_same_row(void **state)
{
    struct world *w = *state;

    for (int64_t i = 0; i < 3; i++) {
        add(w, &plain, FF_PUT, i, FF_ABSENT);
        add(w, &named, FF_PUT, i, FF_ABSENT);
    }
    assert_string_equal(groups(w), "PUT:3 PUT:3");
}

static void the_order_that_a_unique_index_sees_is_kept(void **state)
{
    struct world *w = *state;

    add(w, &named, FF_PUT, 1, FF_ABSENT)[ID] = text("a");
    add(w, &named, FF_PUT, 2, FF_ABSENT)[ID] = text("b");
    add(w, &named, FF_DELETE, 3, 1); /* may set "c" free */
    add(w, &named, FF_PUT, 4, FF_ABSENT)[ID] = text("c");
    patch(w, &named, 5, ID, "d");
    patch(w, &named, 6, ID, "e");
    add(w, &named, FF_PUT, 7, 1)[ID] = text("f");
    assert_string_equal(groups(w), "PUT:2 DELETE:1 PUT:1 PATCH:1 PATCH:1 PUT:1");
}

static void what_no_unique_index_sees_goes_together(void **state)
{
    struct world *w = *state;

    for (int64_t i = 0; i < 4; i++) {
        add(w, &named, FF_PUT, i, FF_ABSENT)[ID] =
            text("same for all, says the server");
        patch(w, &named, 10 + i, NOTE, "n");
        add(w, &named, FF_CHECK, 20 + i, 1);
    }
    assert_string_equal(groups(w), "PUT:4 PATCH:4 CHECK:4");
}

static void other_columns_are_another_statement(void **state)
{
    struct world *w = *state;

    patch(w, &plain, 1, NOTE, "n");
    patch(w, &plain, 2, ID, "i");
    patch(w, &plain, 3, NOTE, "n");
    w->changes[2].expect = FF_ANY_VERSION;
    assert_string_equal(groups(w), "PATCH:1 PATCH:1 PATCH:1");
}

static void columns_that_are_null_in_all_rows_are_left_out(void **state)
{
    struct world *w = *state;
    const struct pg_group *g;

    add(w, &plain, FF_PUT, 1, FF_ABSENT)[NOTE] = text("n");
    add(w, &plain, FF_PUT, 2, FF_ABSENT)[ID] = text("i");
    assert_string_equal(groups(w), "PUT:2");
    g = &w->s.plan->groups[0];
    assert_int_equal(g->shape.columns, 1U << NOTE | 1U << ID);
    assert_null(strstr(g->statement->sql.s, "state"));
    assert_non_null(strstr(g->statement->sql.s, "\"note\", \"id\""));
}

static void only_many_inserts_raise_an_error_over_a_row(void **state)
{
    struct world *w = *state;

    for (int64_t i = 0; i < 8; i++)
        add(w, &plain, FF_PUT, i, FF_ABSENT);
    groups(w);
    assert_non_null(strstr(w->s.plan->groups[0].statement->sql.s, "DO NOTHING"));
    add(w, &plain, FF_PUT, 8, FF_ABSENT);
    groups(w);
    assert_null(strstr(w->s.plan->groups[0].statement->sql.s, "DO NOTHING"));
}

static void one_by_one_each_change_is_a_statement_in_its_place(void **state)
{
    struct world *w = *state;

    add(w, &plain, FF_PUT, 1, FF_ABSENT);
    add(w, &plain, FF_PUT, 2, FF_ABSENT);
    add(w, &plain, FF_DELETE, 1, 1);
    assert_int_equal(make(w, true), FF_OK);
    assert_int_equal(w->s.plan->n_groups, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(w->s.plan->groups[i].first, i);
}

static void that_nothing_is_there_takes_a_lock_of_its_table_alone(void **state)
{
    struct world *w = *state;

    add(w, &plain, FF_CHECK, 1, FF_ABSENT);
    add(w, &named, FF_CHECK, 1, 1);
    groups(w);
    assert_true(w->s.plan->records[0].needs_lock);
    assert_false(w->s.plan->records[1].needs_lock);
    assert_false(w->s.plan->records[0].is_changed);
}

static void a_mistake_is_told_with_its_place_and_leaves_no_plan(void **state)
{
    struct world *w = *state;

    add(w, &plain, FF_PUT, 1, FF_ABSENT);
    add(w, &plain, FF_PUT, 2, FF_ABSENT)[NOTE] = text("fine");
    add(w, &plain, FF_PUT, 3, FF_ABSENT)[NOTE] = (struct ff_value){.type = FF_INT};
    assert_int_equal(make(w, false), FF_INVALID);
    assert_int_equal(w->failed, 2);
    assert_string_equal(w->err.msg, "plain.note was given a value of another type");
}

static void places_of_this_machine_are_known(void **state)
{
    static const char *const here[] = {"/run/postgresql", "@abstract", "localhost",
                                       "localhost:5433",  "127.0.0.1", "::1",
                                       "127.0.0.1:5432"};
    static const char *const away[] = {"localhost.example.com", "db", "10.0.0.1",
                                       "127.0.0.10", "::12"};

    (void)state;
    for (size_t i = 0; i < sizeof(here) / sizeof(here[0]); i++)
        assert_true(pg_is_local(here[i]));
    for (size_t i = 0; i < sizeof(away) / sizeof(away[0]); i++)
        assert_false(pg_is_local(away[i]));
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(however_many_rows_there_are_the_statements_are_few),
        TEST(what_is_done_to_a_row_again_comes_in_a_later_statement),
        TEST(rows_of_other_records_are_not_the_same_row),
        TEST(the_order_that_a_unique_index_sees_is_kept),
        TEST(what_no_unique_index_sees_goes_together),
        TEST(other_columns_are_another_statement),
        TEST(columns_that_are_null_in_all_rows_are_left_out),
        TEST(only_many_inserts_raise_an_error_over_a_row),
        TEST(one_by_one_each_change_is_a_statement_in_its_place),
        TEST(that_nothing_is_there_takes_a_lock_of_its_table_alone),
        TEST(a_mistake_is_told_with_its_place_and_leaves_no_plan),
        TEST(places_of_this_machine_are_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
