/* check_reuse.c - new runs that take over what another one has done (I33): the rows of
 * main tasks that have succeeded or were skipped, as they were, where all that they
 * need is taken over too; nothing that people decided, and nothing from the task on
 * that is to be done anew. Worked out from the file and the rows of the other run. */
#include "sim.h"

#include <string.h>

static const struct mirror_run *source; /* of the run that this commit creates */
static const char *anew; /* the task to begin with, while its client asks */

void reuse_asked(const char *task)
{
    anew = task;
}

static const struct flow_task *task_of(const struct mirror_run *r, int64_t node)
{
    return &r->flow->tasks[NODE_TASK(node)];
}

static void note(const struct mirror_run *r, const struct mirror_task *t,
                 const struct mirror_task *old)
{
    if (t->row.state == TASK_SKIPPED)
        sim_seen(SEEN_REUSED_SKIPPED);
    else
        sim_seen(SEEN_REUSED);
    if (is_inner(task_of(r, t->row.node)))
        sim_seen(SEEN_REUSED_INNER);
    if (NODE_ITEM(t->row.node) >= 0)
        sim_seen(SEEN_REUSED_ITEM);
    if (old->from[0])
        sim_seen(SEEN_REUSED_AGAIN);
}

/* What it says of itself tells which run it is from. */
static void find_source(const struct mirror_run *r, const struct mirror_task *t)
{
    char said[64];

    if (source)
        return;
    sim_check(strncmp(t->message, "from run ", 9) == 0, "I33: %s is from nowhere",
              task_of(r, t->row.node)->name);
    snprintf(said, sizeof(said), "%s", t->message + 9);
    source = mirror_run_by_id(said, strlen(said));
    sim_check(source && source->flow == r->flow && source->tenant.no == r->tenant.no,
              "I33: run %lld takes over from a run of another file", (long long)r->no);
}

static bool same_outputs(const struct mirror_task *a, const struct mirror_task *b)
{
    if (!a->outputs || !b->outputs)
        return a->outputs == b->outputs;
    return strcmp(a->outputs, b->outputs) == 0;
}

/* A row that comes with its run. */
void reuse_row(struct mirror_run *r, struct mirror_task *t)
{
    const char *name = task_of(r, t->row.node)->name;

    find_source(r, t);
    const struct mirror_task *old = mirror_task(source, t->row.node);
    sim_check(old && old->row.state == t->row.state && t->row.attempt == 0 &&
                  same_outputs(old, t),
              "I33: run %lld takes over %s as %s, it is %s in run %lld",
              (long long)r->no, name, task_state_names[t->row.state],
              old ? task_state_names[old->row.state] : "not there",
              (long long)source->no);
    if (t->row.state == TASK_SUCCEEDED)
        mirror_origin(source, old, t->from, sizeof(t->from));
    t->reused = true;
    t->reused_state = t->row.state;
    t->reused_code = t->row.exit_code;
    snprintf(t->reused_reason, sizeof(t->reused_reason), "%s", t->reason);
    if (NODE_ITEM(t->row.node) < 0)
        r->final_main++;
    note(r, t, old);
}

/* What stands in the folder of its run goes with it. */
static bool has_large(const struct mirror_run *from, uint32_t task)
{
    void *value;

    for (size_t i = 0; map_next(&from->tasks, &i, &value);) {
        const struct mirror_task *t = value;
        if (NODE_TASK(t->row.node) == task && large_is_large(t))
            return true;
    }
    return false;
}

/* In the order of the needs: those of one that is not taken over are not either. */
static void expect(const struct mirror_run *from, bool *taken)
{
    const struct flow *f = from->flow;
    bool more = true;

    for (uint32_t i = 0; i < f->n_main; i++) {
        const struct mirror_task *t = mirror_task(from, NODE_OF(i, -1));
        taken[i] = t && !has_large(from, i) && f->tasks[i].work->kind != FLOW_APPROVE &&
                   (t->row.state == TASK_SUCCEEDED || t->row.state == TASK_SKIPPED) &&
                   !(anew && strcmp(f->tasks[i].name, anew) == 0);
    }
    while (more) {
        more = false;
        for (uint32_t i = 0; i < f->n_main; i++)
            for (uint32_t k = 0; taken[i] && k < f->tasks[i].n_needs; k++)
                if (!taken[f->tasks[i].needs[k]]) {
                    taken[i] = false;
                    more = true;
                }
    }
}

/* Which task was to begin with is known as long as its client waits; a commit that
 * comes late is judged by its rows only. */
void reuse_settle(struct mirror_run *r)
{
    const struct flow *f = r->flow;

    if (!source)
        return;
    bool *taken = mem_array(f->n_main + 1, sizeof(*taken));
    expect(source, taken);
    for (uint32_t i = 0; i < f->n_main; i++) {
        const bool is = mirror_task(r, NODE_OF(i, -1)) != NULL;
        sim_check(is ? taken[i] : !taken[i] || !anew, "I33: run %lld %s %s of run %lld",
                  (long long)r->no, is ? "takes over" : "does anew", f->tasks[i].name,
                  (long long)source->no);
        if (!is)
            sim_seen(SEEN_NOT_REUSED);
    }
    mem_free(taken);
    source = NULL;
}
