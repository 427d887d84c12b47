/* cache: of a task: its outputs are those of an earlier success that was the same. What
 * makes two the same is the key that the author wrote and, unless scope says otherwise,
 * what the task does: a fingerprint of the keys that say it. */
#include "flow/spec.h"
#include <string.h>

#define DAY (86400 * UNITS_SECOND)

static const struct spec_value_rule key_rule = {.place = PLACE_CACHE,
                                                .keep_text = true};
static const struct spec_range ttl_range = {1000, 365 * DAY, "from 1ms to 365d"};
/* In the order of enum flow_cache_scope. */
static const char *const scopes[] = {"task", "key", NULL};

static void read_key(struct spec *s, const struct spec_field *field,
                     const struct tree_node *node, void *slot)
{
    struct flow_value *key = spec_alloc(s, 1, sizeof(*key));

    if (node->kind == TREE_LIST || node->kind == TREE_MAP || node->n == 0) {
        spec_wrong_type(s, field->key, field->type->is, node);
        return;
    }
    if (node->n > FLOW_MAX_CACHE_KEY && !strstr(node->text, "${{")) {
        flow_problem_msg(spec_problem(s, PROBLEM_VALUE, node),
                         "key must be at most %d bytes long", FLOW_MAX_CACHE_KEY);
        return;
    }
    if (spec_read_value(s, &key_rule, node, key))
        *(struct flow_value **)slot = key;
}

static json_t *schema_key(const struct spec_field *field)
{
    (void)field;
    return json_pack("{s[sss]}", "type", "string", "number", "boolean");
}

static const struct spec_type key_type = {.name = "value",
                                          .is = "a text that is not empty, or an "
                                                "expression",
                                          .read = read_key,
                                          .schema = schema_key};

#define SLOT(member) offsetof(struct flow_cache, member)

static const struct spec_field cache_fields[] = {
    {.key = "key",
     .type = &key_type,
     .offset = SLOT(key),
     .flags = SPEC_REQUIRED,
     .since = "0.2",
     .help = "what the outputs depend on: attempts with another key are others"},
    {.key = "ttl",
     .type = &spec_duration,
     .offset = SLOT(ttl_us),
     .arg = &ttl_range,
     .fallback = "\"7d\"",
     .since = "0.2",
     .help = "how long the outputs of a success may be used"},
    {.key = "scope",
     .type = &spec_choice,
     .offset = SLOT(scope),
     .arg = scopes,
     .fallback = "\"task\"",
     .since = "0.2",
     .help = "task: only for the same task, doing the same; key: for every task with "
             "this key and the same outputs"},
};

const struct spec_object spec_cache = {
    .name = "cache",
    .phrase = "cache",
    .fields = cache_fields,
    .n_fields = COUNT_OF(cache_fields),
    .help = "Outputs of an earlier success are used instead of running the task again.",
};

static void read_cache(struct spec *s, const struct spec_field *field,
                       const struct tree_node *node, void *slot)
{
    struct flow_cache *made = spec_alloc(s, 1, sizeof(*made));

    (void)field;
    made->ttl_us = 7 * DAY;
    if (spec_read(s, &spec_cache, node, made, NULL) && made->key)
        *(struct flow_cache **)slot = made;
}

static json_t *schema_cache(const struct spec_field *field)
{
    (void)field;
    return spec_schema_ref(&spec_cache);
}

const struct spec_type spec_cache_type = {
    .name = "cache", .is = "a map", .read = read_cache, .schema = schema_cache};

/* --- what a task does --- */

/* These say when, where and how often, and change no outputs. A key that is missing
 * here costs a run that was not needed; one too many would give wrong outputs. */
static const char *const says_not_what[] = {"id",
                                            "description",
                                            "needs",
                                            "needs_all",
                                            "continue_on_error",
                                            "if",
                                            "foreach",
                                            "matrix",
                                            "max_parallel",
                                            "fail_fast",
                                            "retry",
                                            "timeout",
                                            "queue_timeout",
                                            "total_timeout",
                                            "grace",
                                            "queue",
                                            "priority",
                                            "node_selector",
                                            "on_success",
                                            "on_failure",
                                            "finally",
                                            "semaphores",
                                            "mutex",
                                            "rate",
                                            "compensate",
                                            "cache",
                                            "concurrency",
                                            "pending_timeout",
                                            "heartbeat_timeout"};

static bool says_what(const struct tree_node *task, const struct tree_node *value)
{
    for (size_t i = 0; i < COUNT_OF(says_not_what); i++)
        if (spec_find(task, says_not_what[i]) == value)
            return false;
    return true;
}

static void add(json_t *all, const char *name, const struct tree_node *value)
{
    if (value)
        json_object_set_new_nocheck(all, name, tree_json(value));
}

void spec_finish_cache(struct spec *s, const struct tree_node *task,
                       const struct flow_cache *cache, const struct flow_work *work)
{
    struct flow_cache *made = (struct flow_cache *)(uintptr_t)cache;
    json_t *all = json_object();

    if (cache->scope == FLOW_CACHE_KEY) {
        const struct tree_node *artifacts = spec_find(task, "artifacts");

        add(all, "outputs", spec_find(task, "outputs"));
        add(all, "artifacts", artifacts ? spec_find(artifacts, "out") : NULL);
    } else {
        for (uint32_t i = 0; i < task->n; i++)
            if (says_what(task, &task->items[i].value))
                add(all, task->items[i].key.text, &task->items[i].value);
        /* No task has keys of these names: a $ is in none. */
        add(all, "$env", spec_find(&s->tree->root, "env"));
        add(all, "$vars", spec_find(&s->tree->root, "vars"));
    }

    MEM_AUTO char *text = json_text(all);

    sha256_text(text, strlen(text), made->definition);
    json_decref(all);
    for (uint32_t i = 0; i < work->n_outputs; i++) {
        if (work->outputs[i].as != FLOW_AS_FILE)
            continue;

        struct flow_problem *p =
            spec_problem(s, PROBLEM_CACHE, spec_find(task, "cache"));

        flow_problem_msg(p,
                         "the file of output %.64s is kept as long as its run; a cache "
                         "cannot keep it",
                         work->outputs[i].name);
        flow_problem_hint(p, "hand the file on as an artifact, or remove cache:");
    }
}
