/* What a file means, as JSON in one spelling: keys as the reference has them, tasks by
 * name, short forms written out, durations in their largest unit, and nothing that is
 * the default anyway. Two files that differ in comments, order or spelling only have
 * the same. Led by the JSON Schema, which knows every key. */
#include "flow/spec.h"
#include <string.h>

static json_t *normal(const json_t *top, const json_t *schema, const json_t *value);

/* --- schemas --- */

#define REF_START "#/$defs/"

static const json_t *resolve(const json_t *top, const json_t *schema)
{
    const char *ref = json_string_value(json_object_get(schema, "$ref"));

    if (!ref)
        return schema;
    return json_object_get(json_object_get(top, "$defs"), ref + strlen(REF_START));
}

/* A key that must be there tells a map that says something from one that is a value. */
static bool is_whole(const json_t *schema, const json_t *value)
{
    const json_t *keys = json_object_get(schema, "required");

    for (size_t i = 0; i < json_array_size(keys); i++)
        if (!json_object_get(value, json_string_value(json_array_get(keys, i))))
            return false;
    return true;
}

static bool takes(const json_t *schema, const json_t *value)
{
    if (json_typeof(value) == JSON_OBJECT)
        return (json_object_get(schema, "properties") ||
                json_object_get(schema, "additionalProperties")) &&
               is_whole(schema, value);
    return json_typeof(value) == JSON_ARRAY && json_object_get(schema, "items");
}

/* Of several schemas the one for values of this kind; NULL: none says more. */
static const json_t *choose(const json_t *top, const json_t *schema,
                            const json_t *value)
{
    const json_t *among = json_object_get(schema, "anyOf");
    json_t *one;
    size_t i;

    json_array_foreach(among, i, one)
    {
        const json_t *found = resolve(top, one);
        if (takes(found, value))
            return found;
    }
    return among ? NULL : schema;
}

/* --- values --- */

static json_t *duration(const char *text)
{
    static const struct {
        int64_t us;
        const char *unit;
    } units[] = {{86400 * UNITS_SECOND, "d"},
                 {3600 * UNITS_SECOND, "h"},
                 {60 * UNITS_SECOND, "m"},
                 {UNITS_SECOND, "s"},
                 {1000, "ms"}};
    int64_t us = 0;
    char out[UNITS_TEXT];
    size_t i = 0;

    units_duration(text, &us);
    while (i + 1 < COUNT_OF(units) && us % units[i].us != 0)
        i++;
    if (us == 0)
        i = COUNT_OF(units) - 2;
    snprintf(out, sizeof(out), "%lld%s", (long long)(us / units[i].us), units[i].unit);
    return json_string(out);
}

static json_t *normal_text(const json_t *schema, const json_t *value)
{
    const char *pattern = json_string_value(json_object_get(schema, "pattern"));
    const char *text = json_string_value(value);

    if (text && pattern && strcmp(pattern, SPEC_DURATION_PATTERN) == 0)
        return duration(text);
    return json_deep_copy(value);
}

/* maxParallel and max-parallel are max_parallel. */
static void snake(const char *key, char out[2 * SPEC_KEY_MAX])
{
    size_t n = 0;

    for (; *key && n + 2 < 2 * (size_t)SPEC_KEY_MAX; key++) {
        if (*key >= 'A' && *key <= 'Z')
            out[n++] = '_';
        out[n++] = *key >= 'A' && *key <= 'Z' ? (char)(*key - 'A' + 'a')
                   : *key == '-'              ? '_'
                                              : *key;
    }
    out[n] = '\0';
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The order of names says nothing; one name may stand without a list. */
static json_t *normal_needs(const json_t *value)
{
    const size_t n = json_array_size(value);
    const char **names = mem_array(n + 1, sizeof(*names));
    json_t *list = json_array();
    size_t kept = 0;

    for (size_t i = 0; i < n; i++)
        if (json_typeof(json_array_get(value, i)) == JSON_STRING)
            names[kept++] = json_string_value(json_array_get(value, i));
    if (json_typeof(value) == JSON_STRING)
        names[kept++] = json_string_value(value);
    qsort(names, kept, sizeof(*names), by_text);
    for (size_t i = 0; i < kept; i++)
        json_array_append_new(list, json_string(names[i]));
    mem_free(names);
    return list;
}

static json_t *normal_object(const json_t *top, const json_t *schema,
                             const json_t *value)
{
    const json_t *properties = json_object_get(schema, "properties");
    json_t *made = json_object();
    const char *written;
    json_t *v;

    json_object_foreach((json_t *)(uintptr_t)value, written, v)
    {
        const json_t *property = json_object_get(properties, written);
        const json_t *fallback = json_object_get(property, "default");
        char key[2 * SPEC_KEY_MAX];
        snake(written, key);
        json_t *one =
            strcmp(key, "needs") == 0 ? normal_needs(v) : normal(top, property, v);
        json_t *usual = fallback ? normal(top, property, fallback) : NULL;
        if (!json_equal(one, usual))
            json_object_set(made, key, one);
        json_decref(one);
        json_decref(usual);
    }
    return made;
}

/* `day: integer` and `file: json`. Which word it is tells the object's name. */
static json_t *write_out(const json_t *value)
{
    const char *word = json_string_value(value);

    if (spec_choice_index(flow_type_names, word) >= 0)
        return json_pack("{s:s}", "type", word);
    if (strcmp(word, "json") == 0)
        return json_pack("{s:s, s:s}", "from", "file", "as", "json");
    return json_pack("{s:s}", "from", word);
}

/* An output of a run that says nothing but its value is that value. */
static json_t *unwrap(const json_t *top, const json_t *schema, json_t *made)
{
    const json_t *outputs =
        json_object_get(json_object_get(top, "$defs"), spec_run_output.name);
    json_t *value = json_object_get(made, "value");

    if (schema != outputs || json_object_size(made) != 1)
        return made;
    json_incref(value);
    json_decref(made);
    return value;
}

/* A word may stand for an object where a map's values are words or objects. */
static json_t *normal_member(const json_t *top, const json_t *schema,
                             const json_t *value)
{
    const json_t *words = json_array_get(json_object_get(schema, "anyOf"), 0);

    if (json_typeof(value) != JSON_STRING || !json_object_get(words, "enum"))
        return normal(top, schema, value);
    json_t *whole = write_out(value);
    json_t *made = normal(top, schema, whole);
    json_decref(whole);
    return made;
}

static json_t *normal_map(const json_t *top, const json_t *schema, const json_t *value)
{
    json_t *made = json_object();
    const char *name;
    json_t *v;

    json_object_foreach((json_t *)(uintptr_t)value, name, v)
    {
        json_object_set_new(made, name, normal_member(top, schema, v));
    }
    return made;
}

/* Tasks as a list carry their names themselves. */
static json_t *normal_list(const json_t *top, const json_t *schema, const json_t *value)
{
    const bool named = json_object_get(schema, "required") != NULL;
    json_t *made = named ? json_object() : json_array();
    json_t *v;
    size_t i;

    json_array_foreach(value, i, v)
    {
        json_t *one = normal(top, schema, v);
        if (named) {
            const char *id = json_string_value(json_object_get(v, "id"));
            json_object_del(one, "id");
            json_object_set_new(made, id ? id : "", one);
        } else {
            json_array_append_new(made, one);
        }
    }
    return made;
}

/* NULL for the schema: the value as it stands. Depth is bounded by that of the file. */
static json_t *normal(const json_t *top, const json_t *schema, const json_t *value)
{
    const json_t *known = schema ? choose(top, resolve(top, schema), value) : NULL;

    if (!known)
        return json_deep_copy(value);
    if (json_typeof(value) == JSON_OBJECT && json_object_get(known, "properties"))
        return unwrap(top, known, normal_object(top, known, value));
    if (json_typeof(value) == JSON_OBJECT &&
        json_object_get(known, "additionalProperties"))
        return normal_map(top, json_object_get(known, "additionalProperties"), value);
    if (json_typeof(value) == JSON_ARRAY && json_object_get(known, "items"))
        return normal_list(top, json_object_get(known, "items"), value);
    return normal_text(known, value);
}

/* 1.10 is no 1.1 where text is wanted, as in env: a number that is not written as JSON
 * would write it stays as it is written. */
static json_t *json_of(const struct tree_node *node)
{
    json_t *made;

    if (node->kind == TREE_MAP) {
        made = json_object();
        for (uint32_t i = 0; i < node->n; i++)
            json_object_set_new(made, node->items[i].key.text,
                                json_of(&node->items[i].value));
        return made;
    }
    if (node->kind == TREE_LIST) {
        made = json_array();
        for (uint32_t i = 0; i < node->n; i++)
            json_array_append_new(made, json_of(&node->items[i].value));
        return made;
    }
    made = tree_json(node);
    if (json_typeof(made) == JSON_INTEGER || json_typeof(made) == JSON_REAL) {
        MEM_AUTO char *text = json_text(made);
        if (strcmp(text, node->text) != 0) {
            json_decref(made);
            made = json_stringn(node->text, node->n);
        }
    }
    return made;
}

json_t *flow_meaning(const char *text, size_t len)
{
    struct flow_problems problems = {0};
    json_t *made = NULL;
    struct tree tree;

    if (tree_read(&tree, text, len, &problems)) {
        json_t *schema = flow_schema();
        json_t *value = json_of(&tree.root);
        made = normal(schema, schema, value);
        json_decref(value);
        json_decref(schema);
    }
    tree_done(&tree);
    flow_problems_done(&problems);
    return made;
}
