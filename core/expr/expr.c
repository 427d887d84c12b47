/*
 * Compiled expressions: the syntax tree's memory, and what can be asked of an
 * expression without evaluating it.
 */
#include "expr/expr_priv.h"

#include <stdlib.h>
#include <string.h>

/* Makes room for n more; false when out of memory. */
static bool reserve(void **items, size_t used, size_t n, size_t *cap, size_t size)
{
    if (used + n <= *cap)
        return true;
    const size_t grown = (used + n) * 2;
    void *moved = realloc(*items, grown * size);
    if (moved == NULL)
        return false;
    *items = moved;
    *cap = grown;
    return true;
}

static uint16_t depth_of(const struct expr *e, const uint32_t *kids, uint32_t n)
{
    uint16_t depth = 0;

    for (uint32_t i = 0; i < n; i++)
        if (e->nodes[kids[i]].depth > depth)
            depth = e->nodes[kids[i]].depth;
    return (uint16_t)(depth + 1);
}

uint32_t expr_add_node(struct expr *e, struct expr_node node, const uint32_t *kids,
                       struct expr_err *err)
{
    void *nodes = e->nodes;
    void *all_kids = e->kids;
    const bool ok = reserve(&nodes, e->n_nodes, 1, &e->cap_nodes, sizeof(*e->nodes)) &&
                    reserve(&all_kids, e->n_kids, node.n, &e->cap_kids, sizeof(*kids));

    e->nodes = nodes;
    e->kids = all_kids;
    node.depth = ok ? depth_of(e, kids, node.n) : 0;
    if (!ok || node.depth > EXPR_MAX_DEPTH) {
        json_decref(node.value);
        if (ok)
            expr_fail(err, EXPR_E_LIMIT, node.offset, node.length,
                      "the expression is a chain of more than %d operations",
                      EXPR_MAX_DEPTH);
        else
            expr_fail(err, EXPR_E_NOMEM, 0, 0, "out of memory");
        return EXPR_NO_NODE;
    }
    node.first = (uint32_t)e->n_kids;
    for (uint32_t i = 0; i < node.n; i++)
        e->kids[e->n_kids++] = kids[i];
    e->nodes[e->n_nodes] = node;
    return (uint32_t)e->n_nodes++;
}

const struct expr_node *expr_kid(const struct expr *e, const struct expr_node *node,
                                 size_t i)
{
    return &e->nodes[e->kids[node->first + i]];
}

static int check_text(const char *text, size_t len, struct expr_err *err)
{
    if (len > EXPR_MAX_TEXT)
        return expr_fail(err, EXPR_E_LIMIT, EXPR_MAX_TEXT, len - EXPR_MAX_TEXT,
                         "an expression has at most %d bytes, this one has %zu",
                         EXPR_MAX_TEXT, len);
    const size_t bad = expr_text_check(text, len);
    if (bad < len)
        return expr_fail(err, EXPR_E_SYNTAX, bad, 1, "the text is not UTF-8");
    return 0;
}

struct expr *expr_compile(const char *text, size_t len, struct expr_err *err)
{
    err->code = EXPR_OK;
    if (check_text(text, len, err) != 0)
        return NULL;
    struct expr *e = calloc(1, sizeof(*e));
    if (e != NULL)
        e->text = malloc(len + 1);
    if (e == NULL || e->text == NULL) {
        expr_fail(err, EXPR_E_NOMEM, 0, 0, "out of memory");
        expr_free(e);
        return NULL;
    }
    memcpy(e->text, text, len);
    e->text[len] = '\0';
    e->len = len;
    if (expr_parse(e, err) != 0) {
        expr_free(e);
        return NULL;
    }
    return e;
}

void expr_free(struct expr *e)
{
    if (e == NULL)
        return;
    for (size_t i = 0; i < e->n_nodes; i++)
        json_decref(e->nodes[i].value);
    free(e->nodes);
    free(e->kids);
    free(e->text);
    free(e);
}

bool expr_uses_now(const struct expr *e)
{
    return e->uses_now;
}

/* The name that a step of a path adds, or NULL when it is not known yet. */
static const char *step_name(const struct expr *e, const struct expr_node *node)
{
    if (node->kind == EXPR_SELECT)
        return json_string_value(node->value);
    if (node->kind != EXPR_INDEX)
        return NULL;
    const struct expr_node *key = expr_kid(e, node, 1);
    return key->kind == EXPR_CONST ? json_string_value(key->value) : NULL;
}

/* Fills path when node is a name of the scope with known steps; else returns 0. */
static size_t read_path(const struct expr *e, const struct expr_node *node,
                        const char *path[EXPR_MAX_DEPTH])
{
    const struct expr_node *at = node;
    size_t n = node->depth;

    /* The chain's depth is its length: the keys of an index have depth one. */
    for (size_t i = n; i > 1; i--) {
        path[i - 1] = step_name(e, at);
        if (path[i - 1] == NULL)
            return 0;
        at = expr_kid(e, at, 0);
        if (at->depth != i - 1)
            return 0;
    }
    if (at->kind != EXPR_ROOT)
        return 0;
    path[0] = json_string_value(at->value);
    return n;
}

static void visit(const struct expr *e, const struct expr_node *node, expr_ref_fn *fn,
                  void *arg)
{
    const char *path[EXPR_MAX_DEPTH];
    const size_t n = read_path(e, node, path);

    if (n > 0)
        fn(arg, path, n, node->offset, node->length);
}

/* Recursion ends at EXPR_MAX_DEPTH. A path is reported at its longest and not again. */
static void walk(const struct expr *e, const struct expr_node *node, expr_ref_fn *fn,
                 void *arg)
{
    const bool step = node->kind == EXPR_SELECT || node->kind == EXPR_INDEX;
    const struct expr_node *base = node;

    while (step && step_name(e, base) != NULL)
        base = expr_kid(e, base, 0);
    if (base->kind == EXPR_ROOT) {
        visit(e, node, fn, arg);
        return;
    }
    for (size_t i = 0; i < base->n; i++)
        walk(e, expr_kid(e, base, i), fn, arg);
}

void expr_refs(const struct expr *e, expr_ref_fn *fn, void *arg)
{
    walk(e, &e->nodes[e->root], fn, arg);
}
