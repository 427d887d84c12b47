/* vars: constants with names, for every expression of the file. */
#include "flow/spec.h"

static void read_vars(struct spec *s, const struct spec_field *field,
                      const struct tree_node *node, void *slot)
{
    struct flow *flow = slot;

    if (!spec_want_names(s, field, node))
        return;
    for (uint32_t i = 0; i < node->n; i++) {
        const struct tree_pair *pair = &node->items[i];

        if (!spec_check_name(s, &pair->key, "a variable"))
            continue;
        /* A wrong one is there all the same: uses of it are not wrong too. */
        json_object_set_new_nocheck(flow->vars, pair->key.text,
                                    spec_all_constant(s, "vars", &pair->value)
                                        ? tree_json(&pair->value)
                                        : json_null());
    }
}

static json_t *schema_vars(const struct spec_field *field)
{
    (void)field;
    return spec_schema_names(json_true());
}

const struct spec_type spec_vars_type = {.name = "map of constants",
                                         .is = "a map of names and constants",
                                         .read = read_vars,
                                         .schema = schema_vars};
