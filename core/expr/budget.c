/*
 * What an evaluation may spend. The set of what was walked holds references: an address
 * must not come back for another value, or the same expression could succeed in one
 * process and fail in another.
 */
#include "expr/expr_priv.h"

#include <stdlib.h>

/* How much one unit of input raises the allowance: enough for a filter's body. */
#define STEP_CREDIT       16
#define STRING_STEP_BYTES 64
/* Less than the 8 that an element of a list costs, or lists that are made only to be
 * walked would pay for each other without end. */
#define BYTE_CREDIT 4

void expr_budget_init(struct expr_budget *budget, const struct expr_scope *scope)
{
    /* Far from the end of its type, so that credits and products cannot overflow. */
    const uint64_t most = UINT64_MAX >> 16;
    uint64_t steps = scope->max_steps > 0 ? scope->max_steps : EXPR_DEFAULT_STEPS;
    size_t bytes = scope->max_bytes > 0 ? scope->max_bytes : EXPR_DEFAULT_BYTES;

    if (steps > most)
        steps = most;
    if (bytes > SIZE_MAX >> 16)
        bytes = SIZE_MAX >> 16;
    *budget = (struct expr_budget){
        .allowance = steps,
        .max_bytes = bytes,
    };
}

void expr_budget_done(struct expr_budget *budget)
{
    for (size_t i = 0; i < budget->cap_seen; i++)
        json_decref(budget->seen[i]);
    free(budget->seen);
}

static size_t slot_of(json_t *const *seen, size_t cap, const json_t *v)
{
    size_t i = (size_t)((uintptr_t)v >> 4) * 0x9e3779b97f4a7c15u & (cap - 1);

    while (seen[i] != NULL && seen[i] != v)
        i = (i + 1) & (cap - 1);
    return i;
}

static bool grow(struct expr_budget *budget)
{
    const size_t cap = budget->cap_seen > 0 ? budget->cap_seen * 2 : 16;
    json_t **seen = calloc(cap, sizeof(json_t *));

    if (seen == NULL)
        return false;
    for (size_t i = 0; i < budget->cap_seen; i++)
        if (budget->seen[i] != NULL)
            seen[slot_of(seen, cap, budget->seen[i])] = budget->seen[i];
    free(budget->seen);
    budget->seen = seen;
    budget->cap_seen = cap;
    return true;
}

/* True the first time that this budget sees v. */
static bool first_sight(struct expr_budget *budget, json_t *v)
{
    if (budget->n_seen * 2 >= budget->cap_seen && !grow(budget))
        return false;
    const size_t slot = slot_of(budget->seen, budget->cap_seen, v);
    if (budget->seen[slot] != NULL)
        return false;
    budget->seen[slot] = json_incref(v);
    budget->n_seen++;
    return true;
}

bool expr_spend(struct expr_ctx *ctx, const struct expr_node *node, uint64_t steps)
{
    struct expr_budget *budget = ctx->budget;

    if (steps <= budget->allowance - budget->steps) {
        budget->steps += steps;
        return true;
    }
    expr_error(ctx, node, EXPR_E_LIMIT,
               "the expression needs more than the %llu steps it may take",
               (unsigned long long)budget->allowance);
    return false;
}

bool expr_produce(struct expr_ctx *ctx, const struct expr_node *node, size_t bytes)
{
    struct expr_budget *budget = ctx->budget;

    if (bytes <= budget->max_bytes - budget->bytes) {
        budget->bytes += bytes;
        return true;
    }
    expr_error(ctx, node, EXPR_E_LIMIT,
               "the expression produces more than the %zu bytes it may",
               budget->max_bytes);
    return false;
}

bool expr_walk(struct expr_ctx *ctx, const struct expr_node *node, json_t *v)
{
    uint64_t cost = 0;

    if (json_is_array(v))
        cost = json_array_size(v);
    else if (json_is_object(v))
        cost = json_object_size(v);
    else if (json_is_string(v))
        cost = json_string_length(v) / STRING_STEP_BYTES;
    /* Small walks are left out of the set: it would cost more than they do. */
    if (cost >= 4 && first_sight(ctx->budget, v)) {
        ctx->budget->allowance += cost * STEP_CREDIT;
        if (!json_is_string(v))
            ctx->budget->max_bytes += (size_t)cost * BYTE_CREDIT;
    }
    return expr_spend(ctx, node, cost);
}
