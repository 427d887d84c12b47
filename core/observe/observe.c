/* observe.c - the room: what it is made of, its beginning and its end. */
#include "observe/observe_priv.h"

#define READS_WAITING_MAX 16
#define STUCK_US          (10 * UNITS_SECOND)

/* Those without labels have one series, which is there from the beginning. */
static void init_plain(struct observe *o)
{
    for (size_t i = 0; i < N_FAMILIES; i++)
        if (!observe_families[i].labels[0])
            o->plain[i] = metrics_get(o->metrics, i, NULL);
}

/* Names of tenants are few and read once. */
static int open_readers(struct observe *o, struct ff_err *err)
{
    const struct store_readers_setup setup = {
        .name = "observe", .n_lanes = 1, .n_waiting = READS_WAITING_MAX};

    o->owns_readers = !o->setup.rest;
    o->readers = o->setup.rest
                     ? rest_readers(o->setup.rest)
                     : store_readers_open(node_store(o->setup.node), &setup, err);
    return o->readers ? FF_OK : err->code;
}

struct observe *observe_new(const struct observe_setup *setup, struct ff_err *err)
{
    struct observe *o = mem_alloc(sizeof(*o));

    o->setup = *setup;
    o->metrics = metrics_new(observe_families, N_FAMILIES);
    map_set(&o->tenants, TENANT_DEFAULT.no, mem_text("default"));
    init_plain(o);
    observe_rows_init(o);
    observe_work_init(o);
    observe_gauges_init(o);
    observe_work_begin(o);
    if (open_readers(o, err) == FF_OK && observe_listen(o, err) == FF_OK)
        return o;
    observe_stop(o);
    observe_free(o);
    return NULL;
}

uint16_t observe_port(const struct observe *o)
{
    return http_server_port(o->server);
}

void observe_stop(struct observe *o)
{
    if (!o || o->stopped)
        return;
    o->stopped = true;
    observe_work_end(o);
    http_server_free(o->server);
    o->server = NULL;
}

static void stop_loop(void *arg)
{
    loop_stop(arg, 0);
}

static void wait_for_reads(struct observe *o)
{
    struct loop *l = o->setup.loop;
    struct loop_timer *stuck = NULL;

    if (o->n_reading == 0)
        return;
    loop_timer_add(l, STUCK_US, stop_loop, l, &stuck);
    store_readers_drain(o->readers, stop_loop, l);
    loop_run(l);
    loop_timer_del(stuck);
}

void observe_free(struct observe *o)
{
    void *name;

    if (o && o->owns_readers && o->readers)
        wait_for_reads(o);
    /* A store that takes nothing is not waited for: what still reads has it all. */
    if (!o || o->n_reading > 0)
        return;
    for (size_t i = 0; map_next(&o->tenants, &i, &name);)
        mem_free(name);
    map_done(&o->tenants);
    if (o->owns_readers)
        store_readers_close(o->readers);
    metrics_free(o->metrics);
    mem_free(o);
}
