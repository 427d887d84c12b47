/* work.c - requests are worked on beside the loop, by a pool of readers of the store:
 * so many at a time, and no more than so many that wait. */
#include "rest/rest_priv.h"

#define LANES       4
#define WAITING_MAX 1024
#define CROWD       256
#define QUICK_US    500 /* a read for which the loop may wait */
#define HISTORY     16
/* A blob may come slowly, from far away: who fetches one keeps no lane from others. */
#define FETCH_LANES 4

int work_open(struct rest *r, struct ff_err *err)
{
    const struct store_readers_setup setup = {
        .name = "rest", .n_lanes = LANES, .n_waiting = WAITING_MAX};

    r->quick = store_reader_open(r->store, err);
    if (r->quick)
        r->readers = store_readers_open(r->store, &setup, err);
    return r->readers ? FF_OK : err->code;
}

/* Most servers are never asked for a file: its sessions of the store come with the
 * first. NULL with a sentence. */
static struct store_readers *fetchers(struct rest *r, struct ff_err *err)
{
    const struct store_readers_setup setup = {
        .name = "fetch", .n_lanes = FETCH_LANES, .n_waiting = REST_FILES_MAX};

    if (!r->fetchers)
        r->fetchers = store_readers_open(r->store, &setup, err);
    return r->fetchers;
}

void work_close(struct rest *r)
{
    store_readers_close(r->fetchers);
    store_readers_close(r->readers);
    store_reader_close(r->quick);
}

/* --- at once --- */

void work_took(const struct rest_call *c)
{
    struct rest *r = c->rest;

    if (c->route->flags & REST_QUICK)
        r->quick_history = r->quick_history << 1 | (c->took_us < QUICK_US);
}

/* Most of the last ones, wherever they were done, so a store that is far, or a disk
 * that is busy, keeps the loop waiting a few times only. */
bool work_at_once(struct rest_call *c, ff_call_fn *do_it)
{
    struct rest *r = c->rest;

    if (__builtin_popcount(r->quick_history & ((1U << HISTORY) - 1)) <= HISTORY / 2)
        return false;
    c->store = r->store;
    c->now_us = loop_wall_us(r->setup.loop);
    c->reader = r->quick;
    c->on_loop = true;
    do_it(c);
    c->on_loop = false;
    c->reader = NULL;
    return !c->takes_long;
}

/* --- on a lane --- */

static void on_lane(void *arg, struct store_reader *reader)
{
    struct rest_call *c = arg;

    c->reader = reader;
    c->on_lane(c);
    c->reader = NULL;
}

/* Before it is refused what cannot be done soon, nobody gets more than one place. When
 * this is called as the process ends there is no server any more. */
void work_note(struct rest *r)
{
    const size_t n = r->n_working + r->n_changing;

    if (!r->stopping && (n >= CROWD || n <= CROWD / 2))
        http_server_crowded(r->setup.server, n >= CROWD);
}

static void back_on_loop(void *arg)
{
    struct rest_call *c = arg;

    c->rest->n_working--;
    work_note(c->rest);
    c->back(c);
}

bool work_begin(struct rest_call *c, ff_call_fn *do_it, ff_call_fn *back)
{
    struct rest *r = c->rest;
    struct ff_err busy;
    struct store_readers *pool = c->blobs ? fetchers(r, &busy) : r->readers;

    c->store = r->store;
    c->now_us = loop_wall_us(r->setup.loop);
    c->on_lane = do_it;
    c->back = back;
    if (!pool || store_readers_do(pool, on_lane, back_on_loop, c, &busy) != FF_OK)
        return false;
    r->n_working++;
    work_note(r);
    return true;
}
