/* One way to write a workflow file. The room `source` knows how YAML is laid out; what
 * is done here is what needs the format's own words: other spellings of its keys become
 * snake_case. They are found by the JSON Schema of the format, which is made from the
 * tables that read it: a key that the format gets is formatted from that day on. */
#include "author/author.h"

#include <string.h>

struct renaming {
    struct source *source;
    const json_t *schema; /* all of it: references point into it */
};

/* Problems with a smaller code are those of YAML; with them there is no one tree. */
#define FIRST_CODE_OF_FORMAT 9

/* --- the schema of what stands under a key --- */

static const json_t *follow(const struct renaming *r, const json_t *schema)
{
    const char *ref = json_string_value(json_object_get(schema, "$ref"));
    static const char defs[] = "#/$defs/";

    if (!ref || strncmp(ref, defs, sizeof(defs) - 1) != 0)
        return schema;
    return json_object_get(json_object_get(r->schema, "$defs"), ref + sizeof(defs) - 1);
}

#define KEY_MAX 128

/* maxParallel and max-parallel give max_parallel. */
static void make_snake(const char *key, char out[KEY_MAX])
{
    size_t n = 0;

    for (; *key && n + 2 < KEY_MAX; key++) {
        if (*key >= 'A' && *key <= 'Z') {
            out[n++] = '_';
            out[n++] = (char)(*key - 'A' + 'a');
        } else {
            out[n++] = (char)(*key == '-' ? '_' : *key);
        }
    }
    out[n] = '\0';
}

/* One that knows the key by name goes before one that takes any. */
struct below {
    const json_t *named, *any;
    char key[KEY_MAX]; /* the canonical spelling, with named */
};

static void look_below(const struct renaming *r, const json_t *schema, const char *key,
                       int depth, struct below *found)
{
    const json_t *branch;
    const json_t *property;
    size_t i;

    schema = follow(r, schema);
    if (depth > 8 || found->named)
        return;
    const json_t *properties = json_object_get(schema, "properties");
    property = json_object_get(properties, key);
    if (property) {
        char snake[KEY_MAX];
        make_snake(key, snake);
        const bool other = json_is_true(json_object_get(property, "deprecated")) &&
                           json_object_get(properties, snake);
        snprintf(found->key, KEY_MAX, "%s", other ? snake : key);
        found->named = property;
        return;
    }
    if (json_is_object(json_object_get(schema, "additionalProperties")))
        found->any = json_object_get(schema, "additionalProperties");
    json_array_foreach(json_object_get(schema, "anyOf"), i, branch)
        look_below(r, branch, key, depth + 1, found);
    json_array_foreach(json_object_get(schema, "oneOf"), i, branch)
        look_below(r, branch, key, depth + 1, found);
}

static const json_t *items_below(const struct renaming *r, const json_t *schema,
                                 int depth)
{
    const json_t *branch;
    size_t i;

    schema = follow(r, schema);
    const json_t *items = json_object_get(schema, "items");
    if (items || depth > 8)
        return items;
    json_array_foreach(
        json_object_get(schema, "anyOf"), i,
        branch) if ((items = items_below(r, branch, depth + 1))) return items;
    return NULL;
}

/* --- renaming --- */

static bool is_word(const char *key)
{
    static const char *const taken[] = {"yes", "no", "on", "off", "y", "n", NULL};

    if (!text_is_name(key, true) || source_is_typed(key))
        return false;
    for (const char *const *word = taken; *word; word++)
        if (strcmp(key, *word) == 0)
            return false;
    return true;
}

static void rename_node(const struct renaming *r, struct source_node *node,
                        const json_t *schema)
{
    for (size_t i = 0; node->kind != SOURCE_SCALAR && i < node->n; i++) {
        struct source_pair *pair = &node->items[i];
        struct below found = {.named = NULL};

        if (node->kind == SOURCE_LIST) {
            found.any = schema ? items_below(r, schema, 0) : NULL;
        } else {
            if (schema)
                look_below(r, schema, pair->key.text, 0, &found);
            if (found.named && strcmp(found.key, pair->key.text) != 0)
                source_rename(r->source, pair, found.key);
            else if (pair->key.style != SOURCE_PLAIN && is_word(pair->key.text))
                source_rename(r->source, pair, pair->key.text);
        }
        rename_node(r, &pair->value, found.named ? found.named : found.any);
    }
}

void author_canonical(struct source *s)
{
    json_t *schema = flow_schema();
    const struct renaming renaming = {.source = s, .schema = schema};

    rename_node(&renaming, &s->root, schema);
    json_decref(schema);
}

/* --- one file --- */

static bool is_yaml(const struct flow_problems *problems)
{
    for (size_t i = 0; i < problems->n; i++)
        if (problems->items[i].code < FIRST_CODE_OF_FORMAT)
            return false;
    return true;
}

static int check_result(const struct source *wanted, const struct buf *out,
                        struct ff_err *err)
{
    struct source again;
    struct ff_err why = {0};
    const int code = source_read(&again, buf_text(out), out->len, false, &why);
    const bool same = code == FF_OK && source_same(&wanted->root, &again.root);

    if (code == FF_OK)
        source_done(&again);
    if (same)
        return FF_OK;
    return ff_fail(
        err, FF_INTERNAL, 0,
        "the formatted text would not say the same%s%.120s; the file is left "
        "as it is, please report it",
        why.msg[0] ? ": " : "", why.msg);
}

int author_format(const char *text, size_t len, struct buf *out,
                  struct flow_problems *problems, struct ff_err *err)
{
    struct flow_problems found = {0};
    struct source source;
    struct flow *flow = flow_parse(text, len, &found);

    flow_unref(flow);
    if (!is_yaml(&found)) {
        *problems = found;
        return ff_fail(err, FF_INVALID, 0, "the file is not YAML as workflows have it");
    }
    flow_problems_done(&found);
    int code = source_read(&source, text, len, false, err);
    if (code != FF_OK)
        return code;
    author_canonical(&source);
    struct buf made = {.max = out->max};
    source_print(&source, &made);
    code = check_result(&source, &made, err);
    if (code == FF_OK)
        buf_add(out, buf_text(&made), made.len);
    buf_done(&made);
    source_done(&source);
    return code;
}
