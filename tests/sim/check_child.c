/* check_child.c - runs that are tasks of others: each belongs to one attempt of one
 * task, begins in the commit in which that does, and is over before it. */
#include "sim.h"

#include <string.h>

bool is_inner(const struct flow_task *t)
{
    return t->work->kind == FLOW_GROUP || t->work->kind == FLOW_USES;
}

struct key {
    char text[64];
};

static struct key key_of(int64_t node, int64_t attempt)
{
    struct key k;

    snprintf(k.text, sizeof(k.text), "%lld %lld", (long long)node, (long long)attempt);
    return k;
}

struct mirror_run *mirror_child(const struct mirror_run *parent, int64_t node,
                                int64_t attempt)
{
    return map_get_text(&parent->children, key_of(node, attempt).text);
}

struct mirror_run *mirror_parent(const struct mirror_run *r)
{
    return r->row.parent_run > 0 ? mirror_run(r->row.parent_run) : NULL;
}

void child_created(const struct mirror_run *r)
{
    struct mirror_run *parent = mirror_parent(r);
    const struct key key = key_of(r->row.parent_node, r->row.parent_attempt);

    sim_check(parent, "I22: run %lld is a task of no run", (long long)r->no);
    sim_check(!map_get_text(&parent->children, key.text),
              "I22: run %lld is the second one for one attempt of run %lld",
              (long long)r->no, (long long)parent->no);
    map_set_text(&parent->children, key.text, (void *)(uintptr_t)r);
    sim_seen(SEEN_CHILD_BEGAN);
    if (mirror_parent(parent))
        sim_seen(SEEN_CHILD_IN_CHILD);
    if (!r->flow->owner)
        sim_seen(SEEN_USES);
    if (r->row.parent_attempt > 1)
        sim_seen(SEEN_CHILD_AGAIN);
}

/* The row by which a parent finds its run. */
void child_link(const struct ff_change *c)
{
    const struct mirror_run *parent = mirror_run(c->values[COL_CHILD_RUN_PARENT].i);

    sim_check(c->kind == FF_PUT && parent, "I22: a link of a run is changed");
    sim_check(!mirror_child(parent, c->values[COL_CHILD_RUN_NODE].i,
                            c->values[COL_CHILD_RUN_ATTEMPT].i),
              "I22: a link that comes after its run");
}

/* Whose attempt it is must be under way, in this commit or later. */
void check_children(const struct mirror_run *r)
{
    void *value;

    for (size_t i = 0; map_next(&r->tasks, &i, &value);) {
        const struct mirror_task *t = value;
        if (t->row.state != TASK_RUNNING || t->row.items != MODEL_NULL ||
            !is_inner(&r->flow->tasks[NODE_TASK(t->row.node)]))
            continue;
        sim_check(mirror_child(r, t->row.node, t->row.attempt),
                  "I22: run %lld: attempt %lld of %s runs, and has no run",
                  (long long)r->no, (long long)t->row.attempt,
                  r->flow->tasks[NODE_TASK(t->row.node)].name);
    }
    const struct mirror_run *parent = mirror_parent(r);
    if (!parent || run_state_final(r->row.state))
        return;
    const struct mirror_task *of = mirror_task(parent, r->row.parent_node);
    sim_check(of && of->row.state == TASK_RUNNING &&
                  of->row.attempt == r->row.parent_attempt,
              "I22: run %lld is under way, and its task in run %lld is not",
              (long long)r->no, (long long)parent->no);
}

static void check_child_outputs(const struct mirror_run *r, const struct mirror_task *t,
                                const struct mirror_run *child)
{
    if (!child->outputs)
        return;
    json_t *got = large_outputs(r, t);
    json_t *expected = large_run_outputs(child);
    sim_check(got && json_equal(got, expected),
              "I11: run %lld: outputs %s of a task that is a run with %s",
              (long long)r->no, t->outputs ? t->outputs : "null", child->outputs);
    if (child->flow->n_outputs > 0)
        sim_seen(SEEN_CHILD_OUTPUTS);
    json_decref(got);
    json_decref(expected);
}

/* Where it repeats, a run that succeeded need not be the last, or enough. */
static bool goes_on(const struct mirror_run *r, const struct mirror_task *t,
                    const struct mirror_run *child)
{
    return r->flow->tasks[NODE_TASK(t->row.node)].work->repeat &&
           child->row.state == RUN_SUCCEEDED && t->row.state != TASK_SUCCEEDED;
}

void check_child_end(const struct mirror_run *r, const struct mirror_task *t)
{
    const struct mirror_run *child = mirror_child(r, t->row.node, t->row.attempt);
    const bool succeeded = t->row.state == TASK_SUCCEEDED;

    sim_check(child && run_state_final(child->row.state),
              "I22: run %lld: attempt %lld of %s is over, and its run is not",
              (long long)r->no, (long long)t->row.attempt,
              r->flow->tasks[NODE_TASK(t->row.node)].name);
    if (goes_on(r, t, child))
        return; /* check_again.c judges it */
    sim_check(succeeded == (child->row.state == RUN_SUCCEEDED),
              "I22: run %lld: %s is %s, its run is %s", (long long)r->no,
              r->flow->tasks[NODE_TASK(t->row.node)].name,
              task_state_names[t->row.state], run_state_names[child->row.state]);
    if (succeeded) {
        sim_seen(SEEN_CHILD_SUCCEEDED);
        check_child_outputs(r, t, child);
    } else if (t->row.state == TASK_CANCELLED) {
        sim_seen(SEEN_CHILD_CANCELLED);
    } else {
        /* check_total.c judges the one that may differ. */
        sim_check(strcmp(t->reason, child->reason) == 0 ||
                      strcmp(t->reason, "total_timeout") == 0,
                  "I22: run %lld: %s failed as %s, its run as %s", (long long)r->no,
                  r->flow->tasks[NODE_TASK(t->row.node)].name, t->reason,
                  child->reason);
        sim_seen(strcmp(t->reason, "timeout") == 0 ? SEEN_CHILD_TIMEOUT
                                                   : SEEN_CHILD_FAILED);
    }
}
