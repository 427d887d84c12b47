/* schedule.c - see schedule.h; backfills are in schedule_backfill.c. */
#include "node/schedule_priv.h"

/* --- reading --- */

struct listing {
    const char *word;
    node_schedule_fn *fn;
    void *arg;
    size_t n;
};

static int pick(void *arg, const void *row)
{
    struct listing *l = arg;
    const struct schedule_row *r = row;

    if (l->word && !span_is(r->name, l->word) && !span_is(r->workflow, l->word))
        return 0;
    l->n++;
    l->fn(l->arg, r);
    return 0;
}

int node_schedules(struct node *n, struct store_reader *r, struct tenant t,
                   const char *word, node_schedule_fn *fn, void *arg,
                   struct ff_err *err)
{
    const struct schedule_row like = {.tenant = t.no};
    const struct store_query q = {
        .record = &record_schedule, .like = &like, .n_equal = 1};
    struct listing l = {.word = word, .fn = fn, .arg = arg};
    const int code = store_scan(n->store, r, &q, pick, &l, err);

    if (code != FF_OK || !word || l.n > 0)
        return code;
    return ff_fail(err, FF_NOT_FOUND, 0,
                   "there is no schedule %.127s: `flowforge schedule list` shows them, "
                   "`flowforge apply FILE` makes those of a workflow",
                   word);
}

static int is_enabled(void *arg, const void *row)
{
    *(bool *)arg |= ((const struct schedule_row *)row)->paused_at == MODEL_NULL;
    return *(bool *)arg;
}

static int goes_on(void *arg, const void *row)
{
    *(bool *)arg |= ((const struct backfill_row *)row)->state == BACKFILL_RUNNING;
    return *(bool *)arg;
}

bool node_has_schedules(struct node *n)
{
    const struct schedule_row schedule = {0};
    const struct backfill_row backfill = {0};
    const struct store_query schedules = {.record = &record_schedule,
                                          .like = &schedule};
    const struct store_query backfills = {.record = &record_backfill,
                                          .like = &backfill};
    struct ff_err err = {0};
    bool any = false;

    if (store_scan(n->store, STORE_READER_CALLER, &schedules, is_enabled, &any, &err) !=
            FF_OK ||
        store_scan(n->store, STORE_READER_CALLER, &backfills, goes_on, &any, &err) !=
            FF_OK)
        log_warn("schedules: %s", err.msg);
    return any;
}

struct schedule *node_schedule_open(struct node *n, const struct schedule_row *row,
                                    struct ff_err *err)
{
    return schedule_new(row, zones_find, &n->zones, err);
}

/* --- changing --- */

int node_schedules_made(const struct node_plan *p, struct counter_row *made,
                        struct ff_err *err)
{
    return store_read_counter(p->node->store, p->reader, SCHEDULE_COUNTER, made, err);
}

void node_check_made(struct batch *b, const struct counter_row *made)
{
    batch_check(b, &record_counter, made, made->version);
}

struct changing {
    const struct node_plan *plan;
    enum node_schedule_action action;
    int64_t now_us;
    int64_t n_changed;
};

static void pause_one(struct changing *c, struct schedule_row *row)
{
    if (row->paused_at != MODEL_NULL)
        return;
    row->paused_at = c->now_us;
    row->next_at = MODEL_NULL;
    batch_patch(c->plan->batch, &record_schedule, row,
                COLUMN_BIT(COL_SCHEDULE_PAUSED_AT) | COLUMN_BIT(COL_SCHEDULE_NEXT_AT),
                row->version);
    c->n_changed++;
}

/* What came meanwhile is not made up for: that is what backfill is for. */
static void resume_one(struct changing *c, struct schedule_row *row)
{
    struct ff_err ignored;

    if (row->paused_at == MODEL_NULL)
        return;
    row->paused_at = MODEL_NULL;
    if (row->last_at < c->now_us)
        row->last_at = c->now_us;
    struct schedule *s = schedule_new(row, zones_find, c->plan->zones, &ignored);
    row->next_at = s ? s->next_us : MODEL_NULL;
    schedule_free(s);
    batch_patch(c->plan->batch, &record_schedule, row,
                COLUMN_BIT(COL_SCHEDULE_PAUSED_AT) | COLUMN_BIT(COL_SCHEDULE_LAST_AT) |
                    COLUMN_BIT(COL_SCHEDULE_NEXT_AT),
                row->version);
    c->n_changed++;
}

static void pin(struct changing *c, struct schedule_row *row, int64_t pinned)
{
    if (row->pinned == pinned)
        return;
    row->pinned = pinned;
    batch_patch(c->plan->batch, &record_schedule, row, COLUMN_BIT(COL_SCHEDULE_PINNED),
                row->version);
    c->n_changed++;
}

static void skip_time(struct batch *b, const struct schedule_row *row, int64_t at,
                      int64_t now_us)
{
    const uint64_t set =
        COLUMN_BIT(COL_SCHEDULE_RUN_STATE) | COLUMN_BIT(COL_SCHEDULE_RUN_REASON) |
        COLUMN_BIT(COL_SCHEDULE_RUN_MESSAGE) | COLUMN_BIT(COL_SCHEDULE_RUN_EVENT) |
        COLUMN_BIT(COL_SCHEDULE_RUN_DECIDED_AT);
    const struct schedule_run_row time = {
        .tenant = row->tenant,
        .schedule = row->name,
        .nominal_at = at,
        .state = SCHEDULE_RUN_SKIPPED,
        .reason = span_of("deleted"),
        .message = span_of("its schedule was deleted while it waited"),
        .decided_at = now_us,
    };

    /* That it waits is what the schedule's row says, whose version is guarded. */
    batch_patch(b, &record_schedule_run, &time, set, FF_ANY_VERSION);
}

void node_skip_waiting(struct batch *b, const struct schedule_row *row, int64_t now_us)
{
    struct ff_err ignored;
    json_t *list =
        row->waiting.s ? json_parse(row->waiting.s, row->waiting.len, &ignored) : NULL;

    for (size_t i = 0; i < json_array_size(list); i++)
        skip_time(b, row, json_integer_value(json_array_get(list, i)), now_us);
    if (row->held_at > 0)
        skip_time(b, row, row->held_at, now_us);
    json_decref(list);
}

static void change_one(void *arg, const struct schedule_row *read)
{
    struct changing *c = arg;
    struct schedule_row row = *read;

    switch (c->action) {
    case NODE_SCHEDULE_PAUSE:
        pause_one(c, &row);
        break;
    case NODE_SCHEDULE_RESUME:
        resume_one(c, &row);
        break;
    case NODE_SCHEDULE_PIN:
    case NODE_SCHEDULE_UNPIN:
        pin(c, &row, c->action == NODE_SCHEDULE_PIN);
        break;
    case NODE_SCHEDULE_DELETE:
        node_skip_waiting(c->plan->batch, &row, c->now_us);
        batch_delete(c->plan->batch, &record_schedule, &row, row.version);
        c->n_changed++;
        break;
    }
}

int node_plan_schedule_do(const struct node_plan *p, struct tenant t, const char *word,
                          enum node_schedule_action action, int64_t *n_changed,
                          struct ff_err *err)
{
    struct changing c = {
        .plan = p, .action = action, .now_us = loop_wall_us(p->node->loop)};
    const size_t n_before = p->batch->n;
    struct counter_row made;
    int64_t n_stopped;
    int code = node_schedules_made(p, &made, err);

    if (code == FF_OK)
        code = node_schedules(p->node, p->reader, t, word, change_one, &c, err);
    if (code == FF_OK && action == NODE_SCHEDULE_DELETE)
        code = node_stop_backfills(p, t, word, &n_stopped, err);
    *n_changed = c.n_changed;
    if (code == FF_OK && p->batch->n > n_before)
        node_check_made(p->batch, &made);
    return code;
}

/* --- now --- */

struct only {
    struct schedule_row row;
    struct arena arena;
    size_t n;
};

static void take_only(void *arg, const struct schedule_row *row)
{
    struct only *only = arg;

    if (only->n++ > 0)
        return;
    only->row = *row;
    store_own_row(&record_schedule, &only->row, &only->arena);
}

struct schedule *node_schedule_only(const struct node_plan *p, struct tenant t,
                                    const char *word, struct ff_err *err)
{
    struct only only = {0};
    struct schedule *s = NULL;
    const int code = node_schedules(p->node, p->reader, t, word, take_only, &only, err);

    if (code == FF_OK && only.n > 1)
        ff_fail(err, FF_INVALID, 0,
                "%.63s has %zu schedules: say which one, as in %.*s", word, only.n,
                (int)only.row.name.len, only.row.name.s);
    else if (code == FF_OK)
        s = schedule_new(&only.row, zones_find, p->zones, err);
    arena_done(&only.arena);
    return s;
}

/* A run of the try before is known by its id, which is the same for all that may come
 * late: of them one can be there at most. */
static int look_for_run(const struct node_plan *p, struct tenant t, const char *id,
                        struct ff_err *err)
{
    struct arena arena = {0};
    struct run_row row;
    const int code =
        store_run_by_id(p->node->store, p->reader, t, id, &arena, &row, err);

    arena_done(&arena);
    return code;
}

int node_plan_trigger(const struct node_plan *p, struct tenant t, const char *word,
                      char id[ID_TEXT], struct ff_err *err)
{
    struct schedule_step step = {.now_us = loop_wall_us(p->node->loop),
                                 .shard = NODE_SHARD};
    int code = p->doubted ? look_for_run(p, t, id, err) : FF_NOT_FOUND;

    if (code != FF_NOT_FOUND)
        return code;
    struct schedule *s = node_schedule_only(p, t, word, err);
    if (!s || node_check_open_runs(p, t, err) != FF_OK) {
        schedule_free(s);
        return err->code;
    }
    if (!p->doubted)
        node_name_run(p->node, id);
    code = store_number(p->node->store, &p->node->run_numbers, 1, &step.next_run, err);
    if (code == FF_OK) {
        step.batch = *p->batch; /* lent */
        schedule_start_now(s, &step, id);
        *p->batch = step.batch;
    }
    schedule_free(s);
    return code;
}

/* --- at once --- */

struct asking {
    struct tenant tenant;
    const char *word;
    enum node_schedule_action action;
    int64_t *n_changed;
    char *id;
};

static int plan_do(void *arg, const struct node_plan *p, struct ff_err *err)
{
    const struct asking *a = arg;

    return node_plan_schedule_do(p, a->tenant, a->word, a->action, a->n_changed, err);
}

int node_schedule_do(struct node *n, struct tenant t, const char *word,
                     enum node_schedule_action action, int64_t *n_changed,
                     struct ff_err *err)
{
    struct asking a = {
        .tenant = t, .word = word, .action = action, .n_changed = n_changed};

    *n_changed = 0;
    return node_change_now(n, plan_do, &a, err);
}

static int plan_trigger(void *arg, const struct node_plan *p, struct ff_err *err)
{
    const struct asking *a = arg;

    return node_plan_trigger(p, a->tenant, a->word, a->id, err);
}

int node_schedule_trigger(struct node *n, struct tenant t, const char *word,
                          char id[ID_TEXT], struct ff_err *err)
{
    struct asking a = {.tenant = t, .word = word, .id = id};

    return node_change_now(n, plan_trigger, &a, err);
}
