/* limits.c - what attempts hold of limits, as rows: put in the batch that grants,
 * deleted in the batch that ends, read again when a run is loaded. Which places are
 * free is kept by core/sched, which is told here. */
#include "control/control_priv.h"

#include <string.h>

#define NEEDS_MAX  32
#define PRIORITIES 1000 /* those of tasks are from -100 to 100 */

/* The run's goes before that of its tasks. */
static int32_t priority_of(const struct live *l, const struct effect *e)
{
    const int64_t run = l->run->row.priority;

    return e->priority + (run == MODEL_NULL ? 0 : (int32_t)run * PRIORITIES);
}

void control_offer(struct live *l, const struct effect *e)
{
    struct sched_need needs[NEEDS_MAX];

    for (uint32_t i = 0; i < e->n_limits; i++)
        needs[i] = (struct sched_need){
            .name = e->limits[i].name,
            .amount = e->limits[i].amount,
            .size = e->limits[i].size,
            .per_us = e->limits[i].per_us,
        };
    const struct sched_wants wants = {
        .queue = e->queue ? e->queue : SCHED_QUEUE_DEFAULT,
        .labels = l->control->setup.by_labels ? e->node_selector : NULL,
        .priority = priority_of(l, e),
        .needs = needs,
        .n_needs = e->n_limits,
    };
    sched_offer_wanting(l->sched, e->node, e->count, &wants);
}

/* --- rows --- */

struct place_rows {
    struct live *live;
    int64_t node, attempt;
};

static void put_place(void *arg, const struct sched_place *place)
{
    const struct place_rows *rows = arg;
    struct step *s = &rows->live->step;
    const struct slot_row slot = {
        .tenant = rows->live->tenant.no,
        .name = span_of(place->name),
        .place = place->place,
        .run = rows->live->no,
        .node = rows->node,
        .attempt = rows->attempt,
        .taken_at = s->now_us,
    };
    const struct rate_token_row token = {
        .tenant = slot.tenant,
        .name = slot.name,
        .place = slot.place,
        .until_at = place->until_us,
    };

    if (place->until_us > 0) /* one that is over may stand there */
        batch_put(&s->batch, &record_rate_token, &token, FF_ANY_VERSION);
    else
        batch_put(&s->batch, &record_slot, &slot, FF_ABSENT);
}

static void delete_place(void *arg, const struct sched_place *place)
{
    struct live *l = arg;
    const struct slot_row slot = {
        .tenant = l->tenant.no, .name = span_of(place->name), .place = place->place};

    batch_delete(&l->step.batch, &record_slot, &slot, FF_ANY_VERSION);
}

void control_limits_started(struct live *l, int64_t node, int64_t attempt)
{
    struct place_rows rows = {.live = l, .node = node, .attempt = attempt};

    sched_started(l->sched, node, l->step.now_us, put_place, &rows);
}

void control_limits_freed(struct live *l, int64_t node)
{
    sched_ended(l->sched, node, delete_place, l);
}

/* By construction there are none; if a bug or a hand in the store makes one, the limit
 * must not stay smaller for ever. */
void control_limits_resumed(struct live *l)
{
    const size_t n = sched_end_strays(l->sched, delete_place, l);

    if (n > 0)
        log_error("run %lld: %zu places of limits belonged to no running attempt; "
                  "given back",
                  (long long)l->no, n);
}

/* --- loading --- */

static int add_slot(void *arg, const void *row)
{
    struct loaded_slots *slots = arg;
    const struct slot_row *slot = row;
    struct loaded_slot loaded = {
        .node = slot->node,
        .attempt = slot->attempt,
        .place = slot->place,
        .name = arena_text(&slots->arena, slot->name.s, slot->name.len)};

    if (!sched_is_place(slot->place) && !slots->wrong_name) {
        slots->wrong_name = loaded.name;
        slots->wrong_place = slot->place;
    }
    ARRAY_ADD(slots, loaded);
    return 0;
}

/* Also those that are wrong: all of them are to be deleted when the run is set aside.
 */

int control_limits_read(struct control *c, struct tenant t, int64_t run,
                        struct loaded_slots *slots, struct ff_err *err)
{
    const struct slot_row like = {.tenant = t.no, .run = run};
    const int code = store_scan(
        c->setup.store, STORE_READER_LANE,
        &(struct store_query){
            .record = &record_slot, .index = "slot_run", .like = &like, .n_equal = 2},
        add_slot, slots, err);

    if (code != FF_OK || !slots->wrong_name)
        return code;
    return ff_fail(err, FF_CORRUPT, 0,
                   "table slot: %.80s has no place %lld: places go from 0 to %lld",
                   slots->wrong_name, (long long)slots->wrong_place,
                   (long long)SCHED_PLACES_MAX - 1);
}

void control_limits_loaded(struct live *l, const struct loaded_slots *slots)
{
    sched_drop_holds(l->sched);
    l->admit_place = -1;
    for (size_t i = 0; i < slots->n; i++) {
        const struct loaded_slot *slot = &slots->items[i];
        if (slot->attempt > 0)
            sched_hold(l->sched, slot->node, slot->name, slot->place);
        else
            control_admit_loaded(l, slot->name, slot->place);
    }
}

void control_slots_done(struct loaded_slots *slots)
{
    ARRAY_DONE(slots);
    arena_done(&slots->arena);
}

void control_limits_forget(struct batch *b, struct tenant t,
                           const struct loaded_slots *slots)
{
    for (size_t i = 0; i < slots->n; i++) {
        const struct slot_row slot = {.tenant = t.no,
                                      .name = span_of(slots->items[i].name),
                                      .place = slots->items[i].place};
        batch_delete(b, &record_slot, &slot, FF_ANY_VERSION);
    }
}

/* --- sizes and rates: of all runs together --- */

static int add_size(void *arg, const void *row)
{
    struct limit_rows *rows = arg;
    const struct limit_size_row *size = row;
    struct loaded_size loaded = {
        .tenant = size->tenant,
        .size = size->size,
        .name = arena_text(&rows->arena, size->name.s, size->name.len)};

    ARRAY_ADD(&rows->sizes, loaded);
    return 0;
}

/* One that is wrong is left out, since no run is known that it belongs to: its rate
 * gives one start more than it should, and retention deletes the row when its time is
 * over. */
static int add_token(void *arg, const void *row)
{
    struct limit_rows *rows = arg;
    const struct rate_token_row *token = row;

    if (!sched_is_place(token->place)) {
        log_error("table rate_token: %.*s has no place %lld: places go from 0 to %lld; "
                  "this one does not count",
                  (int)token->name.len, token->name.s, (long long)token->place,
                  (long long)SCHED_PLACES_MAX - 1);
        return 0;
    }
    struct loaded_token loaded = {
        .tenant = token->tenant,
        .place = token->place,
        .until_us = token->until_at,
        .name = arena_text(&rows->arena, token->name.s, token->name.len)};

    ARRAY_ADD(&rows->tokens, loaded);
    return 0;
}

int control_limits_scan(struct control *c, bool tokens, struct limit_rows *rows,
                        struct ff_err *err)
{
    int code = store_scan(c->setup.store, STORE_READER_LANE,
                          &(struct store_query){.record = &record_limit_size}, add_size,
                          rows, err);

    if (code == FF_OK && tokens)
        code = store_scan(c->setup.store, STORE_READER_LANE,
                          &(struct store_query){.record = &record_rate_token},
                          add_token, rows, err);
    return code;
}

static void set_size(struct control *c, int64_t tenant, const char *name, int64_t size)
{
    struct buf limit = {0};

    buf_printf(&limit, "semaphore:%s", name);
    sched_set_size(c->sched, tenant, buf_text(&limit), size);
    buf_done(&limit);
}

/* What is configured holds for the default tenant: a machine of its own has no other.
 */
static void set_configured(struct control *c)
{
    for (size_t i = 0; i < c->setup.n_sizes; i++)
        set_size(c, TENANT_DEFAULT.no, c->setup.sizes[i].name, c->setup.sizes[i].size);
}

/* Sizes that were told before and have no row any more are as configured again. */
static void take_sizes(struct control *c, struct limit_rows *rows)
{
    for (size_t i = 0; i < c->sizes.sizes.n; i++)
        set_size(c, c->sizes.sizes.items[i].tenant, c->sizes.sizes.items[i].name, -1);
    set_configured(c);
    for (size_t i = 0; i < rows->sizes.n; i++)
        set_size(c, rows->sizes.items[i].tenant, rows->sizes.items[i].name,
                 rows->sizes.items[i].size);
    control_limit_rows_done(&c->sizes);
    c->sizes = *rows;
    *rows = (struct limit_rows){0};
}

static void take_tokens(struct control *c, struct limit_rows *rows)
{
    const int64_t now = loop_wall_us(c->setup.loop);

    for (size_t i = 0; i < rows->tokens.n; i++) {
        const struct loaded_token *t = &rows->tokens.items[i];
        if (t->until_us > now)
            sched_hold_rate(c->sched, t->tenant, t->name, t->place, t->until_us);
    }
    ARRAY_DONE(&rows->tokens);
}

static bool same_sizes(const struct limit_rows *a, const struct limit_rows *b)
{
    if (a->sizes.n != b->sizes.n)
        return false;
    for (size_t i = 0; i < a->sizes.n; i++)
        if (a->sizes.items[i].tenant != b->sizes.items[i].tenant ||
            a->sizes.items[i].size != b->sizes.items[i].size ||
            strcmp(a->sizes.items[i].name, b->sizes.items[i].name) != 0)
            return false;
    return true;
}

void control_limits_take(struct control *c, struct limit_rows *rows)
{
    take_tokens(c, rows);
    if (!c->began)
        set_configured(c);
    if (!same_sizes(rows, &c->sizes))
        take_sizes(c, rows);
}

void control_limit_rows_done(struct limit_rows *rows)
{
    ARRAY_DONE(&rows->sizes);
    ARRAY_DONE(&rows->tokens);
    arena_done(&rows->arena);
    *rows = (struct limit_rows){0};
}

/* --- time --- */

static void on_rate(void *arg)
{
    control_post_pump(arg);
}

/* One timer for the first of all rates that somebody waits for. */
void control_rates_arm(struct control *c)
{
    const int64_t next = sched_next_us(c->sched);

    if (c->rate_timer && c->rate_at == next)
        return;
    loop_timer_del(c->rate_timer);
    if (next == 0)
        return;
    const int64_t delay = next - loop_wall_us(c->setup.loop);
    c->rate_at = next;
    loop_timer_add(c->setup.loop, delay > 0 ? delay : 0, on_rate, c, &c->rate_timer);
}
