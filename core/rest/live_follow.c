/* live_follow.c - where another process leads, what it commits is looked for a few
 * times a second, as long as there are streams: one question for each tenant that has
 * some. Steps without a position are told with the next one of their run, as
 * live_events.c says. Where nobody else can lead, nothing of this is there. */
#include "rest/live.h"

#define LOOK_US   (UNITS_SECOND / 5)
#define LOGS_US   UNITS_SECOND /* other hosts write to files, too, and nobody tells */
#define PAGE      1000
#define POSITIONS 1 /* no step has a lower one */

struct seen {
    int64_t tenant;
    int64_t position; /* 0: it is not known yet where the tip is */
};
struct told {
    struct tenant tenant;
    int64_t run; /* 0: all that there is of the tenant */
};

struct live_look {
    struct live_streams *all;
    struct loop_timer *timer;
    int64_t logs_at_us; /* when those were looked at */
    bool busy;          /* with what follows, on a lane */
    struct store *store;
    struct store_reader *reader;
    struct {
        struct seen *items;
        size_t n, cap;
    } tenants;
    struct {
        struct told *items;
        size_t n, cap;
    } told;
    int code;
    struct ff_err err;
};

/* --- on a lane --- */

static int take_tip(void *arg, const void *row)
{
    const struct event_row *event = row;

    if (event->position != MODEL_NULL)
        *(int64_t *)arg = event->position;
    return 1;
}

static int find_tip(struct live_look *k, struct seen *t)
{
    const struct event_row like = {.tenant = t->tenant};
    const struct store_query q = {.record = &record_event,
                                  .index = "event_position",
                                  .like = &like,
                                  .n_equal = 1,
                                  .descending = true,
                                  .limit = 1};
    const struct told all = {.tenant = {t->tenant}};

    t->position = POSITIONS;
    ARRAY_ADD(&k->told, all);
    return store_scan(k->store, k->reader, &q, take_tip, &t->position, &k->err);
}

struct behind {
    struct live_look *look;
    struct seen *tenant;
};

static int take_step(void *arg, const void *row)
{
    const struct behind *b = arg;
    const struct event_row *event = row;
    const struct told told = {{event->tenant}, event->run};
    const size_t n = b->look->told.n;

    b->tenant->position = event->position;
    if (n == 0 || b->look->told.items[n - 1].run != event->run)
        ARRAY_ADD(&b->look->told, told);
    return 0;
}

static int find_steps(struct live_look *k, struct seen *t)
{
    const struct event_row after = {.tenant = t->tenant,
                                    .position = t->position,
                                    .run = INT64_MAX,
                                    .seq = INT64_MAX};
    const struct store_query q = {.record = &record_event,
                                  .index = "event_position",
                                  .like = &after,
                                  .n_equal = 1,
                                  .after = &after,
                                  .limit = PAGE};
    struct behind b = {k, t};

    return store_scan(k->store, k->reader, &q, take_step, &b, &k->err);
}

static void on_lane(void *arg, struct store_reader *reader)
{
    struct live_look *k = arg;

    k->reader = reader;
    k->code = FF_OK;
    for (size_t i = 0; k->code == FF_OK && i < k->tenants.n; i++) {
        struct seen *t = &k->tenants.items[i];

        k->code = t->position == 0 ? find_tip(k, t) : find_steps(k, t);
    }
}

/* --- on the loop --- */

static void wake_tenant(struct live_streams *all, struct tenant t, bool logs_only)
{
    void *source;

    for (size_t i = 0; map_next(&all->sources, &i, &source);) {
        struct live_source *s = source;

        if ((s->about.tenant.no == t.no || logs_only) &&
            (s->about.kind->files || !logs_only))
            live_wake(all, s);
    }
}

static void on_looked(void *arg)
{
    struct live_look *k = arg;
    struct live_streams *all = k->all;

    k->busy = false;
    all->rest->n_working--;
    work_note(all->rest);
    if (k->code != FF_OK)
        log_debug("live streams: %s", k->err.msg);
    for (size_t i = 0; i < k->told.n; i++) {
        const struct told *told = &k->told.items[i];

        if (told->run == 0)
            wake_tenant(all, told->tenant, false);
        else
            live_step(all, told->tenant, told->run);
    }
    k->told.n = 0;
    rest_tell_stop(all->rest);
}

static bool is_known(const struct live_look *k, int64_t tenant)
{
    for (size_t i = 0; i < k->tenants.n; i++)
        if (k->tenants.items[i].tenant == tenant)
            return true;
    return false;
}

static bool has_sources(const struct live_streams *all, int64_t tenant)
{
    void *source;

    for (size_t i = 0; map_next(&all->sources, &i, &source);)
        if (((struct live_source *)source)->about.tenant.no == tenant)
            return true;
    return false;
}

/* Those that nobody asks about any more are forgotten. */
static void list_tenants(struct live_look *k)
{
    void *source;
    size_t n = 0;

    for (size_t i = 0; i < k->tenants.n; i++)
        if (has_sources(k->all, k->tenants.items[i].tenant))
            k->tenants.items[n++] = k->tenants.items[i];
    k->tenants.n = n;
    for (size_t i = 0; map_next(&k->all->sources, &i, &source);) {
        const struct seen t = {.tenant =
                                   ((struct live_source *)source)->about.tenant.no};

        if (!is_known(k, t.tenant))
            ARRAY_ADD(&k->tenants, t);
    }
}

static void look_at_logs(struct live_look *k)
{
    const int64_t now_us = loop_mono_us(k->all->rest->setup.loop);

    if (now_us - k->logs_at_us < LOGS_US)
        return;
    k->logs_at_us = now_us;
    wake_tenant(k->all, (struct tenant){0}, true);
}

static void look(struct live_look *k)
{
    struct rest *r = k->all->rest;
    struct ff_err err;

    if (k->busy)
        return;
    if (node_leads_all(r->setup.node)) { /* and hears of all that it commits */
        k->tenants.n = 0;
        return;
    }
    list_tenants(k);
    look_at_logs(k);
    if (store_readers_do(r->readers, on_lane, on_looked, k, &err) != FF_OK)
        return;
    k->busy = true;
    r->n_working++;
    work_note(r);
}

static void on_timer(void *arg)
{
    struct live_look *k = arg;

    if (k->all->n_streams == 0)
        return;
    look(k);
    live_follow(k->all);
}

void live_follow(struct live_streams *all)
{
    struct live_look *k = all->look;

    if (!node_is_leased(all->rest->setup.node))
        return;
    if (!k) {
        k = all->look = mem_alloc(sizeof(*k));
        *k = (struct live_look){.all = all, .store = all->rest->store};
    }
    if (!k->timer)
        loop_timer_add(all->rest->setup.loop, LOOK_US, on_timer, k, &k->timer);
}

void live_follow_free(struct live_streams *all)
{
    struct live_look *k = all->look;

    if (!k)
        return;
    loop_timer_del(k->timer);
    ARRAY_DONE(&k->tenants);
    ARRAY_DONE(&k->told);
    mem_free(k);
    all->look = NULL;
}
