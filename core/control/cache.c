/* cache.c - what tasks with `cache` gave before: a lane reads it, and the answer is an
 * input of the node that asked. Only what is durable is found: the step that asks is
 * committed before, so a task finds what the one before it has just given. A cache that
 * cannot be read has nothing: the task then runs. */
#include "control/control_priv.h"

#include <string.h>

struct look_up {
    int64_t no, run, node;
    struct tenant tenant;
    char id[ID_TEXT];
    char hash[SHA256_TEXT];
    struct result found;
    char *stored;
    char *artifacts; /* as in its row */
    int code;
    char *why; /* it could not be read */
};

struct look_ups {
    struct control *control;
    struct look_up *items;
    size_t n, cap;
    int64_t now_us;
};

/* A node may ask again, and for something else, while the lane still looks for what it
 * asked before: it began again, its run was loaded or opened again. */
void control_asks(struct live *l, int64_t node)
{
    map_del(&l->asked, node);
}

void control_take_answer(struct live *l, struct queued *q)
{
    const int64_t asked = (intptr_t)map_get(&l->asked, q->in.node);

    if (asked == q->look_up)
        map_del(&l->asked, q->in.node);
    else
        q->is_void = true;
}

void control_look_up(struct live *l, int64_t node, const char *hash)
{
    struct control *c = l->control;
    struct look_up one = {
        .no = ++c->n_look_ups, .run = l->no, .node = node, .tenant = l->tenant};
    const struct span id = l->run->row.id;

    snprintf(one.id, sizeof(one.id), "%.*s", (int)id.len, id.s);
    snprintf(one.hash, sizeof(one.hash), "%s", hash);
    if (!c->look_ups) {
        c->look_ups = mem_alloc(sizeof(*c->look_ups));
        c->look_ups->control = c;
    }
    map_set(&l->asked, node, (void *)(intptr_t)one.no);
    ARRAY_ADD(c->look_ups, one);
}

/* --- on the lane --- */

struct taker {
    struct look_ups *all;
    struct look_up *one;
    struct ff_err *err;
};

static int take_row(void *arg, const void *row)
{
    const struct taker *taker = arg;
    const struct control_setup *setup = &taker->all->control->setup;
    const struct cache_row *cached = row;
    struct look_up *one = taker->one;

    if (cached->expires_at <= taker->all->now_us)
        return 1;
    if (cached->outputs.s) {
        one->found.outputs =
            setup->resolve
                ? setup->resolve(setup->resolve_arg, one->id, cached->outputs,
                                 taker->err)
                : json_parse(cached->outputs.s, cached->outputs.len, taker->err);
        if (!one->found.outputs) {
            one->code = taker->err->code;
            return 1;
        }
        one->stored = mem_text_len(cached->outputs.s, cached->outputs.len);
    }
    if (cached->artifacts.s)
        one->artifacts = mem_text_len(cached->artifacts.s, cached->artifacts.len);
    one->found.outcome = OUTCOME_SUCCEEDED;
    one->found.stored = one->stored;
    one->found.exit_code = MODEL_NULL;
    return 1;
}

static int note_row(void *arg, const void *row)
{
    (void)row;
    *(bool *)arg = true;
    return 1;
}

/* Does the cache still name this blob? */
static bool is_named(const struct look_ups *all, const struct look_up *one,
                     const char *hash, struct ff_err *err)
{
    const struct artifact_row like = {
        .tenant = one->tenant.no, .run = ARTIFACT_OF_CACHE, .hash = span_of(hash)};
    bool named = false;

    const int code = store_scan(
        all->control->setup.store, STORE_READER_LANE,
        &(struct store_query){
            .record = &record_artifact, .like = &like, .n_equal = 3, .limit = 1},
        note_row, &named, err);
    return code == FF_OK && named;
}

/* What is found by a blob that may be gone is not found: whoever takes it has to name
 * the blob in the same commit as the task, which then would fail again and again. */
static void check_artifacts(const struct look_ups *all, struct look_up *one,
                            struct ff_err *err)
{
    json_t *hashes =
        one->artifacts ? json_parse(one->artifacts, strlen(one->artifacts), err) : NULL;

    for (size_t i = 0; i < json_array_size(hashes); i++)
        if (!is_named(all, one, json_string_value(json_array_get(hashes, i)), err))
            one->found.outcome = OUTCOME_LOST;
    json_decref(hashes);
}

static void look_up_one(struct look_ups *all, struct look_up *one)
{
    struct ff_err err = {0};
    struct taker taker = {.all = all, .one = one, .err = &err};
    const struct cache_row like = {.tenant = one->tenant.no,
                                   .hash = span_of(one->hash)};

    one->found.outcome = OUTCOME_LOST; /* until it is found */
    const int code = store_scan(
        all->control->setup.store, STORE_READER_LANE,
        &(struct store_query){
            .record = &record_cache, .like = &like, .n_equal = 2, .limit = 1},
        take_row, &taker, &err);
    if (code != FF_OK)
        one->code = code;
    if (one->code == FF_OK)
        check_artifacts(all, one, &err);
    if (one->code != FF_OK)
        one->why = mem_text(err.msg);
}

static void look_up_on_lane(void *arg)
{
    struct look_ups *all = arg;

    FAILPOINT("control.cache.before");
    for (size_t i = 0; i < all->n; i++)
        look_up_one(all, &all->items[i]);
    FAILPOINT("control.cache.after");
}

/* --- back --- */

static void answer(struct live *l, const struct look_up *one)
{
    struct queued q = {.in = {.type = INPUT_FOUND, .node = one->node},
                       .look_up = one->no};

    if (one->code != FF_OK)
        log_warn("run %s: the cache: %s; the task runs", one->id, one->why);
    else if (one->found.outcome == OUTCOME_SUCCEEDED)
        q.result = control_copy_result(&one->found);
    control_queue(l, &q);
}

static void free_all(struct look_ups *all)
{
    for (size_t i = 0; i < all->n; i++) {
        json_decref(all->items[i].found.outputs);
        mem_free(all->items[i].stored);
        mem_free(all->items[i].artifacts);
        mem_free(all->items[i].why);
    }
    ARRAY_DONE(all);
    mem_free(all);
}

static void look_up_done(void *arg)
{
    struct look_ups *all = arg;
    struct control *c = all->control;

    c->n_lane--;
    for (size_t i = 0; i < all->n; i++) {
        struct live *l = control_live(c, all->items[i].run);
        if (all->items[i].code == FF_FATAL) {
            struct ff_err err;
            ff_fail(&err, FF_FATAL, 0, "%s", all->items[i].why);
            control_fatal(c, &err);
            break;
        }
        if (l && !c->draining)
            answer(l, &all->items[i]);
    }
    free_all(all);
    control_post_pump(c);
}

void control_look_ups_go(struct control *c)
{
    struct look_ups *all = c->look_ups;

    if (!all)
        return;
    c->look_ups = NULL;
    all->now_us = loop_wall_us(c->setup.loop);
    c->n_lane++;
    lane_do(c->lane, look_up_on_lane, look_up_done, all);
}

void control_look_ups_free(struct control *c)
{
    if (c->look_ups)
        free_all(c->look_ups);
    c->look_ups = NULL;
}
