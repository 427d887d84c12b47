/* node_selector: which labels an executor must have to run the task. Kept as the one
 * text that base/labels.h makes of them, so tasks that ask for the same share it. */
#include "flow/spec.h"

#include <string.h>

static void refuse(struct spec *s, const struct tree_pair *pair, bool is_key,
                   const char *fault)
{
    struct flow_problem *p = is_key ? spec_problem_key(s, PROBLEM_VALUE, &pair->key)
                                    : spec_problem(s, PROBLEM_VALUE, &pair->value);

    flow_problem_msg(p, "node_selector: %s", fault);
    flow_problem_hint(p,
                      "write a pair that executors have as a label, as in gpu: a100");
}

static bool is_text(const struct tree_node *value)
{
    return value->kind == TREE_TEXT || value->kind == TREE_INT ||
           value->kind == TREE_REAL || value->kind == TREE_BOOL;
}

static bool read_pair(struct spec *s, const char *key, const struct tree_pair *pair,
                      struct buf *all)
{
    const struct tree_node *value = &pair->value;
    const char *fault = labels_key_fault(pair->key.text, pair->key.n);

    if (value->kind == TREE_BROKEN)
        return false;
    if (fault) {
        refuse(s, pair, true, fault);
        return false;
    }
    if (!is_text(value)) {
        flow_problem_msg(spec_problem(s, PROBLEM_TYPE, value),
                         "a value of %s must be text, not %s", key,
                         tree_kind_text(value));
        return false;
    }
    if (!spec_constant(s, key, value))
        return false;
    fault = labels_value_fault(value->text, value->n);
    if (fault)
        refuse(s, pair, false, fault);
    else
        buf_printf(all, "%s%s=%s", all->len > 0 ? "," : "", pair->key.text,
                   value->text);
    return !fault;
}

/* Tasks alike stand near each other: the one before is looked at. */
static const char *keep(struct spec *s, const struct buf *text)
{
    if (!s->last_selector || strcmp(s->last_selector, buf_text(text)) != 0)
        s->last_selector = arena_text(s->arena, buf_text(text), text->len);
    return s->last_selector;
}

static void take(struct spec *s, const struct tree_node *node, const char *given,
                 const char **slot)
{
    struct buf text = {0};
    struct ff_err err;

    if (labels_read(given, &text, &err) != FF_OK)
        flow_problem_msg(spec_problem(s, PROBLEM_LIMIT, node), "node_selector: %s",
                         err.msg);
    else
        *slot = text.len > 0 ? keep(s, &text) : NULL;
    buf_done(&text);
}

static void read_selector(struct spec *s, const struct spec_field *field,
                          const struct tree_node *node, void *slot)
{
    struct buf all = {0};
    bool good = true;

    if (!spec_want_map(s, field, node))
        return;
    for (uint32_t i = 0; i < node->n; i++)
        good = read_pair(s, field->key, &node->items[i], &all) && good;
    if (good)
        take(s, node, buf_text(&all), slot);
    buf_done(&all);
}

static json_t *schema_selector(const struct spec_field *field)
{
#define WORD "[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
#define PART "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
    json_t *values = json_pack("{s[sss]ss}", "type", "string", "number", "boolean",
                               "pattern", "^(" WORD ")?$");

    (void)field;
    return json_pack("{sss{ss}siso}", "type", "object", "propertyNames", "pattern",
                     "^(" PART "(\\." PART ")*/)?" WORD "$", "maxProperties",
                     LABELS_MAX, "additionalProperties", values);
}

const struct spec_type spec_selector = {.name = "map of texts",
                                        .is = "a map of labels and their values",
                                        .read = read_selector,
                                        .schema = schema_selector};
