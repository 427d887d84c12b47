/* page.c - GET /metrics, on a server of its own, and whether the process is well, for
 * who manages it. Names of tenants that are new are read beside the loop first; when
 * that cannot be, a number stands for one. */
#include "observe/observe_priv.h"

#include "access/access.h"

#define CONNECTIONS_MAX 64
#define IDLE_US         (300 * UNITS_SECOND) /* who scrapes comes back */

/* One that waits for names. */
struct scrape {
    struct observe *o;
    const struct http_request *request; /* as long as the reply */
    struct http_reply *reply;
    struct observe_numbers numbers;
    char **names; /* NULL: it could not be read */
};

static void answer(struct observe *o, const struct http_request *r,
                   struct http_reply *reply)
{
    const enum metrics_format format = metrics_choose(http_header(r, "accept"));
    struct buf text = {0};

    observe_gauges(o);
    metrics_write(o->metrics, format, &text);
    http_reply_header(reply, "Vary", "Accept");
    http_reply_take(reply, 200, metrics_types[format], &text);
}

/* --- names --- */

static void read_names(void *arg, struct store_reader *reader)
{
    struct scrape *s = arg;
    struct store *store = node_store(s->o->setup.node);

    for (size_t i = 0; i < s->numbers.n; i++) {
        struct arena arena = {0};
        struct tenant_row row;
        struct ff_err ignored;

        if (access_tenant_by_no(store, reader, (struct tenant){s->numbers.items[i]},
                                &arena, &row, &ignored) == FF_OK)
            s->names[i] = mem_text_len(row.name.s, row.name.len);
        arena_done(&arena);
    }
}

static void learn(struct scrape *s)
{
    struct map *known = &s->o->tenants;

    for (size_t i = 0; i < s->numbers.n; i++) {
        if (s->names[i] && !map_get(known, s->numbers.items[i]))
            map_set(known, s->numbers.items[i], s->names[i]);
        else
            mem_free(s->names[i]);
    }
}

static void free_scrape(struct scrape *s)
{
    ARRAY_DONE(&s->numbers);
    mem_free(s->names);
    mem_free(s);
}

static void have_read(void *arg)
{
    struct scrape *s = arg;
    struct observe *o = s->o;

    o->n_reading--;
    learn(s);
    if (o->stopped)
        http_reply_problem(s->reply, 503, "the server is stopping");
    else
        answer(o, s->request, s->reply);
    free_scrape(s);
}

/* --- the route --- */

static void on_metrics(void *arg, const struct http_request *r,
                       struct http_reply *reply)
{
    struct observe *o = arg;
    struct scrape *s = mem_alloc(sizeof(*s));
    struct ff_err busy;

    *s = (struct scrape){.o = o, .request = r, .reply = reply};
    observe_unnamed(o, &s->numbers);
    s->names = mem_array(s->numbers.n + 1, sizeof(*s->names));
    if (s->numbers.n > 0 &&
        store_readers_do(o->readers, read_names, have_read, s, &busy) == FF_OK) {
        o->n_reading++;
        return;
    }
    answer(o, r, reply);
    free_scrape(s);
}

static void on_live(void *arg, const struct http_request *r, struct http_reply *reply)
{
    struct buf text = {0};

    (void)arg;
    (void)r;
    rest_tell_live(&text);
    http_reply_take(reply, 200, "application/json", &text);
}

static void on_ready(void *arg, const struct http_request *r, struct http_reply *reply)
{
    const struct observe *o = arg;
    struct buf text = {0};
    const int status = rest_tell_ready(o->setup.node, o->setup.rest, &text);

    (void)r;
    http_reply_take(reply, status, "application/json", &text);
}

int observe_listen(struct observe *o, struct ff_err *err)
{
    static const struct http_route routes[] = {
        {"GET", "/metrics", on_metrics, 0, NULL}, {"GET", "/livez", on_live, 0, NULL},
        {"GET", "/healthz", on_live, 0, NULL},    {"GET", "/readyz", on_ready, 0, NULL},
        {"GET", "/health", on_ready, 0, NULL},
    };
    const struct http_options opts = {
        .address = o->setup.place.address,
        .port = o->setup.place.port,
        .any_address = !o->setup.place.loopback,
        .n_connections_max = CONNECTIONS_MAX,
        .idle_timeout_us = IDLE_US,
    };

    o->server = http_server_new(o->setup.loop, &opts);
    http_server_mount(o->server, routes, COUNT_OF(routes), o);
    return http_server_listen(o->server, err);
}
