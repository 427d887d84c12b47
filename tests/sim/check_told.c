/* check_told.c - what the store room tells of a batch against what became of it: told
 * as written means written, be it by an earlier try that came late and made just the
 * same; told as refused means that nothing of it was, and that the driver named one of
 * its changes (I10). Stands between the rooms and store_commit by
 * the linker's --wrap. */
#include "sim.h"

#include <string.h>

/* A batch on its way. Changes travel by reference: where their values stand tells in
 * the driver whose they are. */
struct sent {
    store_done_fn *fn;
    void *arg;
    bool written, at_fault;
    bool copied; /* what was found to be missing may still arrive */
    struct {
        struct ff_change *items; /* as it was given */
        size_t n, cap;
    } changes;
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

/* --- what an earlier try has made --- */

/* Copies of changes whose commit came late, and was made. */
static struct {
    struct ff_change *items;
    size_t n, cap;
} came_late;

void told_came_late(const struct batch *b)
{
    for (size_t i = 0; i < b->n; i++)
        ARRAY_ADD(&came_late, b->items[i]);
}

static bool same_value(const struct ff_value *a, const struct ff_value *b)
{
    const bool text = a->type == FF_TEXT || a->type == FF_JSON || a->type == FF_BYTES;

    if (a->type != b->type || a->type == 0)
        return a->type == b->type;
    return text ? a->len == b->len && (a->len == 0 || memcmp(a->s, b->s, a->len) == 0)
                : a->i == b->i;
}

/* Of the same row, under the same guard, and leaving the same. */
static bool same_change(const struct ff_change *a, const struct ff_change *b)
{
    if (a->kind != b->kind || a->record != b->record || a->expect != b->expect ||
        (a->kind == FF_PATCH && a->set != b->set))
        return false;
    for (uint16_t i = 0; i < a->record->n_columns; i++) {
        const bool is_key = i < a->record->n_key;
        const bool is_set =
            a->kind == FF_PUT || (a->kind == FF_PATCH && a->set >> i & 1);
        if ((is_key || (is_set && i != a->record->n_key)) &&
            !same_value(&a->values[i], &b->values[i]))
            return false;
    }
    return true;
}

static bool was_made(const struct ff_change *c)
{
    for (size_t i = 0; i < came_late.n; i++)
        if (same_change(c, &came_late.items[i]))
            return true;
    return c->kind == FF_CHECK;
}

/* A commit in doubt that was read again and made the same once more: who came first
 * does not matter, as the store is what this batch would have made of it. */
static bool is_as_written(const struct sent *sent)
{
    for (size_t i = 0; i < sent->changes.n; i++)
        if (!was_made(&sent->changes.items[i]))
            return false;
    return true;
}

/* --- */

static void on_told(void *arg, int code, size_t failed, const struct ff_err *err)
{
    struct sent *sent = arg;

    for (size_t i = 0; i < sent->keys.n; i++)
        if (map_get(&under_way, sent->keys.items[i]) == sent)
            map_del(&under_way, sent->keys.items[i]);
    sim_check(code != FF_OK || sent->written || is_as_written(sent),
              "I10: a batch is told as written, and it is not");
    sim_check(code != FF_CONFLICT || !sent->written || sent->copied,
              "I10: a batch is told as refused, and it is written");
    sim_check(code != FF_CONFLICT || sent->at_fault,
              "I10: a batch is told as refused, and another one was");
    sent->fn(sent->arg, code, failed, err);
    ARRAY_DONE(&sent->keys);
    ARRAY_DONE(&sent->changes);
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
    for (size_t i = 0; i < b->n; i++) {
        add_key(sent, b->items[i].values);
        ARRAY_ADD(&sent->changes, b->items[i]);
    }
    __real_store_commit(s, b, on_told, sent);
}
