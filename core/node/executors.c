/* executors.c - what is to be known of executors: where they have places; and which
 * may hold attempts, as rows: whoever leads next knows for whom it has to wait before
 * it gives up what nobody says to hold. */
#include "node/node_priv.h"

void node_set_pool(struct node *n, const char *labels, int64_t n_places)
{
    if (n->control)
        control_set_pool(n->control, labels, n_places);
}

void node_placed(struct node *n, const char *attempt_id, const char *labels)
{
    struct attempt_key key;

    if (n->control && n->exec && exec_key_of(n->exec, attempt_id, &key))
        control_placed(n->control, &key, labels);
}

/* --- whose they are, and what waits for them --- */

int64_t node_tenant_hash(const struct node *n, const char *attempt_id)
{
    struct attempt_key key;

    return n->exec && exec_key_of(n->exec, attempt_id, &key) ? range_hash(key.tenant)
                                                             : -1;
}

bool node_leads_hash(const struct node *n, int64_t hash)
{
    return hash < 0 ? range_is_all(n->range)
                    : n->range.low <= hash && hash < n->range.high;
}

/* One that has just been woken up may not know yet that its time is over. */
bool node_leads_somebody(const struct node *n)
{
    const struct node_lease *l = &n->lease;

    if (!n->owner || l->lost || range_is_empty(n->range))
        return false;
    return !node_is_leased(n) || loop_mono_us(n->loop) < l->end_us;
}

/* More places would not do where engine.slots is what is reached. */
int64_t node_wanted(const struct node *n, const char *labels)
{
    return n->control && n->n_places < n->settings.slots
               ? control_wanted(n->control, labels)
               : 0;
}

void node_on_wanted(struct node *n, ff_call_fn *changed, void *arg)
{
    n->wanted = changed;
    n->wanted_arg = arg;
}

/* --- rows --- */

static struct executor_row row_of(const struct node *n, const char *id)
{
    return (struct executor_row){.shard = store_get_fence(n->store).shard,
                                 .id = span_of(id)};
}

void node_note_executor(struct node *n, const char *id, const char *name,
                        store_done_fn *done, void *arg)
{
    struct executor_row row = row_of(n, id);
    struct batch batch = {0};

    row.name = span_of(name);
    row.since = loop_wall_us(n->loop);
    batch_put(&batch, &record_executor, &row, FF_ANY_VERSION);
    store_commit(n->store, &batch, done, arg);
}

void node_forget_executor(struct node *n, const char *id)
{
    const struct executor_row row = row_of(n, id);
    struct batch batch = {0};

    batch_delete(&batch, &record_executor, &row, FF_ANY_VERSION);
    store_commit(n->store, &batch, NULL, NULL);
}

struct each {
    node_executor_fn *fn;
    void *arg;
};

static int tell_one(void *arg, const void *row)
{
    const struct each *each = arg;
    const struct executor_row *executor = row;
    char id[64], name[64]; /* FLEET_NAME_MAX */

    snprintf(id, sizeof(id), "%.*s", (int)executor->id.len, executor->id.s);
    snprintf(name, sizeof(name), "%.*s", (int)executor->name.len, executor->name.s);
    each->fn(each->arg, id, name);
    return 0;
}

int node_each_executor(struct node *n, node_executor_fn *fn, void *arg,
                       struct ff_err *err)
{
    struct each each = {fn, arg};

    return store_scan(n->store, STORE_READER_CALLER,
                      &(struct store_query){.record = &record_executor}, tell_one,
                      &each, err);
}

/* --- of processes that lead nobody --- */

struct sweep {
    const struct store_shards *shards;
    struct batch batch;
};

static bool leads_somebody(const struct store_shards *shards, int64_t shard)
{
    for (size_t i = 0; i < shards->n; i++)
        if (shards->items[i].shard == shard)
            return !range_is_empty(range_of(&shards->items[i]));
    return false;
}

/* With its version: what has been written anew since stays. */
static int sweep_one(void *arg, const void *row)
{
    struct sweep *s = arg;
    const struct executor_row *executor = row;

    if (!leads_somebody(s->shards, executor->shard))
        batch_delete(&s->batch, &record_executor, executor, executor->version);
    return 0;
}

int node_sweep_executors(struct node *n, struct ff_err *err)
{
    struct node_shards found = {0};
    struct sweep s = {.shards = &found.rows};
    int code = FF_OK;

    if (!node_is_leased(n))
        return FF_OK;
    code = node_read_shards(n, STORE_READER_CALLER, &found, err);
    if (code == FF_OK)
        code = store_scan(n->store, STORE_READER_CALLER,
                          &(struct store_query){.record = &record_executor}, sweep_one,
                          &s, err);
    if (code == FF_OK && s.batch.n > 0)
        store_commit(n->store, &s.batch, NULL, NULL);
    else
        batch_done(&s.batch);
    node_shards_done(&found);
    return code;
}
