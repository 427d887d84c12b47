/* The top of the file: its table, the parts that hold tasks, and defaults:. */
#include "flow/spec.h"
#include <string.h>

/* The name of a task in a list, as a key that stands where its value does. */
static bool find_id(struct spec *s, const struct tree_node *item, struct tree_key *key)
{
    const struct tree_node *id = spec_find(item, "id");
    struct flow_problem *p;

    if (item->kind != TREE_MAP) {
        if (item->kind != TREE_BROKEN)
            spec_wrong_type(s, "a task in a list", "a map with id", item);
        return false;
    }
    if (id && id->kind == TREE_BROKEN)
        return false;
    if (id && id->kind == TREE_TEXT) {
        *key = (struct tree_key){id->text, id->n, id->line, id->column};
        return true;
    }
    p = id ? spec_problem(s, PROBLEM_TYPE, id) : spec_problem(s, PROBLEM_MISSING, item);
    flow_problem_msg(p, id ? "id must be text" : "a task in a list needs the key id");
    flow_problem_hint(p,
                      "as in - {id: build, run: make}; without -, the key is the name");
    return false;
}

static void read_list(struct spec *s, const struct tree_node *node)
{
    struct tree_key key;

    s->in_list = true;
    for (uint32_t i = 0; i < node->n; i++)
        if (find_id(s, &node->items[i].value, &key))
            spec_add_task(s, &key, &node->items[i].value);
    s->in_list = false;
}

void spec_read_tasks(struct spec *s, const struct spec_field *field,
                     const struct tree_node *node)
{
    struct flow_problem *p;

    if (node->kind == TREE_LIST)
        read_list(s, node);
    else if (node->kind == TREE_MAP)
        for (uint32_t i = 0; i < node->n; i++)
            spec_add_task(s, &node->items[i].key, &node->items[i].value);
    else
        spec_wrong_type(s, field->key, field->type->is, node);
    if (node->kind < TREE_LIST || node->n > 0)
        return;
    p = spec_problem(s, PROBLEM_VALUE, node);
    flow_problem_msg(p, "%s holds no task", field->key);
    flow_problem_hint(p, "add one, or remove %s", field->key);
}

static void read_tasks(struct spec *s, const struct spec_field *field,
                       const struct tree_node *node, void *slot)
{
    (void)slot;
    s->part = *(const enum flow_part *)field->arg;
    spec_read_tasks(s, field, node);
    spec_add_followers(s);
}

static json_t *schema_tasks(const struct spec_field *field)
{
    json_t *task = spec_schema_ref(&spec_task);
    json_t *map = spec_schema_names(json_incref(task));
    json_t *list =
        json_pack("{sss{sOs[s]}si}", "type", "array", "items", "$ref",
                  json_object_get(task, "$ref"), "required", "id", "minItems", 1);

    (void)field;
    json_object_set_new(map, "minProperties", json_integer(1));
    json_decref(task);
    return json_pack("{s[oo]}", "anyOf", map, list);
}

const struct spec_type spec_tasks_type = {.name = "map of tasks",
                                          .is = "a map of names and tasks, or a list",
                                          .read = read_tasks,
                                          .schema = schema_tasks};

#define SLOT(member) offsetof(struct spec_draft, policy.member)

static const struct spec_field defaults_fields[] = {
    {.key = "env",
     .type = &spec_shared_env,
     .since = "0.1",
     .help = "variables of every task, over env: of the workflow and under its own"},
    {.key = "retry",
     .type = &spec_retry_type,
     .offset = SLOT(retry),
     .since = "0.1",
     .help = "as in a task; a task's own retry replaces all of it"},
    {.key = "timeout",
     .type = &spec_duration,
     .offset = SLOT(timeout_us),
     .arg = &spec_timeout_range,
     .since = "0.1",
     .help = "as in a task"},
    {.key = "queue_timeout",
     .type = &spec_duration,
     .offset = SLOT(queue_timeout_us),
     .arg = &spec_timeout_range,
     .since = "0.1",
     .help = "as in a task"},
    {.key = "grace",
     .type = &spec_duration,
     .offset = SLOT(grace_us),
     .arg = &spec_grace_range,
     .fallback = "\"10s\"",
     .since = "0.1",
     .help = "as in a task"},
    {.key = "queue",
     .type = &spec_name,
     .offset = SLOT(queue),
     .fallback = "\"default\"",
     .since = "0.1",
     .help = "as in a task"},
    {.key = "node_selector",
     .type = &spec_selector,
     .offset = SLOT(node_selector),
     .fallback = "{}",
     .since = "0.2",
     .help = "as in a task; a task's own replaces all of it"},
};

const struct spec_object spec_defaults = {
    .name = "defaults",
    .phrase = "defaults",
    .fields = defaults_fields,
    .n_fields = COUNT_OF(defaults_fields),
    .help = "What every task has that does not say otherwise, handlers too.",
};

static void read_defaults(struct spec *s, const struct spec_field *field,
                          const struct tree_node *node, void *slot)
{
    (void)slot;
    spec_read(s, field->arg, node, &s->model, NULL);
}

static json_t *schema_defaults(const struct spec_field *field)
{
    return spec_schema_ref(field->arg);
}

static const struct spec_type defaults_type = {
    .name = "map", .is = "a map", .read = read_defaults, .schema = schema_defaults};

static void read_version(struct spec *s, const struct spec_field *field,
                         const struct tree_node *node, void *slot)
{
    struct flow_problem *p;

    (void)slot;
    if (node->kind == TREE_INT && node->integer == 1)
        return;
    if (node->kind != TREE_INT) {
        spec_wrong_type(s, field->key, field->type->is, node);
        return;
    }
    p = spec_problem(s, PROBLEM_VERSION, node);
    flow_problem_msg(p, "this version of FlowForge reads files with flowforge: 1 only");
    flow_problem_hint(p, "write flowforge: 1, or use a newer FlowForge");
}

static json_t *schema_version(const struct spec_field *field)
{
    (void)field;
    return json_pack("{si}", "const", 1);
}

static const struct spec_type version_type = {
    .name = "1", .is = "1", .read = read_version, .schema = schema_version};

static const enum flow_part parts[] = {FLOW_MAIN, FLOW_ON_SUCCESS, FLOW_ON_FAILURE,
                                       FLOW_ON_CANCEL, FLOW_FINALLY};

/* In the order of reading: tasks want env and defaults first, outputs want tasks. */
static const struct spec_field workflow_fields[] = {
    {.key = "flowforge",
     .type = &version_type,
     .flags = SPEC_REQUIRED,
     .since = "0.1",
     .help = "the version of the format"},
    {.key = "name",
     .type = &spec_name,
     .offset = offsetof(struct flow, name),
     .flags = SPEC_REQUIRED,
     .since = "0.1",
     .help = "the workflow's name"},
    {.key = "description",
     .type = &spec_text,
     .offset = offsetof(struct flow, description),
     .arg = "",
     .since = "0.1",
     .help = "for people"},
    {.key = "version",
     .type = &spec_version_label,
     .offset = offsetof(struct flow, version),
     .since = "0.2",
     .help = "the word by which `flowforge apply` makes this text known: NAME@VERSION"},
    {.key = "labels",
     .type = &spec_labels,
     .offset = offsetof(struct flow, labels),
     .since = "0.2",
     .help = "what its runs can be found by: names and texts"},
    {.key = "inputs",
     .type = &spec_inputs_type,
     .since = "0.1",
     .help = "what a run is started with"},
    {.key = "vars",
     .type = &spec_vars_type,
     .since = "0.2",
     .help = "constants for expressions, by name"},
    {.key = "triggers",
     .type = &spec_triggers_type,
     .since = "0.2",
     .help = "what starts runs by itself, once the workflow is applied"},
    {.key = "on",
     .type = &spec_triggers_type,
     .since = "0.2",
     .help = "the same as triggers"},
    {.key = "env",
     .type = &spec_shared_env,
     .since = "0.1",
     .help = "variables of the environment of every task"},
    {.key = "defaults",
     .type = &defaults_type,
     .arg = &spec_defaults,
     .since = "0.1",
     .help = "what every task has that does not say otherwise"},
    {.key = "timeout",
     .type = &spec_duration,
     .offset = offsetof(struct flow, timeout_us),
     .arg = &spec_timeout_range,
     .since = "0.1",
     .help = "how long the whole run may take; no limit when absent"},
    {.key = "parallelism",
     .type = &spec_integer,
     .offset = offsetof(struct flow, parallelism),
     .arg = &spec_parallel_range,
     .since = "0.1",
     .help = "how many tasks of one run may run at once; no limit when absent"},
    {.key = "concurrency",
     .type = &spec_concurrency_type,
     .offset = offsetof(struct flow, concurrency),
     .arg = &spec_concurrency,
     .since = "0.2",
     .help = "how many runs may be under way at once; no limit when absent"},
    {.key = "tasks",
     .type = &spec_tasks_type,
     .arg = &parts[FLOW_MAIN],
     .flags = SPEC_REQUIRED,
     .since = "0.1",
     .help = "the steps, by name"},
    {.key = "on_success",
     .type = &spec_tasks_type,
     .arg = &parts[FLOW_ON_SUCCESS],
     .since = "0.1",
     .help = "run in their order after all tasks, when the run has succeeded"},
    {.key = "on_failure",
     .type = &spec_tasks_type,
     .arg = &parts[FLOW_ON_FAILURE],
     .since = "0.1",
     .help = "run in their order when the run has failed"},
    {.key = "on_cancel",
     .type = &spec_tasks_type,
     .arg = &parts[FLOW_ON_CANCEL],
     .since = "0.1",
     .help = "run in their order when the run was cancelled"},
    {.key = "finally",
     .type = &spec_tasks_type,
     .arg = &parts[FLOW_FINALLY],
     .since = "0.1",
     .help = "run in their order at the end, after the other handlers, always"},
    {.key = "outputs",
     .type = &spec_run_outputs,
     .since = "0.1",
     .help = "what the whole run gives"},
    {.key = "semaphores", .flags = SPEC_LATER},
    {.key = "rate", .flags = SPEC_LATER},
    {.key = "queue", .flags = SPEC_LATER},
    {.key = "artifacts", .flags = SPEC_LATER},
    {.key = "image", .flags = SPEC_LATER},
};

const struct spec_object spec_workflow = {
    .name = "workflow",
    .phrase = "the workflow",
    .fields = workflow_fields,
    .n_fields = COUNT_OF(workflow_fields),
    .help = "The whole file.",
};
