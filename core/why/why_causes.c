/* why_causes.c - where what keeps a task or a run begins. Needs may be a chain of
 * 100,000 tasks, so there is no recursion. */
#include "why/why.h"

struct search {
    const struct why_rows *rows;
    bool *seen;      /* by task */
    uint32_t *stack; /* each task is on it once at most */
    size_t n;
    struct why_causes *causes;
    bool ended; /* asks for what failed, not for what is under way */
};

static void push(struct search *s, uint32_t task)
{
    if (s->seen[task])
        return;
    s->seen[task] = true;
    s->stack[s->n++] = task;
}

static void push_needs(struct search *s, uint32_t task)
{
    const struct flow_task *t = &s->rows->flow->tasks[task];

    for (uint32_t i = 0; i < t->n_needs; i++)
        push(s, t->needs[i]);
}

/* A handler waits for all tasks, whatever its own needs are. */
static void push_main(struct search *s)
{
    for (uint32_t i = 0; i < s->rows->flow->n_tasks; i++)
        if (s->rows->flow->tasks[i].part == FLOW_MAIN)
            push(s, i);
}

/* What the task waits for, or what failed before it. */
static void push_before(struct search *s, uint32_t task, enum why_code code)
{
    if (code == WHY_NEEDS && s->rows->flow->tasks[task].part != FLOW_MAIN)
        push_main(s);
    else if (code == WHY_NEEDS || code == WHY_UPSTREAM)
        push_needs(s, task);
}

/* What may fail keeps nothing from going on. */
static bool is_cause(const struct search *s, uint32_t task, enum why_code code)
{
    if (s->ended)
        return code == WHY_CANCELLED ||
               (code == WHY_FAILED &&
                !s->rows->flow->tasks[task].work->continue_on_error);
    return code == WHY_RUNNING || (code >= WHY_N_STATES && code != WHY_NEEDS &&
                                   code != WHY_CONDITION && code != WHY_UPSTREAM);
}

static void find(struct search *s)
{
    struct why_answer answer;

    while (s->n > 0) {
        const uint32_t task = s->stack[--s->n];
        why_task(s->rows, task, -1, &answer);
        if (!is_cause(s, task, answer.code))
            push_before(s, task, answer.code);
    }
}

/* In the order of the file: what was seen is asked once more. */
static void collect(struct search *s)
{
    struct why_answer answer;

    for (uint32_t i = 0; i < s->rows->flow->n_tasks; i++) {
        if (!s->seen[i])
            continue;
        why_task(s->rows, i, -1, &answer);
        if (is_cause(s, i, answer.code))
            ARRAY_ADD(s->causes, i);
    }
}

/* Handlers may be what failed. */
static void push_all(struct search *s)
{
    for (uint32_t i = 0; i < s->rows->flow->n_tasks; i++)
        push(s, i);
}

static void begin(struct search *s, int64_t task)
{
    struct why_answer answer;

    if (task < 0) {
        s->ended = run_state_final(s->rows->run->state);
        push_all(s);
        return;
    }
    why_task(s->rows, (uint32_t)task, -1, &answer);
    s->ended = answer.code == WHY_UPSTREAM;
    push_before(s, (uint32_t)task, answer.code);
}

void why_find_causes(const struct why_rows *rows, int64_t task,
                     struct why_causes *causes)
{
    const uint32_t n = rows->flow->n_tasks;
    struct search s = {.rows = rows,
                       .seen = mem_array(n, sizeof(*s.seen)),
                       .stack = mem_array(n, sizeof(*s.stack)),
                       .causes = causes};

    *causes = (struct why_causes){0};
    begin(&s, task);
    find(&s);
    collect(&s);
    mem_free(s.seen);
    mem_free(s.stack);
}
