/*
 * The evaluator: walks the syntax tree. Recursion ends at EXPR_MAX_DEPTH because the
 * tree does. && and || follow CEL: an error on one side is absorbed when the other side
 * alone decides, except for the ceilings.
 */
#include "expr/expr_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

json_t *expr_error(struct expr_ctx *ctx, const struct expr_node *node, int code,
                   const char *fmt, ...)
{
    char msg[256];
    va_list args;

    va_start(args, fmt);
    vsnprintf(msg, sizeof(msg), fmt, args);
    va_end(args);
    expr_fail(ctx->err, code, node->offset, node->length, "%s", msg);
    return NULL;
}

json_t *expr_made(struct expr_ctx *ctx, const struct expr_node *node, json_t *v)
{
    if (v == NULL)
        expr_error(ctx, node, EXPR_E_NOMEM, "out of memory");
    return v;
}

bool expr_absorbable(const struct expr_err *err)
{
    return err->code != EXPR_E_LIMIT && err->code != EXPR_E_NOMEM;
}

json_t *expr_eval_kid(struct expr_ctx *ctx, const struct expr_node *node, size_t i)
{
    return expr_eval_node(ctx, ctx->e->kids[node->first + i]);
}

int expr_eval_bool(struct expr_ctx *ctx, const struct expr_node *node, size_t i,
                   bool *truth)
{
    const struct expr_node *kid = expr_kid(ctx->e, node, i);
    json_t *v = expr_eval_kid(ctx, node, i);

    if (v == NULL)
        return -1;
    const bool ok = expr_truth(v, truth);
    if (!ok)
        expr_error(ctx, kid, EXPR_E_TYPE, "'%s' must be a bool, and is %s",
                   expr_snippet(ctx->e->text + kid->offset, kid->length).text,
                   expr_type_name(v));
    json_decref(v);
    return ok ? 0 : -1;
}

static json_t *eval_const(struct expr_ctx *ctx, const struct expr_node *node)
{
    (void)ctx;
    return json_incref(node->value);
}

/* The names that a scope may have; only those that it has are offered. */
static void hint_root(struct expr_ctx *ctx, const char *wanted)
{
    static const char *const names[] = {
        "inputs", "vars",     "env",   "tasks",  "item",    "index",   "attempt",
        "run",    "workflow", "event", "tenant", "project", "secrets",
    };
    struct expr_nearest nearest;

    expr_nearest_init(&nearest, wanted, strlen(wanted), ctx->err->hint,
                      sizeof(ctx->err->hint));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (ctx->scope->lookup != NULL &&
            ctx->scope->lookup(ctx->scope->arg, names[i]) != NULL)
            expr_nearest_offer(&nearest, names[i]);
}

static json_t *eval_root(struct expr_ctx *ctx, const struct expr_node *node)
{
    const char *name = json_string_value(node->value);
    json_t *v = NULL;

    if (ctx->scope->lookup != NULL)
        v = ctx->scope->lookup(ctx->scope->arg, name);
    if (v != NULL)
        return json_incref(v);
    expr_error(ctx, node, EXPR_E_NAME, "no such name '%.100s'", name);
    hint_root(ctx, name);
    return NULL;
}

static json_t *eval_var(struct expr_ctx *ctx, const struct expr_node *node)
{
    return json_incref(ctx->vars[node->slot]);
}

static json_t *eval_select(struct expr_ctx *ctx, const struct expr_node *node)
{
    json_t *base = expr_eval_kid(ctx, node, 0);

    if (base == NULL)
        return NULL;
    json_t *v = node->kind == EXPR_HAS ? expr_has(ctx, node, base, node->value)
                                       : expr_select(ctx, node, base, node->value);
    json_decref(base);
    return v;
}

/* Evaluates two children and hands them to the operator. */
static json_t *eval_pair(struct expr_ctx *ctx, const struct expr_node *node)
{
    json_t *a = expr_eval_kid(ctx, node, 0);

    if (a == NULL)
        return NULL;
    json_t *b = expr_eval_kid(ctx, node, 1);
    json_t *v = NULL;
    if (b != NULL)
        v = node->kind == EXPR_INDEX ? expr_index(ctx, node, a, b)
                                     : expr_binary(ctx, node, a, b);
    json_decref(a);
    json_decref(b);
    return v;
}

static json_t *eval_list(struct expr_ctx *ctx, const struct expr_node *node)
{
    if (!expr_produce(ctx, node, 8 * (size_t)node->n))
        return NULL;
    json_t *list = expr_made(ctx, node, json_array());
    for (size_t i = 0; list != NULL && i < node->n; i++) {
        json_t *item = expr_eval_kid(ctx, node, i);
        if (item == NULL || json_array_append_new(list, item) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* Adds entry i of a map literal. -1 with the error. */
static int add_entry(struct expr_ctx *ctx, const struct expr_node *node, size_t i,
                     json_t *map)
{
    const struct expr_node *kid = expr_kid(ctx->e, node, i);
    json_t *key = expr_eval_kid(ctx, node, i);
    int rc = -1;

    if (key == NULL)
        return -1;
    const size_t len = json_string_length(key);
    if (!json_is_string(key)) {
        expr_error(ctx, kid, EXPR_E_TYPE,
                   "a map's key must be a string, and '%s' is %s",
                   expr_snippet(ctx->e->text + kid->offset, kid->length).text,
                   expr_type_name(key));
    } else if (json_object_getn(map, json_string_value(key), len) != NULL) {
        expr_error(ctx, kid, EXPR_E_VALUE, "the key '%.100s' stands twice in a map",
                   json_string_value(key));
    } else if (expr_produce(ctx, node, 16 + len)) {
        json_t *v = expr_eval_kid(ctx, node, i + 1);
        if (v != NULL)
            rc = json_object_setn_new_nocheck(map, json_string_value(key), len, v);
    }
    json_decref(key);
    return rc;
}

static json_t *eval_map(struct expr_ctx *ctx, const struct expr_node *node)
{
    json_t *map = expr_made(ctx, node, json_object());

    for (size_t i = 0; map != NULL && i < node->n; i += 2) {
        if (add_entry(ctx, node, i, map) != 0) {
            json_decref(map);
            return NULL;
        }
    }
    return map;
}

static json_t *eval_not(struct expr_ctx *ctx, const struct expr_node *node)
{
    bool truth;

    if (expr_eval_bool(ctx, node, 0, &truth) != 0)
        return NULL;
    return json_boolean(!truth);
}

static json_t *eval_negate(struct expr_ctx *ctx, const struct expr_node *node)
{
    json_t *v = expr_eval_kid(ctx, node, 0);

    if (v == NULL)
        return NULL;
    json_t *negated = expr_negate(ctx, node, v);
    json_decref(v);
    return negated;
}

/* The value that decides alone is false for && and true for ||. */
static json_t *eval_logic(struct expr_ctx *ctx, const struct expr_node *node)
{
    const bool decides = node->kind == EXPR_OR;
    struct expr_err first;
    bool truth;

    const bool left_ok = expr_eval_bool(ctx, node, 0, &truth) == 0;
    if (left_ok && truth == decides)
        return json_boolean(truth);
    if (!left_ok && !expr_absorbable(ctx->err))
        return NULL;
    if (!left_ok)
        first = *ctx->err;
    if (expr_eval_bool(ctx, node, 1, &truth) != 0) {
        if (!left_ok && expr_absorbable(ctx->err))
            *ctx->err = first;
        return NULL;
    }
    if (left_ok || truth == decides)
        return json_boolean(truth);
    *ctx->err = first;
    return NULL;
}

static json_t *eval_cond(struct expr_ctx *ctx, const struct expr_node *node)
{
    bool truth;

    if (expr_eval_bool(ctx, node, 0, &truth) != 0)
        return NULL;
    return expr_eval_kid(ctx, node, truth ? 1 : 2);
}

static json_t *eval_or_value(struct expr_ctx *ctx, const struct expr_node *node)
{
    json_t *v = expr_eval_kid(ctx, node, 0);

    if (v == NULL && ctx->err->code != EXPR_E_ABSENT)
        return NULL;
    if (v != NULL && !json_is_null(v))
        return v;
    json_decref(v);
    return expr_eval_kid(ctx, node, 1);
}

static json_t *eval_call(struct expr_ctx *ctx, const struct expr_node *node)
{
    struct expr_call call = {.node = node};
    json_t *v = NULL;

    while (call.n < node->n) {
        json_t *arg = expr_eval_kid(ctx, node, call.n);
        if (arg == NULL)
            break;
        call.args[call.n++] = arg;
    }
    if (call.n == node->n)
        v = expr_function_at(node->row)->call(ctx, &call);
    for (size_t i = 0; i < call.n; i++)
        json_decref(call.args[i]);
    return v;
}

typedef json_t *eval_fn(struct expr_ctx *ctx, const struct expr_node *node);

static eval_fn *const eval_kind[EXPR_N_KINDS] = {
    [EXPR_CONST] = eval_const,       [EXPR_ROOT] = eval_root,
    [EXPR_VAR] = eval_var,           [EXPR_SELECT] = eval_select,
    [EXPR_HAS] = eval_select,        [EXPR_INDEX] = eval_pair,
    [EXPR_LIST] = eval_list,         [EXPR_MAP] = eval_map,
    [EXPR_NOT] = eval_not,           [EXPR_NEGATE] = eval_negate,
    [EXPR_BINARY] = eval_pair,       [EXPR_AND] = eval_logic,
    [EXPR_OR] = eval_logic,          [EXPR_COND] = eval_cond,
    [EXPR_CALL] = eval_call,         [EXPR_MACRO] = expr_eval_macro,
    [EXPR_OR_VALUE] = eval_or_value,
};

json_t *expr_eval_node(struct expr_ctx *ctx, uint32_t index)
{
    const struct expr_node *node = &ctx->e->nodes[index];

    if (!expr_spend(ctx, node, 1))
        return NULL;
    return eval_kind[node->kind](ctx, node);
}

json_t *expr_eval_budget(const struct expr *e, const struct expr_scope *scope,
                         struct expr_budget *budget, struct expr_err *err)
{
    struct expr_ctx ctx = {.e = e, .scope = scope, .budget = budget, .err = err};

    err->code = EXPR_OK;
    json_t *v = expr_eval_node(&ctx, e->root);
    if (v == NULL && err->code == EXPR_OK)
        expr_fail(err, EXPR_E_NOMEM, 0, 0, "out of memory");
    if (v != NULL)
        err->code = EXPR_OK;
    expr_regex_free(ctx.regex);
    json_decref(ctx.regex_pattern);
    return v;
}

json_t *expr_eval(const struct expr *e, const struct expr_scope *scope,
                  struct expr_err *err)
{
    struct expr_budget budget;

    expr_budget_init(&budget, scope);
    json_t *v = expr_eval_budget(e, scope, &budget, err);
    expr_budget_done(&budget);
    return v;
}
