/* Reading a map by a table of fields: finding keys in all their spellings, saying what
 * is unknown, missing, doubled or not there yet. Knows nothing of any one object. */
#include "flow/spec.h"
#include <ctype.h>
#include <string.h>

struct flow_problem *spec_problem(struct spec *s, int code,
                                  const struct tree_node *node)
{
    return flow_problem_add(s->problems, code, (int)node->line, (int)node->column,
                            node->text, node->kind < TREE_LIST ? node->n : 0);
}

struct flow_problem *spec_problem_key(struct spec *s, int code,
                                      const struct tree_key *key)
{
    return flow_problem_add(s->problems, code, (int)key->line, (int)key->column,
                            key->text, key->n);
}

struct flow_problem *spec_problem_in(struct spec *s, int code,
                                     const struct tree_node *node, size_t offset,
                                     size_t len)
{
    int line = 0;
    int column = 0;

    if (offset > node->n)
        offset = node->n;
    if (len > node->n - offset)
        len = node->n - offset;
    if (!flow_problems_full(s->problems))
        tree_place(s->tree, node, offset, &line, &column);
    return flow_problem_add(s->problems, code, line, column, node->text + offset, len);
}

void spec_wrong_type(struct spec *s, const char *key, const char *is,
                     const struct tree_node *node)
{
    struct flow_problem *p = spec_problem(s, PROBLEM_TYPE, node);

    flow_problem_msg(p, "%s must be %s, not %s", key, is, tree_kind_text(node));
    if (node->kind == TREE_LIST && text_starts(is, "a map of "))
        flow_problem_hint(p, "write NAME: VALUE on each line, without -");
}

void *spec_alloc(struct spec *s, size_t n, size_t size)
{
    void *p = arena_alloc(s->arena, n * size);

    memset(p, 0, n * size);
    return p;
}

const char *spec_copy(struct spec *s, const struct tree_node *node)
{
    return arena_text(s->arena, node->text, node->n);
}

bool spec_constant(struct spec *s, const char *key, const struct tree_node *node)
{
    const char *at = strstr(node->text, "${{");
    struct flow_problem *p;

    if (!at)
        return true;
    p = spec_problem_in(s, PROBLEM_CONSTANT, node, (size_t)(at - node->text), 3);
    flow_problem_msg(p, "%s cannot hold an expression: it must be known before the run",
                     key);
    flow_problem_hint(p, "write a constant");
    return false;
}

static bool want(struct spec *s, const struct spec_field *field,
                 const struct tree_node *node, enum tree_kind kind)
{
    if (node->kind == kind)
        return true;
    spec_wrong_type(s, field->key, field->type->is, node);
    return false;
}

bool spec_want_text(struct spec *s, const struct spec_field *field,
                    const struct tree_node *node)
{
    return want(s, field, node, TREE_TEXT);
}

bool spec_want_constant(struct spec *s, const struct spec_field *field,
                        const struct tree_node *node)
{
    return spec_want_text(s, field, node) && spec_constant(s, field->key, node);
}

bool spec_want_map(struct spec *s, const struct spec_field *field,
                   const struct tree_node *node)
{
    return want(s, field, node, TREE_MAP);
}

bool spec_want_names(struct spec *s, const struct spec_field *field,
                     const struct tree_node *node)
{
    return spec_want_map(s, field, node) &&
           spec_check_count(s, field->key, node, node->n);
}

bool spec_all_constant(struct spec *s, const char *key, const struct tree_node *node)
{
    bool good = true;

    if (node->kind == TREE_BROKEN)
        return false;
    if (node->kind == TREE_TEXT)
        return spec_constant(s, key, node);
    for (uint32_t i = 0; node->kind >= TREE_LIST && i < node->n; i++)
        good &= spec_all_constant(s, key, &node->items[i].value);
    return good;
}

bool spec_kebab(const char *key, char out[SPEC_KEY_MAX])
{
    if (!strchr(key, '_'))
        return false;
    snprintf(out, SPEC_KEY_MAX, "%s", key);
    for (char *at = out; (at = strchr(at, '_'));)
        *at = '-';
    return true;
}

/* Not toupper: keys are ASCII whatever the locale. */
static char raised(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

bool spec_camel(const char *key, char out[SPEC_KEY_MAX])
{
    size_t n = 0;
    bool raise = false;

    if (!strchr(key, '_'))
        return false;
    for (; *key && n < SPEC_KEY_MAX - 1; key++) {
        if (*key != '_')
            out[n++] = raise ? raised(*key) : *key;
        raise = *key == '_';
    }
    out[n] = '\0';
    return true;
}

static bool is_spelling(const char *written, const char *key)
{
    char other[SPEC_KEY_MAX];

    /* Nearly always false here: no key starts with a _. */
    if (written[0] != key[0])
        return false;
    if (strcmp(written, key) == 0)
        return true;
    return (spec_kebab(key, other) && strcmp(written, other) == 0) ||
           (spec_camel(key, other) && strcmp(written, other) == 0);
}

const struct tree_node *spec_find(const struct tree_node *map, const char *key)
{
    for (uint32_t i = 0; map->kind == TREE_MAP && i < map->n; i++)
        if (is_spelling(map->items[i].key.text, key))
            return &map->items[i].value;
    return NULL;
}

/* The field of a key, or n_fields. Exact spellings first: they are nearly all. */
static size_t find_field(const struct spec_object *object, const struct tree_key *key)
{
    for (size_t i = 0; i < object->n_fields; i++)
        if (object->fields[i].key[0] == key->text[0] &&
            strcmp(object->fields[i].key, key->text) == 0)
            return i;
    for (size_t i = 0; i < object->n_fields; i++)
        if (is_spelling(key->text, object->fields[i].key))
            return i;
    return object->n_fields;
}

/* What other systems call our keys. */
static const struct {
    const char *theirs, *ours;
} foreign[] = {
    {"jobs", "tasks"},
    {"steps", "tasks"},
    {"nodes", "tasks"},
    {"depends", "needs"},
    {"depends_on", "needs"},
    {"dependsOn", "needs"},
    {"dependencies", "needs"},
    {"upstream", "needs"},
    {"when", "if"},
    {"condition", "if"},
    {"cmd", "run"},
    {"shell", "run"},
    {"bash", "run"},
    {"environment", "env"},
    {"variables", "env"},
    {"params", "inputs"},
    {"parameters", "inputs"},
    {"with_items", "foreach"},
    {"for_each", "foreach"},
    {"retries", "retry"},
    {"retry_policy", "retry"},
    {"attempts", "max_attempts"},
    {"limit", "max_attempts"},
    {"interval", "delay"},
    {"cwd", "working_dir"},
    {"timeout_seconds", "timeout"},
    {"timeout_sec", "timeout"},
    {"schedule_to_close_timeout", "total_timeout"},
    {"scheduleToCloseTimeout", "total_timeout"},
    {"totalTimeoutSeconds", "total_timeout"},
    {"desc", "description"},
    {"id", "name"},
    {"name", "id"},
    {"schedule", "cron"},
    {"schedule", "triggers"},
    {"cron", "triggers"},
    {"parallel", "max_parallel"},
    {"parallelism", "max_parallel"},
    {"max_concurrent", "max_parallel"},
    {"withItems", "foreach"},
    {"withParam", "foreach"},
    {"loop", "foreach"},
    {"continueOn", "continue_on_error"},
    {"continue_on", "continue_on_error"},
    {"allow_failure", "continue_on_error"},
    {"ignore_errors", "continue_on_error"},
    {"template", "uses"},
    {"call", "uses"},
    {"suspend", "approve"},
    {"retryStrategy", "retry"},
    {"onExit", "finally"},
    {"activeDeadlineSeconds", "timeout"},
    {"timeout-minutes", "timeout"},
    {"dir", "working_dir"},
    {"always", "finally"},
    {"on_error", "on_failure"},
    {"on_exit", "finally"},
    {"default_value", "default"},
    {"code", "script"},
    {"args", "command"},
};

/* One of `keys` that is meant by a word of another system, or NULL. */
static const char *translate(const char *theirs, const char *const *keys)
{
    for (size_t i = 0; i < COUNT_OF(foreign); i++)
        for (size_t k = 0; keys[k] && strcmp(foreign[i].theirs, theirs) == 0; k++)
            if (strcmp(keys[k], foreign[i].ours) == 0)
                return keys[k];
    return NULL;
}

/* The field that a misspelt or foreign key means, or n_fields. */
static size_t find_near_field(const struct spec_object *object, const char *word)
{
    const char *keys[SPEC_MAX_FIELDS + 1] = {NULL};
    const char *near;
    size_t n = 0;

    for (size_t i = 0; i < object->n_fields; i++)
        if (!(object->fields[i].flags & SPEC_LATER))
            keys[n++] = object->fields[i].key;
    near = translate(word, keys);
    if (!near)
        near = text_nearest(word, keys);
    if (!near)
        return object->n_fields;
    size_t at = 0;
    while (object->fields[at].key != near)
        at++;
    return at;
}

/* The bit of the field that was probably meant, so that nobody calls it missing. */
static uint64_t refuse_unknown(struct spec *s, const struct spec_object *object,
                               const struct tree_key *key)
{
    struct flow_problem *p = spec_problem_key(s, PROBLEM_UNKNOWN_KEY, key);

    if (!p)
        return SPEC_SEEN_BAD;

    size_t near = find_near_field(object, key->text);

    flow_problem_msg(p, "%s has no key %.100s", object->phrase, key->text);
    if (near == object->n_fields)
        return SPEC_SEEN_BAD;
    flow_problem_near(p, object->fields[near].key);
    return SPEC_SEEN_BAD | UINT64_C(1) << near;
}

static uint64_t refuse_later(struct spec *s, const struct tree_key *key)
{
    struct flow_problem *p = spec_problem_key(s, PROBLEM_LATER, key);

    flow_problem_msg(p, "%s is not supported yet by this version", key->text);
    flow_problem_hint(p, "remove it for now");
    return SPEC_SEEN_BAD;
}

static void refuse_spelling(struct spec *s, const struct tree_key *first,
                            const struct tree_key *again)
{
    struct flow_problem *p = spec_problem_key(s, PROBLEM_DUPLICATE_KEY, again);

    flow_problem_msg(p, "%s is the same key as %s in line %u", again->text, first->text,
                     first->line);
    flow_problem_hint(p, "remove one of the two");
}

/* Fills found and returns the bits of keys that were refused. */
static uint64_t find_fields(struct spec *s, const struct spec_object *object,
                            const struct tree_node *node,
                            const struct tree_pair *found[])
{
    uint64_t bad = 0;

    for (uint32_t i = 0; i < node->n; i++) {
        const struct tree_pair *pair = &node->items[i];
        size_t at = find_field(object, &pair->key);

        if (at == object->n_fields)
            bad |= refuse_unknown(s, object, &pair->key);
        else if (object->fields[at].flags & SPEC_LATER)
            bad |= refuse_later(s, &pair->key);
        else if (found[at])
            refuse_spelling(s, &found[at]->key, &pair->key);
        else
            found[at] = pair;
    }
    return bad;
}

static void refuse_missing(struct spec *s, const struct spec_object *object,
                           const struct spec_field *field, const struct tree_node *node)
{
    struct flow_problem *p =
        flow_problem_add(s->problems, PROBLEM_MISSING, (int)node->line,
                         (int)node->column, field->key, strlen(field->key));

    flow_problem_msg(p, "%s needs the key %s", object->phrase, field->key);
    if (strcmp(field->type->name, "1") == 0) /* a key that has one value only */
        flow_problem_hint(p, "add the line %s: %s", field->key, field->type->name);
    else
        flow_problem_hint(p, "%s: %s", field->key, field->help);
}

static void read_field(struct spec *s, const struct spec_field *field,
                       const struct tree_pair *pair, void *slot)
{
    const struct tree_node *node = &pair->value;

    if (node->kind == TREE_BROKEN)
        return;
    if (node->kind == TREE_NULL && !field->type->takes_null) {
        struct flow_problem *p = spec_problem_key(s, PROBLEM_TYPE, &pair->key);

        flow_problem_msg(p, "%s is empty; it must be %s", field->key, field->type->is);
        flow_problem_hint(p, "give it a value or remove it");
        return;
    }
    field->type->read(s, field, node, slot);
}

static void refuse_no_map(struct spec *s, const struct spec_object *object,
                          const struct tree_node *node)
{
    struct flow_problem *p = spec_problem(s, PROBLEM_TYPE, node);

    flow_problem_msg(p, "%s must be a map of keys and values, not %s", object->phrase,
                     tree_kind_text(node));
    if (object->example)
        flow_problem_hint(p, "as in %s", object->example);
}

bool spec_read(struct spec *s, const struct spec_object *object,
               const struct tree_node *node, void *into, uint64_t *seen)
{
    const struct tree_pair *found[SPEC_MAX_FIELDS] = {NULL};
    uint64_t bits;

    if (seen)
        *seen = 0;
    if (node->kind != TREE_MAP) {
        if (node->kind != TREE_BROKEN)
            refuse_no_map(s, object, node);
        return false;
    }
    bits = find_fields(s, object, node, found);
    for (size_t i = 0; i < object->n_fields; i++) {
        const struct spec_field *field = &object->fields[i];

        if (found[i])
            read_field(s, field, found[i], (char *)into + field->offset);
        else if (field->flags & SPEC_REQUIRED && !(bits >> i & 1))
            refuse_missing(s, object, field, node);
        if (found[i])
            bits |= UINT64_C(1) << i;
    }
    if (seen)
        *seen = bits;
    return true;
}
