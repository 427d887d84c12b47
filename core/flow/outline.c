/* outline.c - see outline.h. */
#include "flow/flow.h"

#include <string.h>

uint32_t flow_outline_parts(const struct flow *f)
{
    if (f->n_main < FLOW_OUTLINE_LEAST)
        return 0;
    return (f->n_main + FLOW_OUTLINE_PART - 1) / FLOW_OUTLINE_PART;
}

/* --- writing --- */

/* As ranges, since most that needs much needs neighbours. */
static void add_needs(struct jsonw *w, const struct flow_task *t)
{
    jsonw_open(w, '[');
    for (uint32_t i = 0, next; i < t->n_needs; i = next) {
        for (next = i + 1; next < t->n_needs; next++)
            if (t->needs[next] != t->needs[next - 1] + 1)
                break;
        jsonw_int(w, t->needs[i]);
        jsonw_int(w, t->needs[next - 1]);
    }
    jsonw_close(w, ']');
}

bool flow_outline_write(const struct flow *f, uint32_t no, struct buf *out)
{
    struct jsonw w = {.out = out};
    const uint32_t first = no * FLOW_OUTLINE_PART;

    jsonw_open(&w, '{');
    jsonw_key(&w, "main");
    jsonw_int(&w, f->n_main);
    jsonw_key(&w, "first");
    jsonw_int(&w, first);
    jsonw_key(&w, "tasks");
    jsonw_open(&w, '[');
    for (uint32_t i = first; i < f->n_main && i - first < FLOW_OUTLINE_PART; i++) {
        jsonw_open(&w, '[');
        jsonw_text(&w, f->tasks[i].name);
        if (f->tasks[i].n_needs > 0)
            add_needs(&w, &f->tasks[i]);
        jsonw_close(&w, ']');
        if (out->len > FLOW_OUTLINE_MAX)
            return false;
    }
    jsonw_close(&w, ']');
    jsonw_close(&w, '}');
    return true;
}

/* --- reading --- */

static bool are_needs(const json_t *needs, int64_t n_main)
{
    const size_t n = json_array_size(needs);
    int64_t ends[2];

    if (needs && (!json_is_array(needs) || n % 2 != 0))
        return false;
    for (size_t i = 0; i < n; i += 2) {
        for (size_t k = 0; k < 2; k++) {
            const json_t *end = json_array_get(needs, i + k);

            ends[k] = json_is_integer(end) ? json_integer_value(end) : -1;
        }
        if (ends[0] < 0 || ends[1] < ends[0] || ends[1] >= n_main)
            return false;
    }
    return true;
}

static bool is_task(const json_t *task, int64_t n_main)
{
    return json_is_string(json_array_get(task, 0)) &&
           are_needs(json_array_get(task, 1), n_main);
}

static bool is_part(const struct flow_outline *o)
{
    const json_t *task;
    size_t i;

    if (o->n_main < 0 || o->n_main > FLOW_MAX_TASKS || o->first < 0 ||
        o->first > o->n_main || o->n_tasks > o->n_main - o->first ||
        !json_is_array(o->tasks))
        return false;
    json_array_foreach(o->tasks, i, task) if (!is_task(task, o->n_main)) return false;
    return true;
}

bool flow_outline_read(struct flow_outline *o, const char *text, size_t len)
{
    const json_t *main, *first;
    struct ff_err ignored;

    *o = (struct flow_outline){.body = json_parse(text, len, &ignored)};
    o->tasks = json_object_get(o->body, "tasks");
    o->n_tasks = (int64_t)json_array_size(o->tasks);
    main = json_object_get(o->body, "main");
    first = json_object_get(o->body, "first");
    o->n_main = json_is_integer(main) ? json_integer_value(main) : -1;
    o->first = json_is_integer(first) ? json_integer_value(first) : -1;
    if (is_part(o))
        return true;
    flow_outline_done(o);
    return false;
}

void flow_outline_done(struct flow_outline *o)
{
    json_decref(o->body);
    *o = (struct flow_outline){0};
}

bool flow_outline_has(const struct flow_outline *o, int64_t index)
{
    return index >= o->first && index - o->first < o->n_tasks;
}

static const json_t *task_at(const struct flow_outline *o, int64_t index)
{
    return json_array_get(o->tasks, (size_t)(index - o->first));
}

const char *flow_outline_name(const struct flow_outline *o, int64_t index)
{
    return json_string_value(json_array_get(task_at(o, index), 0));
}

bool flow_outline_need(const struct flow_outline *o, int64_t index, size_t i,
                       int64_t *first, int64_t *last)
{
    const json_t *needs = json_array_get(task_at(o, index), 1);

    if (i >= json_array_size(needs) / 2)
        return false;
    *first = json_integer_value(json_array_get(needs, 2 * i));
    *last = json_integer_value(json_array_get(needs, 2 * i + 1));
    return true;
}
