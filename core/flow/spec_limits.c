/* semaphores:, mutex: and rate: of a task: what it may have only so much of, across all
 * runs. Each adds to s->limits; spec_take_limits makes one list of them. */
#include "flow/spec.h"
#include <stdlib.h>
#include <string.h>

static void add(struct spec *s, const struct flow_limit *limit)
{
    s->limits[s->n_limits++] = *limit;
}

/* --- semaphores --- */

/* They stand first in the table, so there is nothing else yet. */
static bool same_name(const struct flow_limit *limit, const char *name, size_t len)
{
    return json_string_length(limit->name->constant) == len &&
           memcmp(json_string_value(limit->name->constant), name, len) == 0;
}

static void refuse_semaphore(struct spec *s, const struct tree_node *node)
{
    struct flow_problem *p = spec_problem(s, PROBLEM_LIMIT_NAME, node);

    flow_problem_msg(p,
                     "a semaphore is a name, or a name and how many places it takes "
                     "(1 to %d)",
                     FLOW_MAX_PLACES_TAKEN);
    flow_problem_hint(p, "write gpu, or gpu:2; names have a-z, 0-9, _ and -");
}

/* "gpu" or "gpu:2"; the length of the name, 0 when it is neither. */
static size_t split(const char *text, int64_t *amount)
{
    char name[SPEC_KEY_MAX];
    const size_t len = strcspn(text, ":");
    char *end;

    *amount = 1;
    if (len >= sizeof(name))
        return 0;
    memcpy(name, text, len);
    name[len] = '\0';
    if (!text_is_name(name, true))
        return 0;
    if (!text[len])
        return len;
    if (text[len + 1] < '1' || text[len + 1] > '9' || strlen(text + len + 1) > 6)
        return 0;
    *amount = strtoll(text + len + 1, &end, 10);
    return *end || *amount > FLOW_MAX_PLACES_TAKEN ? 0 : len;
}

static void read_semaphore(struct spec *s, const struct spec_field *field,
                           const struct tree_node *node)
{
    struct flow_limit limit = {.kind = FLOW_SEMAPHORE};

    if (node->kind == TREE_BROKEN)
        return;
    if (node->kind != TREE_TEXT) {
        refuse_semaphore(s, node);
        return;
    }
    if (!spec_constant(s, field->key, node))
        return;
    const size_t len = split(node->text, &limit.amount);
    if (len == 0) {
        refuse_semaphore(s, node);
        return;
    }
    for (uint32_t i = 0; i < s->n_limits; i++) {
        if (!same_name(&s->limits[i], node->text, len))
            continue;
        struct flow_problem *p = spec_problem(s, PROBLEM_LIMIT_TWICE, node);
        flow_problem_msg(p, "semaphores names %.*s twice", (int)len, node->text);
        flow_problem_hint(p, "to take two places write %.*s:2", (int)len, node->text);
        return;
    }
    limit.name = spec_alloc(s, 1, sizeof(*limit.name));
    limit.name->constant = spec_own_json(s, json_stringn_nocheck(node->text, len));
    add(s, &limit);
}

static void read_semaphores(struct spec *s, const struct spec_field *field,
                            const struct tree_node *node, void *slot)
{
    (void)slot;
    if (node->kind != TREE_LIST) {
        read_semaphore(s, field, node);
        return;
    }
    if (node->n == 0 || node->n > FLOW_MAX_SEMAPHORES) {
        flow_problem_msg(spec_problem(s, PROBLEM_VALUE, node),
                         "semaphores must name 1 to %d; remove it otherwise",
                         FLOW_MAX_SEMAPHORES);
        return;
    }
    for (uint32_t i = 0; i < node->n; i++)
        read_semaphore(s, field, &node->items[i].value);
}

static json_t *schema_semaphores(const struct spec_field *field)
{
    json_t *name = json_pack("{ssss}", "type", "string", "pattern",
                             "^[a-z_][a-z0-9_-]{0,62}(:[1-9][0-9]{0,3})?$");
    json_t *list = json_pack("{sssOsisi}", "type", "array", "items", name, "minItems",
                             1, "maxItems", FLOW_MAX_SEMAPHORES);

    (void)field;
    return json_pack("{s[oo]}", "anyOf", name, list);
}

const struct spec_type spec_semaphores_type = {.name = "list of names",
                                               .is = "a list of names of semaphores",
                                               .read = read_semaphores,
                                               .schema = schema_semaphores};

/* --- mutex --- */

static struct flow_value *read_name(struct spec *s, const struct tree_node *node,
                                    const char *key)
{
    static const struct spec_value_rule rule = {.place = PLACE_ATTEMPT,
                                                .keep_text = true};
    struct flow_value *name = spec_alloc(s, 1, sizeof(*name));

    if (node->kind >= TREE_LIST || node->n == 0) {
        spec_wrong_type(s, key, "a text that is not empty, or an expression", node);
        return NULL;
    }
    if (node->n > FLOW_MAX_LIMIT_NAME && !strstr(node->text, "${{")) {
        flow_problem_msg(spec_problem(s, PROBLEM_VALUE, node),
                         "%s must be at most %d bytes long", key, FLOW_MAX_LIMIT_NAME);
        return NULL;
    }
    return spec_read_value(s, &rule, node, name) ? name : NULL;
}

static void read_mutex(struct spec *s, const struct spec_field *field,
                       const struct tree_node *node, void *slot)
{
    const struct flow_limit limit = {.kind = FLOW_MUTEX,
                                     .name = read_name(s, node, field->key),
                                     .amount = 1,
                                     .size = 1};

    (void)slot;
    if (limit.name)
        add(s, &limit);
}

static json_t *schema_text(const struct spec_field *field)
{
    (void)field;
    return json_pack("{s[sss]}", "type", "string", "number", "boolean");
}

const struct spec_type spec_mutex_type = {.name = "value",
                                          .is = "a text or an expression",
                                          .read = read_mutex,
                                          .schema = schema_text};

/* --- rate --- */

static void read_key(struct spec *s, const struct spec_field *field,
                     const struct tree_node *node, void *slot)
{
    *(struct flow_value **)slot = read_name(s, node, field->key);
}

static const struct spec_type key_type = {.name = "value",
                                          .is = "a text or an expression",
                                          .read = read_key,
                                          .schema = schema_text};

static const struct spec_range rate_range = {1, FLOW_MAX_RATE, "from 1 to 10000"};

static const struct spec_field rate_fields[] = {
    {.key = "key",
     .type = &key_type,
     .offset = offsetof(struct flow_limit, name),
     .flags = SPEC_REQUIRED,
     .since = "0.2",
     .help = "what is counted together, across all runs and workflows"},
    {.key = "limit",
     .type = &spec_integer,
     .offset = offsetof(struct flow_limit, size),
     .arg = &rate_range,
     .flags = SPEC_REQUIRED,
     .since = "0.2",
     .help = "how many attempts may start in the time"},
    {.key = "per",
     .type = &spec_duration,
     .offset = offsetof(struct flow_limit, per_us),
     .arg = &spec_timeout_range,
     .flags = SPEC_REQUIRED,
     .since = "0.2",
     .help = "the time; it slides, so no more than limit start within any so long"},
};

const struct spec_object spec_rate = {
    .name = "rate",
    .example = "rate: {key: mail, limit: 100, per: 1m}",
    .phrase = "rate",
    .fields = rate_fields,
    .n_fields = COUNT_OF(rate_fields),
    .help = "How often attempts may start.",
};

static void read_rate(struct spec *s, const struct spec_field *field,
                      const struct tree_node *node, void *slot)
{
    struct flow_limit limit = {.kind = FLOW_RATE, .amount = 1};

    (void)slot;
    (void)field;
    if (spec_read(s, &spec_rate, node, &limit, NULL) && limit.name && limit.size > 0 &&
        limit.per_us > 0)
        add(s, &limit);
}

static json_t *schema_rate(const struct spec_field *field)
{
    (void)field;
    return spec_schema_ref(&spec_rate);
}

const struct spec_type spec_rate_type = {
    .name = "rate", .is = "a map", .read = read_rate, .schema = schema_rate};

/* --- all of a task --- */

static bool is_constant(const struct flow_limit *limit)
{
    return limit->name->constant != NULL;
}

static bool are_alike(const struct flow_limit *a, const struct flow_limit *b)
{
    return is_constant(a) && is_constant(b) && a->kind == b->kind &&
           a->amount == b->amount && a->size == b->size && a->per_us == b->per_us &&
           json_equal(a->name->constant, b->name->constant);
}

/* Tasks alike stand near each other: the one before is looked at. */
static bool is_last(const struct spec *s)
{
    const struct flow_limits *last = s->last_limits;

    if (!last || last->n != s->n_limits)
        return false;
    for (uint32_t i = 0; i < last->n; i++)
        if (!are_alike(&last->items[i], &s->limits[i]))
            return false;
    return true;
}

const struct flow_limits *spec_take_limits(struct spec *s)
{
    const uint32_t n = s->n_limits;

    if (n == 0)
        return NULL;
    if (!is_last(s)) {
        struct flow_limits *made =
            spec_alloc(s, 1, sizeof(*made) + n * sizeof(made->items[0]));
        made->n = n;
        made->all_constant = true;
        for (uint32_t i = 0; i < n; i++) {
            made->items[i] = s->limits[i];
            made->all_constant = made->all_constant && is_constant(&made->items[i]);
        }
        s->last_limits = made;
    }
    s->n_limits = 0;
    return s->last_limits;
}
