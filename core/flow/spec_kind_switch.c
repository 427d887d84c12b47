/* switch: the first case whose condition is true. Tasks behind it ask for a case by
 * needs: NAME.CASE. */
#include "flow/spec_kind.h"
#include <string.h>

static const char *const without[] = {
    SPEC_KIND_ATTEMPT_KEYS, "retry", "foreach", "matrix", "outputs", "repeat", NULL};

const struct spec_kind spec_kind_switch = {.key = "switch", .without = without};

static void read_case(struct spec *s, const struct spec_field *field,
                      const struct tree_node *node, void *slot)
{
    const struct tree_key key = {node->text, node->n, node->line, node->column};
    struct flow_problem *p;

    if (node->kind != TREE_TEXT) {
        spec_wrong_type(s, field->key, field->type->is, node);
    } else if (spec_choice_index(flow_ask_names, node->text) >= 0) {
        p = spec_problem(s, PROBLEM_NAME, node);
        flow_problem_msg(p, "%s is what needs may ask of every task", node->text);
        flow_problem_hint(p, "choose another name for the case");
    } else if (spec_check_name(s, &key, "a case")) {
        *(const char **)slot = spec_copy(s, node);
    }
}

static json_t *schema_case(const struct spec_field *field)
{
    (void)field;
    return json_pack("{ssss}", "type", "string", "pattern", SPEC_NAME_PATTERN);
}

static const struct spec_type case_type = {
    .name = "name", .is = "a name", .read = read_case, .schema = schema_case};

static void read_when(struct spec *s, const struct spec_field *field,
                      const struct tree_node *node, void *slot)
{
    *(struct tmpl **)slot = spec_read_condition(s, field, PLACE_SWITCH, node);
}

static json_t *schema_when(const struct spec_field *field)
{
    return spec_condition.schema(field);
}

static const struct spec_type when_type = {.name = "condition",
                                           .is =
                                               "an expression that gives true or false",
                                           .read = read_when,
                                           .schema = schema_when};

static const struct spec_field case_fields[] = {
    {.key = "case",
     .type = &case_type,
     .offset = offsetof(struct flow_case, name),
     .flags = SPEC_REQUIRED,
     .since = "0.2",
     .help = "its name"},
    {.key = "when",
     .type = &when_type,
     .offset = offsetof(struct flow_case, when),
     .since = "0.2",
     .help = "an expression; the first case that is true is taken. The last case may "
             "have none: it is taken when no other is"},
};

const struct spec_object spec_case = {
    .name = "switch",
    .phrase = "a case",
    .fields = case_fields,
    .n_fields = COUNT_OF(case_fields),
    .help = "One case of a switch.",
};

static void refuse_again(struct spec *s, const struct tree_node *node,
                         const struct flow_case *made)
{
    struct flow_problem *p = spec_problem(s, PROBLEM_SWITCH, spec_find(node, "case"));

    flow_problem_msg(p, "there is a case %s already", made->name);
    flow_problem_hint(p, "join their conditions by ||, or choose another name");
}

/* What holds for a case among those before it. */
static void check_case(struct spec *s, const struct flow_switch *of,
                       const struct flow_case *made, const struct tree_node *node,
                       bool last)
{
    for (uint32_t i = 0; made->name && i < of->n; i++)
        if (of->cases[i].name && strcmp(of->cases[i].name, made->name) == 0)
            refuse_again(s, node, made);
    if (spec_find(node, "when") || last)
        return;

    struct flow_problem *p = spec_problem(s, PROBLEM_SWITCH, node);

    flow_problem_msg(p, "a case without when is always taken, so it must be the last");
    flow_problem_hint(p, "give it a when: or move it to the end");
}

/* `case`, for tasks.NAME.outputs.case. */
static void declare_output(struct spec *s, struct flow_work *work)
{
    work->outputs = spec_alloc(s, 1, sizeof(*work->outputs));
    work->outputs[0] = (struct flow_output){.name = "case", .file = "case"};
    work->n_outputs = 1;
}

static void read_switch(struct spec *s, const struct spec_field *field,
                        const struct tree_node *node, void *slot)
{
    struct flow_work *work = &((struct spec_draft *)slot)->work;
    struct flow_switch *made;

    if (work->kind != FLOW_SWITCH)
        return;
    if (node->kind != TREE_LIST || node->n == 0) {
        if (node->kind == TREE_LIST)
            flow_problem_msg(spec_problem(s, PROBLEM_VALUE, node),
                             "switch has no case");
        else
            spec_wrong_type(s, field->key, field->type->is, node);
        return;
    }
    made = spec_alloc(s, 1, sizeof(*made));
    made->cases = spec_alloc(s, node->n, sizeof(*made->cases));
    for (uint32_t i = 0; i < node->n; i++) {
        const struct tree_node *item = &node->items[i].value;

        if (!spec_read(s, &spec_case, item, &made->cases[i], NULL))
            continue;
        check_case(s, made, &made->cases[i], item, i + 1 == node->n);
        made->n = i + 1;
    }
    work->choice = made;
    declare_output(s, work);
}

static json_t *schema_switch(const struct spec_field *field)
{
    (void)field;
    return json_pack("{sssosi}", "type", "array", "items", spec_schema_ref(&spec_case),
                     "minItems", 1);
}

const struct spec_type spec_switch_type = {.name = "list of cases",
                                           .is = "a list of maps with case and when",
                                           .read = read_switch,
                                           .schema = schema_switch};
