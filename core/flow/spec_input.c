/* inputs: what a run is started with. */
#include "flow/json_schema.h"
#include "flow/spec.h"
#include <math.h>
#include <string.h>

const char *const flow_type_names[] = {"string", "integer", "number", "boolean",
                                       "list",   "object",  NULL};

/* Constants of any type: default, and the list of enum. */
static void read_constant(struct spec *s, const struct spec_field *field,
                          const struct tree_node *node, void *slot)
{
    if (spec_all_constant(s, field->key, node))
        *(json_t **)slot = spec_own_json(s, tree_json(node));
}

static json_t *schema_constant(const struct spec_field *field)
{
    (void)field;
    return json_object();
}

static const struct spec_type constant_type = {.name = "constant",
                                               .is = "a constant",
                                               .read = read_constant,
                                               .schema = schema_constant,
                                               .takes_null = true};

static void read_choices(struct spec *s, const struct spec_field *field,
                         const struct tree_node *node, void *slot)
{
    if (node->kind != TREE_LIST)
        spec_wrong_type(s, field->key, field->type->is, node);
    else if (node->n == 0)
        flow_problem_msg(spec_problem(s, PROBLEM_VALUE, node),
                         "enum must hold at least one value");
    else
        read_constant(s, field, node, slot);
}

static json_t *schema_choices(const struct spec_field *field)
{
    (void)field;
    return json_pack("{sssi}", "type", "array", "minItems", 1);
}

static const struct spec_type choices_type = {.name = "list of constants",
                                              .is = "a list of the values allowed",
                                              .read = read_choices,
                                              .schema = schema_choices};

#define SLOT(member) offsetof(struct flow_input, member)

static const struct spec_real_range any_number = {-INFINITY, INFINITY, "a number"};

static const struct spec_field input_fields[] = {
    {.key = "type",
     .type = &spec_choice,
     .offset = SLOT(type),
     .arg = flow_type_names,
     .fallback = "\"string\"",
     .since = "0.1",
     .help = "string, integer, number, boolean, list or object"},
    {.key = "description",
     .type = &spec_text,
     .offset = SLOT(description),
     .arg = "",
     .since = "0.1",
     .help = "for people"},
    {.key = "default",
     .type = &constant_type,
     .offset = SLOT(fallback),
     .since = "0.1",
     .help = "the value when none is given"},
    {.key = "required",
     .type = &spec_boolean,
     .offset = SLOT(required),
     .fallback = "true",
     .since = "0.1",
     .help = "whether a run must give it; true when there is no default. With false "
             "and no default the value is null"},
    {.key = "enum",
     .type = &choices_type,
     .offset = SLOT(choices),
     .since = "0.1",
     .help = "the only values allowed"},
    {.key = "min",
     .type = &spec_number,
     .offset = SLOT(min),
     .arg = &any_number,
     .since = "0.1",
     .help = "the least value, of an integer or number"},
    {.key = "max",
     .type = &spec_number,
     .offset = SLOT(max),
     .arg = &any_number,
     .since = "0.1",
     .help = "the greatest value, of an integer or number"},
    {.key = "pattern",
     .type = &spec_text,
     .offset = SLOT(pattern),
     .since = "0.1",
     .help = "a regular expression that the whole of a string must match"},
    {.key = "schema",
     .type = &json_schema_type,
     .offset = SLOT(schema),
     .since = "0.2",
     .help = "a JSON Schema that a list or object must keep"},
};

const struct spec_object spec_input = {
    .name = "input",
    .phrase = "an input",
    .fields = input_fields,
    .n_fields = COUNT_OF(input_fields),
    .help = "A value that a run is started with.",
};

/* Keys that only some types have. */
static void check_keys(struct spec *s, const struct flow_input *input,
                       const struct tree_node *node)
{
    static const struct {
        const char *key;
        unsigned types; /* by bit */
        const char *whose;
    } rules[] = {
        {"min", 1U << FLOW_INTEGER | 1U << FLOW_NUMBER, "integers and numbers"},
        {"max", 1U << FLOW_INTEGER | 1U << FLOW_NUMBER, "integers and numbers"},
        {"pattern", 1U << FLOW_STRING, "strings"},
        {"schema", 1U << FLOW_LIST | 1U << FLOW_OBJECT, "lists and objects"},
    };

    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        const struct tree_node *value = spec_find(node, rules[i].key);

        if (value && !(rules[i].types >> input->type & 1))
            flow_problem_msg(spec_problem(s, PROBLEM_EXCLUSIVE, value),
                             "%s is for %s only", rules[i].key, rules[i].whose);
    }
    if (input->min > input->max)
        flow_problem_msg(spec_problem(s, PROBLEM_VALUE, spec_find(node, "max")),
                         "max must not be less than min");
}

static bool check_pattern(struct spec *s, const struct flow_input *input,
                          const struct tree_node *node)
{
    struct flow_problem *p;
    struct spec_blame blame;

    if (!input->pattern || spec_input_pattern(input->pattern, "", &blame) != -1)
        return true;
    p = spec_problem(s, PROBLEM_VALUE, spec_find(node, "pattern"));
    flow_problem_msg(p, "%s", blame.msg);
    return false;
}

static void check_constant(struct spec *s, const struct flow_input *input,
                           const json_t *value, const struct tree_node *node)
{
    struct spec_blame blame = {0};
    struct flow_problem *p;

    if (spec_input_accepts(input, value, &blame))
        return;
    p = spec_problem(s, blame.code == PROBLEM_INPUT_TYPE ? PROBLEM_TYPE : PROBLEM_VALUE,
                     node);
    flow_problem_msg(p, "%s", blame.msg);
    flow_problem_hint(p, "%s", blame.hint);
}

static void check_choices(struct spec *s, const struct flow_input *input,
                          const struct tree_node *node)
{
    struct flow_input bare = {
        .name = input->name, .type = input->type, .min = -INFINITY, .max = INFINITY};
    const struct tree_node *list = spec_find(node, "enum");

    for (uint32_t i = 0; input->choices && i < list->n; i++)
        check_constant(s, &bare, json_array_get(input->choices, i),
                       &list->items[i].value);
}

static void check_required(struct spec *s, struct flow_input *input,
                           const struct tree_node *node)
{
    const struct tree_node *required = spec_find(node, "required");

    if (!required)
        input->required = !input->fallback;
    else if (input->required && input->fallback)
        flow_problem_msg(spec_problem(s, PROBLEM_EXCLUSIVE, required),
                         "an input with a default cannot be required");
}

static void read_long(struct spec *s, const struct tree_node *node,
                      struct flow_input *input)
{
    size_t before = s->problems->n + s->problems->n_more;

    if (!spec_read(s, &spec_input, node, input, NULL))
        return;
    check_required(s, input, node);
    check_keys(s, input, node);
    if (!check_pattern(s, input, node))
        return;
    check_choices(s, input, node);
    if (input->fallback && s->problems->n + s->problems->n_more == before)
        check_constant(s, input, input->fallback, spec_find(node, "default"));
}

static void read_short(struct spec *s, const struct tree_node *node,
                       struct flow_input *input)
{
    int at = spec_choice_index(flow_type_names, node->text);
    struct flow_problem *p;

    input->required = true;
    if (at >= 0) {
        input->type = (enum flow_type)at;
        return;
    }
    p = spec_problem(s, PROBLEM_VALUE, node);
    flow_problem_msg(p, "an input is a type (string, integer, number, boolean, list, "
                        "object) or a map");
    spec_nearest_choice(p, node->text, flow_type_names);
}

static void read_inputs(struct spec *s, const struct spec_field *field,
                        const struct tree_node *node, void *slot)
{
    struct flow *flow = slot;

    if (!spec_want_names(s, field, node))
        return;
    flow->inputs = spec_alloc(s, node->n, sizeof(*flow->inputs));
    for (uint32_t i = 0; i < node->n; i++) {
        const struct tree_key *key = &node->items[i].key;
        const struct tree_node *value = &node->items[i].value;
        struct flow_input *input = &flow->inputs[flow->n_inputs];

        if (!spec_check_name(s, key, "an input"))
            continue;
        *input = (struct flow_input){.name = arena_text(s->arena, key->text, key->n),
                                     .min = -INFINITY,
                                     .max = INFINITY};
        flow->n_inputs++;
        if (value->kind == TREE_TEXT)
            read_short(s, value, input);
        else
            read_long(s, value, input);
    }
}

static json_t *schema_inputs(const struct spec_field *field)
{
    (void)field;
    return spec_schema_names(json_pack("{s[oo]}", "anyOf",
                                       spec_schema_enum(flow_type_names),
                                       spec_schema_ref(&spec_input)));
}

const struct spec_type spec_inputs_type = {.name = "map of inputs",
                                           .is = "a map of names and inputs",
                                           .read = read_inputs,
                                           .schema = schema_inputs};
