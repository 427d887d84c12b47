/* scan.c - which runs are open, and which messages wait: asked of the store at the
 * start, when somebody knocks, and now and then while there is work. */
#include "control/control_priv.h"

struct scan {
    struct control *control;
    struct {
        struct open_run_row *items;
        size_t n, cap;
    } open;
    struct {
        struct inbox_item *items;
        size_t n, cap;
    } inbox;
    struct limit_rows limits;
    struct paused_queues queues;
    struct shares shares;
    struct tenant_range range; /* control's, when this began */
    bool first;
    int code;
    struct ff_err err;
};

static int add_open(void *arg, const void *row)
{
    struct scan *sc = arg;
    const struct open_run_row *r = row;

    if (range_has(sc->range, (struct tenant){r->tenant}))
        ARRAY_ADD(&sc->open, *r);
    return 0;
}

static int add_inbox(void *arg, const void *row)
{
    struct scan *sc = arg;
    const struct inbox_row *r = row;
    struct inbox_item item = {.no = r->no, .run = r->run, .tenant = {r->tenant}};

    if (!range_has(sc->control->whole, item.tenant))
        return 0;
    snprintf(item.kind, sizeof(item.kind), "%.*s", (int)r->kind.len, r->kind.s);
    /* One that is no JSON stands for nothing: who is told so refuses it. */
    if (r->body.s)
        item.body = json_parse(r->body.s, r->body.len, &sc->err);
    ARRAY_ADD(&sc->inbox, item);
    return 0;
}

static void scan_on_lane(void *arg)
{
    struct scan *sc = arg;
    struct store *s = sc->control->setup.store;
    const int64_t shard = sc->control->setup.shard;
    const struct open_run_row open = {.shard = shard};
    const struct inbox_row inbox = {.shard = shard};

    /* Messages first: of each that is seen here the run is seen below, unless it is
     * over. The other way round, one submitted and cancelled in between would look as
     * if it were over, and its cancel would be thrown away. */
    sc->code = store_scan(
        s, STORE_READER_LANE,
        &(struct store_query){.record = &record_inbox, .like = &inbox, .n_equal = 1},
        add_inbox, sc, &sc->err);
    if (sc->code == FF_OK)
        sc->code =
            store_scan(s, STORE_READER_LANE,
                       &(struct store_query){
                           .record = &record_open_run, .like = &open, .n_equal = 1},
                       add_open, sc, &sc->err);
    if (sc->code == FF_OK)
        sc->code = control_limits_scan(sc->control, sc->first, &sc->limits, &sc->err);
    if (sc->code == FF_OK)
        sc->code = control_queues_scan(sc->control, &sc->queues, &sc->err);
    if (sc->code == FF_OK)
        sc->code = control_shares_scan(sc->control, &sc->shares, &sc->err);
}

static void load_new(struct control *c, struct tenant t, int64_t run,
                     const struct run_row *row)
{
    struct live *l;

    if (control_live(c, run) || !range_has(c->range, t))
        return;
    l = control_live_new(c, t, run);
    l->first = !c->began;
    l->standing = l->first;
    c->n_first += l->first;
    c->n_standing += l->standing;
    if (!row || !control_take_up(l, row))
        control_load(l);
}

static void scan_done(void *arg)
{
    struct scan *sc = arg;
    struct control *c = sc->control;

    c->n_lane--;
    c->scanning = false;
    if (sc->code != FF_OK) {
        log_warn("looking for open runs: %s", sc->err.msg);
    } else {
        control_limits_take(c, &sc->limits);
        control_queues_take(c, &sc->queues);
        control_shares_take(c, &sc->shares);
    }
    for (size_t i = 0; !c->draining && i < sc->open.n; i++)
        load_new(c, (struct tenant){sc->open.items[i].tenant}, sc->open.items[i].run,
                 NULL);
    c->began = c->began || sc->code == FF_OK;
    if (!c->draining && sc->code == FF_OK)
        control_inbox(c, sc->inbox.items, sc->inbox.n, sc->range);
    c->carried_out.n = 0; /* the next one begins after them */
    ARRAY_DONE(&sc->open);
    for (size_t i = 0; i < sc->inbox.n; i++)
        json_decref(sc->inbox.items[i].body);
    ARRAY_DONE(&sc->inbox);
    control_limit_rows_done(&sc->limits);
    control_queues_done(&sc->queues);
    control_shares_done(&sc->shares);
    if (c->scan_again && !c->draining)
        control_scan(c);
    if (sc->code != FF_OK && !c->draining)
        control_arm_rescan(c);
    control_arm_sweep(c);
    mem_free(sc);
    control_post_pump(c);
}

void control_scan(struct control *c)
{
    if (c->draining || c->dead)
        return;
    c->scan_again = c->scanning; /* what came after it began must be seen too */
    if (c->scanning)
        return;
    struct scan *sc = mem_alloc(sizeof(*sc));
    sc->control = c;
    sc->first = !c->began;
    sc->range = c->range;
    c->scanning = true;
    c->n_lane++;
    lane_do(c->lane, scan_on_lane, scan_done, sc);
}

/* A scan reads all open runs: too much for each of many that come one by one. Until the
 * first one has ended it is not known what else there is. */
void control_opened(struct control *c, struct tenant t, int64_t run,
                    const struct run_row *row)
{
    if (!c->began) {
        control_wake(c);
        return;
    }
    if (c->draining || c->dead)
        return;
    c->was_idle = false;
    load_new(c, t, run, row);
    control_arm_sweep(c);
}
