/* transform: a map of names and values, which are the outputs of the task. */
#include "flow/spec_kind.h"

static const char *const without[] = {SPEC_KIND_ATTEMPT_KEYS, "outputs", "retry",
                                      "repeat", NULL};

const struct spec_kind spec_kind_transform = {.key = "transform", .without = without};

static void read_transform(struct spec *s, const struct spec_field *field,
                           const struct tree_node *node, void *slot)
{
    const struct spec_value_rule rule = {.place = PLACE_ATTEMPT};
    struct flow_work *work = &((struct spec_draft *)slot)->work;

    if (work->kind != FLOW_TRANSFORM)
        return;
    if (!spec_want_names(s, field, node))
        return;
    work->outputs = spec_alloc(s, node->n, sizeof(*work->outputs));
    work->values = spec_alloc(s, node->n, sizeof(*work->values));
    for (uint32_t i = 0; i < node->n; i++) {
        const struct tree_key *key = &node->items[i].key;
        const uint32_t at = work->n_outputs;

        if (!spec_check_name(s, key, "an output"))
            continue;
        work->outputs[at] = spec_own_output(s, key->text);
        /* A wrong one is there all the same: uses of it are not wrong too. */
        spec_read_value(s, &rule, &node->items[i].value, &work->values[at]);
        work->n_outputs++;
    }
}

const struct spec_type spec_transform_type = {.name = "map of values",
                                              .is = "a map of names and values",
                                              .read = read_transform,
                                              .schema = spec_schema_any_values};
