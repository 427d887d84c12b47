/*
 * Selecting: a.b, a["b"], a[0] and has(a.b). A null gives null, so that the outputs of
 * a skipped task can be read without asking first; CEL would fail.
 */
#include "expr/expr_priv.h"

#include <string.h>

static struct expr_snippet source(const struct expr_ctx *ctx,
                                  const struct expr_node *node)
{
    return expr_snippet(ctx->e->text + node->offset, node->length);
}

static json_t *no_key(struct expr_ctx *ctx, const struct expr_node *node, json_t *map,
                      const char *key)
{
    const struct expr_node *base = expr_kid(ctx->e, node, 0);
    struct expr_nearest nearest;
    size_t tried = 0;

    expr_error(ctx, node, EXPR_E_ABSENT, "no such key '%.100s' in %s", key,
               source(ctx, base).text);
    expr_nearest_init(&nearest, key, strlen(key), ctx->err->hint,
                      sizeof(ctx->err->hint));
    /* A hint is not worth a walk through a large map. */
    for (void *at = json_object_iter(map); at != NULL && tried < 100; tried++) {
        expr_nearest_offer(&nearest, json_object_iter_key(at));
        at = json_object_iter_next(map, at);
    }
    return NULL;
}

static json_t *get_key(struct expr_ctx *ctx, const struct expr_node *node, json_t *map,
                       json_t *key)
{
    json_t *v = json_object_getn(map, json_string_value(key), json_string_length(key));

    if (v == NULL)
        return no_key(ctx, node, map, json_string_value(key));
    return json_incref(v);
}

json_t *expr_select(struct expr_ctx *ctx, const struct expr_node *node, json_t *a,
                    json_t *key)
{
    if (json_is_null(a))
        return json_null();
    if (json_is_object(a))
        return get_key(ctx, node, a, key);
    return expr_error(ctx, node, EXPR_E_TYPE, "%s is %s and has no field '%.100s'",
                      source(ctx, expr_kid(ctx->e, node, 0)).text, expr_type_name(a),
                      json_string_value(key));
}

json_t *expr_has(struct expr_ctx *ctx, const struct expr_node *node, const json_t *a,
                 const json_t *key)
{
    if (json_is_null(a))
        return json_false();
    if (json_is_object(a))
        return json_boolean(json_object_getn(a, json_string_value(key),
                                             json_string_length(key)) != NULL);
    return expr_error(ctx, node, EXPR_E_TYPE, "%s is %s and has no fields",
                      source(ctx, expr_kid(ctx->e, node, 0)).text, expr_type_name(a));
}

/* A position is an int, or a double without a fraction, as CEL has it. */
static bool read_position(const json_t *key, double *position)
{
    *position = json_number_value(key);
    return json_is_number(key) && *position > -0x1p53 && *position < 0x1p53 &&
           (double)(long long)*position == *position;
}

static json_t *get_position(struct expr_ctx *ctx, const struct expr_node *node,
                            json_t *list, double position)
{
    const size_t size = json_array_size(list);

    if (position < 0 || position >= (double)size)
        return expr_error(ctx, node, EXPR_E_ABSENT,
                          "no position %.0f in %s, a list of %zu", position,
                          source(ctx, expr_kid(ctx->e, node, 0)).text, size);
    return json_incref(json_array_get(list, (size_t)position));
}

json_t *expr_index(struct expr_ctx *ctx, const struct expr_node *node, json_t *a,
                   json_t *key)
{
    double position;

    if (json_is_null(a))
        return json_null();
    if (json_is_object(a) && json_is_string(key))
        return get_key(ctx, node, a, key);
    if (json_is_array(a) && read_position(key, &position))
        return get_position(ctx, node, a, position);
    return expr_error(ctx, node, EXPR_E_TYPE, "%s is %s and has no index %s",
                      source(ctx, expr_kid(ctx->e, node, 0)).text, expr_type_name(a),
                      json_is_real(key) ? "with a fraction" : expr_type_name(key));
}
