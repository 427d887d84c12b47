/*
 * Calls: functions, methods and the macros, whose variable is a name only inside their
 * own bodies.
 */
#include "expr/parse.h"

#include <stdio.h>
#include <string.h>

static uint32_t fail_function(struct parser *p, const struct expr_token *name)
{
    const char *text = p->e->text + name->offset;
    const struct expr_snippet shown = expr_snippet(text, name->length);

    if (expr_left_out(text, name->length)) {
        expr_fail(p->err, EXPR_E_NAME, name->offset, name->length,
                  "CEL's function '%s' is not supported here", shown.text);
    } else {
        expr_fail(p->err, EXPR_E_NAME, name->offset, name->length,
                  "no such function '%s'", shown.text);
        expr_hint_function(text, name->length, p->err);
    }
    return EXPR_NO_NODE;
}

static uint32_t fail_count(struct parser *p, const struct expr_token *name,
                           const char *shown, unsigned min, unsigned max, size_t n)
{
    char range[32];

    if (min == max)
        snprintf(range, sizeof(range), "%u", min);
    else
        snprintf(range, sizeof(range), "%u to %u", min, max);
    expr_fail(p->err, EXPR_E_SYNTAX, name->offset, p->last_end - name->offset,
              "%s() wants %s argument%s, not %zu", shown, range, max == 1 ? "" : "s",
              n);
    return EXPR_NO_NODE;
}

/* Reads the arguments of a function whose receiver, if any, is pending from base on. */
static uint32_t parse_function(struct parser *p, const struct expr_token *name, int row,
                               size_t offset, size_t base)
{
    const unsigned receiver = (unsigned)(p->n_pending - base);
    const struct expr_function *function = expr_function_at(row);

    if (parse_expect(p, TOKEN_LEFT_PAREN, "'('") != 0 ||
        parse_items(p, TOKEN_RIGHT_PAREN, false, false) != 0)
        return EXPR_NO_NODE;
    const size_t n = p->n_pending - base;
    if (n < function->min || n > function->max)
        return fail_count(p, name, function->name, function->min - receiver,
                          function->max - receiver, n - receiver);
    if (parse_token_is(p, name, "now"))
        p->e->uses_now = true;
    return parse_add_pending(
        p, (struct expr_node){.kind = EXPR_CALL, .row = (uint8_t)row}, offset, base);
}

/* has(a.b) asks whether b is there, so that selection becomes the question. */
static uint32_t parse_has(struct parser *p, const struct expr_token *name)
{
    if (parse_expect(p, TOKEN_LEFT_PAREN, "'('") != 0)
        return EXPR_NO_NODE;
    const uint32_t index = parse_expr(p);
    if (index == EXPR_NO_NODE || parse_expect(p, TOKEN_RIGHT_PAREN, "')'") != 0)
        return EXPR_NO_NODE;
    struct expr_node *node = &p->e->nodes[index];
    if (node->kind != EXPR_SELECT) {
        expr_fail(p->err, EXPR_E_SYNTAX, node->offset, node->length,
                  "has() wants a field, as in has(a.b), not '%s'",
                  expr_snippet(p->e->text + node->offset, node->length).text);
        return EXPR_NO_NODE;
    }
    node->kind = EXPR_HAS;
    node->offset = (uint32_t)name->offset;
    node->length = (uint32_t)(p->last_end - name->offset);
    return index;
}

static uint32_t parse_or_value(struct parser *p, const struct expr_token *name)
{
    const size_t base = p->n_pending;

    if (parse_expect(p, TOKEN_LEFT_PAREN, "'('") != 0 ||
        parse_items(p, TOKEN_RIGHT_PAREN, false, false) != 0)
        return EXPR_NO_NODE;
    if (p->n_pending - base != 2)
        return fail_count(p, name, "or_value", 2, 2, p->n_pending - base);
    return parse_add_pending(p, (struct expr_node){.kind = EXPR_OR_VALUE}, name->offset,
                             base);
}

uint32_t parse_global_call(struct parser *p, struct expr_token name)
{
    if (parse_token_is(p, &name, "has"))
        return parse_has(p, &name);
    if (parse_token_is(p, &name, "or_value"))
        return parse_or_value(p, &name);
    const int row =
        expr_find_function(p->e->text + name.offset, name.length, EXPR_GLOBAL);
    if (row < 0)
        return fail_function(p, &name);
    return parse_function(p, &name, row, name.offset, p->n_pending);
}

/* Reads a macro's variable and the comma after it, and brings it into scope. */
static int parse_variable(struct parser *p, const char *macro)
{
    const struct expr_token name = p->token;
    char wanted[64];

    snprintf(wanted, sizeof(wanted), "the name of %s()'s variable", macro);
    if (name.type != TOKEN_NAME || parse_reserved(p, &name)) {
        parse_fail(p, &name, wanted);
        return -1;
    }
    if (parse_advance(p) != 0)
        return -1;
    if (p->token.type != TOKEN_COMMA) {
        parse_fail(p, &p->token, "',' after the variable's name");
        return -1;
    }
    p->vars[p->n_vars++] = (struct parse_variable){name.offset, name.length};
    return parse_advance(p);
}

static uint32_t parse_macro(struct parser *p, struct expr_token name, int row,
                            uint32_t receiver)
{
    const struct expr_macro *macro = expr_macro_at(row);
    const size_t offset = p->e->nodes[receiver].offset;
    const size_t base = p->n_pending;
    const uint8_t slot = (uint8_t)p->n_vars;

    if (parse_push(p, receiver) != 0 || parse_expect(p, TOKEN_LEFT_PAREN, "'('") != 0 ||
        parse_variable(p, macro->name) != 0 ||
        parse_items(p, TOKEN_RIGHT_PAREN, false, false) != 0)
        return EXPR_NO_NODE;
    p->n_vars--;
    const size_t n = p->n_pending - base;
    if (n < macro->min || n > macro->max)
        return fail_count(p, &name, macro->name, macro->min, macro->max, n);
    return parse_add_pending(
        p, (struct expr_node){.kind = EXPR_MACRO, .row = (uint8_t)row, .slot = slot},
        offset, base);
}

/* lists.range(3): the row of a function whose name has a dot, or -1. */
static int find_qualified(const struct parser *p, const struct expr_token *name,
                          uint32_t receiver)
{
    const struct expr_node *node = &p->e->nodes[receiver];
    char qualified[64];

    if (node->kind != EXPR_ROOT || name->length > 32 || node->length > 16)
        return -1;
    const int len = snprintf(qualified, sizeof(qualified), "%s.%.*s",
                             json_string_value(node->value), (int)name->length,
                             p->e->text + name->offset);
    return expr_find_function(qualified, (size_t)len, EXPR_GLOBAL);
}

uint32_t parse_method_call(struct parser *p, struct expr_token name, uint32_t receiver)
{
    const char *text = p->e->text + name.offset;
    const size_t offset = p->e->nodes[receiver].offset;
    const size_t base = p->n_pending;
    int row = expr_find_macro(text, name.length);

    if (row >= 0)
        return parse_macro(p, name, row, receiver);
    row = find_qualified(p, &name, receiver);
    if (row >= 0)
        return parse_function(p, &name, row, offset, base);
    row = expr_find_function(text, name.length, EXPR_METHOD);
    if (row < 0)
        return fail_function(p, &name);
    if (parse_push(p, receiver) != 0)
        return EXPR_NO_NODE;
    return parse_function(p, &name, row, offset, base);
}
