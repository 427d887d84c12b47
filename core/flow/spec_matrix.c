/* matrix: axes by name, `include` and `exclude`. Only its shape is checked here; what
 * combinations it gives is worked out when it runs (core/engine/dag_matrix.c). */
#include "flow/spec.h"
#include <string.h>

static bool is_expression(const struct tree_node *node)
{
    return node->kind == TREE_TEXT && !tmpl_is_plain(node->text);
}

/* `key` of the matrix: a list, or an expression that gives one. */
static bool check_list(struct spec *s, const struct tree_key *key,
                       const struct tree_node *node)
{
    struct flow_problem *p;

    if (node->kind == TREE_BROKEN)
        return false;
    if (node->kind == TREE_LIST && node->n > 0)
        return true;
    if (is_expression(node))
        return true;
    if (node->kind == TREE_LIST) {
        p = spec_problem(s, PROBLEM_VALUE, node);
        flow_problem_msg(p, "matrix.%.64s is empty: there would be no combination",
                         key->text);
        flow_problem_hint(p, "give it a value or remove it");
        return false;
    }
    p = spec_problem(s, PROBLEM_TYPE, node);
    flow_problem_msg(p,
                     "matrix.%.64s must be a list or an expression that gives one, "
                     "not %s",
                     key->text, tree_kind_text(node));
    return false;
}

/* include and exclude hold maps. */
static bool check_maps(struct spec *s, const struct tree_key *key,
                       const struct tree_node *list)
{
    bool good = true;

    for (uint32_t i = 0; list->kind == TREE_LIST && i < list->n; i++) {
        const struct tree_node *item = &list->items[i].value;

        if (item->kind == TREE_MAP || item->kind == TREE_BROKEN || is_expression(item))
            continue;
        flow_problem_msg(spec_problem(s, PROBLEM_TYPE, item),
                         "each item of matrix.%s must be a map, not %s", key->text,
                         tree_kind_text(item));
        good = false;
    }
    return good;
}

static bool check_axes(struct spec *s, const struct tree_node *node)
{
    bool good = true;
    bool any = false;

    for (uint32_t i = 0; i < node->n; i++) {
        const struct tree_key *key = &node->items[i].key;
        const struct tree_node *value = &node->items[i].value;
        const bool maps =
            strcmp(key->text, "include") == 0 || strcmp(key->text, "exclude") == 0;

        good &= spec_check_name(s, key, "an axis of a matrix");
        good &= check_list(s, key, value) && (!maps || check_maps(s, key, value));
        any |= strcmp(key->text, "exclude") != 0;
    }
    if (!any) {
        struct flow_problem *p = spec_problem(s, PROBLEM_VALUE, node);

        flow_problem_msg(p, "the matrix has no axis");
        flow_problem_hint(p, "write matrix: {os: [linux, macos], size: [1, 2]}");
    }
    return good && any;
}

static void read_matrix(struct spec *s, const struct spec_field *field,
                        const struct tree_node *node, void *slot)
{
    static const struct spec_value_rule rule = {.place = PLACE_FOREACH};
    struct flow_work *work = &((struct spec_draft *)slot)->work;
    struct flow_value value;

    if (node->kind != TREE_MAP && !is_expression(node)) {
        spec_wrong_type(s, field->key, field->type->is, node);
        return;
    }
    if (node->kind == TREE_MAP && !check_axes(s, node))
        return;
    if (!spec_read_value(s, &rule, node, &value))
        return;

    work->foreach = spec_alloc(s, 1, sizeof(*work->foreach));
    *work->foreach = value;
    work->matrix = true;
}

static json_t *schema_matrix(const struct spec_field *field)
{
    json_t *text = json_pack("{ssss}", "type", "string", "pattern", "\\$\\{\\{");
    json_t *list =
        json_pack("{s[{sssi}O]}", "anyOf", "type", "array", "minItems", 1, text);

    (void)field;
    return json_pack("{s[oo]}", "anyOf", spec_schema_names(list), text);
}

const struct spec_type spec_matrix_type = {
    .name = "map of lists",
    .is = "a map of lists or an expression that gives one",
    .read = read_matrix,
    .schema = schema_matrix};
