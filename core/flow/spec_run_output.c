/* outputs: of the workflow and of groups: values, each with its type where the file
 * says one. What they came to is compared with it here too. */
#include "flow/json_schema.h"
#include "flow/spec.h"
#include <math.h>

/* One in the reading. */
struct draft {
    struct flow_input declared;
    struct flow_value *value;
};

#define SLOT(member)     offsetof(struct draft, member)
#define DECLARED(member) offsetof(struct draft, declared.member)

static const struct spec_value_rule value_rule = {.place = PLACE_RUN_OUTPUT};

static const struct spec_field run_output_fields[] = {
    {.key = "value",
     .type = &spec_value_pointer,
     .offset = SLOT(value),
     .arg = &value_rule,
     .flags = SPEC_REQUIRED,
     .since = "0.2",
     .help = "what it is"},
    {.key = "type",
     .type = &spec_choice,
     .offset = DECLARED(type),
     .arg = flow_type_names,
     .since = "0.2",
     .help = "string, integer, number, boolean, list or object; any when absent"},
    {.key = "description",
     .type = &spec_text,
     .offset = DECLARED(description),
     .arg = "",
     .since = "0.2",
     .help = "for people"},
    {.key = "required",
     .type = &spec_boolean,
     .offset = DECLARED(required),
     .fallback = "true",
     .since = "0.2",
     .help = "with false it may be null, whatever its type"},
    {.key = "schema",
     .type = &json_schema_type,
     .offset = DECLARED(schema),
     .since = "0.2",
     .help = "a JSON Schema that a list or object must keep"},
};

const struct spec_object spec_run_output = {
    .name = "run_output",
    .phrase = "an output of a run",
    .fields = run_output_fields,
    .n_fields = COUNT_OF(run_output_fields),
    .help = "A value that the whole run gives.",
};

static void check_keys(struct spec *s, const struct tree_node *node,
                       const struct flow_input *declared)
{
    const struct tree_node *type = spec_find(node, "type");
    const struct tree_node *schema = spec_find(node, "schema");
    const struct tree_node *required = spec_find(node, "required");
    struct flow_problem *p;

    if (schema &&
        (!type || (declared->type != FLOW_LIST && declared->type != FLOW_OBJECT))) {
        p = spec_problem(s, PROBLEM_EXCLUSIVE, schema);
        flow_problem_msg(p, "schema is for lists and objects only");
        flow_problem_hint(p, "add type: list or type: object");
    }
    if (required && !type) {
        p = spec_problem(s, PROBLEM_EXCLUSIVE, required);
        flow_problem_msg(p, "required is for outputs with a type only");
        flow_problem_hint(p, "without a type any value is good, also null");
    }
}

/* False: its value could not be read. */
static bool read_long(struct spec *s, const struct tree_node *node,
                      struct flow_run_output *output)
{
    struct draft draft = {.declared = {.name = output->name,
                                       .required = true,
                                       .min = -INFINITY,
                                       .max = INFINITY,
                                       .is_output = true}};

    spec_read(s, &spec_run_output, node, &draft, NULL);
    check_keys(s, node, &draft.declared);
    if (!draft.value)
        return false;
    output->value = *draft.value;
    if (spec_find(node, "type")) {
        struct flow_input *kept = spec_alloc(s, 1, sizeof(*kept));
        *kept = draft.declared;
        output->declared = kept;
    }
    return true;
}

/* A map that holds a value is what is said of an output; any other map is the value. */
static bool is_long(const struct tree_node *node)
{
    return node->kind == TREE_MAP && spec_find(node, "value");
}

static void read_run_outputs(struct spec *s, const struct spec_field *field,
                             const struct tree_node *node, void *slot)
{
    struct flow *flow = slot;

    if (!spec_want_names(s, field, node))
        return;
    flow->outputs = spec_alloc(s, node->n, sizeof(*flow->outputs));
    for (uint32_t i = 0; i < node->n; i++) {
        const struct tree_key *key = &node->items[i].key;
        const struct tree_node *value = &node->items[i].value;
        struct flow_run_output *output = &flow->outputs[flow->n_outputs];

        if (!spec_check_name(s, key, "an output"))
            continue;
        output->name = arena_text(s->arena, key->text, key->n);
        if (is_long(value) ? read_long(s, value, output)
                           : spec_read_value(s, &value_rule, value, &output->value))
            flow->n_outputs++;
    }
}

static json_t *schema_run_outputs(const struct spec_field *field)
{
    (void)field;
    return spec_schema_names(json_pack("{s[{s{sss[s]}}o]}", "anyOf", "not", "type",
                                       "object", "required", "value",
                                       spec_schema_ref(&spec_run_output)));
}

const struct spec_type spec_run_outputs = {.name = "map of values",
                                           .is = "a map of names and values",
                                           .read = read_run_outputs,
                                           .schema = schema_run_outputs};

/* --- what it came to --- */

static const char *remedy_for(const struct flow_input *declared, const json_t *value)
{
    static const char *const remedies[] = {
        [FLOW_STRING] = "string(...) makes text of it",
        [FLOW_INTEGER] = "int(...) makes one of text or of a number",
        [FLOW_NUMBER] = "double(...) makes one of text",
        [FLOW_BOOLEAN] = "a comparison gives one",
        [FLOW_LIST] = "json(...) reads one from text",
        [FLOW_OBJECT] = "json(...) reads one from text",
    };

    if (json_typeof(value) == JSON_NULL)
        return "with required: false it may be null";
    return remedies[declared->type];
}

int flow_output_check(const struct flow_run_output *o, const json_t *value,
                      struct ff_err *err)
{
    const struct flow_input *declared = o->declared;
    struct spec_blame b;

    if (!declared || (json_typeof(value) == JSON_NULL && !declared->required) ||
        spec_input_accepts(declared, value, &b))
        return FF_OK;
    if (b.code != PROBLEM_INPUT_TYPE)
        return ff_fail(err, FF_INVALID, 0, "%s", b.msg);
    return ff_fail(err, FF_INVALID, 0, "%s: %s", b.msg, remedy_for(declared, value));
}
