/* Every name in every expression: that it exists, that it has a value in this place,
 * and that the task it is taken from has ended by then. */
#include "flow/spec.h"
#include <string.h>

/* One reference in one expression. */
struct ref {
    struct spec *s;
    const struct spec_ref *in;
    const char *const *path; /* tasks, extract, outputs, rows */
    size_t n;
    size_t offset, length;
};

struct asked {
    struct spec_before *items;
    size_t n, cap;
};

/* What check_refs keeps while it goes through the expressions. */
struct checker {
    struct spec *s;
    const struct spec_ref *in;
    struct asked asked;
};

static struct flow_problem *problem(const struct ref *r, int code)
{
    return spec_problem_in(r->s, code, r->in->node, r->offset, r->length);
}

static const char *place_text(enum spec_place place)
{
    static const char *const texts[] = {
        [PLACE_IF] = "if: which is judged once, before the task starts",
        [PLACE_FOREACH] = "foreach or matrix: which makes the list",
        [PLACE_ATTEMPT] = "a task",
        [PLACE_SHARED_ENV] = "the env of all tasks",
        [PLACE_RUN_OUTPUT] = "the outputs of the run",
        [PLACE_TRIGGER] = "a trigger, which sees the event only",
        [PLACE_RETRY] = "retry.if",
        [PLACE_SWITCH] = "switch",
        [PLACE_CACHE] = "cache.key, which is the same for all attempts",
        [PLACE_RUN_KEY] = "concurrency.key, which is made before the run begins",
        [PLACE_SHARED_RETRY] = "retry.if of all tasks",
        [PLACE_UNTIL] = "repeat.until",
        [PLACE_AWAIT] = "wait_event.if",
    };

    return texts[place];
}

static void hint_field(struct flow_problem *p, const char *word,
                       const char *const *fields)
{
    char list[128];

    if (!p)
        return;

    const char *near = text_nearest(word, fields);

    spec_list_choices(fields, list, sizeof(list));
    if (near)
        flow_problem_near(p, near);
    else
        flow_problem_hint(p, "write %s", list);
}

/* The second word of a path against a list of fields. */
static void check_field(const struct ref *r, size_t at, const char *const *fields)
{
    struct flow_problem *p;

    if (r->n <= at || spec_choice_index(fields, r->path[at]) >= 0)
        return;
    p = problem(r, PROBLEM_UNKNOWN_FIELD);
    flow_problem_msg(p, "%s has no field %.64s", r->path[0], r->path[at]);
    hint_field(p, r->path[at], fields);
}

static void check_run(struct checker *c, const struct ref *r)
{
    static const char *const fields[] = {
        "id", "name", "status", "started_at", "schedule", "nominal_at", NULL};

    (void)c;
    check_field(r, 1, fields);
}

static void check_workflow(struct checker *c, const struct ref *r)
{
    static const char *const fields[] = {"name", "hash", NULL};

    (void)c;
    check_field(r, 1, fields);
}

static void check_inputs(struct checker *c, const struct ref *r)
{
    struct flow *f = r->s->flow;
    struct flow_problem *p;

    (void)c;
    if (r->n < 2)
        return;
    for (uint32_t i = 0; i < f->n_inputs; i++)
        if (strcmp(f->inputs[i].name, r->path[1]) == 0)
            return;
    p = problem(r, PROBLEM_UNKNOWN_INPUT);
    flow_problem_msg(p, "the workflow has no input %.64s", r->path[1]);
    if (p)
        flow_problem_near(p, spec_nearest_input(f, r->path[1]));
    if (p && !p->hint[0])
        flow_problem_hint(p, "declare it in inputs:");
}

/* Where it may stand it is no expression: spec_secret.c has taken it. */
static void check_secrets(struct checker *c, const struct ref *r)
{
    struct flow_problem *p = problem(r, PROBLEM_SECRET);

    (void)c;
    if (r->n > 1 && !text_is_name(r->path[1], false)) {
        char *ours = arena_text(r->s->arena, r->path[1], strlen(r->path[1]));
        for (char *at = ours; *at; at++)
            *at = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
        flow_problem_msg(p, "the name of a secret is made of a-z, 0-9 and _, no digit "
                            "first");
        flow_problem_near(p, text_is_name(ours, false) ? ours : NULL);
        return;
    }
    flow_problem_msg(p, "a secret can only be a whole value: of a variable in env, of "
                        "stdin, or of a header or the body of http");
    flow_problem_hint(p, "env: {TOKEN: \"${{ secrets.%.40s }}\"}, and use the variable",
                      r->n < 2 ? "name" : r->path[1]);
}

static void check_vars(struct checker *c, const struct ref *r)
{
    json_t *vars = r->s->flow->vars;
    const char **names;
    struct flow_problem *p;
    size_t n = 0;

    (void)c;
    if (r->n < 2 || json_object_get(vars, r->path[1]))
        return;
    p = problem(r, PROBLEM_UNKNOWN_VAR);
    flow_problem_msg(p, "vars has no constant %.64s", r->path[1]);
    names = mem_array(json_object_size(vars) + 1, sizeof(*names));
    for (void *at = json_object_iter(vars); at; at = json_object_iter_next(vars, at))
        names[n++] = json_object_iter_key(at);
    flow_problem_nearest(p, r->path[1], names);
    mem_free(names);
}

static const char *nearest_pair(const struct flow_pair *items, uint32_t n,
                                const char *name)
{
    const char **names = mem_array((size_t)n + 1, sizeof(*names));
    const char *near;

    for (uint32_t i = 0; i < n; i++)
        names[i] = items[i].name;
    near = text_nearest(name, names);
    mem_free(names);
    return near;
}

static void check_env(struct checker *c, const struct ref *r)
{
    const struct spec *s = r->s;
    struct spec_env env = s->env;
    struct flow_problem *p;

    (void)c;
    if (r->in->task != SPEC_NO_TASK)
        env = (struct spec_env){s->tasks.items[r->in->task].work->env,
                                s->tasks.items[r->in->task].work->n_env};
    if (r->n < 2)
        return;
    for (uint32_t i = 0; i < env.n; i++) {
        if (strcmp(env.items[i].name, r->path[1]) != 0)
            continue;
        if (env.items[i].value.constant)
            return;
        p = problem(r, PROBLEM_NOT_HERE);
        flow_problem_msg(p,
                         "env.%.64s is computed; only constants of env can be used "
                         "in expressions",
                         r->path[1]);
        flow_problem_hint(p, "use the expression of line %d itself",
                          env.items[i].value.line);
        return;
    }
    p = problem(r, PROBLEM_UNKNOWN_ENV);
    flow_problem_msg(p, "env has no variable %.64s here", r->path[1]);
    if (p)
        flow_problem_near(p, nearest_pair(env.items, env.n, r->path[1]));
}

/* Lists whose item stands for this place: that of the task and those of the groups
 * around it. */
static int n_items(const struct ref *r)
{
    const struct spec *s = r->s;
    uint32_t task = r->in->task;
    int n = 0;

    for (; s; s = s->outer) {
        if (task != SPEC_NO_TASK)
            n += s->tasks.items[task].work->foreach != NULL;
        task = s->inside;
    }
    return n;
}

/* A foreach is evaluated before there are items of it. */
static bool stands_in_foreach(const struct ref *r)
{
    return r->in->place == PLACE_FOREACH || r->in->place == PLACE_IF;
}

static int own_items(const struct ref *r)
{
    const bool own =
        r->in->task != SPEC_NO_TASK && r->s->tasks.items[r->in->task].work->foreach;

    return n_items(r) - (own && stands_in_foreach(r));
}

static void check_parent(struct checker *c, const struct ref *r)
{
    static const char *const fields[] = {"item", "index", NULL};
    struct flow_problem *p;

    (void)c;
    check_field(r, 1, fields);
    if (own_items(r) >= 2)
        return;
    p = problem(r, PROBLEM_NOT_HERE);
    flow_problem_msg(p,
                     "parent has a value only in a group with foreach inside another");
    flow_problem_hint(p, "write item, or add foreach: to the group");
}

static void check_item(struct checker *c, const struct ref *r)
{
    struct flow_problem *p;

    (void)c;
    if (own_items(r) >= 1)
        return;
    p = problem(r, PROBLEM_NOT_HERE);
    flow_problem_msg(p, "%s has a value only in tasks with foreach or matrix",
                     r->path[0]);
    flow_problem_hint(p, "add foreach: to the task");
}

static void check_attempt(struct checker *c, const struct ref *r)
{
    struct flow_problem *p;

    (void)c;
    if (r->n < 2)
        return;
    p = problem(r, PROBLEM_UNKNOWN_FIELD);
    flow_problem_msg(p, "attempt is a number and has no field %.64s", r->path[1]);
    flow_problem_hint(p, "write attempt");
}

/* What an event holds is known when it comes. */
static void check_nothing(struct checker *c, const struct ref *r)
{
    (void)c;
    (void)r;
}

/* Of exit_code, reason and iteration, which are values without fields. */
static void check_plain(struct checker *c, const struct ref *r)
{
    struct flow_problem *p;

    (void)c;
    if (r->n < 2)
        return;
    p = problem(r, PROBLEM_UNKNOWN_FIELD);
    flow_problem_msg(p, "%s has no field %.64s", r->path[0], r->path[1]);
    flow_problem_hint(p, "write %s", r->path[0]);
}

/* The nearest task that repeats around this place, this one or a group; NULL: none. */
static const struct flow_task *loop_of(const struct ref *r)
{
    const struct spec *s = r->s;
    uint32_t task = stands_in_foreach(r) ? SPEC_NO_TASK : r->in->task;

    for (; s; s = s->outer) {
        if (task != SPEC_NO_TASK && s->tasks.items[task].work->repeat)
            return &s->tasks.items[task];
        task = s->inside;
    }
    return NULL;
}

static const struct flow_task *check_in_loop(const struct ref *r)
{
    const struct flow_task *loop = loop_of(r);
    struct flow_problem *p;

    if (loop)
        return loop;
    p = problem(r, PROBLEM_NOT_HERE);
    flow_problem_msg(p, "%s has a value only in tasks with repeat", r->path[0]);
    flow_problem_hint(p, "add repeat: to the task");
    return NULL;
}

static void check_iteration(struct checker *c, const struct ref *r)
{
    if (check_in_loop(r))
        check_plain(c, r);
}

static const char *nearest_output(const struct flow_task *t, const char *name)
{
    const char **names = mem_array((size_t)t->work->n_outputs + 1, sizeof(*names));
    const char *near;

    for (uint32_t i = 0; i < t->work->n_outputs; i++)
        names[i] = t->work->outputs[i].name;
    near = text_nearest(name, names);
    mem_free(names);
    return near;
}

/* Which outputs there are its workflow tells, when the run is submitted. */
static void ask_output(const struct ref *r, const struct flow_task *t, size_t at)
{
    struct spec *file = r->s;
    const struct flow_asked asked = {
        .task = t->name,
        .output = arena_text(file->arena, r->path[at], strlen(r->path[at])),
        .task_line = t->line,
        .task_column = (int)t->column,
        .line = (int)r->in->node->line,
        .column = (int)r->in->node->column};

    while (file->outer)
        file = file->outer;
    ARRAY_ADD(&file->asked, asked);
}

/* The items of a foreach give lists: tasks.x.outputs.y is one, tasks.x.status not. */
static void check_output(const struct ref *r, const struct flow_task *t, size_t at)
{
    struct flow_problem *p;

    if (t->work->kind == FLOW_USES) {
        ask_output(r, t, at);
        return;
    }
    for (uint32_t i = 0; i < t->work->n_outputs; i++)
        if (strcmp(t->work->outputs[i].name, r->path[at]) == 0)
            return;
    p = problem(r, PROBLEM_UNKNOWN_FIELD);
    flow_problem_msg(p, "task %s declares no output %.64s", t->name, r->path[at]);
    if (p)
        flow_problem_near(p, nearest_output(t, r->path[at]));
    if (p && !p->hint[0])
        flow_problem_hint(p, "add it to the outputs: of %s", t->name);
}

/* What the task itself gave: this time, or the time before. */
static void check_previous(struct checker *c, const struct ref *r)
{
    const struct flow_task *loop = check_in_loop(r);

    (void)c;
    if (loop && r->n > 1)
        check_output(r, loop, 1);
}

static void check_own_outputs(struct checker *c, const struct ref *r)
{
    const struct flow_task *tasks = r->s->tasks.items;
    const struct flow_task *t = &tasks[r->in->task];

    (void)c;
    if (t->part == FLOW_COMPENSATE) {
        t = &tasks[t->work->undo->of];
    } else if (r->in->place != PLACE_UNTIL) {
        flow_problem_msg(problem(r, PROBLEM_NOT_HERE),
                         "outputs has a value only in repeat.until and compensate");
        return;
    }
    if (r->n > 1)
        check_output(r, t, 1);
}

/* Of a task that is a group or a workflow, its outputs hand on what those inside gave.
 */
static void check_artifact(const struct ref *r, const struct flow_task *t)
{
    const char **names = mem_array((size_t)t->work->n_outputs + 1, sizeof(*names));
    struct flow_problem *p;
    size_t n = 0;

    for (uint32_t i = 0; i < t->work->n_outputs; i++)
        if (t->work->outputs[i].as == FLOW_AS_ARTIFACT)
            names[n++] = t->work->outputs[i].name;
    if (spec_choice_index(names, r->path[3]) < 0) {
        p = problem(r, PROBLEM_UNKNOWN_FIELD);
        flow_problem_msg(p, "task %s hands on no artifact %.64s", t->name, r->path[3]);
        flow_problem_nearest(p, r->path[3], names);
        if (p && !p->hint[0])
            flow_problem_hint(p, "add it to artifacts.out of %s", t->name);
    }
    mem_free(names);
}

static void check_task_field(const struct ref *r, const struct flow_task *t)
{
    static const char *const fields[] = {
        "status", "outputs", "attempts", "exit_code", "message", "artifacts", NULL};
    struct flow_problem *p;

    if (r->n < 3)
        return;
    if (spec_choice_index(fields, r->path[2]) < 0) {
        p = problem(r, PROBLEM_UNKNOWN_FIELD);
        flow_problem_msg(p, "a task has no field %.64s", r->path[2]);
        hint_field(p, r->path[2], fields);
    } else if (r->n > 3 && strcmp(r->path[2], "outputs") == 0) {
        check_output(r, t, 3);
    } else if (r->n > 3 && strcmp(r->path[2], "artifacts") == 0) {
        check_artifact(r, t);
    }
}

static void refuse_unknown_task(const struct ref *r)
{
    struct flow_problem *p = problem(r, PROBLEM_UNKNOWN_TASK);

    flow_problem_msg(p, "there is no task %.64s", r->path[1]);
    if (p)
        flow_problem_near(p, spec_nearest_task(r->s, r->path[1]));
}

static void refuse_self(const struct ref *r)
{
    flow_problem_msg(problem(r, PROBLEM_NOT_AN_ANCESTOR),
                     "task %s cannot use its own result", r->path[1]);
}

static void refuse_handler(const struct ref *r)
{
    flow_problem_msg(problem(r, PROBLEM_NOT_AN_ANCESTOR),
                     "%s is a handler that has not run by then", r->path[1]);
}

/* Main tasks are over when handlers run; of handlers, those before in the same part. */
static void check_from_handler(const struct ref *r, uint32_t used)
{
    const struct flow_task *of = &r->s->tasks.items[used];
    const struct flow_task *in = &r->s->tasks.items[r->in->task];

    if (of->part != FLOW_MAIN &&
        (of->part != in->part || of > in || of->part == FLOW_COMPENSATE))
        refuse_handler(r);
}

static void check_order(struct checker *c, const struct ref *r, uint32_t used)
{
    const struct spec *s = r->s;
    uint32_t user = r->in->task;

    if (user == used) {
        refuse_self(r);
    } else if (user == SPEC_NO_TASK) {
        if (s->tasks.items[used].part != FLOW_MAIN)
            refuse_handler(r);
    } else if (s->tasks.items[user].part != FLOW_MAIN) {
        check_from_handler(r, used);
    } else if (s->tasks.items[used].part != FLOW_MAIN) {
        refuse_handler(r);
    } else {
        struct spec_before asked = {.task = user,
                                    .before = used,
                                    .node = r->in->node,
                                    .offset = r->offset,
                                    .length = r->length};

        ARRAY_ADD(&c->asked, asked);
    }
}

/* Main tasks before the group's own; for a group in a handler all main tasks. */
static bool ended_before(const struct spec *s, uint32_t group, uint32_t used)
{
    struct spec_before asked = {.task = group, .before = used};

    if (s->tasks.items[used].part != FLOW_MAIN || used == group)
        return false;
    if (s->tasks.items[group].part != FLOW_MAIN || !s->order)
        return true;
    spec_answer_before(s, &asked, 1);
    return asked.holds;
}

/* The task stands outside of the group: it must have ended when the group begins, and
 * every group on the way in hands it on. False: there is no such task. */
static bool check_outside(const struct ref *r)
{
    struct spec *in = r->s;
    struct spec *g;
    struct flow_problem *p;

    while (in->outer && !map_get_text(&in->outer->by_name, r->path[1]))
        in = in->outer;
    if (!in->outer)
        return false;
    for (g = r->s; g != in->outer; g = g->outer)
        spec_capture(g, r->path[1]);
    const uint32_t used =
        (uint32_t)((uintptr_t)map_get_text(&in->outer->by_name, r->path[1]) - 1);
    check_task_field(r, &in->outer->tasks.items[used]);
    if (ended_before(in->outer, in->inside, used))
        return true;
    const char *group = in->outer->tasks.items[in->inside].name;
    p = problem(r, PROBLEM_NOT_AN_ANCESTOR);
    flow_problem_msg(p, "task %s may not have ended when the group %s starts",
                     r->path[1], group);
    flow_problem_hint(p, "add needs: [%s] to %s", r->path[1], group);
    return true;
}

static void check_tasks(struct checker *c, const struct ref *r)
{
    struct flow_problem *p;
    size_t found;

    if (r->n < 2) {
        p = problem(r, PROBLEM_UNKNOWN_TASK);
        flow_problem_msg(p, "tasks must be followed by the name of a task");
        flow_problem_hint(p, "write tasks.NAME, with a name that stands in the file");
        return;
    }
    found = (uintptr_t)map_get_text(&r->s->by_name, r->path[1]);
    if (!found && check_outside(r))
        return;
    if (!found) {
        refuse_unknown_task(r);
        return;
    }
    check_task_field(r, &r->s->tasks.items[found - 1]);
    check_order(c, r, (uint32_t)(found - 1));
    if (r->in->place == PLACE_IF && r->n > 2 && strcmp(r->path[2], "status") == 0)
        r->s->tasks.items[r->in->task].condition_judges_needs = true;
}

#define EVERYWHERE                                                                     \
    (PLACE_IF | PLACE_FOREACH | PLACE_ATTEMPT | PLACE_SHARED_ENV | PLACE_RUN_OUTPUT |  \
     PLACE_SWITCH | PLACE_RUN_KEY | PLACE_UNTIL | PLACE_CACHE | PLACE_AWAIT | RETRY)
#define RETRY  (PLACE_RETRY | PLACE_SHARED_RETRY)
#define SHARED (PLACE_SHARED_ENV | PLACE_SHARED_RETRY)

/* Where a group hands its item in. Outside of groups most of them have none. */
#define ITEM                                                                           \
    (PLACE_ATTEMPT | PLACE_RETRY | PLACE_IF | PLACE_FOREACH | PLACE_RUN_OUTPUT |       \
     PLACE_UNTIL | PLACE_CACHE | PLACE_AWAIT)
#define LOOP ((ITEM | PLACE_SWITCH) & ~PLACE_CACHE)

static const struct {
    const char *name;
    unsigned places;
    void (*check)(struct checker *c, const struct ref *r);
} roots[] = {
    {"inputs", EVERYWHERE, check_inputs},
    {"vars", EVERYWHERE, check_vars},
    {"secrets", EVERYWHERE | PLACE_TRIGGER, check_secrets},
    {"env", EVERYWHERE & ~(PLACE_RUN_OUTPUT | PLACE_RUN_KEY), check_env},
    {"tasks", EVERYWHERE & ~(SHARED | PLACE_RUN_KEY), check_tasks},
    {"item", ITEM, check_item},
    {"index", ITEM, check_item},
    {"parent", ITEM, check_parent},
    {"attempt", PLACE_ATTEMPT | PLACE_SHARED_ENV | PLACE_UNTIL | RETRY, check_attempt},
    {"iteration", LOOP, check_iteration},
    {"previous", LOOP, check_previous},
    {"outputs", PLACE_UNTIL | PLACE_ATTEMPT | PLACE_RETRY, check_own_outputs},
    {"exit_code", RETRY, check_plain},
    {"reason", RETRY, check_plain},
    {"run", EVERYWHERE, check_run},
    {"workflow", EVERYWHERE, check_workflow},
    {"event", EVERYWHERE | PLACE_TRIGGER, check_nothing},
};

/* Only a group is handed an item from outside, and has it before a task of it starts.
 */
static unsigned places_of(const struct checker *c, size_t root)
{
    const bool is_item = roots[root].check == check_item;

    if (is_item && !c->s->outer)
        return PLACE_ATTEMPT | PLACE_RETRY | PLACE_CACHE | PLACE_AWAIT;
    return roots[root].places;
}

static void refuse_root(const struct ref *r)
{
    static const char *const later[] = {"tenant", "project", NULL};
    const char *names[COUNT_OF(roots) + 1] = {NULL};
    bool is_later = spec_choice_index(later, r->path[0]) >= 0;
    struct flow_problem *p =
        problem(r, is_later ? PROBLEM_LATER : PROBLEM_UNKNOWN_ROOT);
    size_t found = (uintptr_t)map_get_text(&r->s->by_name, r->path[0]);

    for (size_t i = 0; i < COUNT_OF(roots); i++)
        names[i] = roots[i].name;
    if (is_later) {
        flow_problem_msg(p, "%s is not supported yet by this version", r->path[0]);
        return;
    }
    flow_problem_msg(p, "there is no name %.64s in expressions", r->path[0]);
    flow_problem_nearest(p, r->path[0], names);
    if (found)
        flow_problem_hint(p, "did you mean `tasks.%s`?", r->path[0]);
}

/* tasks.a.b with a and b for each reference, called by the template. */
static void check_ref(void *arg, const char *const *path, size_t n, size_t offset,
                      size_t length)
{
    struct checker *c = arg;
    const struct ref r = {c->s, c->in, path, n, offset, length};

    for (size_t i = 0; i < COUNT_OF(roots); i++) {
        if (strcmp(roots[i].name, path[0]) != 0)
            continue;
        if (places_of(c, i) & c->in->place)
            roots[i].check(c, &r);
        else
            flow_problem_msg(problem(&r, PROBLEM_NOT_HERE), "%s has no value in %s",
                             path[0], place_text(c->in->place));
        return;
    }
    refuse_root(&r);
}

/* A task with a wrong need, and all behind it, may miss ancestors for that reason: one
 * mistake, one problem. */
static void spread_suspicion(struct spec *s)
{
    for (size_t i = 0; i < s->tasks.n; i++) {
        const struct flow_task *t = &s->tasks.items[s->order[i]];

        for (uint32_t k = 0; k < t->n_needs; k++)
            if (s->suspect[t->needs[k]])
                s->suspect[s->order[i]] = true;
    }
}

static void report_not_before(struct spec *s, const struct spec_before *asked)
{
    const char *before = s->tasks.items[asked->before].name;
    struct flow_problem *p = spec_problem_in(s, PROBLEM_NOT_AN_ANCESTOR, asked->node,
                                             asked->offset, asked->length);

    flow_problem_msg(p, "task %s may not have ended when %s starts", before,
                     s->tasks.items[asked->task].name);
    flow_problem_hint(p, "add needs: [%s]", before);
}

void spec_check_refs(struct spec *s)
{
    struct checker c = {.s = s};

    for (size_t i = 0; i < s->refs.n; i++) {
        c.in = &s->refs.items[i];
        tmpl_refs(c.in->tmpl, check_ref, &c);
    }
    if (s->order) {
        spread_suspicion(s);
        spec_answer_before(s, c.asked.items, c.asked.n);
        for (size_t i = 0; i < c.asked.n; i++)
            if (!c.asked.items[i].holds && !s->suspect[c.asked.items[i].task])
                report_not_before(s, &c.asked.items[i]);
    }
    ARRAY_DONE(&c.asked);
}
