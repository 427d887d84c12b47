/* Functions on lists and maps, with the names of CEL's lists extension where it has
 * them. What they return shares its elements with the argument. */
#include "expr/expr_priv.h"

#include <stdlib.h>
#include <string.h>

/* True when the receiver is a list and walking it, and n elements made, are paid for.
 */
static bool take_list(struct expr_ctx *ctx, const struct expr_call *call, size_t n)
{
    if (!json_is_array(call->args[0])) {
        expr_no_overload(ctx, call);
        return false;
    }
    return expr_walk(ctx, call->node, call->args[0]) &&
           expr_produce(ctx, call->node, 8 * n);
}

static json_t *reverse_string(struct expr_ctx *ctx, const struct expr_call *call)
{
    const char *s = json_string_value(call->args[0]);
    const size_t len = json_string_length(call->args[0]);
    uint32_t point;

    if (!expr_walk(ctx, call->node, call->args[0]) ||
        !expr_produce(ctx, call->node, len))
        return NULL;
    char *out = malloc(len + 1);
    for (size_t at = 0; out != NULL && at < len;) {
        const size_t n = expr_utf8_next(s + at, len - at, &point);
        memcpy(out + len - at - n, s + at, n);
        at += n;
    }
    json_t *v = out != NULL ? json_stringn_nocheck(out, len) : NULL;
    free(out);
    return expr_made(ctx, call->node, v);
}

EXPR_FUNCTION(reverse)
{
    json_t *list = call->args[0];

    if (json_is_string(list))
        return reverse_string(ctx, call);
    if (!take_list(ctx, call, json_array_size(list)))
        return NULL;
    json_t *out = json_array();
    for (size_t i = json_array_size(list); out != NULL && i > 0; i--)
        json_array_append(out, json_array_get(list, i - 1));
    return expr_made(ctx, call->node, out);
}

EXPR_FUNCTION(keys)
{
    json_t *map = call->args[0];

    if (!json_is_object(map))
        return expr_no_overload(ctx, call);
    if (!expr_walk(ctx, call->node, map))
        return NULL;
    json_t *out = json_array();
    for (void *at = json_object_iter(map); out != NULL && at != NULL;
         at = json_object_iter_next(map, at)) {
        const size_t len = json_object_iter_key_len(at);
        if (!expr_produce(ctx, call->node, 8 + len)) {
            json_decref(out);
            return NULL;
        }
        json_array_append_new(out, json_stringn_nocheck(json_object_iter_key(at), len));
    }
    return expr_made(ctx, call->node, out);
}

EXPR_FUNCTION(values)
{
    json_t *map = call->args[0];

    if (!json_is_object(map))
        return expr_no_overload(ctx, call);
    if (!expr_walk(ctx, call->node, map) ||
        !expr_produce(ctx, call->node, 8 * json_object_size(map)))
        return NULL;
    json_t *out = json_array();
    for (void *at = json_object_iter(map); out != NULL && at != NULL;
         at = json_object_iter_next(map, at))
        json_array_append(out, json_object_iter_value(at));
    return expr_made(ctx, call->node, out);
}

/* How many steps lead from `from` to before `to`. */
static uint64_t count_range(json_int_t from, json_int_t to, json_int_t step)
{
    const uint64_t gap =
        step > 0 ? (uint64_t)to - (uint64_t)from : (uint64_t)from - (uint64_t)to;
    const uint64_t width = step > 0 ? (uint64_t)step : UINT64_C(0) - (uint64_t)step;

    if (step > 0 ? from >= to : from <= to)
        return 0;
    return (gap - 1) / width + 1;
}

/* range(count), range(from, to) and range(from, to, step); `to` is not in it. */
EXPR_FUNCTION(range)
{
    const bool ends = call->n > 1;
    const json_int_t from = ends ? json_integer_value(call->args[0]) : 0;
    const json_int_t to = json_integer_value(call->args[ends ? 1 : 0]);
    const json_int_t step = call->n > 2 ? json_integer_value(call->args[2]) : 1;

    for (size_t i = 0; i < call->n; i++)
        if (!json_is_integer(call->args[i]))
            return expr_no_overload(ctx, call);
    if (!ends && to < 0)
        return expr_error(ctx, call->node, EXPR_E_VALUE,
                          "range() wants no negative count");
    if (step == 0)
        return expr_error(ctx, call->node, EXPR_E_VALUE, "range() wants no step of 0");
    const uint64_t n = count_range(from, to, step);
    /* What it may produce bounds the work too. */
    if (n > INT32_MAX || !expr_produce(ctx, call->node, 8 * (size_t)n))
        return expr_produce(ctx, call->node, SIZE_MAX), NULL;
    json_t *out = json_array();
    for (uint64_t i = 0; out != NULL && i < n; i++)
        json_array_append_new(out, json_integer(from + (json_int_t)i * step));
    return expr_made(ctx, call->node, out);
}

static json_t *no_order(struct expr_ctx *ctx, const struct expr_node *node,
                        const json_t *a, const json_t *b)
{
    return expr_error(ctx, node, EXPR_E_TYPE, "%s and %s have no order, in '%s'",
                      expr_type_name(a), expr_type_name(b),
                      expr_snippet(ctx->e->text + node->offset, node->length).text);
}

/* The first of those that sort furthest in direction, -1 or 1. */
static json_t *furthest(struct expr_ctx *ctx, const struct expr_call *call,
                        int direction)
{
    const bool list = call->n == 1 && json_is_array(call->args[0]);
    const size_t n = list ? json_array_size(call->args[0]) : call->n;
    json_t *best = NULL;
    int order;

    if (list && !expr_walk(ctx, call->node, call->args[0]))
        return NULL;
    if (n == 0)
        return expr_error(ctx, call->node, EXPR_E_VALUE, "%s() of an empty list",
                          expr_function_at(call->node->row)->name);
    for (size_t i = 0; i < n; i++) {
        json_t *v = list ? json_array_get(call->args[0], i) : call->args[i];
        if (best == NULL)
            best = v;
        if (!expr_order(v, best, &order))
            return no_order(ctx, call->node, best, v);
        if (order * direction > 0)
            best = v;
    }
    return json_incref(best);
}

EXPR_FUNCTION(min)
{
    return furthest(ctx, call, -1);
}

EXPR_FUNCTION(max)
{
    return furthest(ctx, call, 1);
}

/* Exact while all are ints; one double makes the sum a double. */
EXPR_FUNCTION(sum)
{
    const json_t *list = call->args[0];
    long long whole = 0;
    double real = 0;
    bool exact = true, overflow = false;
    size_t i;
    json_t *v;

    if (!take_list(ctx, call, 0))
        return NULL;
    json_array_foreach(list, i, v)
    {
        if (!json_is_number(v))
            return expr_error(ctx, call->node, EXPR_E_TYPE,
                              "sum() wants numbers, and element %zu is %s", i,
                              expr_type_name(v));
        real += json_number_value(v);
        if (json_is_real(v))
            exact = false;
        else
            overflow |= __builtin_add_overflow(whole, json_integer_value(v), &whole);
    }
    if (!exact)
        return expr_real(ctx, call->node, real);
    if (overflow)
        return expr_error(ctx, call->node, EXPR_E_VALUE, "sum() overflows 64 bits");
    return expr_made(ctx, call->node, json_integer(whole));
}

/* Merges keys[from..middle) and [middle..to), and values with them. */
struct merge {
    json_t **keys, **values;
    json_t **spare; /* room for both */
    size_t from, middle, to;
};

static int merge(struct expr_ctx *ctx, const struct expr_node *node,
                 const struct merge *m)
{
    const size_t n = m->to - m->from;
    size_t i = m->from, j = m->middle;
    int order;

    /* A comparison costs less than a node: see expr_eval. */
    if (!expr_spend(ctx, node, n / 4 + 1))
        return -1;
    for (size_t k = 0; k < n; k++) {
        bool right = i == m->middle;
        if (i < m->middle && j < m->to) {
            if (!expr_order(m->keys[i], m->keys[j], &order)) {
                no_order(ctx, node, m->keys[i], m->keys[j]);
                return -1;
            }
            right = order > 0;
        }
        const size_t taken = right ? j++ : i++;
        m->spare[2 * k] = m->keys[taken];
        m->spare[2 * k + 1] = m->values[taken];
    }
    for (size_t k = 0; k < n; k++) {
        m->keys[m->from + k] = m->spare[2 * k];
        m->values[m->from + k] = m->spare[2 * k + 1];
    }
    return 0;
}

int expr_sort(struct expr_ctx *ctx, const struct expr_node *node, json_t **keys,
              json_t **values, size_t n)
{
    struct merge m = {.keys = keys, .values = values};
    int order;
    int rc = 0;

    m.spare = calloc(2 * n + 1, sizeof(json_t *));
    if (m.spare == NULL) {
        expr_made(ctx, node, NULL);
        return -1;
    }
    if (n == 1 && !expr_order(keys[0], keys[0], &order)) {
        no_order(ctx, node, keys[0], keys[0]);
        rc = -1;
    }
    for (size_t width = 1; rc == 0 && width < n; width *= 2) {
        for (m.from = 0; rc == 0 && m.from + width < n; m.from += 2 * width) {
            m.middle = m.from + width;
            m.to = m.middle + width < n ? m.middle + width : n;
            rc = merge(ctx, node, &m);
        }
    }
    free(m.spare);
    return rc;
}

EXPR_FUNCTION(sort)
{
    json_t *list = call->args[0];
    const size_t n = json_array_size(list);
    json_t *out = NULL;

    if (!take_list(ctx, call, n))
        return NULL;
    json_t **items = calloc(n + 1, sizeof(json_t *));
    if (items == NULL)
        return expr_made(ctx, call->node, NULL);
    for (size_t i = 0; i < n; i++)
        items[i] = json_array_get(list, i);
    if (expr_sort(ctx, call->node, items, items, n) == 0) {
        out = json_array();
        for (size_t i = 0; out != NULL && i < n; i++)
            json_array_append(out, items[i]);
        out = expr_made(ctx, call->node, out);
    }
    free(items);
    return out;
}

/* Whether v is new among what was kept: strings by a table, the rest one by one.
 * -1 with the error. */
static int is_new(struct expr_ctx *ctx, const struct expr_node *node, json_t *v,
                  json_t *strings, json_t *others)
{
    if (json_is_string(v)) {
        const char *s = json_string_value(v);
        const size_t len = json_string_length(v);
        if (json_object_getn(strings, s, len) != NULL)
            return 0;
        return json_object_setn_nocheck(strings, s, len, v) == 0 ? 1 : -1;
    }
    for (size_t i = 0; i < json_array_size(others); i++) {
        const int same = expr_spend(ctx, node, 1)
                             ? expr_equal(ctx, node, v, json_array_get(others, i))
                             : -1;
        if (same != 0)
            return same < 0 ? -1 : 0;
    }
    return json_array_append(others, v) == 0 ? 1 : -1;
}

EXPR_FUNCTION(distinct)
{
    json_t *list = call->args[0];

    if (!take_list(ctx, call, json_array_size(list)))
        return NULL;
    json_t *strings = json_object();
    json_t *others = json_array();
    json_t *out = json_array();
    int added = strings != NULL && others != NULL && out != NULL ? 0 : -1;
    for (size_t i = 0; added >= 0 && i < json_array_size(list); i++) {
        json_t *v = json_array_get(list, i);
        added = is_new(ctx, call->node, v, strings, others);
        if (added == 1)
            json_array_append(out, v);
    }
    json_decref(strings);
    json_decref(others);
    if (added >= 0)
        return out;
    json_decref(out);
    return NULL;
}

/* Recursion ends at EXPR_MAX_DEPTH. */
static bool flatten(struct expr_ctx *ctx, const struct expr_node *node, json_t *list,
                    json_int_t depth, json_t *out)
{
    size_t i;
    json_t *v;

    if (!expr_walk(ctx, node, list))
        return false;
    json_array_foreach(list, i, v)
    {
        if (json_is_array(v) && depth > 0) {
            if (!expr_spend(ctx, node, 1) || !flatten(ctx, node, v, depth - 1, out))
                return false;
        } else if (!expr_produce(ctx, node, 8) || json_array_append(out, v) != 0) {
            return false;
        }
    }
    return true;
}

EXPR_FUNCTION(flatten)
{
    const json_int_t depth = call->n == 2 ? json_integer_value(call->args[1]) : 1;

    if (!json_is_array(call->args[0]) ||
        (call->n == 2 && !json_is_integer(call->args[1])))
        return expr_no_overload(ctx, call);
    if (depth < 0 || depth > EXPR_MAX_DEPTH)
        return expr_error(ctx, call->node, EXPR_E_VALUE,
                          "flatten() goes 0 to %d deep, not %lld", EXPR_MAX_DEPTH,
                          (long long)depth);
    json_t *out = expr_made(ctx, call->node, json_array());
    if (out != NULL && !flatten(ctx, call->node, call->args[0], depth, out)) {
        json_decref(out);
        return NULL;
    }
    return out;
}

EXPR_FUNCTION(slice)
{
    json_t *list = call->args[0];
    const json_int_t start = json_integer_value(call->args[1]);
    const json_int_t end = json_integer_value(call->args[2]);

    if (!json_is_array(list) || !json_is_integer(call->args[1]) ||
        !json_is_integer(call->args[2]))
        return expr_no_overload(ctx, call);
    if (start < 0 || end < start || end > (json_int_t)json_array_size(list))
        return expr_error(ctx, call->node, EXPR_E_ABSENT,
                          "no slice from %lld to %lld in a list of %zu",
                          (long long)start, (long long)end, json_array_size(list));
    if (!expr_produce(ctx, call->node, 8 * (size_t)(end - start)) ||
        !expr_spend(ctx, call->node, (uint64_t)(end - start)))
        return NULL;
    json_t *out = json_array();
    for (json_int_t i = start; out != NULL && i < end; i++)
        json_array_append(out, json_array_get(list, (size_t)i));
    return expr_made(ctx, call->node, out);
}
