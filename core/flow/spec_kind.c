/* The table of kinds, and what holds for all of them: a task has exactly one. */
#include "flow/spec_kind.h"
#include <string.h>

const struct spec_kind *const spec_kinds[FLOW_N_KINDS] = {
    [FLOW_RUN] = &spec_kind_run,
    [FLOW_COMMAND] = &spec_kind_command,
    [FLOW_SCRIPT] = &spec_kind_script,
    [FLOW_NOOP] = &spec_kind_noop,
    [FLOW_SWITCH] = &spec_kind_switch,
    [FLOW_SLEEP] = &spec_kind_sleep,
    [FLOW_WAIT_UNTIL] = &spec_kind_wait_until,
    [FLOW_TRANSFORM] = &spec_kind_transform,
    [FLOW_GROUP] = &spec_kind_group,
    [FLOW_USES] = &spec_kind_uses,
    [FLOW_HTTP] = &spec_kind_http,
    [FLOW_APPROVE] = &spec_kind_approve,
    [FLOW_WAIT_EVENT] = &spec_kind_wait_event,
};

struct flow_output spec_own_output(struct spec *s, const char *name)
{
    const char *kept = arena_text(s->arena, name, strlen(name));

    return (struct flow_output){
        .name = kept, .file = kept, .from = FLOW_FROM_SDK, .as = FLOW_AS_JSON};
}

void spec_kind_list(char *out, size_t cap)
{
    const char *keys[FLOW_N_KINDS + 1] = {NULL};

    for (size_t i = 0; i < FLOW_N_KINDS; i++)
        keys[i] = spec_kinds[i]->key;
    spec_list_choices(keys, out, cap);
}

/* Those of a group are expressions, like the run's. */
static void loosen_outputs(json_t *schema)
{
    json_t *properties = json_object_get(schema, "properties");
    json_t *outputs = json_object_get(properties, "outputs");
    json_t *any = json_pack("{s[O{ss}]}", "anyOf", outputs, "type", "object");

    json_object_set_new(schema, "if", json_pack("{s[s]}", "required", "tasks"));
    json_object_set_new(schema, "else",
                        json_pack("{s{sO}}", "properties", "outputs", outputs));
    json_object_set(any, "description", json_object_get(outputs, "description"));
    json_object_set_new(properties, "outputs", any);
}

void spec_kind_schema(json_t *schema)
{
    json_t *one_of = json_array();

    for (size_t i = 0; i < FLOW_N_KINDS; i++)
        json_array_append_new(one_of,
                              json_pack("{s[s]}", "required", spec_kinds[i]->key));
    json_object_set_new(schema, "oneOf", one_of);
    loosen_outputs(schema);
}

enum flow_kind spec_kind_find(const struct tree_node *task)
{
    size_t i = 0;

    while (i < FLOW_N_KINDS && !spec_find(task, spec_kinds[i]->key))
        i++;
    return (enum flow_kind)i;
}

static void refuse_none(struct spec *s, const struct tree_key *name)
{
    struct flow_problem *p = spec_problem_key(s, PROBLEM_MISSING, name);
    char list[128];

    spec_kind_list(list, sizeof(list));
    flow_problem_msg(p, "task %.64s has nothing to run", name->text);
    flow_problem_hint(p, "give it %s", list);
}

static void refuse_two(struct spec *s, const struct tree_node *task,
                       const struct spec_kind *first, const struct spec_kind *second)
{
    const struct tree_node *again = spec_find(task, second->key);
    struct flow_problem *p;

    if (!again)
        return;
    p = spec_problem(s, PROBLEM_EXCLUSIVE, again);
    flow_problem_msg(p, "a task does one thing, not both %s and %s", first->key,
                     second->key);
    flow_problem_hint(p, "remove one, or make two tasks");
}

static void refuse_without(struct spec *s, const struct tree_node *task,
                           const struct spec_kind *kind)
{
    for (const char *const *key = kind->without; key && *key; key++) {
        const struct tree_node *value = spec_find(task, *key);

        if (!value)
            continue;

        struct flow_problem *p = spec_problem(s, PROBLEM_EXCLUSIVE, value);

        flow_problem_msg(p, "%s means nothing in a task with %s", *key, kind->key);
        flow_problem_hint(p, "remove %s", *key);
    }
}

void spec_kind_check(struct spec *s, const struct tree_node *task,
                     const struct tree_key *name, enum flow_kind kind, bool suspect)
{
    if (kind == FLOW_N_KINDS) {
        if (!suspect)
            refuse_none(s, name);
        return;
    }
    for (size_t i = (size_t)kind + 1; i < FLOW_N_KINDS; i++)
        refuse_two(s, task, spec_kinds[kind], spec_kinds[i]);
    refuse_without(s, task, spec_kinds[kind]);
}
