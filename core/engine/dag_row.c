/* dag_row.c - what is written of a unit: its row, and the events of its history.
 * Decides nothing. */
#include "engine/dag_priv.h"

#include <string.h>

struct unit *dag_unit(struct dag *d, int64_t node)
{
    const int64_t task = NODE_TASK(node);
    const int64_t item = NODE_ITEM(node);

    if (task < 0 || task >= (int64_t)d->flow->n_tasks)
        return NULL;
    if (item < 0)
        return &d->tasks[task].unit;
    struct items *items = d->tasks[task].items;
    return items && item < (int64_t)items->n ? &items->units[item] : NULL;
}

struct task_row dag_row_of(const struct run *r, int64_t node, const struct unit *u)
{
    const struct dag *d = r->state;
    const int64_t item = NODE_ITEM(node);

    return (struct task_row){
        .tenant = r->row.tenant,
        .run = r->row.run,
        .node = node,
        .task = span_of(d->flow->tasks[NODE_TASK(node)].name),
        .item = item < 0 ? MODEL_NULL : item,
        .state = u->state,
        .attempt = u->attempt,
        .lost = u->lost,
        .exit_code = u->exit_code < 0 ? MODEL_NULL : u->exit_code,
        .items = MODEL_NULL,
        .due_at = MODEL_NULL,
        .queued_at = d->tasks[NODE_TASK(node)].ready_at,
        .started_at = MODEL_NULL,
        .finished_at = MODEL_NULL,
        .attempt_base = MODEL_NULL, /* written by dag_reset.c and dag_repeat.c only */
        .iteration = d->flow->tasks[NODE_TASK(node)].work->repeat && u->attempt > 0
                         ? dag_iteration(r, node)
                         : MODEL_NULL,
        .deadline_at = dag_deadline(r, node),
    };
}

/* A value of the user that looks like one of ours is wrapped, as the executor does it
 * for those of attempts. */
static json_t *wrapped(json_t *value)
{
    const char *name;
    json_t *v;

    json_object_foreach(value, name, v)
    {
        if (name[0] == '$')
            return json_pack("{sO}", "$value", value);
    }
    return json_incref(value);
}

char *dag_stored_text(json_t *outputs)
{
    json_t *stored = json_object();
    const char *name;
    json_t *v;

    json_object_foreach(outputs, name, v)
        json_object_set_new_nocheck(stored, name, wrapped(v));
    char *text = json_text(stored);
    json_decref(stored);
    return text;
}

void dag_write_unit(struct step *s, const struct task_row *row, struct unit *u,
                    uint64_t set)
{
    if (u->version == 0)
        batch_put(&s->batch, &record_task, row, FF_ABSENT);
    else
        batch_patch(&s->batch, &record_task, row, set, u->version);
    u->version++;
}

/* Two events are written for each task, so their usual parts are put together by hand:
 * names of tasks and states are words that need no escape. */
#define PUT(p, literal) put(p, literal, sizeof(literal) - 1)

static char *put(char *p, const char *text, size_t len)
{
    memcpy(p, text, len);
    return p + len;
}

struct jsonw dag_event(const struct run *r, struct step *s, const char *type,
                       int64_t node, const struct unit *u)
{
    const char *name = flow_of(r)->tasks[NODE_TASK(node)].name;
    const struct jsonw w = step_event(s, type);
    const size_t len = strlen(name);
    char *const begin = buf_room(w.out, len + 32 + (size_t)2 * ENGINE_INT_TEXT);

    if (!begin)
        return w;
    char *p = put(PUT(begin, ",\"task\":\""), name, len);
    *p++ = '"';
    if (NODE_ITEM(node) >= 0)
        p = engine_put_int(PUT(p, ",\"item\":"), NODE_ITEM(node));
    if (u->attempt > 0)
        p = engine_put_int(PUT(p, ",\"attempt\":"), u->attempt);
    buf_added(w.out, (size_t)(p - begin));
    return w;
}

void dag_event_iteration(const struct run *r, struct jsonw *w, int64_t node)
{
    if (!flow_of(r)->tasks[NODE_TASK(node)].work->repeat)
        return;
    jsonw_key(w, "iteration");
    jsonw_int(w, dag_iteration(r, node));
}

void dag_event_end(struct jsonw *w, const struct task_row *row)
{
    const char *state = task_state_names[row->state];
    const size_t len = strlen(state);
    char *const begin = buf_room(w->out, len + 16);

    if (begin) {
        char *p = put(PUT(begin, ",\"state\":\""), state, len);
        *p++ = '"';
        buf_added(w->out, (size_t)(p - begin));
    }
    if (row->exit_code != MODEL_NULL) {
        jsonw_key(w, "exit_code");
        jsonw_int(w, row->exit_code);
    }
    if (row->reason.s) {
        jsonw_key(w, "reason");
        jsonw_text(w, row->reason.s);
    }
    if (row->message.s) {
        jsonw_key(w, "message");
        jsonw_text_len(w, row->message.s, row->message.len);
    }
}

/* --- notes --- */

static void forget_message(struct dag_task *t)
{
    mem_free(t->message);
    t->message = NULL;
}

/* What the last attempt had to say, as in its row; a task of items keeps what the
 * lowest of those that failed for good said. Not the earliest: rows do not tell which
 * that was.
 */
void dag_note_message(struct run *r, int64_t node, struct span message)
{
    struct dag *d = dag_of(r);
    struct dag_task *t = &d->tasks[NODE_TASK(node)];
    struct buf b = {0};

    if (NODE_ITEM(node) < 0)
        forget_message(t);
    if (!message.s)
        return;
    if (NODE_ITEM(node) >= 0) {
        const uint32_t item = (uint32_t)NODE_ITEM(node);
        if (dag_unit(d, node)->state != TASK_FAILED ||
            (t->message && t->items->told < item))
            return;
        forget_message(t);
        t->items->told = item;
        buf_printf(&b, "item %lld: ", (long long)NODE_ITEM(node));
    }
    buf_add(&b, message.s, message.len);
    t->message = buf_take(&b);
}

void dag_note_stopped(struct run *r, struct step *s, uint32_t task)
{
    struct unit *u = &dag_of(r)->tasks[task].unit;
    struct task_row row = dag_row_of(r, NODE_OF(task, -1), u);

    u->flags |= UNIT_STOPPED;
    row.reason = span_of(DAG_STOPPED);
    dag_write_unit(s, &row, u, COLUMN_BIT(COL_TASK_REASON));
}

/* --- a task with items --- */

void dag_put_expanded(struct run *r, struct step *s, uint32_t task)
{
    struct dag_task *t = &dag_of(r)->tasks[task];
    const int64_t node = NODE_OF(task, -1);

    t->unit.state = TASK_RUNNING;
    struct task_row row = dag_row_of(r, node, &t->unit);
    row.items = t->items->wanted;
    row.started_at = t->items->begun_at = s->now_us;
    dag_write_unit(s, &row, &t->unit,
                   COLUMN_BIT(COL_TASK_STATE) | COLUMN_BIT(COL_TASK_ITEMS) |
                       COLUMN_BIT(COL_TASK_QUEUED_AT) |
                       COLUMN_BIT(COL_TASK_STARTED_AT));
    struct jsonw w = dag_event(r, s, "task.expanded", node, &t->unit);
    jsonw_key(&w, "items");
    jsonw_int(&w, t->items->wanted);
    step_event_end(s, &w);
}

void dag_end_expanded(struct run *r, struct step *s, uint32_t task)
{
    struct dag *d = dag_of(r);
    struct dag_task *t = &d->tasks[task];
    const struct items *items = t->items;
    const int64_t node = NODE_OF(task, -1);
    const char *reason = NULL;

    t->unit.state = TASK_SUCCEEDED;
    if (items->failed > 0) {
        t->unit.state = TASK_FAILED;
        reason = "item_failed";
    } else if (items->cancelled > 0 || items->stopping) {
        t->unit.state = TASK_CANCELLED;
        reason = "cancelled";
    }
    struct task_row row = dag_row_of(r, node, &t->unit);
    row.reason = span_of(reason);
    row.message = span_of(items->failed > 0 ? t->message : NULL);
    row.items = items->wanted;
    row.finished_at = s->now_us;
    dag_write_unit(s, &row, &t->unit,
                   COLUMN_BIT(COL_TASK_STATE) | COLUMN_BIT(COL_TASK_REASON) |
                       COLUMN_BIT(COL_TASK_MESSAGE) | COLUMN_BIT(COL_TASK_FINISHED_AT));
    struct jsonw w = dag_event(r, s, "task.finished", node, &t->unit);
    dag_event_end(&w, &row);
    step_event_end(s, &w);
    ARRAY_ADD(&d->settled, task);
}
