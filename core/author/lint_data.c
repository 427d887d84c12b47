/* Advice about values: what is declared and never used, what may be null, what is text
 * and used as something else, and what should not stand in a file at all. */
#include "author/lint.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

/* --- never used --- */

static void visit_unused(struct lint *l, const char *key)
{
    const struct source_node *map = source_get(l->root, key);

    for (size_t i = 0; map && map->kind == SOURCE_MAP && i < map->n; i++)
        if (!lint_used(l, key, map->items[i].key.text, "") &&
            !lint_used(l, key, "*", ""))
            lint_say(l, &map->items[i].key, NULL, "%s.%s is never used", key,
                     map->items[i].key.text);
}

static void visit_unused_inputs(struct lint *l)
{
    visit_unused(l, "inputs");
}

static void visit_unused_vars(struct lint *l)
{
    visit_unused(l, "vars");
}

static bool is_read(const struct lint *l, const struct lint_task *t, const char *name)
{
    return lint_used(l, "tasks", t->name, name) ||
           lint_used(l, "tasks", t->name, "*") || lint_used(l, "own", t->name, "");
}

static void visit_unused_outputs(struct lint *l)
{
    for (size_t i = 0; i < l->tasks.n; i++) {
        const struct lint_task *t = &l->tasks.items[i];
        const struct source_node *outputs = source_get(t->node, "outputs");
        for (size_t k = 0; outputs && outputs->kind == SOURCE_MAP && k < outputs->n;
             k++) {
            const struct source_node *key = &outputs->items[k].key;
            const struct source_node *as = source_get(&outputs->items[k].value, "as");
            if (source_is_text(as, "file")) /* kept for people */
                continue;
            if (!is_read(l, t, key->text))
                lint_say(l, key, NULL, "output %s of %s is never used", key->text,
                         t->name);
        }
    }
}

/* --- null --- */

static bool may_be_skipped(const struct lint *l, const struct lint_task *t, int depth)
{
    if (!t || depth > 8)
        return false;
    if (source_get(t->node, "if") || t->formula ||
        source_get(t->node, "continue_on_error"))
        return true;
    if (!source_is_text(source_get(t->node, "needs_all"), "true"))
        return false;
    for (size_t i = 0; i < t->n_needs; i++)
        if (may_be_skipped(l, lint_find_task(l, t->needs[i]), depth + 1))
            return true;
    return false;
}

/* Says itself what happens when there is nothing. */
static bool is_guarded(const struct lint *l, const struct lint_ref *r)
{
    static const char *const guards[] = {"or_value(", "has(", "null", "?", "status"};
    const struct source_node *condition =
        r->task ? source_get(r->task->node, "if") : NULL;

    (void)l;
    for (size_t i = 0; i < COUNT_OF(guards); i++)
        if (strstr(r->node->text, guards[i]))
            return true;
    /* Under the same condition, or one that asks for the task itself. */
    return condition &&
           (strstr(condition->text, r->path[1]) || strstr(condition->text, "null"));
}

static bool same_condition(const struct lint_task *a, const struct lint_task *b)
{
    const struct source_node *x = a ? source_get(a->node, "if") : NULL;
    const struct source_node *y = source_get(b->node, "if");

    return x && y && strcmp(x->text, y->text) == 0;
}

static bool is_output_ref(const struct lint_ref *r)
{
    return r->n > 3 && strcmp(r->path[0], "tasks") == 0 &&
           strcmp(r->path[2], "outputs") == 0;
}

static void visit_unguarded(struct lint *l)
{
    for (size_t i = 0; i < l->refs.n; i++) {
        const struct lint_ref *r = &l->refs.items[i];
        if (!is_output_ref(r) || !r->task || strcmp(r->task->part, "tasks") != 0)
            continue;
        const struct lint_task *of = lint_find_task(l, r->path[1]);
        if (!of || !may_be_skipped(l, of, 0) || is_guarded(l, r) ||
            same_condition(r->task, of))
            continue;
        /* One that only follows its success never sees null. */
        if (r->task->formula ||
            source_is_text(source_get(r->task->node, "needs_all"), "true"))
            continue;
        lint_say(l, r->node, NULL,
                 "%s may be skipped, and this is null then: or_value(tasks.%s.outputs."
                 "%s, ...)",
                 of->name, of->name, r->path[3]);
    }
}

/* --- types --- */

static bool gives_text(const struct lint_task *t, const char *name)
{
    const struct source_node *output = source_get(source_get(t->node, "outputs"), name);

    if (!output || source_get(t->node, "foreach") || source_get(t->node, "matrix"))
        return false;
    if (output->kind == SOURCE_SCALAR)
        return source_is_text(output, "file") || source_is_text(output, "stdout");
    const struct source_node *as = source_get(output, "as");
    return output->kind == SOURCE_MAP &&
           !source_is_text(source_get(output, "from"), "sdk") &&
           (!as || source_is_text(as, "text")) && lint_is_attempt(t);
}

static void visit_text_as_map(struct lint *l)
{
    for (size_t i = 0; i < l->refs.n; i++) {
        const struct lint_ref *r = &l->refs.items[i];
        const struct lint_task *of =
            is_output_ref(r) && r->n > 4 ? lint_find_task(l, r->path[1]) : NULL;
        if (of && gives_text(of, r->path[3]))
            lint_say(l, r->node, NULL,
                     "output %s of %s is text and has no %s: declare it as: json",
                     r->path[3], of->name, r->path[4]);
    }
}

static void visit_text_as_list(struct lint *l)
{
    for (size_t i = 0; i < l->refs.n; i++) {
        const struct lint_ref *r = &l->refs.items[i];
        const struct lint_task *of =
            is_output_ref(r) && r->n == 4 ? lint_find_task(l, r->path[1]) : NULL;
        char whole[256];
        if (!of || strcmp(r->key, "foreach") != 0 || !gives_text(of, r->path[3]))
            continue;
        snprintf(whole, sizeof(whole), "${{ tasks.%s.outputs.%s }}", of->name,
                 r->path[3]);
        if (source_is_text(r->node, whole))
            lint_say(l, r->node, NULL,
                     "output %s of %s is text, and foreach wants a list: declare it "
                     "as: json",
                     r->path[3], of->name);
    }
}

/* --- secrets --- */

static bool ends_like_secret(const char *name)
{
    static const char *const words[] = {
        "PASSWORD", "PASSWD",      "SECRET",     "TOKEN",       "API_KEY",
        "APIKEY",   "PRIVATE_KEY", "ACCESS_KEY", "CREDENTIALS", "PASSPHRASE"};
    const size_t n = strlen(name);

    for (size_t i = 0; i < COUNT_OF(words); i++) {
        const size_t k = strlen(words[i]);
        if (n >= k && strcasecmp(name + n - k, words[i]) == 0)
            return true;
    }
    return false;
}

static bool begins_like_secret(const char *value)
{
    static const char *const marks[] = {
        "ghp_",  "gho_",     "github_pat_", "AKIA",       "xoxb-",
        "xoxp-", "sk_live_", "glpat-",      "-----BEGIN", "eyJhbGciOi"};

    for (size_t i = 0; i < COUNT_OF(marks); i++)
        if (text_starts(value, marks[i]))
            return true;
    return false;
}

/* Bits a character; keys have more than words and paths have. */
static double entropy(const char *text, size_t len)
{
    size_t counts[256] = {0};
    double bits = 0;

    for (size_t i = 0; i < len; i++)
        counts[(unsigned char)text[i]]++;
    for (size_t i = 0; i < COUNT_OF(counts); i++)
        if (counts[i] > 0)
            bits -= (double)counts[i] * log2((double)counts[i] / (double)len);
    return bits / (double)len;
}

static bool looks_random(const char *text, size_t len)
{
    bool upper = false;
    bool lower = false;
    bool digit = false;

    for (size_t i = 0; i < len; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (!isalnum(c) && !strchr("+/=_-", c))
            return false;
        upper = upper || isupper(c);
        lower = lower || islower(c);
        digit = digit || isdigit(c);
    }
    return len >= 24 && upper && lower && digit && entropy(text, len) > 4.0;
}

static void check_env(struct lint *l, const struct source_node *env)
{
    for (size_t i = 0; env && env->kind == SOURCE_MAP && i < env->n; i++) {
        const struct source_node *value = &env->items[i].value;
        const char *name = env->items[i].key.text;
        if (value->kind != SOURCE_SCALAR || value->len == 0 ||
            lint_has_expression(value))
            continue;
        const bool by_name = ends_like_secret(name) && value->len > 3 &&
                             value->text[0] != '/' && value->text[0] != '$' &&
                             !source_is_typed(value->text);
        if (by_name || begins_like_secret(value->text) ||
            looks_random(value->text, value->len))
            lint_say(l, value, NULL,
                     "%s looks like a secret, and stands in the file for all to read",
                     name);
    }
}

static void visit_secrets(struct lint *l)
{
    check_env(l, source_get(l->root, "env"));
    check_env(l, source_get(source_get(l->root, "defaults"), "env"));
    for (size_t i = 0; i < l->tasks.n; i++)
        check_env(l, source_get(l->tasks.items[i].node, "env"));
}

/* --- descriptions --- */

static void visit_undescribed_inputs(struct lint *l)
{
    const struct source_node *inputs = source_get(l->root, "inputs");

    for (size_t i = 0; inputs && inputs->kind == SOURCE_MAP && i < inputs->n; i++)
        if (!source_get(&inputs->items[i].value, "description"))
            lint_say(l, &inputs->items[i].key, NULL,
                     "input %s does not say what it is for", inputs->items[i].key.text);
}

static void visit_undescribed(struct lint *l)
{
    const struct source_pair *name = source_pair(l->root, "name");

    if (name && !source_get(l->root, "description"))
        lint_say(l, &name->key, NULL, "the workflow does not say what it is for");
}

const struct lint_visit lint_data_visits[] = {
    {230, NULL, visit_unused_outputs}, {231, NULL, visit_unused_inputs},
    {232, NULL, visit_unused_vars},    {233, NULL, visit_unguarded},
    {234, NULL, visit_text_as_map},    {235, NULL, visit_text_as_list},
    {236, NULL, visit_secrets},        {237, NULL, visit_undescribed_inputs},
    {238, NULL, visit_undescribed},    {0, NULL, NULL},
};
