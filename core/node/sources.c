/* sources.c - which workflow files the store has, so that it is not asked for one with
 * each run of it. A row of `workflow` stands under the hash of its text, is never
 * changed and never deleted. A store may lose one all the same, with its last commits,
 * when it fails over to a standby that was behind: what was read is believed for a
 * second, or no run of the file could be loaded until this process ends. */
#include "node/pins.h"

#define KNOWN_MAX 1024
#define BELIEF_US UNITS_SECOND

void node_sources_init(struct node *n)
{
    pthread_mutex_init(&n->sources.mutex, NULL);
}

void node_sources_done(struct node *n)
{
    map_done(&n->sources.known);
    pthread_mutex_destroy(&n->sources.mutex);
}

static char *key_of(const struct workflow_row *row)
{
    struct buf key = {0};

    buf_printf(&key, "%lld %.*s", (long long)row->tenant, (int)row->hash.len,
               row->hash.s);
    return buf_take(&key);
}

static void forget(struct node_sources *s, int64_t now_us)
{
    map_done(&s->known);
    s->known = (struct map){0};
    s->since_us = now_us;
}

static bool is_known(struct node_sources *s, const char *key, int64_t now_us)
{
    pthread_mutex_lock(&s->mutex);
    if (now_us - s->since_us >= BELIEF_US)
        forget(s, now_us);
    const bool known = map_get_text(&s->known, key) != NULL;

    pthread_mutex_unlock(&s->mutex);
    return known;
}

/* It was read after `asked_us`: what is known since then is no older. */
static void know(struct node_sources *s, const char *key, int64_t asked_us)
{
    pthread_mutex_lock(&s->mutex);
    if (s->known.n >= KNOWN_MAX)
        forget(s, asked_us);
    if (s->since_us <= asked_us)
        map_set_text(&s->known, key, s);
    pthread_mutex_unlock(&s->mutex);
}

/* --- what is written --- */

/* Without a part, the file is parsed for the pages that it is about. */
static void put_outline(struct batch *b, const struct workflow_row *file,
                        const struct flow *f)
{
    const uint32_t n = flow_outline_parts(f);
    struct workflow_outline_row row = {
        .tenant = file->tenant,
        .hash = file->hash,
        .entry = span_of(f->entry ? f->entry : OUTLINE_OF_FILE)};
    struct buf body = {0};

    if (row.entry.len > OUTLINE_ENTRY_MAX)
        return;
    for (uint32_t i = 0; i < n; i++) {
        buf_clear(&body);
        if (!flow_outline_write(f, i, &body))
            continue;
        row.part = i;
        row.body = (struct span){.s = buf_text(&body), .len = body.len};
        batch_put(b, &record_workflow_outline, &row, FF_ANY_VERSION);
    }
    buf_done(&body);
}

static void put_outlines(struct batch *b, const struct workflow_row *file,
                         const struct flow *f)
{
    put_outline(b, file, f);
    for (uint32_t i = 0; i < f->n_tasks; i++)
        if (f->tasks[i].work->group)
            put_outlines(b, file, f->tasks[i].work->group);
}

void node_put_source(struct batch *b, const struct workflow_row *row,
                     const struct flow *flow)
{
    batch_put(b, &record_workflow, row, FF_ANY_VERSION);
    if (flow)
        put_outlines(b, row, flow);
}

/* One that is written here may yet fail: it is known when it was read. */
int node_add_source(const struct node_plan *p, const struct workflow_row *row,
                    const struct flow *flow, struct ff_err *err)
{
    MEM_AUTO char *key = key_of(row);
    const int64_t now_us = loop_mono_us(p->node->loop);
    struct arena arena = {0};
    struct workflow_row old;

    if (is_known(&p->node->sources, key, now_us))
        return FF_OK;
    const int code =
        store_workflow(p->node->store, p->reader, (struct tenant){row->tenant},
                       row->hash, &arena, &old, err);

    arena_done(&arena);
    if (code == FF_OK)
        know(&p->node->sources, key, now_us); /* the same text has the same hash */
    if (code != FF_NOT_FOUND)
        return code;
    node_put_source(p->batch, row, flow);
    return FF_OK;
}
