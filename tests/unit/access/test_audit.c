/* The audit log: a row for what was done and for what was denied, and what is seen of
 * one who changes it. */
#include "support.h"

#include <string.h>

static const struct access_scope everywhere = {{1}, PROJECT_ALL};

static struct access_verdict verified(struct place *p)
{
    struct access_verdict v;

    check(access_verify(p->store, HERE, TENANT_DEFAULT, 0, NULL, &v, &p->err), &p->err);
    return v;
}

static void check_fault(struct place *p, enum audit_fault fault, int64_t no)
{
    const struct access_verdict v = verified(p);

    assert_string_equal(audit_fault_names[v.fault], audit_fault_names[fault]);
    assert_int_equal(v.no, no);
}

/* Rows 1 to n of the log, each with a seal of its own. */
static void write_rows(struct place *p, int n)
{
    char subject[20];

    for (int i = 1; i <= n; i++) {
        snprintf(subject, sizeof(subject), "m%d", i);
        made_member(p, everywhere, subject, ROLE_VIEWER);
    }
}

/* Rows that nobody has sealed. */
static void write_open(struct place *p, int n)
{
    for (int i = 0; i < n; i++) {
        const struct access_entry e = {
            .where = everywhere, .action = "x.y", .object = "x/1"};
        struct batch b = {0};

        check(access_audit_add(&p->call, &e, &b, &p->err), &p->err);
        commit_batch(p, &b);
    }
}

static int64_t seal(struct place *p)
{
    int64_t n = 0;

    check(access_seal(p->store, HERE, NOW, &n, &p->err), &p->err);
    return n;
}

static struct audit_row row_of(struct place *p, int64_t no)
{
    const struct audit_row like = {.tenant = 1, .no = no};
    const struct store_query q = {.record = &record_audit, .like = &like, .n_equal = 2};
    struct audit_row row;

    check(access_first(p->store, HERE, &q, &p->arena, &row, &p->err), &p->err);
    return row;
}

static struct audit_seal_row seal_of(struct place *p, int64_t no)
{
    const struct audit_seal_row like = {.tenant = 1, .no = no};
    const struct store_query q = {
        .record = &record_audit_seal, .like = &like, .n_equal = 2};
    struct audit_seal_row row;

    check(access_first(p->store, HERE, &q, &p->arena, &row, &p->err), &p->err);
    return row;
}

static void put_row(struct place *p, const struct ff_record *record, const void *row)
{
    struct batch b = {0};

    batch_put(&b, record, row, FF_ANY_VERSION);
    commit_batch(p, &b);
}

static void delete_row(struct place *p, const struct ff_record *record, const void *row)
{
    struct batch b = {0};

    batch_delete(&b, record, row, FF_ANY_VERSION);
    commit_batch(p, &b);
}

/* --- what is written --- */

static void what_is_done_is_told_in_the_same_batch(void **state)
{
    struct place *p = *state;
    struct batch b = {0};
    size_t n_audit = 0;

    check(access_member_set(&p->call, everywhere, "mia", ROLE_ADMIN, &b, &p->err),
          &p->err);
    for (size_t i = 0; i < b.n; i++)
        n_audit += b.items[i].record == &record_audit;
    assert_int_equal(n_audit, 1);
    commit_batch(p, &b);

    const struct audit_row row = row_of(p, 1);

    assert_true(span_is(row.who, "local:ann"));
    assert_true(span_is(row.via, "local"));
    assert_true(span_is(row.action, "member.set"));
    assert_true(span_is(row.object, "member/mia"));
    assert_true(span_is(row.detail, "{\"role\":\"admin\",\"was\":\"none\"}"));
    assert_int_equal(row.decision, AUDIT_ALLOWED);
    assert_int_equal(row.at, NOW);
    assert_int_equal(row.project, MODEL_NULL);
    assert_null(row.origin.s);
}

static void what_is_denied_is_told_and_nothing_else_is_done(void **state)
{
    struct place *p = *state;
    const struct principal viewer = somebody(everywhere, ROLE_VIEWER);
    struct access_call c = call_of(p, &viewer);
    struct member_plan plan = {{{1}, 7}, "bob", ROLE_ADMIN};

    c.origin = "192.0.2.1";
    c.request = "r-1";
    assert_int_equal(access_commit(&c, plan_member, &plan, &p->err), FF_DENIED);
    assert_int_equal(rows_of(p, &record_member), 0);

    const struct audit_row row = row_of(p, 1);

    assert_int_equal(row.decision, AUDIT_DENIED);
    assert_int_equal(row.project, 7);
    assert_true(span_is(row.who, "bob"));
    assert_true(span_is(row.via, "token"));
    assert_true(span_is(row.origin, "192.0.2.1"));
    assert_true(span_is(row.request, "r-1"));
    check_fault(p, AUDIT_WHOLE, 0);
}

static int note_number(void *arg, const void *row)
{
    buf_printf(arg, "%lld ", (long long)((const struct audit_row *)row)->no);
    return 0;
}

static void the_log_is_read_from_its_end_in_pages(void **state)
{
    struct place *p = *state;
    struct buf text = {0};

    write_open(p, 5);
    check(access_audit(p->store, HERE, TENANT_DEFAULT, &(struct access_page){0, 2},
                       note_number, &text, &p->err),
          &p->err);
    check(access_audit(p->store, HERE, TENANT_DEFAULT, &(struct access_page){4, 9},
                       note_number, &text, &p->err),
          &p->err);
    assert_string_equal(buf_text(&text), "5 4 3 2 1 ");
    buf_done(&text);
}

/* --- seals --- */

static void rows_are_sealed_once_each_tenant_for_itself(void **state)
{
    struct place *p = *state;
    const struct tenant acme = made_tenant(p, "acme"); /* row of the installation */
    struct access_verdict v;

    write_open(p, 3);
    made_member(p, (struct access_scope){acme, 0}, "mia", ROLE_VIEWER);
    assert_int_equal(rows_of(p, &record_audit_open), 0);
    assert_int_equal(seal(p), 0);
    v = verified(p);
    assert_int_equal(v.fault, AUDIT_WHOLE);
    assert_int_equal(v.n_rows, 3);
    assert_int_equal(v.n_seals, 1);
    assert_int_equal(v.head, 1);
    check(access_verify(p->store, HERE, acme, 0, NULL, &v, &p->err), &p->err);
    assert_int_equal(v.n_rows, 1);
    check(access_verify(p->store, HERE, TENANT_PLATFORM, 0, NULL, &v, &p->err),
          &p->err);
    assert_int_equal(v.n_rows, 1);
    check(access_verify(p->store, HERE, (struct tenant){99}, 0, NULL, &v, &p->err),
          &p->err);
    assert_int_equal(v.n_rows + v.n_seals + v.head, 0);
}

static void more_rows_than_one_seal_takes_are_sealed_by_several(void **state)
{
    struct place *p = *state;

    take_numbers_ahead(p, 2000);
    write_open(p, 1203);
    assert_int_equal(verified(p).n_open, 1203);
    assert_int_equal(seal(p), 1203);
    assert_int_equal(verified(p).fault, AUDIT_WHOLE);
    assert_int_equal(verified(p).n_seals, 3);
    assert_int_equal(verified(p).n_open, 0);
}

/* Two commits are left: who has most rows does not get both. */
static void each_tenant_is_sealed_before_one_is_again(void **state)
{
    struct place *p = *state;
    struct access_entry e = {.where = everywhere, .action = "x.y", .object = "x/1"};
    struct batch b = {0};
    struct access_verdict v;
    int64_t n;

    take_numbers_ahead(p, 2000);
    for (int i = 0; i <= 1100; i++) {
        e.where.tenant.no = i < 1100 ? 1 : 2;
        check(access_audit_add(&p->call, &e, &b, &p->err), &p->err);
    }
    commit_batch(p, &b);
    assert_int_equal(access_seal(p->store, HERE, NOW, &n, &p->err), FF_UNAVAILABLE);
    assert_int_equal(n, 501);
    check(access_verify(p->store, HERE, (struct tenant){2}, 0, NULL, &v, &p->err),
          &p->err);
    assert_int_equal(v.n_open, 0);
    assert_int_equal(verified(p).n_open, 600);
}

static void a_row_with_a_lower_number_may_come_later(void **state)
{
    struct place *p = *state;
    const struct access_entry e = {
        .where = everywhere, .action = "x.y", .object = "x/1"};
    struct batch late = {0};

    check(access_audit_add(&p->call, &e, &late, &p->err), &p->err);
    write_rows(p, 2);
    check_fault(p, AUDIT_WHOLE, 0);
    commit_batch(p, &late);
    check_fault(p, AUDIT_WHOLE, 0);
    assert_int_equal(seal(p), 1);
    check_fault(p, AUDIT_WHOLE, 0);
}

/* --- what is seen --- */

static void an_edited_row_is_named(void **state)
{
    struct place *p = *state;
    struct audit_row row;

    write_rows(p, 4);
    row = row_of(p, 2);
    row.who = span_of("local:eve");
    put_row(p, &record_audit, &row);
    row = row_of(p, 3);
    row.at++;
    put_row(p, &record_audit, &row);
    check_fault(p, AUDIT_EDITED, 2);
}

/* Of each column that it has, null where that is allowed. */
static void no_column_can_be_edited_unseen(void **state)
{
    struct place *p = *state;
    struct audit_row row;
    struct audit_row was;

    write_rows(p, 1);
    was = row_of(p, 1);
    check_fault(p, AUDIT_WHOLE, 0);
    for (int i = COL_AUDIT_AT; i < N_AUDIT_COLUMNS; i++) {
        const struct ff_column *column = &record_audit.columns[i];
        char *field = (char *)&row + column->offset;

        row = was;
        if (column->type == FF_TEXT)
            *(struct span *)(void *)field = span_of("other");
        else if (column->type == FF_JSON)
            *(struct span *)(void *)field = span_of("{}");
        else
            *(int64_t *)(void *)field = column->type == FF_ENUM ? AUDIT_DENIED : 12;
        put_row(p, &record_audit, &row);
        check_fault(p, AUDIT_EDITED, 1);
        put_row(p, &record_audit, &was);
        check_fault(p, AUDIT_WHOLE, 0);
    }
    row = was;
    row.detail = (struct span){0};
    put_row(p, &record_audit, &row);
    check_fault(p, AUDIT_EDITED, 1);
}

static void a_deleted_row_is_named(void **state)
{
    struct place *p = *state;
    const struct audit_row second = {.tenant = 1, .no = 2};
    const struct audit_row last = {.tenant = 1, .no = 4};

    write_rows(p, 4);
    delete_row(p, &record_audit, &last);
    check_fault(p, AUDIT_DELETED, 4);
    delete_row(p, &record_audit, &second);
    check_fault(p, AUDIT_DELETED, 2);
}

static void a_row_that_is_deleted_before_it_is_sealed_is_named_for_ever(void **state)
{
    struct place *p = *state;
    const struct audit_row second = {.tenant = 1, .no = 2};
    struct audit_row row;

    write_open(p, 3);
    row = row_of(p, 2);
    delete_row(p, &record_audit, &second);
    check_fault(p, AUDIT_DELETED, 2);
    assert_int_equal(seal(p), 3);
    check_fault(p, AUDIT_DELETED, 2);
    put_row(p, &record_audit, &row);
    check_fault(p, AUDIT_INSERTED, 2);
}

static void an_inserted_row_is_named(void **state)
{
    struct place *p = *state;
    struct audit_row row;

    write_rows(p, 3);
    row = row_of(p, 3);
    row.no = 100;
    put_row(p, &record_audit, &row);
    check_fault(p, AUDIT_INSERTED, 100);
    row.no = 0; /* before all others */
    put_row(p, &record_audit, &row);
    check_fault(p, AUDIT_INSERTED, 0);
    row = row_of(p, 2);
    row.who = span_of("eve");
    put_row(p, &record_audit, &row);
    check_fault(p, AUDIT_INSERTED, 0); /* the first of the two */
}

/* No number is so great that nobody asks for its seal. */
static void a_row_put_in_behind_all_others_is_named(void **state)
{
    struct place *p = *state;
    struct audit_row row;

    write_rows(p, 2);
    row = row_of(p, 2);
    row.no = INT64_MAX;
    put_row(p, &record_audit, &row);
    check_fault(p, AUDIT_INSERTED, INT64_MAX);
}

/* The chain is whole then, and so is every seal that was kept. */
static void a_row_that_is_edited_and_sealed_again_is_named(void **state)
{
    struct place *p = *state;
    const struct audit_open_row again = {.tenant = 1, .no = 2};
    struct audit_row row;
    struct audit_row was;

    write_rows(p, 4);
    row = was = row_of(p, 2);
    row.who = span_of("local:eve");
    put_row(p, &record_audit, &row);
    put_row(p, &record_audit_open, &again);
    check_fault(p, AUDIT_EDITED, 2);
    assert_int_equal(seal(p), 1);
    check_fault(p, AUDIT_EDITED, 2);
    delete_row(p, &record_audit, &row);
    check_fault(p, AUDIT_DELETED, 2);
    put_row(p, &record_audit_open, &again);
    assert_int_equal(seal(p), 1);
    check_fault(p, AUDIT_DELETED, 2);
    put_row(p, &record_audit, &was);
    check_fault(p, AUDIT_WHOLE, 0);
}

static void rows_that_change_places_are_named(void **state)
{
    struct place *p = *state;
    struct audit_row second;
    struct audit_row third;

    write_rows(p, 4);
    second = row_of(p, 2);
    third = row_of(p, 3);
    second.no = 3;
    third.no = 2;
    put_row(p, &record_audit, &second);
    put_row(p, &record_audit, &third);
    check_fault(p, AUDIT_REORDERED, 2);
    assert_int_equal(verified(p).other, 3);
}

static void a_seal_that_is_taken_out_or_changed_is_named(void **state)
{
    struct place *p = *state;
    struct audit_seal_row second;
    struct audit_seal_row changed;
    char hash[SHA256_TEXT];

    write_rows(p, 4);
    second = changed = seal_of(p, 2);
    changed.n = 2;
    put_row(p, &record_audit_seal, &changed);
    check_fault(p, AUDIT_SEAL_CHANGED, 2);
    /* With a hash that fits, the next one does not fit. */
    changed = second;
    changed.at++;
    audit_seal_hash(&changed, hash);
    changed.hash = span_of(hash);
    put_row(p, &record_audit_seal, &changed);
    check_fault(p, AUDIT_SEAL_CHANGED, 3);
    /* Rows that are none. */
    changed = second;
    changed.rows = span_of("[[\"2\"]]");
    audit_seal_hash(&changed, hash);
    changed.hash = span_of(hash);
    put_row(p, &record_audit_seal, &changed);
    check_fault(p, AUDIT_SEAL_CHANGED, 2);
    delete_row(p, &record_audit_seal, &second);
    check_fault(p, AUDIT_SEAL_MISSING, 2);
    put_row(p, &record_audit_seal, &second);
    check_fault(p, AUDIT_WHOLE, 0);
}

static void a_row_without_its_last_seal_looks_put_in(void **state)
{
    struct place *p = *state;
    const struct audit_seal_row last = {.tenant = 1, .no = 3};

    write_rows(p, 3);
    delete_row(p, &record_audit_seal, &last);
    check_fault(p, AUDIT_INSERTED, 3);
}

/* With all its rows and seals gone, the end of the log is missed by nobody but one who
 * remembers it. */
static void a_seal_that_was_remembered_tells_of_a_log_that_was_cut(void **state)
{
    struct place *p = *state;
    struct access_verdict v;
    struct access_verdict kept;

    write_rows(p, 3);
    kept = verified(p);
    write_rows(p, 1); /* m1 is one already: nothing */
    check(access_verify(p->store, HERE, TENANT_DEFAULT, kept.head, kept.head_hash, &v,
                        &p->err),
          &p->err);
    assert_int_equal(v.fault, AUDIT_WHOLE);
    check(access_verify(p->store, HERE, TENANT_DEFAULT, kept.head, audit_first_prev, &v,
                        &p->err),
          &p->err);
    assert_int_equal(v.fault, AUDIT_CUT);

    const struct audit_seal_row last = seal_of(p, 3);
    const struct audit_row row = row_of(p, 3);

    delete_row(p, &record_audit_seal, &last);
    delete_row(p, &record_audit, &row);
    check_fault(p, AUDIT_WHOLE, 0);
    check(access_verify(p->store, HERE, TENANT_DEFAULT, kept.head, kept.head_hash, &v,
                        &p->err),
          &p->err);
    assert_int_equal(v.fault, AUDIT_CUT);
    assert_int_equal(v.no, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_open, place_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_done_is_told_in_the_same_batch),
        TEST(what_is_denied_is_told_and_nothing_else_is_done),
        TEST(the_log_is_read_from_its_end_in_pages),
        TEST(rows_are_sealed_once_each_tenant_for_itself),
        TEST(more_rows_than_one_seal_takes_are_sealed_by_several),
        cmocka_unit_test_setup_teardown(each_tenant_is_sealed_before_one_is_again,
                                        place_open_few, place_close),
        TEST(a_row_with_a_lower_number_may_come_later),
        TEST(an_edited_row_is_named),
        TEST(no_column_can_be_edited_unseen),
        TEST(a_deleted_row_is_named),
        TEST(a_row_that_is_deleted_before_it_is_sealed_is_named_for_ever),
        TEST(an_inserted_row_is_named),
        TEST(a_row_put_in_behind_all_others_is_named),
        TEST(a_row_that_is_edited_and_sealed_again_is_named),
        TEST(rows_that_change_places_are_named),
        TEST(a_seal_that_is_taken_out_or_changed_is_named),
        TEST(a_row_without_its_last_seal_looks_put_in),
        TEST(a_seal_that_was_remembered_tells_of_a_log_that_was_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
