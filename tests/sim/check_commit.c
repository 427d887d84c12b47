/* check_commit.c - a mirror of the runs in the store, kept by looking at every commit
 * as it becomes durable, and the rules that each of them must keep: who may write (G4),
 * final states stay (I1), attempts grow by one (I2), histories have no gap (I7). */
#include "sim.h"

#include <string.h>

struct mirror mirror = {.owner = SIM_CLIENT};

struct mirror_run *mirror_run(int64_t no)
{
    return map_get(&mirror.runs, no);
}

struct mirror_task *mirror_task(const struct mirror_run *r, int64_t node)
{
    return map_get(&r->tasks, node);
}

/* --- names --- */

void mirror_attempt_id(const struct mirror_run *r, const struct mirror_task *t,
                       char *out, size_t size)
{
    const char *name = r->flow->tasks[NODE_TASK(t->row.node)].name;

    if (NODE_ITEM(t->row.node) < 0)
        snprintf(out, size, "%s/%s/%lld", r->id, name, (long long)t->row.attempt);
    else
        snprintf(out, size, "%s/%s.%lld/%lld", r->id, name,
                 (long long)NODE_ITEM(t->row.node), (long long)t->row.attempt);
}

void mirror_origin(const struct mirror_run *r, const struct mirror_task *t, char *out,
                   size_t size)
{
    if (t->from[0])
        snprintf(out, size, "%s", t->from);
    else
        mirror_attempt_id(r, t, out, size);
}

struct mirror_run *mirror_run_by_id(const char *id, size_t len)
{
    void *value;

    for (size_t i = 0; map_next(&mirror.runs, &i, &value);) {
        struct mirror_run *r = value;
        if (strncmp(r->id, id, len) == 0 && r->id[len] == 0)
            return r;
    }
    return NULL;
}

struct mirror_task *mirror_find(const char *attempt_id, struct mirror_run **run,
                                int64_t *attempt)
{
    char task[64];
    long long item = -1, no = 0;
    const char *slash = strchr(attempt_id, '/');

    *run = mirror_run_by_id(attempt_id, (size_t)(slash - attempt_id));
    if (!*run)
        return NULL;
    if (sscanf(slash, "/%63[^./].%lld/%lld", task, &item, &no) != 3) {
        item = -1;
        sscanf(slash, "/%63[^./]/%lld", task, &no);
    }
    *attempt = no;
    return mirror_task(*run, NODE_OF(flow_task_index((*run)->flow, task), item));
}

/* --- values of a change --- */

/* The column as the change writes it, or NULL: it does not. */
const struct ff_value *change_value(const struct ff_change *c, int column)
{
    if (c->kind == FF_PUT || (c->kind == FF_PATCH && c->set >> column & 1))
        return &c->values[column];
    return NULL;
}

void change_int(const struct ff_change *c, int column, int64_t *place)
{
    const struct ff_value *v = change_value(c, column);

    if (v)
        *place = v->type ? v->i : MODEL_NULL;
}

struct tenant change_tenant(const struct ff_change *c)
{
    for (uint32_t i = 0; i < c->record->n_columns; i++)
        if (strcmp(c->record->columns[i].name, "tenant") == 0)
            return (struct tenant){c->values[i].i};
    sim_fail("rows of %s have no tenant", c->record->name);
}

void change_text(const struct ff_change *c, int column, char *out, size_t size)
{
    const struct ff_value *v = change_value(c, column);

    if (v)
        snprintf(out, size, "%.*s", v->type ? (int)v->len : 0, v->type ? v->s : "");
}

static void take_owned(const struct ff_change *c, int column, char **place)
{
    const struct ff_value *v = change_value(c, column);

    if (!v)
        return;
    mem_free(*place);
    *place = v->type ? mem_text_len(v->s, v->len) : NULL;
}

/* --- one record after the other --- */

static void on_workflow(const struct ff_change *c)
{
    char hash[SHA256_TEXT];
    struct flow_problems problems = {0};
    const struct ff_value *source = &c->values[COL_WORKFLOW_SOURCE];

    change_text(c, COL_WORKFLOW_HASH, hash, sizeof(hash));
    if (c->kind != FF_PUT || map_get_text(&mirror.flows, hash))
        return;
    map_set_text(&mirror.flows, hash, flow_parse(source->s, source->len, &problems));
    flow_problems_done(&problems);
}

static void add_run(const struct ff_change *c, int64_t no)
{
    struct mirror_run *r = mem_alloc(sizeof(*r));
    char hash[SHA256_TEXT];

    sim_check(!mirror_run(no), "I5: run %lld is created twice", (long long)no);
    change_text(c, COL_RUN_HASH, hash, sizeof(hash));
    r->no = no;
    r->tenant.no = c->values[COL_RUN_TENANT].i;
    r->flow = map_get_text(&mirror.flows, hash);
    change_text(c, COL_RUN_ID, r->id, sizeof(r->id));
    sim_check(r->flow, "run %lld has no workflow", (long long)no);
    if (c->values[COL_RUN_ENTRY].type)
        r->flow = flow_enter(r->flow, c->values[COL_RUN_ENTRY].s,
                             c->values[COL_RUN_ENTRY].len);
    sim_check(r->flow, "run %lld is no part of its workflow", (long long)no);
    change_int(c, COL_RUN_PARENT_RUN, &r->row.parent_run);
    change_int(c, COL_RUN_PARENT_NODE, &r->row.parent_node);
    change_int(c, COL_RUN_PARENT_ATTEMPT, &r->row.parent_attempt);
    r->created_at = sim.now;
    r->created_in = mirror.n_commits;
    if (r->row.parent_run != MODEL_NULL)
        child_created(r);
    map_set(&mirror.runs, no, r);
}

static void take_run(struct mirror_run *r, const struct ff_change *c)
{
    const int64_t started_at = r->row.started_at;

    change_int(c, COL_RUN_STATE, &r->row.state);
    change_int(c, COL_RUN_CANCEL, &r->row.cancel);
    change_int(c, COL_RUN_STARTED_AT, &r->row.started_at);
    change_int(c, COL_RUN_FINISHED_AT, &r->row.finished_at);
    change_text(c, COL_RUN_REASON, r->reason, sizeof(r->reason));
    change_text(c, COL_RUN_MESSAGE, r->message, sizeof(r->message));
    const struct ff_value *no_cache = change_value(c, COL_RUN_NO_CACHE);
    if (no_cache)
        r->no_cache = no_cache->type && no_cache->i > 0;
    if (r->row.started_at != started_at)
        r->begun_at = sim.now;
    take_owned(c, COL_RUN_INPUTS, &r->inputs);
    take_owned(c, COL_RUN_OUTPUTS, &r->outputs);
    take_owned(c, COL_RUN_SCOPE, &r->scope);
    large_check(r, r->inputs);
    large_check(r, r->scope);
    large_check(r, r->outputs);
    r->row.version++;
}

static bool run_edge_allowed(const struct mirror_run *r, int64_t from)
{
    const int64_t to = r->row.state;

    if (to == RUN_PENDING) /* it waits, and its row says so */
        return from == RUN_PENDING || r->reset;
    if (from == RUN_PENDING)
        return to == RUN_RUNNING || run_state_final(to);
    return to != RUN_RUNNING || from == RUN_RUNNING;
}

static void on_run(const struct ff_change *c)
{
    const int64_t no = c->values[COL_RUN_RUN].i;

    if (c->kind == FF_PUT) {
        add_run(c, no);
        take_run(mirror_run(no), c);
        return;
    }
    struct mirror_run *r = mirror_run(no);
    sim_check(r && c->kind == FF_PATCH, "run %lld: an impossible change",
              (long long)no);
    const int64_t before = r->row.state;
    const int64_t cancel = r->row.cancel;
    const bool again = reset_is_asked(c);
    sim_check(again || !run_state_final(before), "I1: run %lld was %s and is changed",
              (long long)no, run_state_names[before]);
    if (again)
        reset_asked(r, c);
    if (open_reset_is_asked(c))
        open_reset_asked(r, c);
    if (reset_is_carried_out(c) && open_reset_begins(r, c))
        reset_begins(r);
    take_run(r, c);
    sim_check(again || run_edge_allowed(r, before), "I1: run %lld goes from %s to %s",
              (long long)no, run_state_names[before], run_state_names[r->row.state]);
    sim_check(again || r->row.cancel >= cancel, "run %lld: its cancel is taken back",
              (long long)no);
    if (r->row.state == RUN_PENDING && strcmp(r->reason, "concurrency") == 0)
        sim_seen(SEEN_ADMIT_WAITED);
    if (cancel != CANCEL_NONE && r->row.cancel > cancel)
        sim_seen(SEEN_CANCEL_HARDER);
    if (r->row.state == RUN_CANCELLING)
        change_text(c, COL_RUN_REASON, r->stop_reason, sizeof(r->stop_reason));
    if (strcmp(r->stop_reason, "concurrency") == 0)
        sim_seen(SEEN_OUSTED);
    sim_trace("run %lld: %s %s", (long long)no, run_state_names[r->row.state],
              r->reason);
    sim.progress_at = sim.now;
}

static void take_task(struct mirror_task *t, const struct ff_change *c)
{
    change_int(c, COL_TASK_STATE, &t->row.state);
    change_int(c, COL_TASK_ATTEMPT, &t->row.attempt);
    change_int(c, COL_TASK_LOST, &t->row.lost);
    change_int(c, COL_TASK_EXIT_CODE, &t->row.exit_code);
    change_int(c, COL_TASK_ITEMS, &t->row.items);
    change_int(c, COL_TASK_DUE_AT, &t->row.due_at);
    change_int(c, COL_TASK_QUEUED_AT, &t->row.queued_at);
    change_int(c, COL_TASK_FINISHED_AT, &t->row.finished_at);
    change_int(c, COL_TASK_STARTED_AT, &t->row.started_at);
    change_int(c, COL_TASK_DEADLINE_AT, &t->row.deadline_at);
    change_int(c, COL_TASK_ATTEMPT_BASE, &t->row.attempt_base);
    change_int(c, COL_TASK_ITERATION, &t->row.iteration);
    change_text(c, COL_TASK_REASON, t->reason, sizeof(t->reason));
    change_text(c, COL_TASK_MESSAGE, t->message, sizeof(t->message));
    take_owned(c, COL_TASK_OUTPUTS, &t->outputs);
    if (task_state_final(t->row.state))
        t->final_at = sim.now;
    else
        t->from[0] = '\0';
    if (t->row.items != MODEL_NULL && t->row.state == TASK_RUNNING)
        t->expanded_at = sim.now;
}

static bool holds_slot(const struct mirror_run *r, const struct mirror_task *t)
{
    return t->row.state == TASK_RUNNING && t->row.items == MODEL_NULL &&
           is_attempt(&r->flow->tasks[NODE_TASK(t->row.node)]);
}

static bool comes_with_its_run(const struct mirror_run *r)
{
    return r->created_in == mirror.n_commits && !mirror_parent(r);
}

static void on_task(const struct ff_change *c)
{
    struct mirror_run *r = mirror_run(c->values[COL_TASK_RUN].i);
    const int64_t node = c->values[COL_TASK_NODE].i;
    struct mirror_task before = {.row = {.node = node,
                                         .state = TASK_WAITING,
                                         .items = MODEL_NULL,
                                         .deadline_at = MODEL_NULL}};

    sim_check(r && c->kind != FF_DELETE, "a task of no run");
    struct mirror_task *t = mirror_task(r, node);
    sim_check((t == NULL) == (c->kind == FF_PUT), "I3: a task row is written twice");
    if (t) {
        before = *t;
    } else {
        t = mem_alloc(sizeof(*t));
        t->row.node = node;
        map_set(&r->tasks, node, t);
    }
    before.outputs = NULL;
    take_task(t, c);
    t->changed_in = mirror.n_commits;
    if (t->row.state == TASK_RUNNING && t->row.attempt != before.row.attempt)
        t->granted_in = mirror.n_commits;
    artifact_note_task(r, t);
    mirror.n_running += holds_slot(r, t) - holds_slot(r, &before);
    fair_takes_slots(r, holds_slot(r, t) - holds_slot(r, &before));
    sim_trace("run %lld task %s item %lld: %s %s attempt %lld", (long long)r->no,
              r->flow->tasks[NODE_TASK(node)].name, (long long)NODE_ITEM(node),
              task_state_names[t->row.state], t->reason, (long long)t->row.attempt);
    if (comes_with_its_run(r))
        reuse_row(r, t);
    else if (!total_note(r, &before, t, c->kind == FF_PATCH ? c->set : 0) &&
             !reset_edge(r, &before, t, c->kind == FF_PATCH ? c->set : 0))
        check_edge(r, &before, t, c->set);
    large_check(r, t->outputs);
    if (t->row.state == TASK_SUSPENDED && strcmp(t->reason, "approval") == 0)
        client_gate(r, t);
    if (t->row.state == TASK_SUSPENDED && strcmp(t->reason, "event") == 0) {
        wait_begun(r, t);
        client_await(r, t);
    }
    sim.progress_at = sim.now;
}

static void on_event(const struct ff_change *c)
{
    struct mirror_run *r = mirror_run(c->values[COL_EVENT_RUN].i);
    const int64_t seq = c->values[COL_EVENT_SEQ].i;
    const struct ff_value *body = &c->values[COL_EVENT_BODY];

    sim_check(r && c->kind == FF_PUT, "I7: a history is rewritten");
    sim_check(seq == (int64_t)r->events.n + 1, "I7: event %lld of run %lld after %zu",
              (long long)seq, (long long)r->no, r->events.n);
    ARRAY_ADD(&r->events, mem_text_len(body->s, body->len));
    open_reset_event(r, r->events.items[r->events.n - 1]);
}

static void on_open_run(const struct ff_change *c)
{
    struct mirror_run *r = mirror_run(c->values[COL_OPEN_RUN_RUN].i);

    sim_check(r, "an open run that is none");
    mirror.n_open += (c->kind == FF_PUT) - (int)(c->kind == FF_DELETE && r->open);
    r->open = c->kind == FF_PUT;
}

static void on_shard(int node, const struct ff_change *c)
{
    if (c->kind != FF_PUT)
        return;
    mirror.owner = node;
    mirror.owned_in = mirror.n_commits;
    mirror.owned_at = sim.now;
}

/* --- the commit as a whole --- */

static bool reopens(int64_t run)
{
    return mirror_run(run)->reopened_in == mirror.n_commits;
}

static bool is_of_runs(const struct ff_change *c)
{
    if (c->kind == FF_CHECK || reset_is_asked(c))
        return false;
    if (c->record == &record_task)
        return !comes_with_its_run(mirror_run(c->values[COL_TASK_RUN].i));
    if (c->record == &record_log || c->record == &record_child_run ||
        c->record == &record_slot ||
        (c->record == &record_cache && c->kind == FF_PUT) ||
        (c->record == &record_artifact &&
         c->values[COL_ARTIFACT_RUN].i == ARTIFACT_OF_CACHE) ||
        (c->record == &record_artifact &&
         !comes_with_its_run(mirror_run(c->values[COL_ARTIFACT_RUN].i))) ||
        c->record == &record_rate_token || c->record == &record_signal ||
        c->record == &record_event_wait)
        return true;
    if (c->record == &record_run)
        return c->kind != FF_PUT || c->values[COL_RUN_PARENT_RUN].type;
    if (c->record == &record_open_run)
        return c->kind != FF_PUT;
    return c->record == &record_event && c->values[COL_EVENT_SEQ].i > 1 &&
           !reopens(c->values[COL_EVENT_RUN].i);
}

static void apply(int node, const struct ff_change *c)
{
    sim_check(!is_of_runs(c) || node == lead_owner(change_tenant(c)),
              "G4: process %d writes %s, and %d leads its tenant", node,
              c->record->name, lead_owner(change_tenant(c)));
    if (is_of_runs(c))
        lead_check_fence(node, c);
    if (c->kind == FF_CHECK)
        return;
    if (c->record == &record_workflow)
        on_workflow(c);
    else if (c->record == &record_run)
        on_run(c);
    else if (c->record == &record_task)
        on_task(c);
    else if (c->record == &record_event)
        on_event(c);
    else if (c->record == &record_open_run)
        on_open_run(c);
    else if (c->record == &record_shard)
        on_shard(node, c);
    else if (c->record == &record_child_run)
        child_link(c);
    else if (c->record == &record_queue_pause)
        pause_queue_change(c);
    else if (c->record == &record_signal || c->record == &record_event_wait)
        wait_change(c);
    else if (c->record == &record_cache)
        cache_change(c);
    else if (c->record == &record_artifact)
        artifact_change(c);
    else
        limit_change(c);
}

static void settle_run(struct mirror_run *r)
{
    reuse_settle(r);
    check_limits(r);
    check_children(r);
    check_places(r);
    reset_ends(r);
    wait_check_run(r);
    open_reset_settle(r);
    const bool stops_main =
        r->row.cancel != CANCEL_NONE && r->final_main < (int64_t)r->flow->n_main;

    if ((stops_main && !r->cancelled_main) ||
        (r->row.cancel == CANCEL_KILL && !r->killed))
        r->stopped_at = sim.now;
    r->cancelled_main = r->cancelled_main || stops_main;
    r->killed = r->row.cancel == CANCEL_KILL;
    sim_check(r->open == !run_state_final(r->row.state),
              "I6: run %lld is %s and %s an open_run row", (long long)r->no,
              run_state_names[r->row.state], r->open ? "has" : "has no");
    if (!run_state_final(r->row.state) || r->was_final)
        return;
    r->was_final = true;
    r->ended_at = sim.now;
    r->n_ends++;
    check_history(r);
    check_run(r);
}

/* Runs that the commit touched, once each. */
static void settle_runs(const struct ff_change *changes, size_t n)
{
    struct map done = {0};

    for (size_t i = 0; i < n; i++) {
        const struct ff_change *c = &changes[i];
        int column = c->record == &record_run        ? COL_RUN_RUN
                     : c->record == &record_task     ? COL_TASK_RUN
                     : c->record == &record_open_run ? COL_OPEN_RUN_RUN
                                                     : -1;
        struct mirror_run *r = column < 0 ? NULL : mirror_run(c->values[column].i);
        if (!r || map_get(&done, r->no))
            continue;
        map_set(&done, r->no, r);
        settle_run(r);
    }
    map_done(&done);
}

/* A result whose commit fails, or waits for values that are written first, or for the
 * number of a run that begins with it, has freed its slot in memory all the same, and
 * another run may have been given it. A run that cannot be read does not hold up the
 * others. */
static void check_slots(void)
{
    const bool may_exceed = sim.o.store_conflict || sim.o.store_doubt ||
                            sim.o.read_down || sim.o.link_us || sim.o.inner ||
                            sim.o.values;
    const int64_t n_slots = sim.o.slots * (sim.o.joins ? sim.o.n_nodes : 1);

    sim_check(may_exceed || mirror.n_running <= n_slots,
              "I17: %lld attempts hold %lld slots", (long long)mirror.n_running,
              (long long)n_slots);
    check_fair_rows(may_exceed);
    if (mirror.n_running >= sim.o.slots)
        sim_seen(SEEN_SLOTS_FULL);
}

void check_commit(int node, const struct ff_change *changes, size_t n)
{
    mirror.n_commits++;
    sim_trace("commit of %d: %zu changes", node, n);
    lead_begin(node, changes, n);
    inbox_begin(changes, n);
    wait_begin(changes, n);
    pause_begin(changes, n);
    schedule_begin(node, changes, n);
    for (size_t i = 0; i < n; i++)
        apply(node, &changes[i]);
    for (size_t i = 0; i < n; i++)
        if (changes[i].record == &record_inbox)
            inbox_change(&changes[i]);
    wait_end();
    pause_end();
    settle_runs(changes, n);
    cache_settle();
    artifact_settle();
    schedule_end();
    check_limit_sizes();
    check_slots();
}
