/* canonical.c - see canonical.h. */
#include "cli/view/canonical.h"

#include <stdlib.h>
#include <string.h>

static const char *const left_out[] = {"message", "delay_us", "due_at",
                                       "at",      "seq",      "host"};

/* "each.0#1/" and the task's name, or nothing for the run's own events. */
static void put_below(json_t *event, const char *prefix)
{
    const char *task = json_string_value(json_object_get(event, "task"));
    struct buf path = {0};

    buf_printf(&path, "%s%s", prefix, task ? task : "");
    json_object_set_new(event, "task", json_string(buf_text(&path)));
    buf_done(&path);
}

int canonical_add(struct canonical *c, const char *events, size_t len,
                  const char *prefix, struct ff_err *err)
{
    json_t *list = json_parse(events, len, err);
    json_t *event;
    size_t i;

    if (!list)
        return err->code;
    json_array_foreach(list, i, event)
    {
        const struct canonical_event e = {.event = json_incref(event), .order = c->n};
        for (size_t k = 0; k < COUNT_OF(left_out); k++)
            json_object_del(event, left_out[k]);
        if (prefix)
            put_below(event, prefix);
        ARRAY_ADD(c, e);
    }
    json_decref(list);
    return FF_OK;
}

static const char *task_of(const json_t *event)
{
    const char *name = json_string_value(json_object_get(event, "task"));

    return name ? name : "";
}

static int64_t number_of(const json_t *event, const char *key)
{
    const json_t *value = json_object_get(event, key);

    return value ? json_integer_value(value) : -1;
}

static int by_number(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

static int compare(const void *a, const void *b)
{
    const struct canonical_event *x = a;
    const struct canonical_event *y = b;
    int order = strcmp(task_of(x->event), task_of(y->event));

    if (order == 0)
        order = by_number(number_of(x->event, "item"), number_of(y->event, "item"));
    if (order == 0)
        order =
            by_number(number_of(x->event, "attempt"), number_of(y->event, "attempt"));
    if (order == 0)
        order = by_number((int64_t)x->order, (int64_t)y->order);
    return order;
}

void canonical_write(struct canonical *c, struct buf *out)
{
    if (c->n > 1)
        qsort(c->items, c->n, sizeof(*c->items), compare);
    for (size_t i = 0; i < c->n; i++) {
        char *text = json_dumps(c->items[i].event, JSON_COMPACT | JSON_SORT_KEYS);
        buf_add_text(out, text ? text : "{}");
        buf_add_char(out, '\n');
        mem_free(text);
        json_decref(c->items[i].event);
    }
    ARRAY_DONE(c);
}
