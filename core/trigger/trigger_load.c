/* trigger_load.c - reads what is to be led: schedules, backfills, what has happened,
 * and which runs are open. On a lane; the loop goes on with the old set until it is
 * there. */
#include "trigger/trigger_priv.h"

#include <stdlib.h>
#include <string.h>

struct load {
    struct trigger *t;
    struct trigger_set set;
    int code;
    struct ff_err err;
};

void trigger_set_done(struct trigger_set *set)
{
    for (size_t i = 0; i < set->backfills.n; i++)
        backfill_free(set->backfills.items[i]);
    for (size_t i = 0; i < set->schedules.n; i++)
        schedule_free(set->schedules.items[i]);
    ARRAY_DONE(&set->backfills);
    ARRAY_DONE(&set->schedules);
    ARRAY_DONE(&set->happened);
    map_done(&set->open);
    map_done(&set->rooms);
    arena_done(&set->arena);
    *set = (struct trigger_set){0};
}

/* --- rows --- */

static int add_schedule(void *arg, const void *row)
{
    struct load *l = arg;
    const struct schedule_row *r = row;
    const struct trigger_setup *setup = &l->t->setup;
    struct ff_err err = {0};

    if (!range_has(l->t->range, (struct tenant){r->tenant}))
        return 0;
    struct schedule *s = schedule_new(r, setup->zone, setup->zone_arg, &err);

    if (s)
        ARRAY_ADD(&l->set.schedules, s);
    else
        log_error("schedule %.*s stands still: %s", (int)r->name.len, r->name.s,
                  err.msg);
    return 0;
}

static struct schedule *find_schedule(const struct trigger_set *set, int64_t tenant,
                                      struct span name)
{
    for (size_t i = 0; i < set->schedules.n; i++) {
        struct schedule *s = set->schedules.items[i];
        if (s->row.tenant == tenant && span_eq(s->row.name, name))
            return s;
    }
    return NULL;
}

static int add_backfill(void *arg, const void *row)
{
    struct load *l = arg;
    const struct backfill_row *r = row;
    struct schedule *s = find_schedule(&l->set, r->tenant, r->schedule);
    struct ff_err err = {0};

    if (r->state != BACKFILL_RUNNING || !s)
        return 0;
    struct backfill *b = backfill_new(r, s, &err);
    if (b)
        ARRAY_ADD(&l->set.backfills, b);
    else
        log_error("a backfill of %s stands still: %s", s->row.name.s, err.msg);
    return 0;
}

static int add_open(void *arg, const void *row)
{
    const struct open_run_row *open = row;
    struct load *l = arg;

    trigger_room_take(&l->set, open->tenant, open->run);
    return 0;
}

static int add_tenant(void *arg, const void *row)
{
    const struct tenant_row *tenant = row;
    struct load *l = arg;

    trigger_room(&l->set, tenant->tenant)->most = l->t->setup.max_open_runs(tenant);
    return 0;
}

/* As trigger_run_ending said it; -1: no end that there is. */
static int64_t end_of(struct span body)
{
    struct ff_err ignored;
    json_t *end = body.s ? json_parse(body.s, body.len, &ignored) : NULL;
    const char *word = json_string_value(json_object_get(end, "state"));
    int64_t state = 0;

    while (word && run_state_names[state] && strcmp(run_state_names[state], word) != 0)
        state++;
    if (!word || !run_state_names[state])
        state = -1;
    json_decref(end);
    return state;
}

static enum flow_trigger_kind kind_of(struct span word)
{
    if (span_is(word, flow_trigger_names[FLOW_TRIGGER_WORKFLOW]))
        return FLOW_TRIGGER_WORKFLOW;
    if (span_is(word, flow_trigger_names[FLOW_TRIGGER_WEBHOOK]))
        return FLOW_TRIGGER_WEBHOOK;
    return FLOW_TRIGGER_EVENT;
}

static int add_happened(void *arg, const void *row)
{
    struct load *l = arg;
    struct happened h = {.row = *(const struct occurrence_row *)row, .state = -1};

    if (!range_has(l->t->range, (struct tenant){h.row.tenant}))
        return 0;
    store_own_row(&record_occurrence, &h.row, &l->set.arena);
    h.kind = kind_of(h.row.kind);
    if (h.kind == FLOW_TRIGGER_WORKFLOW)
        h.state = end_of(h.row.body);
    ARRAY_ADD(&l->set.happened, h);
    return 0;
}

/* --- what depends on them --- */

static int take_event(void *arg, const void *row)
{
    const struct schedule_run_row *r = row;

    schedule_set_event(arg, r->nominal_at, r->event);
    return 1;
}

static int read_event(struct load *l, struct schedule *s, int64_t nominal_us)
{
    const struct schedule_run_row like = {
        .tenant = s->row.tenant, .schedule = s->row.name, .nominal_at = nominal_us};
    const struct store_query q = {
        .record = &record_schedule_run, .like = &like, .n_equal = 3, .limit = 1};

    return store_scan(l->t->setup.store, STORE_READER_LANE, &q, take_event, s, &l->err);
}

static int read_waiting(struct load *l, struct schedule *s)
{
    int code = schedule_holds(s) ? read_event(l, s, s->row.held_at) : FF_OK;

    for (size_t i = 0; code == FF_OK && i < s->waiting.n; i++)
        code = read_event(l, s, s->waiting.items[i].nominal_us);
    return code;
}

static int take_done(void *arg, const void *row)
{
    const struct schedule_run_row *r = row;
    struct backfill *b = arg;

    if (r->nominal_at >= b->row.below_at)
        return 1;
    /* One that waits for the run before it is started when that has ended. */
    if (r->state == SCHEDULE_RUN_STARTED || r->state == SCHEDULE_RUN_WAITING)
        backfill_add_done(b, r->nominal_at);
    return 0;
}

int trigger_read_done(struct store *store, struct store_reader *reader,
                      struct backfill *b, struct ff_err *err)
{
    const struct schedule_run_row like = {
        .tenant = b->row.tenant,
        .schedule = b->row.schedule,
        .nominal_at = b->row.last_at,
    };
    const struct store_query q = {
        .record = &record_schedule_run, .like = &like, .n_equal = 2, .after = &like};

    return store_scan(store, reader, &q, take_done, b, err);
}

/* --- all of it --- */

static int read_rows(struct load *l)
{
    const struct schedule_row schedule = {0};
    const struct backfill_row backfill = {0};
    const struct occurrence_row occurrence = {0};
    const struct open_run_row open = {.shard = l->t->setup.shard};
    const struct tenant_row tenant = {0};
    /* What has happened before who waits for that: who was told that he would hear of
     * it is there by then. Open runs after schedules: a run that is not open then has
     * ended since. */
    const struct {
        struct store_query q;
        store_row_fn *fn;
    } reads[] = {
        {{.record = &record_occurrence, .like = &occurrence}, add_happened},
        {{.record = &record_schedule, .like = &schedule}, add_schedule},
        {{.record = &record_backfill, .like = &backfill}, add_backfill},
        {{.record = &record_open_run, .like = &open, .n_equal = 1}, add_open},
        {{.record = &record_tenant, .like = &tenant}, add_tenant},
    };
    const size_t n = COUNT_OF(reads) - !l->t->setup.max_open_runs;
    int code = FF_OK;

    for (size_t i = 0; code == FF_OK && i < n; i++)
        code = store_scan(l->t->setup.store, STORE_READER_LANE, &reads[i].q,
                          reads[i].fn, l, &l->err);
    return code;
}

static int read_counter(struct load *l, const char *name, struct counter_row *row)
{
    return store_read_counter(l->t->setup.store, STORE_READER_LANE, name, row, &l->err);
}

/* Their keys are those of runs, which end in another order than they begin. */
static int compare_happened(const void *a, const void *b)
{
    const struct occurrence_row *x = &((const struct happened *)a)->row;
    const struct occurrence_row *y = &((const struct happened *)b)->row;
    const size_t len = x->id.len < y->id.len ? x->id.len : y->id.len;

    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return memcmp(x->id.s, y->id.s, len);
}

static void load_on_lane(void *arg)
{
    struct load *l = arg;

    l->code = read_counter(l, SCHEDULE_COUNTER, &l->set.made);
    if (l->code == FF_OK)
        l->code = read_rows(l);
    if (l->code == FF_OK)
        l->code = read_counter(l, "run", &l->set.counter);
    for (size_t i = 0; l->code == FF_OK && i < l->set.schedules.n; i++)
        l->code = read_waiting(l, l->set.schedules.items[i]);
    for (size_t i = 0; l->code == FF_OK && i < l->set.backfills.n; i++)
        l->code = trigger_read_done(l->t->setup.store, STORE_READER_LANE,
                                    l->set.backfills.items[i], &l->err);
    if (l->set.happened.n > 0)
        qsort(l->set.happened.items, l->set.happened.n, sizeof(*l->set.happened.items),
              compare_happened);
}

/* Runs that ended while nobody looked: their rows say so. */
static void find_ended(struct trigger *t)
{
    for (size_t i = 0; i < t->set.schedules.n; i++) {
        const int64_t run = t->set.schedules.items[i]->row.active_run;
        if (run != MODEL_NULL && !map_get(&t->set.open, run))
            ARRAY_ADD(&t->ended, run);
    }
    for (size_t i = 0; i < t->set.backfills.n; i++) {
        const struct backfill *b = t->set.backfills.items[i];
        for (size_t k = 0; k < b->active.n; k++)
            if (!map_get(&t->set.open, b->active.items[k]))
                ARRAY_ADD(&t->ended, b->active.items[k]);
    }
}

static void take_set(struct trigger *t, struct trigger_set *set)
{
    trigger_set_done(&t->set);
    t->set = *set;
    t->loaded = true;
    find_ended(t);
    for (size_t i = 0; i < t->come.n; i++)
        trigger_room_take(&t->set, t->come.items[i].tenant, t->come.items[i].run);
    for (size_t i = 0; i < t->gone.n; i++)
        trigger_room_leave(&t->set, t->gone.items[i]);
    t->setup.loaded(t->setup.arg);
}

/* What was read is used, also where it is to be read again: who is told all the time
 * that something has changed would else never come to act. Should a row have changed
 * since, the commit conflicts. */
static void load_done(void *arg)
{
    struct load *l = arg;
    struct trigger *t = l->t;

    t->loading = false;
    if (l->code == FF_OK) {
        t->stale = t->load_again;
        take_set(t, &l->set);
        trigger_turn(t);
    } else {
        trigger_set_done(&l->set);
        log_warn("schedules cannot be read: %s", l->err.msg);
        trigger_retry(t);
    }
    mem_free(l);
    if (t->load_again)
        trigger_load(t); /* at once, or behind the commit of that turn */
    trigger_check_drained(t);
}

/* While a commit is in flight memory is ahead of the store: then it is read after it.
 */
void trigger_load(struct trigger *t)
{
    t->load_again = t->loading || t->busy;
    if (t->load_again || t->draining || t->dead)
        return;
    struct load *l = mem_alloc(sizeof(*l));
    l->t = t;
    l->set.usual_room =
        t->setup.max_open_runs ? t->setup.max_open_runs(NULL) : INT64_MAX;
    t->loading = true;
    t->gone.n = t->come.n = 0;
    lane_do(t->lane, load_on_lane, load_done, l);
}
