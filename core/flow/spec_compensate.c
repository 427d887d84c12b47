/* compensate: what undoes a task that has succeeded. Each becomes a task of a part of
 * its own; they are read after all others, so that no task is read inside another. */
#include "flow/spec_kind.h"
#include <string.h>

static void read_compensate(struct spec *s, const struct spec_field *field,
                            const struct tree_node *node, void *slot)
{
    const struct spec_undo undo = {.of = s->task, .node = node};

    if (node->kind != TREE_MAP) {
        spec_wrong_type(s, field->key, field->type->is, node);
        return;
    }
    if (s->part != FLOW_MAIN) {
        flow_problem_msg(spec_problem(s, PROBLEM_EXCLUSIVE, node),
                         "compensate is for main tasks; a handler is not undone");
        return;
    }
    ((struct spec_draft *)slot)->work.compensated = true;
    ARRAY_ADD(&s->undos, undo);
}

static json_t *schema_compensate(const struct spec_field *field)
{
    (void)field;
    return spec_schema_ref(&spec_compensate);
}

const struct spec_type spec_compensate_type = {.name = "compensate",
                                               .is = "a map",
                                               .read = read_compensate,
                                               .schema = schema_compensate};

#define ENDING "_compensate"

/* NAME_compensate, standing where its body does. */
static struct tree_key name_of(struct spec *s, const struct spec_undo *undo)
{
    struct buf name = {0};

    buf_printf(&name, "%s" ENDING, s->tasks.items[undo->of].name);
    const struct tree_key key = {.text =
                                     arena_text(s->arena, buf_text(&name), name.len),
                                 .n = (uint32_t)name.len,
                                 .line = undo->node->line,
                                 .column = undo->node->column};
    buf_done(&name);
    return key;
}

static bool check_length(struct spec *s, const struct spec_undo *undo,
                         const struct tree_key *name)
{
    struct flow_problem *p;

    if (name->n < SPEC_KEY_MAX)
        return true;
    p = spec_problem(s, PROBLEM_NAME, undo->node);
    flow_problem_msg(p, "%.40s... is too long to be the name of the compensation",
                     name->text);
    flow_problem_hint(p, "give the task a name of at most %d characters",
                      SPEC_KEY_MAX - 1 - (int)strlen(ENDING));
    return false;
}

static bool is_body(enum flow_kind kind)
{
    return kind == FLOW_RUN || kind == FLOW_COMMAND || kind == FLOW_SCRIPT ||
           kind == FLOW_HTTP;
}

static void check_body(struct spec *s, const struct tree_node *node,
                       const struct tree_key *name, enum flow_kind kind, bool suspect)
{
    struct flow_problem *p;

    if (kind < FLOW_N_KINDS) { /* one that is no body is a key too many already */
        spec_kind_check(s, node, name, kind, suspect);
        return;
    }
    if (suspect)
        return;
    p = spec_problem(s, PROBLEM_MISSING, node);
    flow_problem_msg(p, "compensate has nothing to run");
    flow_problem_hint(p, "give it run, command, script or http");
}

static void add_one(struct spec *s, const struct spec_undo *undo)
{
    const struct tree_key name = name_of(s, undo);
    const enum flow_kind kind = spec_kind_find(undo->node);
    struct flow_undo *kept = spec_alloc(s, 1, sizeof(*kept));
    struct spec_draft draft;
    uint64_t seen;

    if (!check_length(s, undo, &name) || !spec_begin_task(s, &draft, &name))
        return;
    kept->of = undo->of;
    draft.work.undo = kept;
    /* Each item is undone by itself, and one that cannot be stops no other. */
    draft.work.foreach = s->tasks.items[undo->of].work->foreach;
    draft.work.fail_fast = false;
    if (is_body(kind))
        draft.work.kind = kind;
    spec_read(s, &spec_compensate, undo->node, &draft, &seen);
    check_body(s, undo->node, &name, kind, seen & SPEC_SEEN_BAD);
    spec_end_task(s, &draft);
}

void spec_add_compensations(struct spec *s)
{
    s->part = FLOW_COMPENSATE;
    for (size_t i = 0; i < s->undos.n; i++)
        add_one(s, &s->undos.items[i]);
}

/* Of two that ended at one instant, the one that needs the other is undone first. */
void spec_rank_compensations(struct spec *s)
{
    uint32_t *rank;

    if (s->undos.n == 0 || !s->order)
        return;
    rank = mem_array(s->tasks.n, sizeof(*rank));
    for (uint32_t i = 0; i < s->tasks.n; i++)
        rank[s->order[i]] = i;
    for (size_t i = 0; i < s->tasks.n; i++)
        if (s->tasks.items[i].part == FLOW_COMPENSATE)
            s->tasks.items[i].work->undo->rank = rank[s->tasks.items[i].work->undo->of];
    mem_free(rank);
}

static const struct spec_value_rule stdin_rule = {
    .place = PLACE_ATTEMPT, .keep_text = true, .secrets = true};
static const struct spec_value_rule text_rule = {.place = PLACE_ATTEMPT,
                                                 .keep_text = true};

#define SLOT(member) offsetof(struct spec_draft, member)

static const struct spec_field fields[] = {
    {.key = "run",
     .type = &spec_shell,
     .offset = SLOT(work.text),
     .since = "0.2",
     .help = "as in a task"},
    {.key = "command", .type = &spec_command, .since = "0.2", .help = "as in a task"},
    {.key = "script",
     .type = &spec_script_type,
     .since = "0.2",
     .help = "as in a task"},
    {.key = "http", .type = &spec_http_type, .since = "0.2", .help = "as in a task"},
    {.key = "env",
     .type = &spec_task_env,
     .since = "0.2",
     .help = "as in a task; `outputs` are those of the task, or the item, that is "
             "undone"},
    {.key = "stdin",
     .type = &spec_value_pointer,
     .offset = SLOT(work.input),
     .arg = &stdin_rule,
     .since = "0.2",
     .help = "as in a task"},
    {.key = "working_dir",
     .type = &spec_value_pointer,
     .offset = SLOT(work.dir),
     .arg = &text_rule,
     .since = "0.2",
     .help = "as in a task"},
    {.key = "retry",
     .type = &spec_retry_type,
     .offset = SLOT(policy.retry),
     .since = "0.2",
     .help = "as in a task"},
    {.key = "timeout",
     .type = &spec_duration,
     .offset = SLOT(policy.timeout_us),
     .arg = &spec_timeout_range,
     .since = "0.2",
     .help = "as in a task"},
    {.key = "grace",
     .type = &spec_duration,
     .offset = SLOT(policy.grace_us),
     .arg = &spec_grace_range,
     .fallback = "\"10s\"",
     .since = "0.2",
     .help = "as in a task"},
    {.key = "queue",
     .type = &spec_name,
     .offset = SLOT(policy.queue),
     .fallback = "\"default\"",
     .since = "0.2",
     .help = "as in a task"},
    {.key = "node_selector",
     .type = &spec_selector,
     .offset = SLOT(policy.node_selector),
     .fallback = "{}",
     .since = "0.2",
     .help = "as in a task"},
};

static void finish_schema(json_t *schema)
{
    json_object_set_new(schema, "oneOf",
                        json_pack("[{s[s]}{s[s]}{s[s]}{s[s]}]", "required", "run",
                                  "required", "command", "required", "script",
                                  "required", "http"));
}

const struct spec_object spec_compensate = {
    .name = "compensate",
    .phrase = "compensate",
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .help = "What undoes a task that has succeeded, when the run has not.",
    .finish_schema = finish_schema,
};
