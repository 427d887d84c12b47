/*
 * What can be said of an expression before it is evaluated, whatever the values of its
 * names turn out to be: calls that always fail, and results that are never a bool. No
 * more than is certain: what is not found here, the evaluation finds.
 */
#include "expr/expr_priv.h"

static const json_t *constant_of(const struct expr *e, const struct expr_node *call,
                                 size_t i)
{
    const struct expr_node *arg = expr_kid(e, call, i);

    return arg->kind == EXPR_CONST && json_is_integer(arg->value) ? arg->value : NULL;
}

/* What is wrong with the constants that range() is given, or NULL. */
static const char *range_fault(const struct expr *e, const struct expr_node *call)
{
    const json_t *count = call->n == 1 ? constant_of(e, call, 0) : NULL;
    const json_t *step = call->n == 3 ? constant_of(e, call, 2) : NULL;

    if (count != NULL && json_integer_value(count) < 0)
        return "range() wants no negative count";
    if (step != NULL && json_integer_value(step) == 0)
        return "range() wants no step of 0";
    return NULL;
}

bool expr_always_fails(const struct expr *e, struct expr_err *err)
{
    for (size_t i = 0; i < e->n_nodes; i++) {
        const struct expr_node *node = &e->nodes[i];
        const char *fault = NULL;
        if (node->kind == EXPR_CALL &&
            expr_function_at(node->row)->call == expr_fn_range)
            fault = range_fault(e, node);
        if (fault == NULL)
            continue;
        expr_fail(err, EXPR_E_VALUE, node->offset, node->length, "%s", fault);
        return true;
    }
    return false;
}

/* Functions that give something else, whatever they are given. */
static bool gives_no_bool(const struct expr_function *function)
{
    json_t *(*const others[])(struct expr_ctx *, const struct expr_call *) = {
        expr_fn_int,      expr_fn_double,        expr_fn_string,  expr_fn_type,
        expr_fn_now,      expr_fn_to_json,       expr_fn_size,    expr_fn_char_at,
        expr_fn_index_of, expr_fn_substring,     expr_fn_lower,   expr_fn_upper,
        expr_fn_trim,     expr_fn_replace,       expr_fn_split,   expr_fn_join,
        expr_fn_keys,     expr_fn_values,        expr_fn_range,   expr_fn_sum,
        expr_fn_sort,     expr_fn_distinct,      expr_fn_flatten, expr_fn_slice,
        expr_fn_reverse,  expr_fn_last_index_of,
    };

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (others[i] == function->call)
            return true;
    return false;
}

/* The depth of the tree bounds this. */
static bool is_never_bool(const struct expr *e, const struct expr_node *node)
{
    switch (node->kind) {
    case EXPR_CONST:
        return !json_is_boolean(node->value);
    case EXPR_LIST:
    case EXPR_MAP:
    case EXPR_NEGATE:
        return true;
    case EXPR_BINARY:
        return node->row <= EXPR_OP_MOD; /* those of arithmetic come first */
    case EXPR_CALL:
        return gives_no_bool(expr_function_at(node->row));
    case EXPR_COND:
        return is_never_bool(e, expr_kid(e, node, 1)) &&
               is_never_bool(e, expr_kid(e, node, 2));
    default:
        return false;
    }
}

bool expr_never_bool(const struct expr *e)
{
    return is_never_bool(e, &e->nodes[e->root]);
}
