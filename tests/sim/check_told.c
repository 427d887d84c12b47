/* check_told.c - what the store room tells of a batch against what became of it: told
 * as written means written; told as refused means that nothing of it was, and that the
 * driver named one of its changes (I10). Stands between the rooms and store_commit by
 * the linker's --wrap. */
#include "sim.h"

/* A batch on its way. Changes travel by reference: where their values stand tells in
 * the driver whose they are. */
struct sent {
    store_done_fn *fn;
    void *arg;
    bool written, at_fault;
    bool copied; /* what was found to be missing may still arrive */
    struct {
        int64_t *items; /* in `under_way` */
        size_t n, cap;
    } keys;
};

static struct map under_way;

static int64_t key_of(const struct ff_value *values)
{
    return (int64_t)(intptr_t)values;
}

static void add_key(struct sent *sent, const struct ff_value *values)
{
    ARRAY_ADD(&sent->keys, key_of(values));
    map_set(&under_way, key_of(values), sent);
}

void told_copied(const struct ff_value *from, const struct ff_value *to)
{
    struct sent *sent = map_get(&under_way, key_of(from));

    if (!sent)
        return;
    sent->copied = true;
    add_key(sent, to);
}

void told_copy_gone(const struct ff_value *values)
{
    map_del(&under_way, key_of(values));
}

void told_written(const struct ff_change *changes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct sent *sent = map_get(&under_way, key_of(changes[i].values));
        if (sent)
            sent->written = true;
    }
}

static void set_at_fault(const struct ff_change *change)
{
    struct sent *sent = map_get(&under_way, key_of(change->values));

    if (sent)
        sent->at_fault = true;
}

void told_at_fault(const struct ff_change *changes, size_t n, size_t failed)
{
    if (failed < n)
        set_at_fault(&changes[failed]);
    for (size_t i = 0; failed >= n && i < n; i++)
        set_at_fault(&changes[i]);
}

static void on_told(void *arg, int code, size_t failed, const struct ff_err *err)
{
    struct sent *sent = arg;

    for (size_t i = 0; i < sent->keys.n; i++)
        if (map_get(&under_way, sent->keys.items[i]) == sent)
            map_del(&under_way, sent->keys.items[i]);
    sim_check(code != FF_OK || sent->written,
              "I10: a batch is told as written, and it is not");
    sim_check(code != FF_CONFLICT || !sent->written || sent->copied,
              "I10: a batch is told as refused, and it is written");
    sim_check(code != FF_CONFLICT || sent->at_fault,
              "I10: a batch is told as refused, and another one was");
    sent->fn(sent->arg, code, failed, err);
    ARRAY_DONE(&sent->keys);
    mem_free(sent);
}

void __real_store_commit(struct store *s, struct batch *b, store_done_fn *fn,
                         void *arg);
void __wrap_store_commit(struct store *s, struct batch *b, store_done_fn *fn,
                         void *arg);

void __wrap_store_commit(struct store *s, struct batch *b, store_done_fn *fn, void *arg)
{
    struct sent *sent = mem_alloc(sizeof(*sent));

    sent->fn = fn;
    sent->arg = arg;
    for (size_t i = 0; i < b->n; i++)
        add_key(sent, b->items[i].values);
    __real_store_commit(s, b, on_told, sent);
}
