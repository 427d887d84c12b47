/* check_reset.c - runs that were over and begin again (I25): what is asked for begins
 * again, in one commit, and nothing else; attempts go on being counted. Worked out from
 * the file and the rows, without the engine. Until the tasks of a run that goes on can
 * begin again check_reset_open.c judges. */
#include "sim.h"

#include <string.h>

enum mark { KEPT = RESET_MARK_NONE, ITEMS, ALL };

struct reset {
    uint8_t *marks; /* enum mark, by task */
    int64_t n_due;  /* rows that must begin again with this commit */
};

static bool writes(const struct ff_change *c, int column)
{
    return c->kind == FF_PATCH && c->set >> column & 1;
}

bool reset_is_asked(const struct ff_change *c)
{
    return c->record == &record_run && writes(c, COL_RUN_RESET) &&
           writes(c, COL_RUN_STATE) && c->values[COL_RUN_RESET].type;
}

bool reset_is_carried_out(const struct ff_change *c)
{
    return writes(c, COL_RUN_RESET) && !c->values[COL_RUN_RESET].type;
}

void reset_asked(struct mirror_run *r, const struct ff_change *c)
{
    const struct ff_value *text = &c->values[COL_RUN_RESET];

    sim_check(run_state_final(r->row.state) && !mirror_parent(r),
              "I25: run %lld is %s and begins again", (long long)r->no,
              run_state_names[r->row.state]);
    mem_free(r->reset);
    r->reset = mem_text_len(text->s, text->len);
    r->cancelled_main = r->killed = r->was_final = false;
    r->stopped_at = r->ended_at = 0;
    r->stop_reason[0] = '\0';
    r->n_resets++;
    r->reopened_in = mirror.n_commits;
    if (r->n_resets > 1)
        sim_seen(SEEN_RESET_AGAIN);
}

/* --- what begins again --- */

static void mark_behind(const struct mirror_run *r, uint8_t *marks)
{
    bool more = true;

    while (more) {
        more = false;
        for (uint32_t i = 0; i < r->flow->n_main; i++) {
            const struct flow_task *ft = &r->flow->tasks[i];
            for (uint32_t k = 0; k < ft->n_needs; k++) {
                if (marks[ft->needs[k]] == KEPT || marks[i] == ALL)
                    continue;
                marks[i] = ALL;
                more = true;
            }
        }
    }
}

static enum mark mark_of_failed(const struct mirror_run *r, uint32_t task)
{
    const struct mirror_task *t = mirror_task(r, NODE_OF(task, -1));

    if (!t ||
        (t->row.state != TASK_CANCELLED &&
         (t->row.state != TASK_FAILED || r->flow->tasks[task].work->continue_on_error)))
        return KEPT;
    return t->row.items == MODEL_NULL ? ALL : ITEMS;
}

/* Of a list those of its items. */
static void mark_undone(const struct mirror_run *r, uint32_t task, uint8_t *m)
{
    const struct mirror_task *t = mirror_task(r, NODE_OF(task, -1));

    if (again_was_undone(r, NODE_OF(task, -1)))
        *m = ALL;
    for (int64_t i = 0; t && i < t->row.items; i++)
        if (*m == KEPT && again_was_undone(r, NODE_OF(task, i)))
            *m = ITEMS;
}

/* Handlers of a run that goes on have not begun. */
void reset_mark(const struct mirror_run *r, uint8_t *marks)
{
    struct ff_err err;
    json_t *asked = json_parse(r->reset, strlen(r->reset), &err);
    const char *what = json_string_value(json_object_get(asked, "what"));
    const char *task = json_string_value(json_object_get(asked, "task"));
    const bool failed = strcmp(what, "failed") == 0;
    const bool all = strcmp(what, "all") == 0;
    const bool open = json_is_true(json_object_get(asked, "open"));

    for (uint32_t i = 0; i < r->flow->n_tasks; i++) {
        if (i >= r->flow->n_main)
            marks[i] = open ? KEPT : ALL;
        else if (all)
            marks[i] = ALL;
        else if (failed)
            marks[i] = (uint8_t)mark_of_failed(r, i);
        else
            marks[i] = strcmp(r->flow->tasks[i].name, task) == 0 ? ALL : KEPT;
        if (i < r->flow->n_main)
            mark_undone(r, i, &marks[i]);
    }
    json_decref(asked);
    mark_behind(r, marks);
}

static bool is_due(const struct mirror_run *r, const struct reset *reset,
                   const struct mirror_task *t)
{
    const uint8_t m = reset->marks[NODE_TASK(t->row.node)];

    if (m == ITEMS && NODE_ITEM(t->row.node) >= 0)
        return t->row.state != TASK_SUCCEEDED || again_was_undone(r, t->row.node);
    return m != KEPT;
}

/* One that did not begin since the last time may be left as it is. */
static bool counts(const struct mirror_task *t)
{
    return t->row.state != TASK_WAITING;
}

static void note_asked(const struct mirror_run *r)
{
    if (strstr(r->reset, "\"failed\""))
        sim_seen(SEEN_RESET_FAILED);
    else
        sim_seen(strstr(r->reset, "\"all\"") ? SEEN_RESET_ALL : SEEN_RESET_TASK);
}

void reset_begins(struct mirror_run *r)
{
    struct reset *reset = mem_alloc(sizeof(*reset));
    void *value;

    reset_ends(r); /* of another one in the same commit */
    sim_check(r->reset, "I25: run %lld begins again unasked", (long long)r->no);
    reset->marks = mem_array(r->flow->n_tasks, 1);
    reset_mark(r, reset->marks);
    note_asked(r);
    for (size_t i = 0; map_next(&r->tasks, &i, &value);) {
        struct mirror_task *t = value;
        t->kept = !is_due(r, reset, t);
        reset->n_due += !t->kept && counts(t);
        if (t->kept)
            sim_seen(SEEN_RESET_KEPT);
    }
    pause_begin_again(r, reset->marks);
    r->resetting = reset;
    mem_free(r->reset);
    r->reset = NULL;
}

/* --- how --- */

static void check_edge_of(const struct mirror_run *r, const struct mirror_task *before,
                          const struct mirror_task *t)
{
    const bool items = r->resetting->marks[NODE_TASK(t->row.node)] == ITEMS &&
                       NODE_ITEM(t->row.node) < 0;
    const char *name = r->flow->tasks[NODE_TASK(t->row.node)].name;

    sim_check(!before->kept, "I25: run %lld: %s begins again unasked", (long long)r->no,
              name);
    sim_check(t->row.attempt == before->row.attempt &&
                  (t->row.attempt == 0 || t->row.attempt_base == t->row.attempt),
              "I25: run %lld: %s had %lld attempts, now %lld, %lld of before",
              (long long)r->no, name, (long long)before->row.attempt,
              (long long)t->row.attempt, (long long)t->row.attempt_base);
    sim_check(
        t->row.state == (items ? TASK_RUNNING : TASK_WAITING) &&
            (items ? t->row.items == before->row.items : t->row.items == MODEL_NULL) &&
            !t->outputs && !t->reason[0],
        "I25: run %lld: %s begins again as %s %s", (long long)r->no, name,
        task_state_names[t->row.state], t->reason);
    if (items)
        sim_seen(SEEN_RESET_ITEMS);
    if (is_inner(&r->flow->tasks[NODE_TASK(t->row.node)]))
        sim_seen(SEEN_RESET_OF_INNER);
}

bool reset_is_edge(const struct mirror_task *before, const struct mirror_task *t,
                   uint64_t set)
{
    /* A task that repeats writes it, too. */
    return set >> COL_TASK_ATTEMPT_BASE & 1 &&
           (before->row.state != TASK_RUNNING || t->row.state == TASK_WAITING);
}

bool reset_edge(struct mirror_run *r, const struct mirror_task *before,
                const struct mirror_task *t, uint64_t set)
{
    const uint32_t task = (uint32_t)NODE_TASK(t->row.node);
    struct mirror_task *of;

    if (r->open_reset)
        return open_reset_edge(r, before, t, set);
    sim_check(!r->reset, "I25: run %lld: %s changes before the run begins again",
              (long long)r->no, r->flow->tasks[task].name);
    if (!r->resetting || !reset_is_edge(before, t, set))
        return false;
    check_edge_of(r, before, t);
    r->resetting->n_due -= counts(before);
    of = mirror_task(r, NODE_OF(task, -1));
    if (of)
        of->item_failed = false;
    if (task_state_final(before->row.state) && NODE_ITEM(t->row.node) < 0 &&
        task < r->flow->n_main)
        r->final_main--;
    return true;
}

void reset_ends(struct mirror_run *r)
{
    if (!r->resetting)
        return;
    sim_check(r->resetting->n_due == 0,
              "I25: run %lld: %lld rows did not begin again that were to",
              (long long)r->no, (long long)r->resetting->n_due);
    mem_free(r->resetting->marks);
    mem_free(r->resetting);
    r->resetting = NULL;
}

int64_t reset_attempts(const struct mirror_task *t)
{
    return t->row.attempt - (t->row.attempt_base > 0 ? t->row.attempt_base : 0);
}
