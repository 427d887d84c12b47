/* quarantine.c - a run that cannot be loaded ends in the open: with the reason in its
 * row and its history, its attempts told to stop, and nobody else held up. */
#include "control/control_priv.h"

#include <string.h>

/* --- on the lane: what the rows still tell --- */

static int add_left(void *arg, const void *row)
{
    struct set_aside *aside = arg;
    const struct task_row *task = row;
    struct left_task left = {.node = task->node,
                             .attempt = task->attempt,
                             .item = task->item,
                             .running = task->state == TASK_RUNNING &&
                                        task->items == MODEL_NULL};

    if (task_state_final(task->state))
        return 0;
    snprintf(left.task, sizeof(left.task), "%.*s", (int)task->task.len, task->task.s);
    if (task->awaits.s)
        left.awaits = mem_text_len(task->awaits.s, task->awaits.len);
    ARRAY_ADD(&aside->left, left);
    return 0;
}

static int take_run(void *arg, const void *row)
{
    const struct run_row *run = row;
    struct set_aside *aside = arg;

    snprintf(aside->id, ID_TEXT, "%.*s", (int)run->id.len, run->id.s);
    snprintf(aside->workflow, sizeof(aside->workflow), "%.*s", (int)run->workflow.len,
             run->workflow.s);
    aside->parent_run = run->parent_run;
    aside->parent_node = run->parent_node;
    aside->parent_attempt = run->parent_attempt;
    return 1;
}

void control_read_left(struct control *c, struct tenant t, int64_t no,
                       struct set_aside *aside)
{
    const struct run_row run = {.tenant = t.no, .run = no};
    const struct task_row task = {.tenant = t.no, .run = no};
    const struct {
        struct store_query query;
        store_row_fn *fn;
        void *arg;
    } reads[] = {
        {{.record = &record_run, .like = &run, .n_equal = 2, .limit = 1},
         take_run,
         aside},
        {{.record = &record_task, .like = &task, .n_equal = 2}, add_left, aside},
    };
    struct ff_err err;

    /* What cannot be read is the trouble itself: the rest is said without it. */
    for (size_t i = 0; i < COUNT_OF(reads); i++)
        if (store_scan(c->setup.store, STORE_READER_LANE, &reads[i].query, reads[i].fn,
                       reads[i].arg, &err) != FF_OK)
            log_error("run %lld: %s", (long long)no, err.msg);
    if (store_last_seq(c->setup.store, STORE_READER_LANE, t, no, &aside->seq, &err) !=
        FF_OK)
        log_error("run %lld: %s", (long long)no, err.msg);
    if (control_limits_read(c, t, no, &aside->slots, &err) != FF_OK)
        log_error("run %lld: %s", (long long)no, err.msg);
}

void control_left_done(struct set_aside *aside)
{
    for (size_t i = 0; i < aside->left.n; i++)
        mem_free(aside->left.items[i].awaits);
    ARRAY_DONE(&aside->left);
    control_slots_done(&aside->slots);
}

/* --- on the loop --- */

/* Said before the commit: an engine that dies in between comes upon the same run again,
 * whereas after the commit nobody would look. */
static void abandon(const struct live *l, const struct set_aside *aside)
{
    const struct control_sink *sink = &l->control->setup.sink;

    for (size_t i = 0; i < aside->left.n; i++) {
        const struct left_task *left = &aside->left.items[i];
        const struct attempt_key key = {.tenant = l->tenant,
                                        .run = l->no,
                                        .node = left->node,
                                        .attempt = left->attempt};
        char path[sizeof(left->task) + ENGINE_INT_TEXT + 2];
        if (!left->running || !aside->id[0] || !sink->abandon)
            continue;
        snprintf(path, sizeof(path), "%s", left->task);
        if (left->item != MODEL_NULL)
            snprintf(path, sizeof(path), "%s.%lld", left->task, (long long)left->item);
        sink->abandon(sink->arg, &key, aside->id, path);
    }
}

/* Nobody is to find it who tells of an event. */
static void end_wait(const struct run_row *run, const struct left_task *left,
                     struct batch *b)
{
    struct ff_err ignored;
    json_t *awaits =
        left->awaits ? json_parse(left->awaits, strlen(left->awaits), &ignored) : NULL;
    const char *name = json_string_value(json_object_get(awaits, "name"));
    const char *key = json_string_value(json_object_get(awaits, "key"));
    const struct event_wait_row row = {.tenant = run->tenant,
                                       .name = span_of(name),
                                       .key = span_of(key ? key : ""),
                                       .run = run->run,
                                       .node = left->node};

    if (name)
        batch_delete(b, &record_event_wait, &row, FF_ANY_VERSION);
    json_decref(awaits);
}

static void end_task(const struct run_row *run, const struct left_task *left,
                     struct step *s)
{
    const struct task_row row = {
        .tenant = run->tenant,
        .run = run->run,
        .node = left->node,
        .state = TASK_CANCELLED,
        .reason = span_of(ENGINE_QUARANTINED),
        .finished_at = s->now_us,
    };

    batch_patch(&s->batch, &record_task, &row,
                COLUMN_BIT(COL_TASK_STATE) | COLUMN_BIT(COL_TASK_REASON) |
                    COLUMN_BIT(COL_TASK_FINISHED_AT),
                FF_ANY_VERSION);
    end_wait(run, left, &s->batch);
    struct jsonw w = step_event(s, "task.finished");
    jsonw_key(&w, "task");
    jsonw_text(&w, left->task);
    if (left->item != MODEL_NULL) {
        jsonw_key(&w, "item");
        jsonw_int(&w, left->item);
    }
    if (left->attempt > 0) {
        jsonw_key(&w, "attempt");
        jsonw_int(&w, left->attempt);
    }
    jsonw_key(&w, "state");
    jsonw_text(&w, task_state_names[TASK_CANCELLED]);
    jsonw_key(&w, "reason");
    jsonw_text(&w, ENGINE_QUARANTINED);
    step_event_end(s, &w);
}

/* The run around it goes on with what became of its task: its commit comes behind the
 * one that says so here. */
static void tell_parent(struct live *l, const struct set_aside *aside,
                        const struct ff_err *err)
{
    struct live *parent =
        aside->parent_run > 0 ? control_live(l->control, aside->parent_run) : NULL;
    const struct result result = {.outcome = OUTCOME_FAILED,
                                  .exit_code = MODEL_NULL,
                                  .reason = ENGINE_QUARANTINED,
                                  .message = err->msg};

    if (!parent)
        return;
    const struct queued q = {.in = {.type = INPUT_RESULT,
                                    .node = aside->parent_node,
                                    .attempt = aside->parent_attempt},
                             .result = control_copy_result(&result),
                             .inner = true};
    control_queue(parent, &q);
}

/* Who hears of the end looks for what it has written. */
struct ended {
    struct live *live;
    struct run_row row;
    char id[ID_TEXT];
    char *message;
};

static void forget(struct live *l, const struct run_row *row)
{
    struct control *c = l->control;

    control_refuse_inputs(l);
    map_del(&c->lives, l->no);
    if (c->setup.listener.changed)
        c->setup.listener.changed(c->setup.listener.arg, row);
    control_live_free(l);
}

static void on_ended(void *arg, int code, size_t failed, const struct ff_err *err)
{
    struct ended *e = arg;
    struct control *c = e->live->control;

    c->n_busy--;
    if (code == FF_OK) {
        forget(e->live, &e->row);
    } else if (control_conflicts(c, code, err)) {
        log_debug("run %lld: change %zu of its end conflicts", (long long)e->row.run,
                  failed);
        e->live->loading = false;
        control_load_later(c);
    }
    mem_free(e->message);
    mem_free(e);
    control_post_pump(c);
}

static void commit_end(struct live *l, const struct run_row *row, struct batch *b)
{
    struct control *c = l->control;
    struct ended *e = mem_alloc(sizeof(*e));

    *e = (struct ended){.live = l,
                        .row = *row,
                        .message = mem_text_len(row->message.s, row->message.len)};
    snprintf(e->id, sizeof(e->id), "%.*s", (int)row->id.len, row->id.s);
    e->row.id = span_of(e->id);
    e->row.message = span_of(e->message);
    e->row.workflow = (struct span){0};
    l->loading = true; /* nobody else is to */
    c->n_busy++;
    store_commit(c->setup.store, b, on_ended, e);
}

void control_quarantine(struct live *l, const struct set_aside *aside,
                        const struct ff_err *err)
{
    const struct control_listener *listener = &l->control->setup.listener;
    struct step s = {.now_us = loop_wall_us(l->control->setup.loop)};
    struct run_row row = {.tenant = l->tenant.no,
                          .run = l->no,
                          .id = span_of(aside->id),
                          .workflow = span_of(aside->workflow),
                          .parent_run =
                              aside->parent_run > 0 ? aside->parent_run : MODEL_NULL};

    log_error("run %lld cannot be loaded: %s", (long long)l->no, err->msg);
    abandon(l, aside);
    for (size_t i = 0; i < aside->left.n; i++)
        end_task(&row, &aside->left.items[i], &s);
    control_limits_forget(&s.batch, l->tenant, &aside->slots);
    engine_run_set_aside(&row, l->control->setup.shard, aside->seq, err->msg, &s);
    if (listener->ending && aside->workflow[0])
        listener->ending(listener->arg, &row, &s.batch);
    commit_end(l, &row, &s.batch);
    tell_parent(l, aside, err);
    step_done(&s);
}
