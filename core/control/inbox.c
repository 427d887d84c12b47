/* inbox.c - messages that other processes left in the store for the owner. Each is
 * deleted by the commit that carries it out, and a scan that has read it before that is
 * not believed, so it is carried out once. */
#include "control/control_priv.h"

#include <string.h>

static void drop(struct control *c, const struct inbox_item *item)
{
    struct batch b = {0};
    const struct inbox_row row = {.shard = c->setup.shard, .no = item->no};

    batch_delete(&b, &record_inbox, &row, FF_ANY_VERSION);
    control_commit_aside(c, &b);
    batch_done(&b);
}

/* It may be seen again by the next scan before its commit is durable. */
static bool is_queued(const struct queued_list *list, int64_t no)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->items[i].inbox_no == no)
            return true;
    return false;
}

/* A scan that began before that was durable has read the row, and says so later. */
static bool is_carried_out(const struct control *c, int64_t no)
{
    for (size_t i = 0; i < c->carried_out.n; i++)
        if (c->carried_out.items[i] == no)
            return true;
    return false;
}

void control_inbox_durable(struct control *c, int64_t no)
{
    if (no > 0 && c->scanning)
        ARRAY_ADD(&c->carried_out, no);
}

/* The run knows what the word means, or refuses it. */
static void make_signal(struct queued *q, const struct inbox_item *item)
{
    q->in = (struct input){.type = INPUT_SIGNAL};
    q->signal = mem_alloc(sizeof(*q->signal));
    *q->signal =
        (struct signal){.word = mem_text(item->kind), .body = json_incref(item->body)};
}

/* Its run would be here if it were open: it was looked for, and is loaded. */
static bool is_over(const struct control *c, const struct inbox_item *item,
                    struct tenant_range seen)
{
    return range_has(seen, item->tenant) && range_has(c->range, item->tenant);
}

static void take(struct control *c, const struct inbox_item *item,
                 struct tenant_range seen)
{
    struct live *l = control_live(c, item->run);
    const bool kill = strcmp(item->kind, "kill") == 0;

    if (!l) {
        if (is_over(c, item, seen))
            drop(c, item);
        return; /* else whoever leads it then carries it out */
    }
    if (is_queued(&l->inputs, item->no) || is_queued(&l->applied, item->no) ||
        is_carried_out(c, item->no))
        return;
    FAILPOINT("control.inbox.take");
    struct queued q = {
        .in = {.type = INPUT_CANCEL, .cancel = kill ? CANCEL_KILL : CANCEL_GRACEFUL},
        .foreign = l->tenant.no != item->tenant.no,
        .inbox_no = item->no,
    };
    if (!kill && strcmp(item->kind, "cancel") != 0)
        make_signal(&q, item);
    if (q.foreign)
        log_warn("run %lld: a %s by tenant %lld, whose run it is not, is refused",
                 (long long)item->run, item->kind, (long long)item->tenant.no);
    control_queue(l, &q);
}

void control_inbox(struct control *c, const struct inbox_item *items, size_t n,
                   struct tenant_range seen)
{
    for (size_t i = 0; i < n; i++)
        take(c, &items[i], seen);
}
