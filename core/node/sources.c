/* sources.c - which workflow files the store has, so that it is not asked for one with
 * each run of it. A row of `workflow` stands under the hash of its text, is never
 * changed and never deleted: what was there once is there. */
#include "node/pins.h"

#define KNOWN_MAX 1024

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

static bool is_known(struct node_sources *s, const char *key)
{
    pthread_mutex_lock(&s->mutex);
    const bool known = map_get_text(&s->known, key) != NULL;

    pthread_mutex_unlock(&s->mutex);
    return known;
}

static void know(struct node_sources *s, const char *key)
{
    pthread_mutex_lock(&s->mutex);
    if (s->known.n >= KNOWN_MAX) {
        map_done(&s->known);
        s->known = (struct map){0};
    }
    map_set_text(&s->known, key, s);
    pthread_mutex_unlock(&s->mutex);
}

/* One that is written here may yet fail: it is known when it was read. */
int node_add_source(const struct node_plan *p, const struct workflow_row *row,
                    struct ff_err *err)
{
    MEM_AUTO char *key = key_of(row);
    struct arena arena = {0};
    struct workflow_row old;

    if (is_known(&p->node->sources, key))
        return FF_OK;
    const int code =
        store_workflow(p->node->store, p->reader, (struct tenant){row->tenant},
                       row->hash, &arena, &old, err);

    arena_done(&arena);
    if (code == FF_OK)
        know(&p->node->sources, key); /* the same text has the same hash */
    if (code != FF_NOT_FOUND)
        return code;
    batch_put(p->batch, &record_workflow, row, FF_ANY_VERSION);
    return FF_OK;
}
