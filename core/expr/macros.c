/*
 * The macros: they walk a list, or the keys of a map, with a variable. all and exists
 * are chains of && and || and absorb errors as those do; the others do not.
 */
#include "expr/expr_priv.h"

#include <stdlib.h>
#include <string.h>

/* One walk. The elements are borrowed from range, keys are made. */
struct walk {
    struct expr_ctx *ctx;
    const struct expr_node *node;
    json_t *range;
    size_t i;
    void *at;
    json_t *outer; /* what the slot held before */
};

/* Evaluates what is walked. -1 with the error. */
static int walk_init(struct walk *walk, struct expr_ctx *ctx,
                     const struct expr_node *node)
{
    const struct expr_node *base = expr_kid(ctx->e, node, 0);

    *walk = (struct walk){.ctx = ctx, .node = node, .outer = ctx->vars[node->slot]};
    walk->range = expr_eval_kid(ctx, node, 0);
    if (walk->range == NULL)
        return -1;
    if (!json_is_array(walk->range) && !json_is_object(walk->range))
        expr_error(ctx, node, EXPR_E_TYPE, "%s() walks a list or a map, and %s is %s",
                   expr_macro_at(node->row)->name,
                   expr_snippet(ctx->e->text + base->offset, base->length).text,
                   expr_type_name(walk->range));
    else if (expr_walk(ctx, node, walk->range)) {
        ctx->vars[node->slot] = NULL;
        walk->at = json_object_iter(walk->range);
        return 0;
    }
    json_decref(walk->range);
    return -1;
}

static void walk_done(struct walk *walk)
{
    json_decref(walk->ctx->vars[walk->node->slot]);
    walk->ctx->vars[walk->node->slot] = walk->outer;
    json_decref(walk->range);
}

/* Puts the next element into the variable; false after the last. */
static bool walk_next(struct walk *walk)
{
    json_t **var = &walk->ctx->vars[walk->node->slot];

    json_decref(*var);
    *var = NULL;
    if (json_is_array(walk->range)) {
        *var = json_incref(json_array_get(walk->range, walk->i++));
    } else if (walk->at != NULL) {
        *var = json_stringn_nocheck(json_object_iter_key(walk->at),
                                    json_object_iter_key_len(walk->at));
        walk->at = json_object_iter_next(walk->range, walk->at);
    }
    return *var != NULL;
}

/* all (decides: false) and exists (decides: true). */
static json_t *eval_any(struct expr_ctx *ctx, const struct expr_node *node,
                        bool decides)
{
    struct expr_err first = {.code = EXPR_OK};
    struct walk walk;
    json_t *v = NULL;

    if (walk_init(&walk, ctx, node) != 0)
        return NULL;
    while (v == NULL && walk_next(&walk)) {
        bool truth = false;
        if (expr_eval_bool(ctx, node, 1, &truth) == 0) {
            if (truth == decides)
                v = json_boolean(truth);
        } else if (!expr_absorbable(ctx->err)) {
            walk_done(&walk);
            return NULL;
        } else if (first.code == EXPR_OK) {
            first = *ctx->err;
        }
    }
    walk_done(&walk);
    if (v == NULL && first.code == EXPR_OK)
        v = json_boolean(!decides);
    if (v == NULL)
        *ctx->err = first;
    return v;
}

static json_t *eval_all(struct expr_ctx *ctx, const struct expr_node *node)
{
    return eval_any(ctx, node, false);
}

static json_t *eval_exists(struct expr_ctx *ctx, const struct expr_node *node)
{
    return eval_any(ctx, node, true);
}

static json_t *eval_exists_one(struct expr_ctx *ctx, const struct expr_node *node)
{
    struct walk walk;
    size_t found = 0;
    bool truth = false;
    int rc = 0;

    if (walk_init(&walk, ctx, node) != 0)
        return NULL;
    while (rc == 0 && walk_next(&walk)) {
        rc = expr_eval_bool(ctx, node, 1, &truth);
        found += rc == 0 && truth;
    }
    walk_done(&walk);
    return rc == 0 ? json_boolean(found == 1) : NULL;
}

/* What one step adds to the list: a new reference, or NULL with *ok false on error. */
static json_t *step_value(struct expr_ctx *ctx, const struct expr_node *node,
                          bool filter, bool *ok)
{
    bool truth = true;
    json_t *v = NULL;

    *ok = !(filter || node->n == 3) || expr_eval_bool(ctx, node, 1, &truth) == 0;
    if (!*ok || !truth)
        return NULL;
    v = filter ? json_incref(ctx->vars[node->slot])
               : expr_eval_kid(ctx, node, node->n - 1);
    *ok = v != NULL && expr_produce(ctx, node, 8);
    if (!*ok) {
        json_decref(v);
        return NULL;
    }
    return v;
}

static json_t *eval_collect(struct expr_ctx *ctx, const struct expr_node *node,
                            bool filter)
{
    struct walk walk;
    bool ok = true;

    if (walk_init(&walk, ctx, node) != 0)
        return NULL;
    json_t *list = json_array();
    while (ok && list != NULL && walk_next(&walk)) {
        json_t *v = step_value(ctx, node, filter, &ok);
        if (v != NULL)
            ok = json_array_append_new(list, v) == 0;
    }
    walk_done(&walk);
    if (ok && list != NULL)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *eval_map(struct expr_ctx *ctx, const struct expr_node *node)
{
    return eval_collect(ctx, node, false);
}

static json_t *eval_filter(struct expr_ctx *ctx, const struct expr_node *node)
{
    return eval_collect(ctx, node, true);
}

/* Fills keys with the body's values; -1 with the error. */
static int sort_keys(struct expr_ctx *ctx, const struct expr_node *node,
                     struct walk *walk, json_t **keys)
{
    for (size_t i = 0; walk_next(walk); i++) {
        keys[i] = expr_eval_kid(ctx, node, 1);
        if (keys[i] == NULL)
            return -1;
    }
    return 0;
}

static json_t *to_list(json_t *const *values, size_t n)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < n; i++)
        json_array_append(list, values[i]);
    return list;
}

static json_t *eval_sort_by(struct expr_ctx *ctx, const struct expr_node *node)
{
    struct walk walk;
    json_t *list = NULL;

    if (walk_init(&walk, ctx, node) != 0)
        return NULL;
    const size_t n = json_array_size(walk.range);
    json_t **keys = calloc(n + 1, sizeof(json_t *));
    json_t **values = calloc(n + 1, sizeof(json_t *));
    if (json_is_object(walk.range))
        expr_error(ctx, node, EXPR_E_TYPE, "sortBy() takes a list, not map");
    else if (keys != NULL && values != NULL && expr_produce(ctx, node, 8 * n) &&
             sort_keys(ctx, node, &walk, keys) == 0) {
        for (size_t i = 0; i < n; i++)
            values[i] = json_array_get(walk.range, i);
        if (expr_sort(ctx, node, keys, values, n) == 0)
            list = to_list(values, n);
    }
    for (size_t i = 0; keys != NULL && i < n; i++)
        json_decref(keys[i]);
    free(keys);
    free(values);
    walk_done(&walk);
    return list;
}

static const struct expr_macro macros[] = {
    {"all", 2, 2, eval_all},
    {"exists", 2, 2, eval_exists},
    {"exists_one", 2, 2, eval_exists_one},
    {"existsOne", 2, 2, eval_exists_one},
    {"map", 2, 3, eval_map},
    {"filter", 2, 2, eval_filter},
    {"sortBy", 2, 2, eval_sort_by},
};

int expr_find_macro(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof(macros) / sizeof(macros[0]); i++)
        if (strlen(macros[i].name) == len && memcmp(macros[i].name, name, len) == 0)
            return (int)i;
    return -1;
}

const struct expr_macro *expr_macro_at(int row)
{
    return &macros[row];
}

json_t *expr_eval_macro(struct expr_ctx *ctx, const struct expr_node *node)
{
    return macros[node->row].eval(ctx, node);
}
