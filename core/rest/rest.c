/* rest.c - the room: its parts, and the table of routes as the HTTP server takes it. */
#include "rest/live.h"

#include <string.h>

#define STUCK_US (10 * UNITS_SECOND)

static void mount(struct rest *r, struct rest_mount *m, const struct rest_route *route)
{
    m->rest = r;
    m->route = route;
    snprintf(m->pattern, sizeof(m->pattern), "%s%s",
             route->scope == REST_OPEN ? "" : REST_PREFIX, route->pattern);
    m->http = (struct http_route){route->method, m->pattern, rest_handle,
                                  route->body_max, rest_admit};
    http_server_mount(r->setup.server, &m->http, 1, m);
}

static int read_cursor_key(struct rest *r, struct ff_err *err)
{
    MEM_AUTO char *path =
        file_join(node_settings(r->setup.node)->files_dir, "cursor.key");
    unsigned char bytes[32];
    struct buf text = {0};
    int sys = file_read(path, sizeof(r->cursor_key) - 1, &text);

    if (sys != 0 || text.len != SHA256_TEXT - 1) {
        rand_system(bytes, sizeof(bytes));
        sha256_text(bytes, sizeof(bytes), r->cursor_key);
        sys = file_write_durable(path, r->cursor_key, SHA256_TEXT - 1, 0600);
    } else {
        memcpy(r->cursor_key, text.data, text.len);
    }
    buf_done(&text);
    if (sys == 0)
        return FF_OK;
    return ff_fail(err, FF_UNAVAILABLE, -sys, "%.160s: %s", path, strerror(-sys));
}

static int open_parts(struct rest *r, struct ff_err *err)
{
    int code = who_open(r, err);

    if (code == FF_OK)
        code = read_cursor_key(r, err);
    if (code != FF_OK)
        return code;
    if (work_open(r, err) != FF_OK)
        return err->code;
    r->sealer = sealer_new(r->setup.loop, r->store, STORE_READER_LANE, err);
    if (!r->sealer)
        return err->code;
    sealer_wake(r->sealer); /* what others left open */
    r->live = live_streams_new(r);
    rest_openapi(r->setup.version, &r->openapi);
    return FF_OK;
}

struct rest *rest_new(const struct rest_setup *setup, struct ff_err *err)
{
    struct rest *r = mem_alloc(sizeof(*r));

    r->setup = *setup;
    r->store = node_store(setup->node);
    store_numbers_init(&r->numbers, ACCESS_NUMBERS);
    pthread_mutex_init(&r->shared_mutex, NULL);
    rand_system(r->keys, sizeof(r->keys));
    flows_open(r);
    denied_open(r);
    if (open_parts(r, err) != FF_OK) {
        rest_free(r);
        return NULL;
    }
    r->mounts = mem_array(rest_n_routes, sizeof(*r->mounts));
    for (size_t i = 0; i < rest_n_routes; i++)
        mount(r, &r->mounts[i], &rest_routes[i]);
    return r;
}

void rest_use_fleet(struct rest *r, const struct fleet *fleet)
{
    if (r)
        r->setup.fleet = fleet;
}

size_t rest_streams(const struct rest *r)
{
    return r->live->n_streams;
}

struct store_readers *rest_readers(struct rest *r)
{
    return r->readers;
}

void rest_drain(struct rest *r)
{
    r->draining = true;
    live_streams_end(r->live);
}

static void stop_loop(void *arg)
{
    loop_stop(arg, 0);
}

/* True: nothing is under way. A store that takes nothing is not waited for. */
static bool wait_for_calls(struct rest *r)
{
    struct loop *l = r->setup.loop;
    struct loop_timer *stuck = NULL;

    r->stopping = true;
    denied_tell(r);
    if (r->n_working > 0 || r->n_changing > 0) {
        loop_timer_add(l, STUCK_US, stop_loop, l, &stuck);
        loop_run(l);
    }
    if (r->sealer && r->n_working + r->n_changing == 0) {
        sealer_drain(r->sealer, stop_loop, l);
        loop_run(l);
    }
    loop_timer_del(stuck);
    return r->n_working == 0 && r->n_changing == 0;
}

void rest_free(struct rest *r)
{
    if (!r)
        return;
    if (r->readers && !wait_for_calls(r)) {
        log_error("the store takes nothing: requests are left without an answer");
        return;
    }
    sealer_free(r->sealer);
    live_streams_free(r->live);
    work_close(r);
    answers_close(r);
    flows_close(r);
    who_close(r);
    buckets_done(&r->buckets);
    buckets_done(&r->shared);
    denied_close(r);
    pthread_mutex_destroy(&r->shared_mutex);
    store_numbers_done(&r->numbers);
    buf_done(&r->openapi);
    while (r->n_spare > 0)
        arena_done(&r->spare[--r->n_spare]);
    mem_free(r->mounts);
    mem_free(r);
}
