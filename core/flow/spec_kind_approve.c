/* approve: a person decides. Its table, and what its outputs are. */
#include "flow/spec_kind.h"
#include <string.h>

static const char *const without[] = {SPEC_KIND_ATTEMPT_KEYS, "outputs", "retry",
                                      "repeat", NULL};

const struct spec_kind spec_kind_approve = {.key = "approve", .without = without};

/* Outputs that every approval has, before those by the names of its inputs. */
static const char *const own_outputs[] = {"approved_by", "at", "comment", NULL};

static const char *const timeouts[] = {"reject", "skip", NULL};

static const struct spec_value_rule message_rule = {.place = PLACE_ATTEMPT,
                                                    .keep_text = true};

static void read_message(struct spec *s, const struct spec_field *field,
                         const struct tree_node *node, void *slot)
{
    (void)field;
    spec_read_value(s, &message_rule, node, slot);
}

static json_t *schema_message(const struct spec_field *field)
{
    (void)field;
    return json_pack("{ss}", "type", "string");
}

static const struct spec_type message_type = {.name = "value",
                                              .is = "text or an expression",
                                              .read = read_message,
                                              .schema = schema_message};

/* "user ada, user bob": adds what one list names. */
static void add_names(struct spec *s, const struct tree_node *list, const char *what,
                      struct buf *out)
{
    for (uint32_t i = 0; i < list->n; i++) {
        const struct tree_node *name = &list->items[i].value;

        if (name->kind != TREE_TEXT || name->n == 0) {
            spec_wrong_type(s, "a name of an approver", "text", name);
            continue;
        }
        buf_printf(out, "%s%s %.100s", out->len ? ", " : "", what, name->text);
    }
}

static void read_approvers(struct spec *s, const struct spec_field *field,
                           const struct tree_node *node, void *slot)
{
    struct buf text = {0};

    if (!spec_want_map(s, field, node))
        return;
    for (uint32_t i = 0; i < node->n; i++) {
        const struct tree_key *key = &node->items[i].key;
        const struct tree_node *list = &node->items[i].value;
        const bool users = strcmp(key->text, "users") == 0;

        if (!users && strcmp(key->text, "groups") != 0)
            flow_problem_msg(spec_problem_key(s, PROBLEM_APPROVE, key),
                             "approvers are users and groups, not %.64s", key->text);
        else if (list->kind != TREE_LIST)
            spec_wrong_type(s, key->text, "a list of names", list);
        else
            add_names(s, list, users ? "user" : "group", &text);
    }
    if (text.len > 0)
        *(const char **)slot = arena_text(&s->flow->arena, buf_text(&text), text.len);
    buf_done(&text);
}

static json_t *schema_approvers(const struct spec_field *field)
{
    json_t *names = json_pack("{sss{ss}}", "type", "array", "items", "type", "string");

    (void)field;
    return json_pack("{sss{sOso}sb}", "type", "object", "properties", "users", names,
                     "groups", names, "additionalProperties", 0);
}

static const struct spec_type approvers_type = {.name = "map of lists of names",
                                                .is = "a map of users and groups",
                                                .read = read_approvers,
                                                .schema = schema_approvers};

static void read_inputs(struct spec *s, const struct spec_field *field,
                        const struct tree_node *node, void *slot)
{
    struct flow_approve *a = slot;
    struct flow made = {0};

    spec_inputs_type.read(s, field, node, &made);
    a->inputs = made.inputs;
    a->n_inputs = made.n_inputs;
    for (uint32_t i = 0; i < made.n_inputs; i++)
        if (spec_choice_index(own_outputs, made.inputs[i].name) >= 0)
            flow_problem_msg(spec_problem(s, PROBLEM_APPROVE, node),
                             "an approval has an output %s by itself; give the input "
                             "another name",
                             made.inputs[i].name);
}

static json_t *schema_inputs(const struct spec_field *field)
{
    return spec_inputs_type.schema(field);
}

static const struct spec_type inputs_type = {.name = "map of inputs",
                                             .is = "a map of names and inputs",
                                             .read = read_inputs,
                                             .schema = schema_inputs};

static void read_on_timeout(struct spec *s, const struct spec_field *field,
                            const struct tree_node *node, void *slot)
{
    if (node->kind == TREE_TEXT && strcmp(node->text, "approve") == 0)
        flow_problem_msg(spec_problem(s, PROBLEM_APPROVE, node),
                         "nothing is approved because nobody has looked at it: "
                         "on_timeout is reject or skip");
    else
        spec_choice.read(s, field, node, slot);
}

static json_t *schema_on_timeout(const struct spec_field *field)
{
    return spec_choice.schema(field);
}

static const struct spec_type on_timeout_type = {.name = "choice",
                                                 .is = "reject or skip",
                                                 .read = read_on_timeout,
                                                 .schema = schema_on_timeout};

#define SLOT(member) offsetof(struct flow_approve, member)

static const struct spec_field approve_fields[] = {
    {.key = "message",
     .type = &message_type,
     .offset = SLOT(message),
     .flags = SPEC_REQUIRED,
     .since = "0.2",
     .help = "what is to be decided, for the person who does"},
    {.key = "approvers",
     .type = &approvers_type,
     .offset = SLOT(approvers),
     .since = "0.2",
     .help = "who shall decide: users and groups; shown, see below"},
    {.key = "inputs",
     .type = &inputs_type,
     .since = "0.2",
     .help = "values that an approval is given with, described as those of a workflow"},
    {.key = "timeout",
     .type = &spec_duration,
     .offset = SLOT(timeout_us),
     .arg = &spec_timeout_range,
     .since = "0.2",
     .help = "how long it waits; no limit when absent"},
    {.key = "on_timeout",
     .type = &on_timeout_type,
     .offset = SLOT(on_timeout),
     .arg = timeouts,
     .fallback = "\"reject\"",
     .since = "0.2",
     .help = "reject: then the task fails; skip: it is skipped"},
};

const struct spec_object spec_approve = {
    .name = "approve",
    .example = "approve: {message: \"Go on?\"}",
    .phrase = "approve",
    .fields = approve_fields,
    .n_fields = COUNT_OF(approve_fields),
    .help = "A decision that a person makes.",
};

static void declare_outputs(struct spec *s, struct flow_work *work,
                            const struct flow_approve *a)
{
    work->outputs = spec_alloc(s, COUNT_OF(own_outputs) + (size_t)a->n_inputs,
                               sizeof(*work->outputs));
    for (size_t i = 0; own_outputs[i]; i++)
        work->outputs[work->n_outputs++] = spec_own_output(s, own_outputs[i]);
    for (uint32_t i = 0; i < a->n_inputs; i++)
        work->outputs[work->n_outputs++] = spec_own_output(s, a->inputs[i].name);
}

static void read_approve(struct spec *s, const struct spec_field *field,
                         const struct tree_node *node, void *slot)
{
    struct flow_work *work = &((struct spec_draft *)slot)->work;
    struct flow_approve *made;

    (void)field;
    if (work->kind != FLOW_APPROVE)
        return;
    made = spec_alloc(s, 1, sizeof(*made));
    work->approve = made;
    if (spec_read(s, &spec_approve, node, made, NULL))
        declare_outputs(s, work, made);
}

static json_t *schema_approve(const struct spec_field *field)
{
    (void)field;
    return spec_schema_ref(&spec_approve);
}

const struct spec_type spec_approve_type = {
    .name = "approve", .is = "a map", .read = read_approve, .schema = schema_approve};

json_t *flow_approve_inputs(const struct flow_approve *a, json_t *given, bool from_text,
                            struct flow_problems *problems)
{
    const struct flow wanted = {
        .name = "this approval", .inputs = a->inputs, .n_inputs = a->n_inputs};

    return flow_inputs(&wanted, given, from_text, problems);
}
