/* A task, main or handler: the table of its keys, and the rules over several of them.
 */
#include "flow/spec_kind.h"
#include <string.h>

#define DAY (86400 * UNITS_SECOND)

static void read_id(struct spec *s, const struct spec_field *field,
                    const struct tree_node *node, void *slot)
{
    (void)slot;
    (void)field;
    if (!s->in_list)
        flow_problem_msg(spec_problem(s, PROBLEM_EXCLUSIVE, node),
                         "id is for tasks in a list; here the key is the task's name");
}

static json_t *schema_id(const struct spec_field *field)
{
    (void)field;
    return json_pack("{ssss}", "type", "string", "pattern", SPEC_NAME_PATTERN);
}

static const struct spec_type id_type = {
    .name = "name", .is = "a name", .read = read_id, .schema = schema_id};

/* The names are looked up in needs.c, when all tasks are known. */
static void read_needs(struct spec *s, const struct spec_field *field,
                       const struct tree_node *node, void *slot)
{
    struct flow_problem *p;

    if (s->part != FLOW_MAIN || s->follow) {
        p = spec_problem(s, PROBLEM_HANDLER_NEEDS, node);
        flow_problem_msg(p, "handlers have no needs: they run one after the other");
        flow_problem_hint(p, "put them in the order in which they shall run");
    } else if (node->kind == TREE_TEXT || node->kind == TREE_LIST) {
        s->task_needs = node;
        if (spec_is_formula(node))
            *(struct flow_formula **)slot =
                spec_alloc(s, 1, sizeof(struct flow_formula));
    } else {
        spec_wrong_type(s, field->key, field->type->is, node);
    }
}

static json_t *schema_needs(const struct spec_field *field)
{
    json_t *text = json_pack("{ssss}", "type", "string", "pattern",
                             "^[a-z0-9_.!&|() \\t\\r\\n]+$");
    json_t *list =
        json_pack("{sssOsb}", "type", "array", "items", text, "uniqueItems", 1);

    (void)field;
    return json_pack("{s[oo]}", "anyOf", text, list);
}

static const struct spec_type needs_type = {.name = "list of names",
                                            .is =
                                                "a list of names of tasks or a formula",
                                            .read = read_needs,
                                            .schema = schema_needs};

static void read_nested(struct spec *s, const struct spec_field *field,
                        const struct tree_node *node, void *slot)
{
    spec_read(s, field->arg, node, slot, NULL);
}

static json_t *schema_nested(const struct spec_field *field)
{
    return spec_schema_ref(field->arg);
}

const struct spec_type spec_nested = {
    .name = "map", .is = "a map", .read = read_nested, .schema = schema_nested};

const struct spec_range spec_timeout_range = {1000, 365 * DAY, "from 1ms to 365d"};
/* Three signs of life go into it, and a client may take a second to begin with them. */
static const struct spec_range heartbeat_range = {3 * UNITS_SECOND, 365 * DAY,
                                                  "from 3s to 365d"};
const struct spec_range spec_grace_range = {0, DAY, "at most 1d"};
const struct spec_range spec_parallel_range = {1, 1000000, "from 1 to 1000000"};
static const struct spec_range priority_range = {-100, 100, "from -100 to 100"};

static const struct spec_value_rule foreach_rule = {.place = PLACE_FOREACH,
                                                    .list = true};
static const struct spec_value_rule stdin_rule = {
    .place = PLACE_ATTEMPT, .keep_text = true, .secrets = true};
static const struct spec_value_rule text_rule = {.place = PLACE_ATTEMPT,
                                                 .keep_text = true};

static const enum flow_ask follow_asks[] = {FLOW_ASK_SUCCEEDED, FLOW_ASK_FAILED,
                                            FLOW_ASK_DONE};

#define SLOT(member) offsetof(struct spec_draft, member)

static const struct spec_field task_fields[] = {
    {.key = "id",
     .type = &id_type,
     .since = "0.1",
     .help = "the task's name, where tasks are a list; in a map the key is the name"},
    {.key = "description",
     .type = &spec_text,
     .offset = SLOT(work.description),
     .arg = "",
     .since = "0.1",
     .help = "for people"},
    {.key = "needs",
     .type = &needs_type,
     .offset = SLOT(work.formula),
     .fallback = "[]",
     .since = "0.1",
     .help = "the tasks that must have ended before this one: one name, a list, or a "
             "formula"},
    {.key = "needs_all",
     .type = &spec_boolean,
     .offset = SLOT(work.needs_all),
     .fallback = "false",
     .since = "0.1",
     .help = "a skipped need skips this task too, instead of counting as satisfied"},
    {.key = "continue_on_error",
     .type = &spec_boolean,
     .offset = SLOT(work.continue_on_error),
     .fallback = "false",
     .since = "0.2",
     .help = "its failure counts as satisfied for the tasks after it, and not for the "
             "run's result"},
    {.key = "if",
     .type = &spec_condition,
     .offset = SLOT(work.condition),
     .since = "0.1",
     .help = "an expression; when it is false the task is skipped"},
    {.key = "run",
     .type = &spec_shell,
     .offset = SLOT(work.text),
     .since = "0.1",
     .help = "text for /bin/sh -eu"},
    {.key = "command",
     .type = &spec_command,
     .since = "0.1",
     .help = "a program and its arguments, started without a shell"},
    {.key = "script",
     .type = &spec_script_type,
     .since = "0.1",
     .help = "a program in the file or beside it"},
    {.key = "noop",
     .type = &spec_yes,
     .since = "0.1",
     .help = "nothing is run; the task joins others or carries a condition"},
    {.key = "switch",
     .type = &spec_switch_type,
     .since = "0.2",
     .help = "nothing is run; the first case that is true is taken"},
    {.key = "sleep",
     .type = &spec_sleep_type,
     .since = "0.2",
     .help = "nothing is run; the task has succeeded after this time"},
    {.key = "wait_until",
     .type = &spec_until_type,
     .since = "0.2",
     .help = "nothing is run; the task has succeeded at this time"},
    {.key = "transform",
     .type = &spec_transform_type,
     .since = "0.2",
     .help = "nothing is run; the outputs are these values"},
    {.key = "tasks",
     .type = &spec_group_type,
     .since = "0.2",
     .help = "a group: tasks of its own, which begin when this one does"},
    {.key = "uses",
     .type = &spec_uses_type,
     .since = "0.2",
     .help = "another workflow, as a task"},
    {.key = "with",
     .type = &spec_with_type,
     .since = "0.2",
     .help = "the inputs of the workflow that it uses"},
    {.key = "http",
     .type = &spec_http_type,
     .since = "0.2",
     .help = "one HTTP request; status, headers and body are outputs"},
    {.key = "approve",
     .type = &spec_approve_type,
     .since = "0.2",
     .help = "nothing is run; a person decides"},
    {.key = "wait_event",
     .type = &spec_wait_event_type,
     .since = "0.2",
     .help = "nothing is run; the task waits until it is told of an event"},
    {.key = "env",
     .type = &spec_task_env,
     .since = "0.1",
     .help = "variables of the environment, over those of the workflow"},
    {.key = "stdin",
     .type = &spec_value_pointer,
     .offset = SLOT(work.input),
     .arg = &stdin_rule,
     .since = "0.1",
     .help = "what the task reads from its standard input; lists and maps as JSON"},
    {.key = "working_dir",
     .type = &spec_value_pointer,
     .offset = SLOT(work.dir),
     .arg = &text_rule,
     .since = "0.1",
     .help = "where it runs; the workflow's own folder when absent"},
    {.key = "outputs",
     .type = &spec_outputs_type,
     .since = "0.1",
     .help = "values that it gives to the tasks after it"},
    {.key = "artifacts",
     .type = &spec_nested,
     .arg = &spec_artifacts,
     .since = "0.2",
     .help = "files and folders that it is given, and that it hands on"},
    {.key = "foreach",
     .type = &spec_value_pointer,
     .offset = SLOT(work.foreach),
     .arg = &foreach_rule,
     .since = "0.1",
     .help = "a list or a map; the task runs once for each item, and its outputs are "
             "lists"},
    {.key = "matrix",
     .type = &spec_matrix_type,
     .since = "0.2",
     .help = "lists by name; the task runs once for each combination of their values"},
    {.key = "max_parallel",
     .type = &spec_integer,
     .offset = SLOT(work.max_parallel),
     .arg = &spec_parallel_range,
     .since = "0.1",
     .help = "how many items run at once; no limit of its own when absent"},
    {.key = "fail_fast",
     .type = &spec_boolean,
     .offset = SLOT(work.fail_fast),
     .fallback = "true",
     .since = "0.1",
     .help = "the first item that fails cancels the others"},
    {.key = "retry",
     .type = &spec_retry_type,
     .offset = SLOT(policy.retry),
     .since = "0.1",
     .help = "when and how often it is tried again; one attempt when absent"},
    {.key = "repeat",
     .type = &spec_repeat_type,
     .offset = SLOT(work.repeat),
     .since = "0.2",
     .help = "it runs again until a condition holds; once when absent"},
    {.key = "timeout",
     .type = &spec_duration,
     .offset = SLOT(policy.timeout_us),
     .arg = &spec_timeout_range,
     .since = "0.1",
     .help = "how long one attempt may run; no limit when absent"},
    {.key = "queue_timeout",
     .type = &spec_duration,
     .offset = SLOT(policy.queue_timeout_us),
     .arg = &spec_timeout_range,
     .since = "0.1",
     .help = "how long it may wait for a place to run; no limit when absent"},
    {.key = "total_timeout",
     .type = &spec_duration,
     .offset = SLOT(policy.total_timeout_us),
     .arg = &spec_timeout_range,
     .since = "0.2",
     .help = "how long it may take in all, from when it is ready, over all waits and "
             "attempts; no limit when absent"},
    {.key = "heartbeat_timeout",
     .type = &spec_duration,
     .offset = SLOT(policy.heartbeat_us),
     .arg = &heartbeat_range,
     .since = "0.2",
     .help =
         "how long an attempt that runs may be silent, saying nothing over the task "
         "API; any time when absent"},
    {.key = "grace",
     .type = &spec_duration,
     .offset = SLOT(policy.grace_us),
     .arg = &spec_grace_range,
     .fallback = "\"10s\"",
     .since = "0.1",
     .help = "the time between SIGTERM and SIGKILL"},
    {.key = "queue",
     .type = &spec_name,
     .offset = SLOT(policy.queue),
     .fallback = "\"default\"",
     .since = "0.1",
     .help = "the queue whose executors run it"},
    {.key = "priority",
     .type = &spec_integer,
     .offset = SLOT(policy.priority),
     .arg = &priority_range,
     .fallback = "0",
     .since = "0.1",
     .help = "tasks with a higher one start first in their queue"},
    {.key = "resources",
     .type = &spec_nested,
     .arg = &spec_resources,
     .since = "0.1",
     .help = "what an attempt may use"},
    {.key = "node_selector",
     .type = &spec_selector,
     .offset = SLOT(policy.node_selector),
     .fallback = "{}",
     .since = "0.2",
     .help = "labels that an executor must have to run it, all of them"},
    {.key = "on_success",
     .type = &spec_follow_type,
     .arg = &follow_asks[0],
     .since = "0.2",
     .help = "tasks that run in their order after this one when it has succeeded"},
    {.key = "on_failure",
     .type = &spec_follow_type,
     .arg = &follow_asks[1],
     .since = "0.2",
     .help = "tasks that run in their order after this one when it has failed"},
    {.key = "finally",
     .type = &spec_follow_type,
     .arg = &follow_asks[2],
     .since = "0.2",
     .help = "tasks that run in their order after this one and its other handlers, "
             "however it ended"},
    {.key = "compensate",
     .type = &spec_compensate_type,
     .since = "0.2",
     .help = "what undoes it, when it has succeeded and the run has not"},
    {.key = "semaphores",
     .type = &spec_semaphores_type,
     .since = "0.2",
     .help = "places that each attempt takes, across all runs: gpu, or db:2"},
    {.key = "mutex",
     .type = &spec_mutex_type,
     .since = "0.2",
     .help = "only one attempt with this name runs at a time, across all runs"},
    {.key = "rate",
     .type = &spec_rate_type,
     .arg = &spec_rate,
     .since = "0.2",
     .help = "how often attempts may start, across all runs"},
    {.key = "cache",
     .type = &spec_cache_type,
     .offset = SLOT(policy.cache),
     .arg = &spec_cache,
     .since = "0.2",
     .help = "outputs of an earlier success with the same key are used instead of "
             "running it again"},
    {.key = "sql", .flags = SPEC_LATER},
    {.key = "jq", .flags = SPEC_LATER},
    {.key = "image", .flags = SPEC_LATER},
    {.key = "concurrency", .flags = SPEC_LATER},
    {.key = "pending_timeout", .flags = SPEC_LATER},
    {.key = "volumes", .flags = SPEC_LATER},
    {.key = "pod", .flags = SPEC_LATER},
};

const struct spec_object spec_task = {
    .name = "task",
    .example = "build: {run: make}; behind a colon comes a space",
    .phrase = "a task",
    .fields = task_fields,
    .n_fields = COUNT_OF(task_fields),
    .help = "One step. Exactly one key says what it does: its kind.",
    .finish_schema = spec_kind_schema,
};

static void check_foreach(struct spec *s, struct flow_work *work,
                          const struct tree_node *node)
{
    static const char *const only[] = {"max_parallel", "fail_fast"};

    const struct tree_node *matrix = spec_find(node, "matrix");

    if (matrix && spec_find(node, "foreach"))
        flow_problem_msg(spec_problem(s, PROBLEM_EXCLUSIVE, matrix),
                         "a task has foreach or matrix, not both");
    if (matrix || spec_find(node, "foreach")) {
        /* One that could not be read is there all the same: no more about `item`. */
        if (!work->foreach)
            work->foreach = spec_alloc(s, 1, sizeof(*work->foreach));
        return;
    }
    for (size_t i = 0; i < COUNT_OF(only); i++) {
        const struct tree_node *value = spec_find(node, only[i]);

        if (value)
            flow_problem_msg(spec_problem(s, PROBLEM_EXCLUSIVE, value),
                             "%s is for tasks with foreach or matrix only", only[i]);
    }
}

static void check_needs_all(struct spec *s, const struct flow_work *work,
                            const struct tree_node *node)
{
    if (!work->needs_all || !work->formula)
        return;

    struct flow_problem *p =
        spec_problem(s, PROBLEM_EXCLUSIVE, spec_find(node, "needs_all"));

    flow_problem_msg(p, "needs_all is for needs that are names; a formula says itself "
                        "what a skipped task means");
    flow_problem_hint(p, "write NAME.succeeded in the formula");
}

static bool register_name(struct spec *s, const struct tree_key *name)
{
    size_t before = (uintptr_t)map_get_text(&s->by_name, name->text);
    struct flow_problem *p;

    if (!spec_check_name(s, name, "a task"))
        return false;
    if (before) {
        p = spec_problem_key(s, PROBLEM_DUPLICATE_NAME, name);
        flow_problem_msg(p, "there is a task %s in line %d already", name->text,
                         s->tasks.items[before - 1].line);
        flow_problem_hint(p, "give one of the two another name");
        return false;
    }
    map_set_text(&s->by_name, name->text, (void *)(uintptr_t)(s->tasks.n + 1));
    return true;
}

static bool too_many(struct spec *s, const struct tree_key *name)
{
    struct spec *file = s;

    while (file->outer)
        file = file->outer;
    if (file->n_all < FLOW_MAX_TASKS) {
        file->n_all++;
        return false;
    }
    if (!s->too_many)
        flow_problem_msg(spec_problem_key(s, PROBLEM_LIMIT, name),
                         "the file has more than %d tasks", FLOW_MAX_TASKS);
    s->too_many = true;
    return true;
}

/* One that is like a recent one is that one. Tasks alike stand near each other: what
 * is far away is not looked for. */
static const void *share(struct spec *s, struct spec_recent *recent, const void *made,
                         size_t size)
{
    for (unsigned i = 0; i < SPEC_RECENT; i++)
        if (recent->items[i] && memcmp(recent->items[i], made, size) == 0)
            return recent->items[i];

    void *kept = spec_alloc(s, 1, size);

    memcpy(kept, made, size);
    recent->items[recent->next++ % SPEC_RECENT] = kept;
    return kept;
}

/* A task with a wrong name is read all the same, for what else is wrong with it. */
bool spec_begin_task(struct spec *s, struct spec_draft *draft,
                     const struct tree_key *name)
{
    struct flow_task *task = &draft->task;

    if (too_many(s, name))
        return false;
    /* Not by assignment: what share() compares has the same bytes between members. */
    memcpy(draft, &s->model, sizeof(*draft));
    task->name = arena_text(s->arena, name->text, name->n);
    task->line = (int)name->line;
    task->column = name->column & 0xfffffff;
    task->part = s->part;
    draft->work.env = s->env.items;
    draft->work.n_env = s->env.n;
    register_name(s, name);
    s->task = (uint32_t)s->tasks.n;
    s->task_needs = NULL;
    s->n_limits = 0;
    return true;
}

void spec_end_task(struct spec *s, struct spec_draft *draft)
{
    struct flow_task *task = &draft->task;

    draft->policy.limits = spec_take_limits(s);
    s->task = SPEC_NO_TASK;
    task->work = share(s, &s->works, &draft->work, sizeof(draft->work));
    task->policy = share(s, &s->policies, &draft->policy, sizeof(draft->policy));
    ARRAY_ADD(&s->tasks, *task);
    ARRAY_ADD(&s->needs, s->task_needs);
}

void spec_add_task(struct spec *s, const struct tree_key *name,
                   const struct tree_node *node)
{
    struct spec_draft draft;
    const enum flow_kind kind = spec_kind_find(node);
    uint64_t seen;

    if (!spec_begin_task(s, &draft, name))
        return;
    if (s->follow)
        draft.work.formula = spec_follow_formula(s);
    if (kind < FLOW_N_KINDS)
        draft.work.kind = kind;
    if (kind == FLOW_GROUP ||
        kind == FLOW_USES) { /* defaults: are for the tasks in it */
        draft.policy.retry = spec_retry_none;
        draft.policy.timeout_us = 0;
    }
    if (spec_read(s, &spec_task, node, &draft, &seen)) {
        spec_kind_check(s, node, name, kind, seen & SPEC_SEEN_BAD);
        check_foreach(s, &draft.work, node);
        check_needs_all(s, &draft.work, node);
        spec_check_repeat(s, &draft.work, node);
        if (draft.policy.cache)
            spec_finish_cache(s, node, draft.policy.cache, &draft.work);
    }
    spec_end_task(s, &draft);
}
