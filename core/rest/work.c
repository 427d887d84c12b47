/* work.c - requests are worked on beside the loop, by a pool of readers of the store:
 * so many at a time, and no more than so many that wait. */
#include "rest/rest_priv.h"

#define LANES       4
#define WAITING_MAX 512

int work_open(struct rest *r, struct ff_err *err)
{
    const struct store_readers_setup setup = {
        .name = "rest", .n_lanes = LANES, .n_waiting = WAITING_MAX};

    r->readers = store_readers_open(r->store, &setup, err);
    return r->readers ? FF_OK : err->code;
}

void work_close(struct rest *r)
{
    store_readers_close(r->readers);
}

static void on_lane(void *arg, struct store_reader *reader)
{
    struct rest_call *c = arg;

    c->reader = reader;
    c->on_lane(c);
    c->reader = NULL;
}

static void back_on_loop(void *arg)
{
    struct rest_call *c = arg;

    c->rest->n_working--;
    c->back(c);
}

bool work_begin(struct rest_call *c, ff_call_fn *do_it, ff_call_fn *back)
{
    struct rest *r = c->rest;
    struct ff_err busy;

    c->store = r->store;
    c->now_us = loop_wall_us(r->setup.loop);
    c->on_lane = do_it;
    c->back = back;
    if (store_readers_do(r->readers, on_lane, back_on_loop, c, &busy) != FF_OK)
        return false;
    r->n_working++;
    return true;
}
