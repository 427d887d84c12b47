/* Values that may hold ${{ }}: compiled here, their names checked later (refs.c), when
 * all tasks are known. */
#include "flow/spec.h"
#include <ctype.h>
#include <string.h>

#define MAX_ENV_TOTAL 5000000

static int problem_code(const struct expr_err *err)
{
    if (err->code == EXPR_E_NAME)
        return PROBLEM_UNKNOWN_ROOT;
    if (err->code == EXPR_E_LIMIT)
        return PROBLEM_LIMIT;
    return PROBLEM_EXPRESSION;
}

/* Functions of GitHub Actions about what happened before are formulas of needs here. */
static void hint_status(struct flow_problem *p, const char *text)
{
    static const char *const words[][2] = {{"always()", "NAME.done"},
                                           {"failure()", "NAME.failed"},
                                           {"success()", "NAME.succeeded"},
                                           {"cancelled()", "NAME.cancelled"}};

    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (text_starts(text, words[i][0]))
            flow_problem_hint(p, "ask in needs, of each task: needs: \"%s\"",
                              words[i][1]);
}

static void report_expression(struct spec *s, const struct tree_node *node,
                              const struct expr_err *err)
{
    struct flow_problem *p =
        spec_problem_in(s, problem_code(err), node, err->offset, err->length);

    flow_problem_msg(p, "%s", err->msg);
    if (err->hint[0])
        flow_problem_near(p, err->hint);
    if (err->code == EXPR_E_NAME)
        hint_status(p, node->text + err->offset);
}

/* Constants that a function never takes. */
static void report_foreseen(struct spec *s, const struct tree_node *node,
                            const struct tmpl *tmpl)
{
    struct expr_err err = {0};
    struct flow_problem *p;

    if (!tmpl_always_fails(tmpl, &err))
        return;
    p = spec_problem_in(s, PROBLEM_VALUE, node, err.offset, err.length);
    flow_problem_msg(p, "%s", err.msg);
    flow_problem_hint(p,
                      "write range(count), range(from, to) or range(from, to, step)");
}

static struct tmpl *adopt(struct spec *s, enum spec_place place,
                          const struct tree_node *node, struct tmpl *tmpl,
                          const struct expr_err *err)
{
    if (!tmpl) {
        if (err->code == EXPR_E_NOMEM)
            mem_exhausted();
        report_expression(s, node, err);
        return NULL;
    }

    struct spec_ref ref = {spec_own_tmpl(s, tmpl), node, s->task, place};

    ARRAY_ADD(&s->refs, ref);
    report_foreseen(s, node, tmpl);
    return tmpl;
}

static struct tmpl *compile(struct spec *s, enum spec_place place,
                            const struct tree_node *node)
{
    struct expr_err err = {0};

    return adopt(s, place, node, tmpl_compile(node->text, node->n, &err), &err);
}

static bool has_expression(const struct tree_node *node)
{
    if (node->kind == TREE_TEXT)
        return !tmpl_is_plain(node->text);
    for (uint32_t i = 0; node->kind >= TREE_LIST && i < node->n; i++)
        if (has_expression(&node->items[i].value))
            return true;
    return false;
}

/* Depth is bounded by the tree's. */
static bool read_nested(struct spec *s, const struct spec_value_rule *rule,
                        const struct tree_node *node, struct flow_value *value)
{
    const struct spec_value_rule inner = {.place = rule->place};
    struct flow_nested *nested = spec_alloc(s, 1, sizeof(*nested));
    bool good = true;

    nested->is_map = node->kind == TREE_MAP;
    nested->n = node->n;
    nested->items = spec_alloc(s, node->n, sizeof(*nested->items));
    for (uint32_t i = 0; i < node->n; i++) {
        const struct tree_pair *pair = &node->items[i];

        if (nested->is_map)
            nested->items[i].name = arena_text(s->arena, pair->key.text, pair->key.n);
        good &= spec_read_value(s, &inner, &pair->value, &nested->items[i].value);
    }
    value->nested = nested;
    return good;
}

static json_t *constant_of(struct spec *s, const struct spec_value_rule *rule,
                           const struct tree_node *node)
{
    if (node->kind == TREE_NULL && rule->keep_text)
        return spec_own_json(s, json_string(""));
    if (node->kind < TREE_LIST && rule->keep_text)
        return spec_own_json(s, json_stringn_nocheck(node->text, node->n));
    return spec_own_json(s, tree_json(node));
}

bool spec_read_value(struct spec *s, const struct spec_value_rule *rule,
                     const struct tree_node *node, struct flow_value *value)
{
    struct flow_value made = {.line = (int)node->line, .column = (int)node->column};

    if (node->kind == TREE_BROKEN)
        return false;
    if (!has_expression(node))
        made.constant = constant_of(s, rule, node);
    else if (rule->secrets && node->kind == TREE_TEXT &&
             spec_read_secret(s, node, &made)) {
        *value = made;
        return true;
    } else if (node->kind == TREE_TEXT)
        made.tmpl = compile(s, rule->place, node);
    else if (!read_nested(s, rule, node, &made))
        return false;
    if (!made.constant && !made.tmpl && !made.nested)
        return false;
    *value = made;
    return true;
}

/* What can be a list only when it runs. */
static bool may_be_list(const struct tree_node *node)
{
    return node->kind == TREE_LIST || node->kind == TREE_MAP ||
           (node->kind == TREE_TEXT && has_expression(node));
}

static bool check_list(struct spec *s, const struct spec_field *field,
                       const struct tree_node *node)
{
    struct flow_problem *p;

    if (!may_be_list(node)) {
        p = spec_problem(s, PROBLEM_TYPE, node);
        flow_problem_msg(p, "%s must be %s, not %s", field->key,
                         "a list, a map or an expression that gives one",
                         tree_kind_text(node));
        if (node->kind == TREE_TEXT)
            flow_problem_hint(p, "write ${{ %.60s }} if it is an expression",
                              node->text);
        return false;
    }
    if (node->kind != TREE_TEXT && node->n > FLOW_MAX_ITEMS) {
        flow_problem_msg(spec_problem(s, PROBLEM_LIMIT, node),
                         "%s has %u items; %d are the limit", field->key, node->n,
                         FLOW_MAX_ITEMS);
        return false;
    }
    return true;
}

static void read_pointer(struct spec *s, const struct spec_field *field,
                         const struct tree_node *node, void *slot)
{
    const struct spec_value_rule *rule = field->arg;
    struct flow_value value;

    if (rule->list && !check_list(s, field, node))
        return;
    if (!spec_read_value(s, rule, node, &value))
        return;

    struct flow_value *kept = spec_alloc(s, 1, sizeof(*kept));

    *kept = value;
    *(struct flow_value **)slot = kept;
}

static json_t *schema_any(const struct spec_field *field)
{
    const struct spec_value_rule *rule = field->arg;

    if (rule->list)
        return json_pack("{s[{ss}{ss}{ssss}]}", "anyOf", "type", "array", "type",
                         "object", "type", "string", "pattern", "\\$\\{\\{");
    return json_object();
}

const struct spec_type spec_value_pointer = {.name = "value",
                                             .is = "a value or an expression",
                                             .read = read_pointer,
                                             .schema = schema_any};

struct tmpl *spec_read_condition(struct spec *s, const struct spec_field *field,
                                 enum spec_place place, const struct tree_node *node)
{
    struct expr_err err = {0};
    struct flow_problem *p;

    if (node->kind != TREE_TEXT && node->kind != TREE_BOOL) {
        spec_wrong_type(s, field->key, field->type->is, node);
        return NULL;
    }

    struct tmpl *tmpl =
        adopt(s, place, node, tmpl_compile_condition(node->text, node->n, &err), &err);

    if (tmpl && tmpl_never_bool(tmpl)) {
        p = spec_problem(s, PROBLEM_TYPE, node);
        flow_problem_msg(p, "%s must be %s, and this gives something else", field->key,
                         field->type->is);
        flow_problem_hint(p, "compare it, as in size(inputs.names) > 0");
    }
    return tmpl;
}

static void read_condition(struct spec *s, const struct spec_field *field,
                           const struct tree_node *node, void *slot)
{
    *(struct tmpl **)slot = spec_read_condition(s, field, PLACE_IF, node);
}

static json_t *schema_condition(const struct spec_field *field)
{
    (void)field;
    return json_pack("{s[ss]}", "type", "string", "boolean");
}

const struct spec_type spec_condition = {.name = "condition",
                                         .is = "an expression that gives true or false",
                                         .read = read_condition,
                                         .schema = schema_condition};

static bool is_env_name(const char *name)
{
    if (!isalpha((unsigned char)name[0]) && name[0] != '_')
        return false;
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && *name != '_')
            return false;
    return true;
}

static bool check_env_name(struct spec *s, const struct tree_key *key)
{
    struct flow_problem *p;

    if (!is_env_name(key->text)) {
        p = spec_problem_key(s, PROBLEM_NAME, key);
        flow_problem_msg(p, "names of variables are made of letters, digits and _");
        return false;
    }
    if (text_starts(key->text, "FLOWFORGE_") || text_starts(key->text, "FF_")) {
        p = spec_problem_key(s, PROBLEM_RESERVED_ENV, key);
        flow_problem_msg(p, "variables that start with FLOWFORGE_ or FF_ are set by "
                            "FlowForge");
        flow_problem_hint(p, "choose another name");
        return false;
    }
    return true;
}

static struct flow_pair *find_pair(struct flow_pair *items, uint32_t n,
                                   const char *name)
{
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(items[i].name, name) == 0)
            return &items[i];
    return NULL;
}

/* `base` and what node adds to it; a name that is there already gets the new value. */
static struct spec_env merge_env(struct spec *s, struct spec_env base,
                                 const struct tree_node *node, enum spec_place place)
{
    const struct spec_value_rule rule = {
        .place = place, .keep_text = true, .secrets = true};
    struct spec_env made = {.n = base.n};

    made.items = spec_alloc(s, (size_t)base.n + node->n, sizeof(*made.items));
    if (base.n)
        memcpy(made.items, base.items, base.n * sizeof(*made.items));
    for (uint32_t i = 0; i < node->n; i++) {
        const struct tree_key *key = &node->items[i].key;
        struct flow_value value;

        if (!check_env_name(s, key))
            continue;
        /* A wrong one is there all the same: uses of it are not wrong too. */
        if (!spec_read_value(s, &rule, &node->items[i].value, &value))
            value = (struct flow_value){.constant = spec_own_json(s, json_string(""))};

        struct flow_pair *old = find_pair(made.items, base.n, key->text);

        if (!old)
            old = &made.items[made.n++];
        old->name = arena_text(s->arena, key->text, key->n);
        old->value = value;
    }
    return made;
}

/* Each task has a whole env of its own, so a long shared one is paid for many times. */
static bool count_env(struct spec *s, const struct tree_node *node)
{
    bool fitted = s->n_env <= MAX_ENV_TOTAL;

    if (!spec_check_count(s, "env", node, (size_t)s->env.n + node->n))
        return false;

    s->n_env += (size_t)s->env.n + node->n;
    if (s->n_env <= MAX_ENV_TOTAL)
        return true;
    if (fitted)
        flow_problem_msg(spec_problem(s, PROBLEM_LIMIT, node),
                         "the tasks have more than %d variables together",
                         MAX_ENV_TOTAL);
    return false;
}

static void read_shared_env(struct spec *s, const struct spec_field *field,
                            const struct tree_node *node, void *slot)
{
    (void)slot;
    if (spec_want_map(s, field, node) && count_env(s, node))
        s->env = merge_env(s, s->env, node, PLACE_SHARED_ENV);
}

static void read_task_env(struct spec *s, const struct spec_field *field,
                          const struct tree_node *node, void *slot)
{
    struct flow_work *work = &((struct spec_draft *)slot)->work;

    if (!spec_want_map(s, field, node) || !count_env(s, node))
        return;

    struct spec_env env = merge_env(s, s->env, node, PLACE_ATTEMPT);

    work->env = env.items;
    work->n_env = env.n;
}

static json_t *schema_env(const struct spec_field *field)
{
    (void)field;
    return json_pack("{sss{ss}}", "type", "object", "propertyNames", "pattern",
                     "^(?!FF_|FLOWFORGE_)[A-Za-z_][A-Za-z0-9_]*$");
}

const struct spec_type spec_shared_env = {.name = "map of values",
                                          .is = "a map of names and values",
                                          .read = read_shared_env,
                                          .schema = schema_env};
const struct spec_type spec_task_env = {.name = "map of values",
                                        .is = "a map of names and values",
                                        .read = read_task_env,
                                        .schema = schema_env};
