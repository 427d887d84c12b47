/* observe.c - the room: what it is made of, its beginning and its end. */
#include "observe/observe_priv.h"

/* Those without labels have one series, which is there from the beginning. */
static void init_plain(struct observe *o)
{
    for (size_t i = 0; i < N_FAMILIES; i++)
        if (!observe_families[i].labels[0])
            o->plain[i] = metrics_get(o->metrics, i, NULL);
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
    if (observe_listen(o, err) == FF_OK)
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

void observe_free(struct observe *o)
{
    void *name;

    /* A store that takes nothing is not waited for: what still reads has it all. */
    if (!o || o->n_reading > 0)
        return;
    for (size_t i = 0; map_next(&o->tenants, &i, &name);)
        mem_free(name);
    map_done(&o->tenants);
    metrics_free(o->metrics);
    mem_free(o);
}
