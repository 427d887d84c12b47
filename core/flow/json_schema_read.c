/* `schema:` in the file: each keyword is one of the subset and has an argument that
 * fits it, so that nothing can be wrong with a schema when a value is checked. */
#include "flow/json_schema.h"
#include <string.h>

#define DEFS "#/$defs/"

/* The reading of one schema. */
struct reading {
    struct spec *s;
    const struct tree_node *root;
};

static void read_schema(struct reading *r, const struct tree_node *node);

static const struct tree_node *member(const struct tree_node *map, const char *key)
{
    for (uint32_t i = 0; i < map->n; i++)
        if (strcmp(map->items[i].key.text, key) == 0)
            return &map->items[i].value;
    return NULL;
}

static struct flow_problem *problem(struct reading *r, const struct tree_node *node)
{
    return spec_problem(r->s, PROBLEM_SCHEMA, node);
}

static void refuse(struct reading *r, const char *key, const struct tree_node *node,
                   const char *is)
{
    flow_problem_msg(problem(r, node), "%s must be %s", key, is);
}

/* --- arguments --- */

static void any_value(struct reading *r, const char *key, const struct tree_node *node)
{
    (void)r;
    (void)key;
    (void)node;
}

static void text(struct reading *r, const char *key, const struct tree_node *node)
{
    if (node->kind != TREE_TEXT)
        refuse(r, key, node, "text");
}

static void boolean(struct reading *r, const char *key, const struct tree_node *node)
{
    if (node->kind != TREE_BOOL)
        refuse(r, key, node, "true or false");
}

static void list(struct reading *r, const char *key, const struct tree_node *node)
{
    if (node->kind != TREE_LIST || node->n == 0)
        refuse(r, key, node, "a list that is not empty");
}

static void count(struct reading *r, const char *key, const struct tree_node *node)
{
    if (node->kind != TREE_INT || node->integer < 0)
        refuse(r, key, node, "a whole number, 0 or more");
}

static void number(struct reading *r, const char *key, const struct tree_node *node)
{
    if (node->kind != TREE_INT && node->kind != TREE_REAL)
        refuse(r, key, node, "a number");
}

static void divisor(struct reading *r, const char *key, const struct tree_node *node)
{
    const bool good = (node->kind == TREE_INT && node->integer > 0) ||
                      (node->kind == TREE_REAL && node->real > 0);

    if (!good)
        refuse(r, key, node, "a number above 0");
}

static void one_type(struct reading *r, const char *key, const struct tree_node *node)
{
    struct flow_problem *p;

    if (node->kind == TREE_TEXT &&
        spec_choice_index(json_schema_types, node->text) >= 0)
        return;
    p = problem(r, node);
    flow_problem_msg(p,
                     "%s must be string, integer, number, boolean, array, object or "
                     "null",
                     key);
    if (node->kind == TREE_NULL)
        flow_problem_hint(p, "write \"null\" in quotes");
    else
        flow_problem_nearest(p, node->text, json_schema_types);
}

static void types(struct reading *r, const char *key, const struct tree_node *node)
{
    if (node->kind != TREE_LIST) {
        one_type(r, key, node);
        return;
    }
    list(r, key, node);
    for (uint32_t i = 0; i < node->n; i++)
        one_type(r, key, &node->items[i].value);
}

static void pattern(struct reading *r, const char *key, const struct tree_node *node)
{
    struct spec_blame blame;

    if (node->kind != TREE_TEXT)
        refuse(r, key, node, "text");
    else if (spec_pattern(node->text, "", &blame) == -1)
        flow_problem_msg(problem(r, node), "%s", blame.msg);
}

static void names(struct reading *r, const char *key, const struct tree_node *node)
{
    if (node->kind != TREE_LIST) {
        refuse(r, key, node, "a list of keys");
        return;
    }
    for (uint32_t i = 0; i < node->n; i++)
        if (node->items[i].value.kind != TREE_TEXT)
            refuse(r, key, &node->items[i].value, "a list of keys, which are text");
}

/* A map whose values are read by `each`. */
static void read_map(struct reading *r, const char *key, const struct tree_node *node,
                     void (*each)(struct reading *, const char *,
                                  const struct tree_node *))
{
    if (node->kind != TREE_MAP) {
        refuse(r, key, node, "a map");
        return;
    }
    for (uint32_t i = 0; i < node->n; i++)
        each(r, key, &node->items[i].value);
}

static void map_of_names(struct reading *r, const char *key,
                         const struct tree_node *node)
{
    read_map(r, key, node, names);
}

static void schema(struct reading *r, const char *key, const struct tree_node *node)
{
    (void)key;
    read_schema(r, node);
}

static void map_of_schemas(struct reading *r, const char *key,
                           const struct tree_node *node)
{
    read_map(r, key, node, schema);
}

/* Those below the top could not be reached by any $ref. */
static void definitions(struct reading *r, const char *key,
                        const struct tree_node *node)
{
    if (member(r->root, key) != node)
        refuse(r, key, node, "at the top of the schema");
    else
        map_of_schemas(r, key, node);
}

static void list_of_schemas(struct reading *r, const char *key,
                            const struct tree_node *node)
{
    list(r, key, node);
    for (uint32_t i = 0; node->kind == TREE_LIST && i < node->n; i++)
        read_schema(r, &node->items[i].value);
}

static void reference(struct reading *r, const char *key, const struct tree_node *node)
{
    const struct tree_node *defs = member(r->root, "$defs");

    if (node->kind != TREE_TEXT || !text_starts(node->text, DEFS))
        refuse(r, key, node, "#/$defs/NAME: other schemas cannot be referred to");
    else if (!defs || defs->kind != TREE_MAP ||
             !member(defs, node->text + strlen(DEFS)))
        flow_problem_msg(problem(r, node), "$defs has no schema %.64s",
                         node->text + strlen(DEFS));
}

static void dialect(struct reading *r, const char *key, const struct tree_node *node)
{
    if (strcmp(node->text, "https://json-schema.org/draft/2020-12/schema") != 0)
        refuse(r, key, node, "https://json-schema.org/draft/2020-12/schema");
}

/* --- keywords --- */

static const struct {
    const char *key;
    void (*argument)(struct reading *r, const char *key, const struct tree_node *node);
} keywords[] = {
    {"type", types},
    {"enum", list},
    {"const", any_value},
    {"properties", map_of_schemas},
    {"required", names},
    {"additionalProperties", schema},
    {"propertyNames", schema},
    {"dependentRequired", map_of_names},
    {"minProperties", count},
    {"maxProperties", count},
    {"items", schema},
    {"prefixItems", list_of_schemas},
    {"minItems", count},
    {"maxItems", count},
    {"uniqueItems", boolean},
    {"minLength", count},
    {"maxLength", count},
    {"pattern", pattern},
    {"minimum", number},
    {"maximum", number},
    {"exclusiveMinimum", number},
    {"exclusiveMaximum", number},
    {"multipleOf", divisor},
    {"allOf", list_of_schemas},
    {"anyOf", list_of_schemas},
    {"oneOf", list_of_schemas},
    {"not", schema},
    {"if", schema},
    {"then", schema},
    {"else", schema},
    {"$defs", definitions},
    {"$ref", reference},
    {"$schema", dialect},
    {"$comment", text},
    {"title", text},
    {"description", text},
    {"default", any_value},
    {"examples", list},
    {"deprecated", boolean},
};

const char *json_schema_keyword(size_t i)
{
    return i < COUNT_OF(keywords) ? keywords[i].key : NULL;
}

static void refuse_keyword(struct reading *r, const struct tree_key *key)
{
    struct flow_problem *p = spec_problem_key(r->s, PROBLEM_SCHEMA, key);
    const char *known[COUNT_OF(keywords) + 1] = {NULL};

    for (size_t i = 0; i < COUNT_OF(keywords); i++)
        known[i] = keywords[i].key;
    flow_problem_msg(p, "schemas have no keyword %.64s here", key->text);
    flow_problem_nearest(p, key->text, known);
    if (strcmp(key->text, "format") == 0)
        flow_problem_hint(p,
                          "use pattern: format is not checked by JSON Schema either");
}

static void read_keyword(struct reading *r, const struct tree_pair *pair)
{
    for (size_t i = 0; i < COUNT_OF(keywords); i++) {
        if (strcmp(keywords[i].key, pair->key.text) != 0)
            continue;
        if (pair->value.kind != TREE_BROKEN)
            keywords[i].argument(r, pair->key.text, &pair->value);
        return;
    }
    refuse_keyword(r, &pair->key);
}

/* Depth is bounded by the tree's. */
static void read_schema(struct reading *r, const struct tree_node *node)
{
    if (node->kind == TREE_BROKEN || node->kind == TREE_BOOL)
        return;
    if (node->kind != TREE_MAP) {
        flow_problem_msg(problem(r, node), "a schema is a map, true or false, not %s",
                         tree_kind_text(node));
        return;
    }
    for (uint32_t i = 0; i < node->n; i++)
        read_keyword(r, &node->items[i]);
}

static void read_field(struct spec *s, const struct spec_field *field,
                       const struct tree_node *node, void *slot)
{
    struct reading r = {s, node};
    const size_t before = s->problems->n + s->problems->n_more;

    if (!spec_want_map(s, field, node))
        return;
    read_schema(&r, node);
    if (s->problems->n + s->problems->n_more == before)
        *(json_t **)slot = spec_own_json(s, tree_json(node));
}

static json_t *schema_field(const struct spec_field *field)
{
    (void)field;
    return json_pack("{ss}", "type", "object");
}

const struct spec_type json_schema_type = {.name = "JSON Schema",
                                           .is = "a map of keywords of JSON Schema",
                                           .read = read_field,
                                           .schema = schema_field};
