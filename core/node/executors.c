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

/* --- rows --- */

static struct executor_row row_of(const char *id)
{
    return (struct executor_row){.shard = NODE_SHARD, .id = span_of(id)};
}

void node_note_executor(struct node *n, const char *id, const char *name,
                        store_done_fn *done, void *arg)
{
    struct executor_row row = row_of(id);
    struct batch batch = {0};

    row.name = span_of(name);
    row.since = loop_wall_us(n->loop);
    batch_put(&batch, &record_executor, &row, FF_ANY_VERSION);
    store_commit(n->store, &batch, done, arg);
}

void node_forget_executor(struct node *n, const char *id)
{
    const struct executor_row row = row_of(id);
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
    const struct executor_row like = row_of("");
    struct each each = {fn, arg};

    return store_scan(
        n->store, STORE_READER_CALLER,
        &(struct store_query){.record = &record_executor, .like = &like, .n_equal = 1},
        tell_one, &each, err);
}
