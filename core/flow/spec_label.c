/* Labels: the word for a version of a workflow, and what its runs are found by. */
#include "flow/spec.h"
#include <string.h>

#define VERSION_CHARS                                                                  \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
#define VERSION_MAX 63

bool flow_is_version(const char *text)
{
    const size_t len = strlen(text);

    return len > 0 && len <= VERSION_MAX && strspn(text, VERSION_CHARS) == len &&
           text[0] != '.' && text[0] != '-' && strcmp(text, FLOW_LATEST) != 0;
}

/* 1.10 is a number to YAML and a version to people: it stays as it is written. */
static bool is_word(const struct tree_node *node)
{
    return node->kind == TREE_TEXT || node->kind == TREE_INT || node->kind == TREE_REAL;
}

static void read_version(struct spec *s, const struct spec_field *field,
                         const struct tree_node *node, void *slot)
{
    struct flow_problem *p;

    if (!is_word(node)) {
        spec_wrong_type(s, field->key, field->type->is, node);
        return;
    }
    if (flow_is_version(node->text)) {
        *(const char **)slot = spec_copy(s, node);
        return;
    }
    p = spec_problem(s, PROBLEM_VALUE, node);
    flow_problem_msg(p, "%s must be %s", field->key, field->type->is);
    if (strcmp(node->text, FLOW_LATEST) == 0)
        flow_problem_hint(p, "the newest version is " FLOW_LATEST " by itself");
    else
        flow_problem_hint(p, "such as 1.4.0 or 2026-11");
}

static json_t *schema_version(const struct spec_field *field)
{
    (void)field;
    return json_pack("{s[{ssss}{ss}]}", "anyOf", "type", "string", "pattern",
                     "^[A-Za-z0-9_][A-Za-z0-9._-]{0,62}$", "type", "number");
}

const struct spec_type spec_version_label = {
    .name = "word",
    .is = "a word of A-Z, a-z, 0-9, _, . and -, at most 63 long, no . or - first",
    .read = read_version,
    .schema = schema_version};

const char *flow_label_fault(const char *name, const char *value)
{
    if (!text_is_name(name, true))
        return "the name of a label is made of a-z, 0-9, _ and -, no digit or - first, "
               "at most 63 long";
    if (strlen(value) > FLOW_MAX_LABEL_VALUE)
        return "the value of a label has at most 255 bytes";
    for (const char *at = value; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 127)
            return "the value of a label has no control characters";
    return NULL;
}

static void read_label(struct spec *s, const struct tree_pair *pair, json_t *labels)
{
    const struct tree_node *value = &pair->value;
    const char *fault;

    if (value->kind == TREE_BROKEN)
        return;
    if (!is_word(value) && value->kind != TREE_BOOL) {
        flow_problem_msg(spec_problem(s, PROBLEM_TYPE, value),
                         "the value of a label must be text, not %s",
                         tree_kind_text(value));
        return;
    }
    if (!spec_constant(s, "labels", value))
        return;
    fault = flow_label_fault(pair->key.text, value->text);
    if (fault)
        flow_problem_msg(spec_problem_key(s, PROBLEM_VALUE, &pair->key), "%s", fault);
    else
        json_object_set_new(labels, pair->key.text, json_string(value->text));
}

static void read_labels(struct spec *s, const struct spec_field *field,
                        const struct tree_node *node, void *slot)
{
    if (!spec_want_map(s, field, node))
        return;
    if (node->n > FLOW_MAX_LABELS) {
        flow_problem_msg(spec_problem(s, PROBLEM_LIMIT, node),
                         "labels has %u names; %d are the limit", node->n,
                         FLOW_MAX_LABELS);
        return;
    }
    json_t *labels = spec_own_json(s, json_object());

    for (uint32_t i = 0; i < node->n; i++)
        read_label(s, &node->items[i], labels);
    *(json_t **)slot = labels;
}

static json_t *schema_labels(const struct spec_field *field)
{
    (void)field;
    return json_pack("{sss{ss}sis{s[sss]}}", "type", "object", "propertyNames",
                     "pattern", "^[a-z_][a-z0-9_-]{0,62}$", "maxProperties",
                     FLOW_MAX_LABELS, "additionalProperties", "type", "string",
                     "number", "boolean");
}

const struct spec_type spec_labels = {.name = "map of texts",
                                      .is = "a map of names and texts",
                                      .read = read_labels,
                                      .schema = schema_labels};
