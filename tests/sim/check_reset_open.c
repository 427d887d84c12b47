/* check_reset_open.c - tasks that begin again while their run goes on (I32): from when
 * it is asked for none of them starts, however they end comes to nothing, and when none
 * of them runs any more they begin again by the rules of check_reset.c, unless the run
 * is cancelled before that. Worked out from the file and the rows, without the engine.
 */
#include "sim.h"

#include <string.h>

struct open_reset {
    uint8_t *marks; /* by task, when it was asked for */
    int64_t asked_in, at;
    int64_t owner_life; /* which process of the owner's took it */
    int owner;
};

/* Of a run, between two commits; and what was answered since it began. */
struct open_seen {
    int64_t state, cancel, changed_in;
    bool resets, is_to_begin, all_final, any_failed;
    int64_t n_answers, n_messages;
};

static bool writes(const struct ff_change *c, int column)
{
    return c->kind == FF_PATCH && c->set >> column & 1;
}

static const char *name_of(const struct mirror_run *r, const struct mirror_task *t)
{
    return r->flow->tasks[NODE_TASK(t->row.node)].name;
}

static struct open_seen *seen_of(struct mirror_run *r)
{
    if (!r->open_seen)
        r->open_seen = mem_alloc(sizeof(*r->open_seen));
    return r->open_seen;
}

/* --- it is asked for --- */

bool open_reset_is_asked(const struct ff_change *c)
{
    return c->record == &record_run && writes(c, COL_RUN_RESET) &&
           !writes(c, COL_RUN_STATE) && c->values[COL_RUN_RESET].type;
}

static bool any_marked(const struct mirror_run *r, const uint8_t *marks)
{
    for (uint32_t i = 0; i < r->flow->n_main; i++)
        if (marks[i] != RESET_MARK_NONE)
            return true;
    return false;
}

void open_reset_asked(struct mirror_run *r, const struct ff_change *c)
{
    const struct ff_value *text = &c->values[COL_RUN_RESET];
    struct open_reset *open = mem_alloc(sizeof(*open));

    sim_check(r->row.state == RUN_RUNNING && r->row.cancel == CANCEL_NONE &&
                  !mirror_parent(r),
              "I32: tasks of run %lld begin again, it is %s", (long long)r->no,
              run_state_names[r->row.state]);
    sim_check(!r->reset, "I32: tasks of run %lld begin again, and others have not yet",
              (long long)r->no);
    sim_check(r->final_main < (int64_t)r->flow->n_main,
              "I32: tasks of run %lld begin again, and all of them are over",
              (long long)r->no);
    reset_ends(r);
    r->reset = mem_text_len(text->s, text->len);
    open->marks = mem_array(r->flow->n_tasks, 1);
    reset_mark(r, open->marks);
    sim_check(any_marked(r, open->marks), "I32: nothing of run %lld begins again: %s",
              (long long)r->no, r->reset);
    open->asked_in = mirror.n_commits;
    open->at = sim.now;
    open->owner = lead_owner(r->tenant);
    open->owner_life = (int64_t)sim_nodes[open->owner].life;
    r->open_reset = open;
    seen_of(r)->n_answers++;
    seen_of(r)->changed_in = mirror.n_commits;
    sim_seen(SEEN_OPEN_RESET);
}

/* --- until they begin --- */

static bool is_over(const struct mirror_run *r, const struct mirror_task *before)
{
    const struct flow_task *ft = &r->flow->tasks[NODE_TASK(before->row.node)];
    char id[160];

    if (is_inner(ft))
        return run_state_final(
            mirror_child(r, before->row.node, before->row.attempt)->row.state);
    mirror_attempt_id(r, before, id, sizeof(id));
    return !runtime_sim_runs(id);
}

static void note_dropped(const struct mirror_run *r, const struct mirror_task *before)
{
    char id[160];

    sim_seen(SEEN_OPEN_RESET_DROPPED);
    if (NODE_ITEM(before->row.node) >= 0)
        sim_seen(SEEN_OPEN_RESET_ITEM);
    if (is_inner(&r->flow->tasks[NODE_TASK(before->row.node)])) {
        sim_seen(SEEN_OPEN_RESET_OF_INNER);
        return;
    }
    mirror_attempt_id(r, before, id, sizeof(id));
    if (runtime_sim_went_well(id))
        sim_seen(SEEN_OPEN_RESET_SUCCESS_DROPPED);
}

/* What runs has ended, and what waits for anything waits no longer. */
static void check_taken_back(const struct mirror_run *r,
                             const struct mirror_task *before,
                             const struct mirror_task *t)
{
    const uint32_t task = (uint32_t)NODE_TASK(t->row.node);
    uint8_t *marks = mem_array(r->flow->n_tasks, 1);

    reset_mark(r, marks); /* what has failed meanwhile is among them */
    sim_check(marks[task] != RESET_MARK_NONE, "I32: run %lld: %s is taken back unasked",
              (long long)r->no, name_of(r, t));
    mem_free(marks);
    sim_check(before->row.items == MODEL_NULL && !task_state_final(before->row.state),
              "I32: run %lld: %s is taken back too soon, it is %s", (long long)r->no,
              name_of(r, t), task_state_names[before->row.state]);
    sim_check(t->row.state == TASK_WAITING && t->row.attempt == before->row.attempt &&
                  (t->row.attempt == 0 || t->row.attempt_base == t->row.attempt) &&
                  !t->outputs && !t->reason[0],
              "I32: run %lld: %s is taken back as %s %s, attempt %lld of %lld",
              (long long)r->no, name_of(r, t), task_state_names[t->row.state],
              t->reason, (long long)t->row.attempt, (long long)before->row.attempt);
    if (before->row.state == TASK_RETRYING)
        sim_seen(SEEN_OPEN_RESET_RETRYING);
    if (before->row.state == TASK_SUSPENDED)
        sim_seen(SEEN_OPEN_RESET_SUSPENDED);
    if (before->row.state != TASK_RUNNING)
        return;
    sim_check(is_over(r, before), "I32: run %lld: %s is taken back, and it still runs",
              (long long)r->no, name_of(r, t));
    note_dropped(r, before);
}

bool open_reset_edge(const struct mirror_run *r, const struct mirror_task *before,
                     const struct mirror_task *t, uint64_t set)
{
    if (reset_is_edge(before, t, set)) {
        check_taken_back(r, before, t);
        return true;
    }
    /* Only what is noted of an attempt that runs is changed. */
    sim_check(r->open_reset->marks[NODE_TASK(t->row.node)] == RESET_MARK_NONE ||
                  (before->row.state == TASK_RUNNING && t->row.state == TASK_RUNNING),
              "I32: run %lld: %s goes from %s to %s, and is to begin again",
              (long long)r->no, name_of(r, t), task_state_names[before->row.state],
              task_state_names[t->row.state]);
    return false;
}

int64_t open_reset_since(const struct mirror_run *r, const struct mirror_task *t)
{
    if (!r->open_reset || r->open_reset->marks[NODE_TASK(t->row.node)] == 0)
        return INT64_MAX;
    return r->open_reset->at;
}

/* --- they begin, or the run is cancelled --- */

/* The request of a run that is cancelled goes right before the cancel is written. */
static bool is_cancelled(const struct mirror_run *r, const struct ff_change *c)
{
    for (const struct ff_change *next = c + 1; next < inbox_commit_end(); next++) {
        if (next->record != &record_run || next->values[COL_RUN_RUN].i != r->no)
            return false;
        if (writes(next, COL_RUN_CANCEL))
            return next->values[COL_RUN_CANCEL].i != CANCEL_NONE;
    }
    return false;
}

static void check_none_runs(const struct mirror_run *r)
{
    uint8_t *marks = mem_array(r->flow->n_tasks, 1);
    void *value;

    reset_mark(r, marks);
    for (size_t i = 0; map_next(&r->tasks, &i, &value);) {
        const struct mirror_task *t = value;
        sim_check(marks[NODE_TASK(t->row.node)] == RESET_MARK_NONE ||
                      t->row.items != MODEL_NULL || task_state_final(t->row.state) ||
                      t->row.state == TASK_WAITING,
                  "I32: run %lld: tasks begin again, and %s is %s still",
                  (long long)r->no, name_of(r, t), task_state_names[t->row.state]);
    }
    mem_free(marks);
}

static void note_begin(const struct mirror_run *r, const struct open_reset *open)
{
    const int owner = lead_owner(r->tenant);
    const bool at_once = open->asked_in == mirror.n_commits;

    sim_seen(at_once ? SEEN_OPEN_RESET_AT_ONCE : SEEN_OPEN_RESET_WAITS);
    if (open->owner != owner || open->owner_life != (int64_t)sim_nodes[owner].life)
        sim_seen(SEEN_OPEN_RESET_RELOADED);
}

bool open_reset_begins(struct mirror_run *r, const struct ff_change *c)
{
    struct open_reset *open = r->open_reset;

    seen_of(r)->changed_in = mirror.n_commits;
    if (!open)
        return true;
    const bool cancelled = is_cancelled(r, c);
    if (cancelled) {
        sim_seen(SEEN_OPEN_RESET_CANCELLED);
        mem_free(r->reset);
        r->reset = NULL;
    } else {
        check_none_runs(r);
        note_begin(r, open);
    }
    r->open_reset = NULL;
    mem_free(open->marks);
    mem_free(open);
    return !cancelled;
}

/* --- what is answered --- */

static bool any_failed(const struct mirror_run *r)
{
    for (uint32_t i = 0; i < r->flow->n_main; i++) {
        const struct mirror_task *t = mirror_task(r, NODE_OF(i, -1));
        if (t && (t->row.state == TASK_CANCELLED ||
                  (t->row.state == TASK_FAILED &&
                   !r->flow->tasks[i].work->continue_on_error)))
            return true;
    }
    return false;
}

static struct open_seen look(const struct mirror_run *r)
{
    return (struct open_seen){.state = r->row.state,
                              .cancel = r->row.cancel,
                              .resets = r->reset,
                              .is_to_begin = r->reset && !r->open_reset,
                              .all_final = r->final_main >= (int64_t)r->flow->n_main,
                              .any_failed = any_failed(r)};
}

static bool holds(const char *reason, const struct open_seen *seen)
{
    if (strcmp(reason, "not_begun") == 0)
        return seen->state == RUN_PENDING || seen->is_to_begin;
    if (strcmp(reason, "being_cancelled") == 0)
        return seen->cancel != CANCEL_NONE;
    if (strcmp(reason, "handlers_run") == 0)
        return seen->all_final;
    if (strcmp(reason, "being_reset") == 0)
        return seen->resets;
    return strcmp(reason, "nothing_failed") == 0 && !seen->any_failed;
}

/* A step may do more than one thing: it was so before it, or it is so after it, or
 * since tasks began again within it. */
static void check_refused(struct mirror_run *r, const char *reason)
{
    const struct open_seen now = look(r);
    struct open_seen *before = seen_of(r);

    sim_check(holds(reason, before) || holds(reason, &now) ||
                  (before->changed_in == mirror.n_commits &&
                   (strcmp(reason, "being_reset") == 0 ||
                    strcmp(reason, "nothing_failed") == 0)),
              "I32: run %lld: that tasks begin again is refused: %s", (long long)r->no,
              reason);
    before->n_answers++;
    sim_seen(SEEN_OPEN_RESET_REFUSED);
}

void open_reset_event(struct mirror_run *r, const char *body)
{
    struct ff_err err;
    json_t *list =
        strstr(body, "request.refused") ? json_parse(body, strlen(body), &err) : NULL;

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *e = json_array_get(list, i);
        const char *request = json_string_value(json_object_get(e, "request"));
        if (request && strcmp(request, "reset") == 0)
            check_refused(r, json_string_value(json_object_get(e, "reason")));
    }
    json_decref(list);
}

void open_reset_message(struct mirror_run *r)
{
    struct open_seen *seen = seen_of(r);

    seen->n_messages++;
    sim_check(seen->n_messages <= seen->n_answers,
              "I32: run %lld: that tasks begin again is thrown away", (long long)r->no);
}

void open_reset_settle(struct mirror_run *r)
{
    struct open_seen *seen = seen_of(r);
    struct open_seen now = look(r);

    sim_check(!r->open_reset || !run_state_final(r->row.state),
              "I32: run %lld is over, and tasks of it were to begin again",
              (long long)r->no);
    now.n_answers = seen->n_answers;
    now.n_messages = seen->n_messages;
    now.changed_in = seen->changed_in;
    *seen = now;
}
