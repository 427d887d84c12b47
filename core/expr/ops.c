/* Operators on values, and what selects from them. Types are as CEL has them: an int
 * and a double compare with each other, but do not add. */
#include "expr/expr_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *expr_type_name(const json_t *v)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "map",  [JSON_ARRAY] = "list",     [JSON_STRING] = "string",
        [JSON_INTEGER] = "int", [JSON_REAL] = "double",    [JSON_TRUE] = "bool",
        [JSON_FALSE] = "bool",  [JSON_NULL] = "null_type",
    };

    return names[json_typeof(v)];
}

static struct expr_snippet source(const struct expr_ctx *ctx,
                                  const struct expr_node *node)
{
    return expr_snippet(ctx->e->text + node->offset, node->length);
}

static const char *const op_names[EXPR_N_OPS] = {
    "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "in",
};

static json_t *no_overload(struct expr_ctx *ctx, const struct expr_node *node,
                           const json_t *a, const json_t *b)
{
    expr_error(ctx, node, EXPR_E_TYPE, "'%s' is not defined for %s and %s, in '%s'",
               op_names[node->row], expr_type_name(a), expr_type_name(b),
               source(ctx, node).text);
    if (json_is_number(a) && json_is_number(b))
        memcpy(ctx->err->hint, "double()", sizeof("double()"));
    else if ((json_is_string(a) || json_is_string(b)) && node->row == EXPR_OP_ADD)
        memcpy(ctx->err->hint, "string()", sizeof("string()"));
    return NULL;
}

json_t *expr_real(struct expr_ctx *ctx, const struct expr_node *node, double d)
{
    if (!isfinite(d))
        return expr_error(ctx, node, EXPR_E_VALUE, "'%s' gives no finite number",
                          source(ctx, node).text);
    return expr_made(ctx, node, json_real(d));
}

/* Arithmetic. */

static json_t *int_arithmetic(struct expr_ctx *ctx, const struct expr_node *node,
                              long long a, long long b)
{
    long long result = 0;
    bool overflow = false;

    if ((node->row == EXPR_OP_DIV || node->row == EXPR_OP_MOD) && b == 0)
        return expr_error(ctx, node, EXPR_E_VALUE, "division by zero in '%s'",
                          source(ctx, node).text);
    switch (node->row) {
    case EXPR_OP_ADD:
        overflow = __builtin_add_overflow(a, b, &result);
        break;
    case EXPR_OP_SUB:
        overflow = __builtin_sub_overflow(a, b, &result);
        break;
    case EXPR_OP_MUL:
        overflow = __builtin_mul_overflow(a, b, &result);
        break;
    default:
        overflow = a == INT64_MIN && b == -1;
        if (!overflow)
            result = node->row == EXPR_OP_DIV ? a / b : a % b;
    }
    if (overflow)
        return expr_error(ctx, node, EXPR_E_VALUE, "'%s' overflows 64 bits",
                          source(ctx, node).text);
    return expr_made(ctx, node, json_integer(result));
}

static json_t *real_arithmetic(struct expr_ctx *ctx, const struct expr_node *node,
                               const json_t *a, const json_t *b)
{
    const double x = json_real_value(a);
    const double y = json_real_value(b);

    switch (node->row) {
    case EXPR_OP_ADD:
        return expr_real(ctx, node, x + y);
    case EXPR_OP_SUB:
        return expr_real(ctx, node, x - y);
    case EXPR_OP_MUL:
        return expr_real(ctx, node, x * y);
    case EXPR_OP_DIV:
        /* C leaves this undefined; IEEE's answer is not a JSON number anyway. */
        return expr_real(ctx, node, y == 0 ? (double)INFINITY : x / y);
    default:
        return no_overload(ctx, node, a, b);
    }
}

static json_t *concat_strings(struct expr_ctx *ctx, const struct expr_node *node,
                              json_t *a, json_t *b)
{
    const size_t len = json_string_length(a) + json_string_length(b);

    if (!expr_walk(ctx, node, a) || !expr_walk(ctx, node, b) ||
        !expr_produce(ctx, node, len))
        return NULL;
    char *joined = malloc(len + 1);
    if (joined == NULL)
        return expr_made(ctx, node, NULL);
    memcpy(joined, json_string_value(a), json_string_length(a));
    memcpy(joined + json_string_length(a), json_string_value(b), json_string_length(b));
    json_t *v = json_stringn_nocheck(joined, len);
    free(joined);
    return expr_made(ctx, node, v);
}

static json_t *concat_lists(struct expr_ctx *ctx, const struct expr_node *node,
                            json_t *a, json_t *b)
{
    if (!expr_walk(ctx, node, a) || !expr_walk(ctx, node, b) ||
        !expr_produce(ctx, node, 8 * (json_array_size(a) + json_array_size(b))))
        return NULL;
    json_t *list = expr_made(ctx, node, json_copy(a));
    if (list != NULL && json_array_extend(list, b) != 0) {
        json_decref(list);
        return expr_made(ctx, node, NULL);
    }
    return list;
}

static json_t *arithmetic(struct expr_ctx *ctx, const struct expr_node *node, json_t *a,
                          json_t *b)
{
    if (json_is_integer(a) && json_is_integer(b))
        return int_arithmetic(ctx, node, json_integer_value(a), json_integer_value(b));
    if (json_is_real(a) && json_is_real(b))
        return real_arithmetic(ctx, node, a, b);
    if (node->row == EXPR_OP_ADD && json_is_string(a) && json_is_string(b))
        return concat_strings(ctx, node, a, b);
    if (node->row == EXPR_OP_ADD && json_is_array(a) && json_is_array(b))
        return concat_lists(ctx, node, a, b);
    return no_overload(ctx, node, a, b);
}

json_t *expr_negate(struct expr_ctx *ctx, const struct expr_node *node, json_t *a)
{
    if (json_is_real(a))
        return expr_real(ctx, node, -json_real_value(a));
    if (!json_is_integer(a))
        return expr_error(ctx, node, EXPR_E_TYPE, "'-' is not defined for %s, in '%s'",
                          expr_type_name(a), source(ctx, node).text);
    if (json_integer_value(a) == INT64_MIN)
        return expr_error(ctx, node, EXPR_E_VALUE, "'%s' overflows 64 bits",
                          source(ctx, node).text);
    return expr_made(ctx, node, json_integer(-json_integer_value(a)));
}

/* Comparison. */

/* As CEL has it: the int is rounded to a double, except where it cannot reach. */
static int order_int_real(long long i, double d)
{
    const double x = (double)i;

    return x < d ? -1 : x > d;
}

static int order_numbers(const json_t *a, const json_t *b)
{
    if (json_is_integer(a) && json_is_integer(b)) {
        const long long x = json_integer_value(a);
        const long long y = json_integer_value(b);
        return x < y ? -1 : x > y;
    }
    if (json_is_integer(a))
        return order_int_real(json_integer_value(a), json_real_value(b));
    if (json_is_integer(b))
        return -order_int_real(json_integer_value(b), json_real_value(a));
    const double x = json_real_value(a);
    const double y = json_real_value(b);
    return x < y ? -1 : x > y;
}

/* By bytes, which in UTF-8 is by code points. */
static int order_strings(const json_t *a, const json_t *b)
{
    const size_t len_a = json_string_length(a);
    const size_t len_b = json_string_length(b);
    const int order = memcmp(json_string_value(a), json_string_value(b),
                             len_a < len_b ? len_a : len_b);

    if (order != 0)
        return order < 0 ? -1 : 1;
    return len_a < len_b ? -1 : len_a > len_b;
}

bool expr_order(const json_t *a, const json_t *b, int *order)
{
    if (json_is_number(a) && json_is_number(b)) {
        *order = order_numbers(a, b);
        return true;
    }
    if (json_is_string(a) && json_is_string(b)) {
        *order = order_strings(a, b);
        return true;
    }
    if (!json_is_boolean(a) || !json_is_boolean(b))
        return false;
    *order = (int)json_is_true(a) - (int)json_is_true(b);
    return true;
}

static int equal(struct expr_ctx *ctx, const struct expr_node *node, json_t *a,
                 json_t *b, int depth);

static int equal_lists(struct expr_ctx *ctx, const struct expr_node *node, json_t *a,
                       json_t *b, int depth)
{
    int same = json_array_size(a) == json_array_size(b);

    for (size_t i = 0; same == 1 && i < json_array_size(a); i++)
        same = equal(ctx, node, json_array_get(a, i), json_array_get(b, i), depth + 1);
    return same;
}

static int equal_maps(struct expr_ctx *ctx, const struct expr_node *node, json_t *a,
                      json_t *b, int depth)
{
    int same = json_object_size(a) == json_object_size(b);

    for (void *at = json_object_iter(a); same == 1 && at != NULL;
         at = json_object_iter_next(a, at)) {
        json_t *other =
            json_object_getn(b, json_object_iter_key(at), json_object_iter_key_len(at));
        same = other == NULL
                   ? 0
                   : equal(ctx, node, json_object_iter_value(at), other, depth + 1);
    }
    return same;
}

static int equal(struct expr_ctx *ctx, const struct expr_node *node, json_t *a,
                 json_t *b, int depth)
{
    int order;

    if (depth > EXPR_MAX_DEPTH) {
        expr_error(ctx, node, EXPR_E_LIMIT,
                   "a value in '%s' is nested more than %d deep",
                   source(ctx, node).text, EXPR_MAX_DEPTH);
        return -1;
    }
    const bool lists = json_is_array(a) && json_is_array(b);
    const bool maps = json_is_object(a) && json_is_object(b);
    if (!lists && !maps) {
        if (json_is_null(a) && json_is_null(b))
            return 1;
        if (json_string_length(a) != json_string_length(b))
            return 0;
        return expr_walk(ctx, node, a) ? expr_order(a, b, &order) && order == 0 : -1;
    }
    /* A long chain of lists of one element must not come for free. */
    if (!expr_spend(ctx, node, 1) || !expr_walk(ctx, node, a))
        return -1;
    return lists ? equal_lists(ctx, node, a, b, depth)
                 : equal_maps(ctx, node, a, b, depth);
}

int expr_equal(struct expr_ctx *ctx, const struct expr_node *node, json_t *a, json_t *b)
{
    return equal(ctx, node, a, b, 0);
}

static json_t *equality(struct expr_ctx *ctx, const struct expr_node *node, json_t *a,
                        json_t *b)
{
    const int same = expr_equal(ctx, node, a, b);

    if (same < 0)
        return NULL;
    return json_boolean((same == 1) == (node->row == EXPR_OP_EQ));
}

static json_t *ordering(struct expr_ctx *ctx, const struct expr_node *node, json_t *a,
                        json_t *b)
{
    int order;

    if (!expr_order(a, b, &order))
        return no_overload(ctx, node, a, b);
    if (!expr_walk(ctx, node, a))
        return NULL;
    switch (node->row) {
    case EXPR_OP_LT:
        return json_boolean(order < 0);
    case EXPR_OP_LE:
        return json_boolean(order <= 0);
    case EXPR_OP_GT:
        return json_boolean(order > 0);
    default:
        return json_boolean(order >= 0);
    }
}

static json_t *membership(struct expr_ctx *ctx, const struct expr_node *node, json_t *a,
                          json_t *b)
{
    const bool scalar = json_is_number(a) || json_is_boolean(a) || json_is_string(a);

    if (json_is_object(b) && scalar)
        return json_boolean(
            json_is_string(a) &&
            json_object_getn(b, json_string_value(a), json_string_length(a)) != NULL);
    if (!json_is_array(b))
        return no_overload(ctx, node, a, b);
    if (!expr_walk(ctx, node, b))
        return NULL;
    int same = 0;
    for (size_t i = 0; same == 0 && i < json_array_size(b); i++)
        same = expr_equal(ctx, node, a, json_array_get(b, i));
    return same < 0 ? NULL : json_boolean(same);
}

typedef json_t *op_fn(struct expr_ctx *ctx, const struct expr_node *node, json_t *a,
                      json_t *b);

static op_fn *const ops[EXPR_N_OPS] = {
    [EXPR_OP_ADD] = arithmetic, [EXPR_OP_SUB] = arithmetic, [EXPR_OP_MUL] = arithmetic,
    [EXPR_OP_DIV] = arithmetic, [EXPR_OP_MOD] = arithmetic, [EXPR_OP_EQ] = equality,
    [EXPR_OP_NE] = equality,    [EXPR_OP_LT] = ordering,    [EXPR_OP_LE] = ordering,
    [EXPR_OP_GT] = ordering,    [EXPR_OP_GE] = ordering,    [EXPR_OP_IN] = membership,
};

json_t *expr_binary(struct expr_ctx *ctx, const struct expr_node *node, json_t *a,
                    json_t *b)
{
    return ops[node->row](ctx, node, a, b);
}
