/* store-postgres/plan.c - the changes of a commit as few statements.
 *
 * Changes of one kind to one table go together, as arrays: a thousand rows cost a few
 * statements and not a thousand. That may put them into another order, so it is done
 * only where nobody could tell: a row is met once by each statement, a second change of
 * it comes in a later one; and where a unique index could see the order it is kept. */
#include "postgres.h"

#include <stdlib.h>
#include <string.h>

#define QUIET_ROWS 8 /* see sql.c's put() */

/* --- memory --- */

void pg_plan_free(struct pg_plan *plan)
{
    if (!plan)
        return;
    free(plan->groups);
    free(plan->open);
    free(plan->next);
    free(plan->met);
    free(plan->records);
    free(plan);
}

/* False: out of memory. */
static bool room_for(void **items, size_t *cap, size_t n, size_t size)
{
    size_t wanted = *cap ? *cap : 16;
    void *bigger;

    if (n <= *cap)
        return true;
    while (wanted < n)
        wanted *= 2;
    bigger = realloc(*items, wanted * size);
    if (!bigger)
        return false;
    *items = bigger;
    *cap = wanted;
    return true;
}

/* Twice as many slots as there are changes. */
static bool reset_met(struct pg_plan *plan, size_t n)
{
    size_t n_met = 64;

    while (n_met < n * 2)
        n_met *= 2;
    if (n_met > plan->n_met) {
        struct pg_met *met = realloc(plan->met, n_met * sizeof(*met));

        if (!met)
            return false;
        plan->met = met;
        plan->n_met = n_met;
    }
    for (size_t i = 0; i < plan->n_met; i++)
        plan->met[i].change = PG_NO_CHANGE;
    return true;
}

static uint64_t unique_columns(const struct ff_record *record)
{
    uint64_t columns = 0;

    for (uint16_t i = 0; i < record->n_indexes; i++)
        for (uint16_t k = 0;
             record->indexes[i].unique && k < record->indexes[i].n_columns; k++)
            columns |= UINT64_C(1) << record->indexes[i].columns[k];
    return columns;
}

static bool reset_records(struct pg_plan *plan, const struct ff_schema *schema)
{
    size_t n = 0;

    while (schema->records[n])
        n++;
    if (plan->schema != schema) {
        struct pg_record_state *records =
            realloc(plan->records, (n ? n : 1) * sizeof(*records));

        if (!records)
            return false;
        plan->records = records;
        plan->n_records = n;
        plan->schema = schema;
    }
    for (size_t i = 0; i < n; i++)
        plan->records[i] = (struct pg_record_state){
            .record = schema->records[i],
            .unique_columns = unique_columns(schema->records[i]),
        };
    return true;
}

static int reset(struct pg_session *s, size_t n, struct ff_err *err)
{
    struct pg_plan *plan = s->plan;

    if (!plan)
        plan = s->plan = calloc(1, sizeof(*plan));
    if (!plan || !reset_met(plan, n) || !reset_records(plan, s->schema) ||
        !room_for((void **)&plan->next, &plan->cap_next, n, sizeof(*plan->next)))
        return ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a commit");
    plan->n_groups = plan->n_open = 0;
    return FF_OK;
}

/* --- what a change is --- */

bool pg_knows(const struct ff_schema *schema, const struct ff_record *record)
{
    for (size_t i = 0; schema && schema->records[i]; i++)
        if (schema->records[i] == record)
            return true;
    return false;
}

static struct pg_record_state *state_of(struct pg_plan *plan,
                                        const struct ff_record *record)
{
    for (size_t i = 0; i < plan->n_records; i++)
        if (plan->records[i].record == record)
            return &plan->records[i];
    return NULL;
}

/* What the record holds beside its key and version. */
static uint64_t settable(const struct ff_record *record)
{
    const uint64_t all = record->n_columns == PG_MAX_COLUMNS
                             ? ~UINT64_C(0)
                             : (UINT64_C(1) << record->n_columns) - 1;

    return all & ~((UINT64_C(2) << record->n_key) - 1);
}

static int find_guard(const struct ff_change *change, uint8_t *guard,
                      struct ff_err *err)
{
    if (change->expect > 0)
        *guard = PG_VERSION;
    else
        *guard = change->expect == FF_ANY_VERSION ? PG_ANY : PG_NO_ROW;
    if (change->expect < FF_ANY_VERSION ||
        (*guard == PG_NO_ROW &&
         (change->kind == FF_PATCH || change->kind == FF_DELETE)))
        return ff_fail(err, FF_INVALID, 0, "%s: a guard that cannot hold",
                       change->record->name);
    return FF_OK;
}

static int check_values(const struct ff_change *change, uint64_t columns,
                        struct ff_err *err)
{
    const struct ff_record *record = change->record;

    columns |= (UINT64_C(1) << record->n_key) - 1;
    for (uint16_t i = 0; i < record->n_columns; i++)
        if ((columns >> i & 1) &&
            pg_check_value(record, i, &change->values[i], err) != FF_OK)
            return FF_INVALID;
    return FF_OK;
}

static int shape_of(struct pg_session *s, const struct ff_change *change,
                    struct pg_shape *shape, struct ff_err *err)
{
    const struct ff_record *record = change->record;

    if (change->kind < FF_PUT || change->kind > FF_CHECK || !state_of(s->plan, record))
        return ff_fail(err, FF_INVALID, 0, "a change of unknown kind or record");
    *shape = (struct pg_shape){.record = record, .kind = (uint8_t)change->kind};
    if (find_guard(change, &shape->guard, err) != FF_OK)
        return FF_INVALID;
    if (change->kind == FF_PUT)
        shape->columns = settable(record);
    if (change->kind == FF_PATCH)
        shape->columns = change->set;
    if (shape->columns & ~settable(record))
        return ff_fail(err, FF_INVALID, 0, "%s: a patch of its key or version",
                       record->name);
    return check_values(change, shape->columns, err);
}

/* --- rows that were met before --- */

static bool is_text(uint32_t type)
{
    return type == FF_TEXT || type == FF_JSON || type == FF_BYTES;
}

static uint64_t hash_key(const struct ff_change *c)
{
    uint64_t h = (uint64_t)(uintptr_t)c->record;

    for (uint16_t i = 0; i < c->record->n_key; i++) {
        const struct ff_value *v = &c->values[i];

        h = (h ^ (is_text(v->type) ? v->len : (uint64_t)v->i)) *
            UINT64_C(0x9e3779b97f4a7c15);
        for (size_t k = 0; is_text(v->type) && k < v->len; k++)
            h = (h ^ (unsigned char)v->s[k]) * UINT64_C(0x100000001b3);
        h ^= h >> 29;
    }
    return h;
}

static bool same_row(const struct ff_change *a, const struct ff_change *b)
{
    if (a->record != b->record)
        return false;
    for (uint16_t i = 0; i < a->record->n_key; i++)
        if (pg_compare(&a->record->columns[i], &a->values[i], &b->values[i]) != 0)
            return false;
    return true;
}

/* Was the row met since the record's last generation began? From now on it was. */
static bool meets_again(struct pg_plan *plan, const struct ff_change *changes,
                        size_t change, uint32_t generation)
{
    size_t at = (size_t)(hash_key(&changes[change]) >> 20) & (plan->n_met - 1);
    struct pg_met *met = &plan->met[at];
    bool again;

    while (met->change != PG_NO_CHANGE &&
           !same_row(&changes[met->change], &changes[change])) {
        at = (at + 1) & (plan->n_met - 1);
        met = &plan->met[at];
    }
    again = met->change != PG_NO_CHANGE && met->generation == generation;
    met->change = change;
    met->generation = again ? generation + 1 : generation;
    return again;
}

/* --- groups --- */

/* What comes after this comes in later statements. */
static void close_groups(struct pg_plan *plan, struct pg_record_state *state)
{
    size_t n = 0;

    for (size_t i = 0; i < plan->n_open; i++)
        if (plan->groups[plan->open[i]].shape.record != state->record)
            plan->open[n++] = plan->open[i];
    plan->n_open = n;
    state->generation++;
}

static bool same_shape(const struct pg_shape *a, const struct pg_shape *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

/* Can a unique index tell in which order this was done? Inserts among themselves, and
 * deletes, it cannot. */
static bool is_seen(const struct pg_record_state *state, const struct pg_shape *shape)
{
    if (!state->unique_columns || shape->kind == FF_CHECK)
        return false;
    return shape->kind != FF_PATCH || (shape->columns & state->unique_columns);
}

static bool stands_alone(const struct pg_shape *shape)
{
    return shape->kind == FF_PATCH ||
           (shape->kind == FF_PUT && shape->guard != PG_NO_ROW);
}

static void keep_order(struct pg_plan *plan, struct pg_record_state *state,
                       const struct pg_shape *shape)
{
    if (!is_seen(state, shape))
        return;
    if (stands_alone(shape) || !same_shape(&state->last_own, shape))
        close_groups(plan, state);
    state->last_own = *shape;
}

static struct pg_group *find_open(struct pg_plan *plan, const struct pg_shape *shape)
{
    for (size_t i = plan->n_open; i > 0; i--) {
        struct pg_group *g = &plan->groups[plan->open[i - 1]];

        if (same_shape(&g->shape, shape))
            return g;
    }
    return NULL;
}

static int add_group(struct pg_plan *plan, const struct pg_shape *shape,
                     struct pg_group **added, struct ff_err *err)
{
    if (!room_for((void **)&plan->groups, &plan->cap_groups, plan->n_groups + 1,
                  sizeof(*plan->groups)) ||
        !room_for((void **)&plan->open, &plan->cap_open, plan->n_open + 1,
                  sizeof(*plan->open)))
        return ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a commit");

    plan->open[plan->n_open++] = plan->n_groups;
    *added = &plan->groups[plan->n_groups++];
    **added =
        (struct pg_group){.shape = *shape, .first = PG_NO_CHANGE, .last = PG_NO_CHANGE};
    return FF_OK;
}

static void join(struct pg_plan *plan, struct pg_group *g, size_t change)
{
    plan->next[change] = PG_NO_CHANGE;
    if (g->n++)
        plan->next[g->last] = change;
    else
        g->first = change;
    g->last = change;
}

static int add_change(struct pg_session *s, const struct ff_change *changes, size_t i,
                      bool one_each, struct ff_err *err)
{
    struct pg_plan *plan = s->plan;
    struct pg_record_state *state;
    struct pg_group *g = NULL;
    struct pg_shape shape = {0};
    int code = shape_of(s, &changes[i], &shape, err);

    if (code != FF_OK)
        return code;
    state = state_of(plan, shape.record);
    state->is_changed |= shape.kind != FF_CHECK;
    state->needs_lock |= shape.kind == FF_CHECK && shape.guard == PG_NO_ROW;
    if (!one_each) {
        keep_order(plan, state, &shape);
        if (meets_again(plan, changes, i, state->generation))
            close_groups(plan, state);
        g = find_open(plan, &shape);
    }
    if (!g)
        code = add_group(plan, &shape, &g, err);
    if (!g)
        return code;
    join(plan, g, i);
    return FF_OK;
}

/* --- statements --- */

/* Columns that are null in all rows of an insert are left out: each array costs the
 * server as much as a column that says something. Of texts that differ in nothing else
 * there could be very many, so it is done while few statements are known. */
static void leave_out_nulls(const struct pg_session *s, struct pg_group *g,
                            const struct ff_change *changes)
{
    const struct ff_record *record = g->shape.record;
    uint64_t used = 0;

    if (g->shape.kind != FF_PUT || g->shape.guard == PG_VERSION ||
        s->cache.n > PG_MAX_STATEMENTS / 2)
        return;
    for (size_t i = g->first; i != PG_NO_CHANGE; i = s->plan->next[i])
        for (uint16_t k = (uint16_t)(record->n_key + 1); k < record->n_columns; k++)
            used |= (uint64_t)(changes[i].values[k].type != 0) << k;
    g->shape.columns &= used;
}

static int choose_statements(struct pg_session *s, const struct ff_change *changes,
                             struct ff_err *err)
{
    int code = FF_OK;

    for (size_t i = 0; i < s->plan->n_groups && code == FF_OK; i++) {
        struct pg_group *g = &s->plan->groups[i];

        leave_out_nulls(s, g, changes);
        if (g->shape.kind == FF_PUT && g->shape.guard == PG_NO_ROW && g->n > QUIET_ROWS)
            g->shape.flags |= PG_RAISES;
        code = pg_statement(s, &g->shape, &g->statement, err);
    }
    return code;
}

int pg_plan_make(struct pg_session *s, const struct ff_change *changes, size_t n,
                 bool one_each, size_t *failed, struct ff_err *err)
{
    int code = s->schema ? reset(s, n, err)
                         : ff_fail(err, FF_INVALID, 0, "a commit before any setup");

    for (size_t i = 0; i < n && code == FF_OK; i++) {
        code = add_change(s, changes, i, one_each, err);
        if (code != FF_OK && failed)
            *failed = i;
    }
    return code == FF_OK ? choose_statements(s, changes, err) : code;
}
