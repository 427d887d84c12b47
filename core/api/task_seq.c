/* api/task_seq.c - see the header. */
#include "api/task_seq.h"

struct seen {
    struct list link;
    int64_t seq;
    char *writer;
};

void task_seq_init(struct task_seq *t, size_t max)
{
    *t = (struct task_seq){.max = max};
    list_init(&t->recent);
}

static void forget(struct task_seq *t, struct seen *s)
{
    map_del_text(&t->writers, s->writer);
    list_del(&s->link);
    mem_free(s->writer);
    mem_free(s);
}

static struct seen *oldest(const struct task_seq *t)
{
    struct list *first = list_first(&t->recent);

    return first ? LIST_OF(first, struct seen, link) : NULL;
}

void task_seq_done(struct task_seq *t)
{
    for (struct seen *s = oldest(t); s; s = oldest(t))
        forget(t, s);
    map_done(&t->writers);
}

int64_t task_seq_last(const struct task_seq *t, const char *writer)
{
    const struct seen *s = map_get_text(&t->writers, writer);

    return s ? s->seq : -1;
}

void task_seq_set(struct task_seq *t, const char *writer, int64_t seq)
{
    struct seen *s = map_get_text(&t->writers, writer);

    if (!s) {
        if (t->writers.n >= t->max)
            forget(t, oldest(t));
        s = mem_alloc(sizeof(*s));
        s->writer = mem_text(writer);
        list_init(&s->link);
        map_set_text(&t->writers, writer, s);
    }
    s->seq = seq;
    list_del(&s->link);
    list_add_tail(&t->recent, &s->link);
}
