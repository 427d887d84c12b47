/* queues.c - people pause queues, and end that: a row for as long as it lasts. */
#include "node/node_priv.h"

static int check_name(const char *name, struct ff_err *err)
{
    if (text_is_name(name, true))
        return FF_OK;
    return ff_fail(err, FF_INVALID, 0,
                   "\"%.80s\" is no name of a queue: a-z, 0-9, _ and -, no digit or - "
                   "first",
                   name);
}

static int commit(struct node *n, struct batch *b, struct ff_err *err)
{
    size_t failed;
    const int code = store_commit_now(n->store, b, &failed, err);

    batch_done(b);
    return code;
}

static int note_version(void *arg, const void *row)
{
    *(int64_t *)arg = ((const struct queue_pause_row *)row)->version;
    return 1;
}

/* Is it paused? *version is 0 when it is not. */
static int read_pause(struct node *n, const struct queue_pause_row *row,
                      int64_t *version, struct ff_err *err)
{
    *version = 0;
    return store_scan(
        n->store, STORE_READER_CALLER,
        &(struct store_query){.record = &record_queue_pause, .like = row, .n_equal = 2},
        note_version, version, err);
}

/* How often somebody else may have paused it and let it go in between. */
#define PAUSE_RACES 10

int node_pause_queue(struct node *n, struct tenant t, const char *name, const char *by,
                     struct ff_err *err)
{
    const struct queue_pause_row row = {
        .tenant = t.no,
        .name = span_of(name),
        .paused_at = loop_wall_us(n->loop),
        .paused_by = span_of(by),
    };
    int64_t version = 0;
    int code = check_name(name, err);

    if (code != FF_OK)
        return code;
    for (int i = 0; i < PAUSE_RACES && version == 0; i++) {
        struct batch b = {0};
        batch_put(&b, &record_queue_pause, &row, FF_ABSENT);
        code = commit(n, &b, err);
        if (code != FF_CONFLICT)
            return code;
        /* It is paused already, or was when the store looked. */
        code = read_pause(n, &row, &version, err);
        if (code != FF_OK)
            return code;
    }
    if (version > 0)
        return FF_OK;
    return ff_fail(
        err, FF_CONFLICT, 0,
        "the queue %s is paused and let go by others all the time: try again", name);
}

int node_unpause_queue(struct node *n, struct tenant t, const char *name,
                       struct ff_err *err)
{
    const struct queue_pause_row row = {.tenant = t.no, .name = span_of(name)};
    struct batch b = {0};
    int64_t version = 0;
    int code = check_name(name, err);

    if (code == FF_OK)
        code = read_pause(n, &row, &version, err);
    if (code != FF_OK)
        return code;
    if (version == 0)
        return ff_fail(err, FF_NOT_FOUND, 0,
                       "the queue %s is not paused: `flowforge doctor paused` shows "
                       "what is",
                       name);
    batch_delete(&b, &record_queue_pause, &row, FF_ANY_VERSION);
    return commit(n, &b, err);
}
