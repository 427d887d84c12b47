/*
 * The parser: recursive descent for what nests, precedence climbing for the operators
 * between. Names are resolved here, macro variables to slots; calls are in
 * parse_call.c.
 */
#include "expr/parse.h"

#include <stdlib.h>
#include <string.h>

uint32_t parse_fail(struct parser *p, const struct expr_token *token,
                    const char *wanted)
{
    if (token->type == TOKEN_END)
        expr_fail(p->err, EXPR_E_SYNTAX, token->offset, 0,
                  "the expression ends where %s is expected", wanted);
    else
        expr_fail(p->err, EXPR_E_SYNTAX, token->offset, token->length,
                  "'%s' stands where %s is expected",
                  expr_snippet(p->e->text + token->offset, token->length).text, wanted);
    return EXPR_NO_NODE;
}

int parse_advance(struct parser *p)
{
    p->last_end = p->token.offset + p->token.length;
    return expr_lex(&p->lex, &p->token);
}

int parse_accept(struct parser *p, enum expr_token_type type)
{
    if (p->token.type != type)
        return 0;
    return parse_advance(p) == 0 ? 1 : -1;
}

int parse_expect(struct parser *p, enum expr_token_type type, const char *wanted)
{
    const int found = parse_accept(p, type);

    if (found == 0)
        parse_fail(p, &p->token, wanted);
    return found == 1 ? 0 : -1;
}

int parse_push(struct parser *p, uint32_t index)
{
    if (index == EXPR_NO_NODE)
        return -1;
    if (p->n_pending == p->cap_pending) {
        const size_t cap = p->cap_pending * 2 + 16;
        uint32_t *grown = realloc(p->pending, cap * sizeof(*grown));
        if (grown == NULL)
            return expr_fail(p->err, EXPR_E_NOMEM, 0, 0, "out of memory");
        p->pending = grown;
        p->cap_pending = cap;
    }
    p->pending[p->n_pending++] = index;
    return 0;
}

uint32_t parse_add(struct parser *p, struct expr_node node, size_t offset,
                   const uint32_t *kids)
{
    node.offset = (uint32_t)offset;
    node.length = (uint32_t)(p->last_end - offset);
    return expr_add_node(p->e, node, kids, p->err);
}

uint32_t parse_add_pending(struct parser *p, struct expr_node node, size_t offset,
                           size_t base)
{
    node.n = (uint32_t)(p->n_pending - base);
    p->n_pending = base;
    return parse_add(p, node, offset, node.n > 0 ? p->pending + base : NULL);
}

/* A constant or name; takes over value, and the error of NULL if it has none. */
static uint32_t add_leaf(struct parser *p, enum expr_kind kind, size_t offset,
                         json_t *value)
{
    if (value == NULL) {
        if (p->err->code == EXPR_OK)
            expr_fail(p->err, EXPR_E_NOMEM, 0, 0, "out of memory");
        return EXPR_NO_NODE;
    }
    return parse_add(p, (struct expr_node){.kind = (uint8_t)kind, .value = value},
                     offset, NULL);
}

bool parse_token_is(const struct parser *p, const struct expr_token *token,
                    const char *text)
{
    return token->length == strlen(text) &&
           memcmp(p->e->text + token->offset, text, token->length) == 0;
}

bool parse_reserved(const struct parser *p, const struct expr_token *token)
{
    static const char *const words[] = {
        "as",  "break",     "const",   "continue", "else",  "for",  "function",
        "if",  "import",    "let",     "loop",     "null",  "true", "false",
        "var", "namespace", "package", "return",   "while", "void",
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (parse_token_is(p, token, words[i]))
            return true;
    return false;
}

/* Unary operators. */

static uint32_t parse_steps(struct parser *p, uint32_t node);
static uint32_t parse_primary(struct parser *p);

static uint32_t parse_literal(struct parser *p, bool negative)
{
    const struct expr_token token = p->token;
    json_t *value = NULL;

    if (token.type == TOKEN_INT)
        value = expr_int_literal(p->e->text, &token, negative, p->err);
    else if (token.type == TOKEN_DOUBLE)
        value = expr_double_literal(p->e->text, &token, negative, p->err);
    else
        value = expr_string_literal(p->e->text, &token, p->err);
    if (value != NULL && parse_advance(p) != 0) {
        json_decref(value);
        return EXPR_NO_NODE;
    }
    return add_leaf(p, EXPR_CONST, token.offset, value);
}

/* A sign directly before a number belongs to it: -9223372036854775808 is an int. */
static uint32_t parse_unary(struct parser *p)
{
    const enum expr_token_type sign = p->token.type;
    const size_t offset = p->token.offset;
    size_t n = 0;

    if (sign != TOKEN_NOT && sign != TOKEN_MINUS)
        return parse_steps(p, parse_primary(p));
    for (; p->token.type == sign; n++)
        if (parse_advance(p) != 0)
            return EXPR_NO_NODE;
    const bool number = p->token.type == TOKEN_INT || p->token.type == TOKEN_DOUBLE;
    uint32_t node;
    if (sign == TOKEN_MINUS && number) {
        node = parse_steps(p, parse_literal(p, true));
        n--;
    } else {
        node = parse_steps(p, parse_primary(p));
    }
    const uint8_t kind = sign == TOKEN_NOT ? EXPR_NOT : EXPR_NEGATE;
    for (; n > 0 && node != EXPR_NO_NODE; n--)
        node = parse_add(p, (struct expr_node){.kind = kind, .n = 1}, offset, &node);
    return node;
}

/* Operators between. */

struct infix {
    enum expr_token_type token;
    uint8_t binding;
    uint8_t kind;
    uint8_t op;
};

static const struct infix infixes[] = {
    {TOKEN_OR, 1, EXPR_OR, 0},
    {TOKEN_AND, 2, EXPR_AND, 0},
    {TOKEN_EQ, 3, EXPR_BINARY, EXPR_OP_EQ},
    {TOKEN_NE, 3, EXPR_BINARY, EXPR_OP_NE},
    {TOKEN_LT, 3, EXPR_BINARY, EXPR_OP_LT},
    {TOKEN_LE, 3, EXPR_BINARY, EXPR_OP_LE},
    {TOKEN_GT, 3, EXPR_BINARY, EXPR_OP_GT},
    {TOKEN_GE, 3, EXPR_BINARY, EXPR_OP_GE},
    {TOKEN_IN, 3, EXPR_BINARY, EXPR_OP_IN},
    {TOKEN_PLUS, 4, EXPR_BINARY, EXPR_OP_ADD},
    {TOKEN_MINUS, 4, EXPR_BINARY, EXPR_OP_SUB},
    {TOKEN_STAR, 5, EXPR_BINARY, EXPR_OP_MUL},
    {TOKEN_SLASH, 5, EXPR_BINARY, EXPR_OP_DIV},
    {TOKEN_PERCENT, 5, EXPR_BINARY, EXPR_OP_MOD},
};

static const struct infix *find_infix(enum expr_token_type token)
{
    for (size_t i = 0; i < sizeof(infixes) / sizeof(infixes[0]); i++)
        if (infixes[i].token == token)
            return &infixes[i];
    return NULL;
}

/* All are left-associative. Recursion is as deep as there are levels of binding. */
static uint32_t parse_infix(struct parser *p, uint8_t binding)
{
    const size_t offset = p->token.offset;
    uint32_t left = parse_unary(p);
    const struct infix *infix;

    while (left != EXPR_NO_NODE && (infix = find_infix(p->token.type)) != NULL &&
           infix->binding >= binding) {
        if (parse_advance(p) != 0)
            return EXPR_NO_NODE;
        const uint32_t right = parse_infix(p, (uint8_t)(infix->binding + 1));
        if (right == EXPR_NO_NODE)
            return EXPR_NO_NODE;
        left = parse_add(
            p, (struct expr_node){.kind = infix->kind, .row = infix->op, .n = 2},
            offset, (const uint32_t[]){left, right});
    }
    return left;
}

static uint32_t parse_branch(struct parser *p, size_t offset, uint32_t condition)
{
    const uint32_t yes = parse_infix(p, 1);

    if (yes == EXPR_NO_NODE || parse_expect(p, TOKEN_COLON, "the ':' of '?'") != 0)
        return EXPR_NO_NODE;
    const uint32_t no = parse_expr(p);
    if (no == EXPR_NO_NODE)
        return EXPR_NO_NODE;
    return parse_add(p, (struct expr_node){.kind = EXPR_COND, .n = 3}, offset,
                     (const uint32_t[]){condition, yes, no});
}

/* Every recursion of the parser goes through here, so here it is bounded. */
uint32_t parse_expr(struct parser *p)
{
    const size_t offset = p->token.offset;

    if (p->nesting == EXPR_MAX_NESTING) {
        expr_fail(p->err, EXPR_E_LIMIT, offset, p->token.length,
                  "the expression is nested more than %d deep", EXPR_MAX_NESTING);
        return EXPR_NO_NODE;
    }
    p->nesting++;
    uint32_t node = parse_infix(p, 1);
    if (node != EXPR_NO_NODE && p->token.type == TOKEN_QUESTION)
        node = parse_advance(p) == 0 ? parse_branch(p, offset, node) : EXPR_NO_NODE;
    p->nesting--;
    return node;
}

/* Lists, maps and arguments. */

static int fail_optional(struct parser *p)
{
    return expr_fail(
        p->err, EXPR_E_SYNTAX, p->token.offset, p->token.length,
        "CEL's optional values are not supported: use has() or or_value()");
}

int parse_items(struct parser *p, enum expr_token_type close, bool pairs, bool trailing)
{
    int found = parse_accept(p, close);

    while (found == 0) {
        if (p->token.type == TOKEN_QUESTION)
            return fail_optional(p);
        if (parse_push(p, parse_expr(p)) != 0)
            return -1;
        if (pairs && (parse_expect(p, TOKEN_COLON, "the ':' after a map's key") != 0 ||
                      parse_push(p, parse_expr(p)) != 0))
            return -1;
        found = parse_accept(p, TOKEN_COMMA);
        if (found < 0)
            return -1;
        if (found == 0)
            return parse_expect(p, close, "',' or the closing bracket");
        found = trailing ? parse_accept(p, close) : 0;
    }
    return found == 1 ? 0 : -1;
}

static uint32_t parse_collection(struct parser *p, enum expr_kind kind)
{
    const size_t offset = p->token.offset;
    const size_t base = p->n_pending;
    const bool map = kind == EXPR_MAP;

    if (parse_advance(p) != 0 ||
        parse_items(p, map ? TOKEN_RIGHT_BRACE : TOKEN_RIGHT_BRACKET, map, true) != 0)
        return EXPR_NO_NODE;
    return parse_add_pending(p, (struct expr_node){.kind = (uint8_t)kind}, offset,
                             base);
}

static uint32_t parse_parens(struct parser *p)
{
    const size_t offset = p->token.offset;

    if (parse_advance(p) != 0)
        return EXPR_NO_NODE;
    const uint32_t node = parse_expr(p);
    if (node == EXPR_NO_NODE || parse_expect(p, TOKEN_RIGHT_PAREN, "')'") != 0)
        return EXPR_NO_NODE;
    p->e->nodes[node].offset = (uint32_t)offset;
    p->e->nodes[node].length = (uint32_t)(p->last_end - offset);
    return node;
}

/* Names and what follows them. */

static json_t *token_text(const struct parser *p, const struct expr_token *token)
{
    return json_stringn(p->e->text + token->offset, token->length);
}

/* The slot of the macro variable with this name, innermost first; or -1. */
static int find_variable(const struct parser *p, const struct expr_token *name)
{
    for (size_t i = p->n_vars; i > 0; i--) {
        const struct parse_variable *var = &p->vars[i - 1];
        if (var->length == name->length &&
            memcmp(p->e->text + var->offset, p->e->text + name->offset, var->length) ==
                0)
            return (int)i - 1;
    }
    return -1;
}

/* type(x) gives a name as a string, so the names of types are strings too. */
static bool is_type(const struct parser *p, const struct expr_token *name)
{
    static const char *const types[] = {"bool", "double",    "int",    "list",
                                        "map",  "null_type", "string", "type"};

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (parse_token_is(p, name, types[i]))
            return true;
    return false;
}

static uint32_t add_word(struct parser *p, const struct expr_token *name)
{
    json_t *value = NULL;

    if (parse_token_is(p, name, "null"))
        value = json_null();
    else if (parse_token_is(p, name, "true"))
        value = json_true();
    else if (parse_token_is(p, name, "false"))
        value = json_false();
    if (value == NULL)
        return parse_fail(p, name, "a value (the word is reserved)");
    return add_leaf(p, EXPR_CONST, name->offset, value);
}

/* root: a dot stood before the name, which hides the variables of macros. */
static uint32_t parse_name(struct parser *p, bool root)
{
    const struct expr_token name = p->token;

    if (parse_advance(p) != 0)
        return EXPR_NO_NODE;
    if (parse_reserved(p, &name))
        return add_word(p, &name);
    if (p->token.type == TOKEN_LEFT_PAREN)
        return parse_global_call(p, name);
    const int slot = root ? -1 : find_variable(p, &name);
    if (slot >= 0)
        return parse_add(p, (struct expr_node){.kind = EXPR_VAR, .slot = (uint8_t)slot},
                         name.offset, NULL);
    return add_leaf(p, is_type(p, &name) ? EXPR_CONST : EXPR_ROOT, name.offset,
                    token_text(p, &name));
}

static uint32_t parse_root_name(struct parser *p)
{
    if (parse_advance(p) != 0)
        return EXPR_NO_NODE;
    if (p->token.type != TOKEN_NAME)
        return parse_fail(p, &p->token, "a name");
    return parse_name(p, true);
}

static uint32_t parse_primary(struct parser *p)
{
    switch (p->token.type) {
    case TOKEN_INT:
    case TOKEN_DOUBLE:
    case TOKEN_STRING:
        return parse_literal(p, false);
    case TOKEN_NAME:
        return parse_name(p, false);
    case TOKEN_DOT:
        return parse_root_name(p);
    case TOKEN_LEFT_PAREN:
        return parse_parens(p);
    case TOKEN_LEFT_BRACKET:
        return parse_collection(p, EXPR_LIST);
    case TOKEN_LEFT_BRACE:
        return parse_collection(p, EXPR_MAP);
    default:
        return parse_fail(p, &p->token, "a value");
    }
}

static uint32_t parse_select(struct parser *p, uint32_t base)
{
    const size_t offset = p->e->nodes[base].offset;
    struct expr_token name;

    if (parse_advance(p) != 0)
        return EXPR_NO_NODE;
    name = p->token;
    if (name.type == TOKEN_QUESTION) {
        fail_optional(p);
        return EXPR_NO_NODE;
    }
    const bool word = parse_token_is(p, &name, "null") ||
                      parse_token_is(p, &name, "true") ||
                      parse_token_is(p, &name, "false");
    const bool quoted = name.type == TOKEN_QUOTED_NAME;
    if ((name.type != TOKEN_NAME && !quoted) || word)
        return parse_fail(p, &name, "the name of a field");
    if (parse_advance(p) != 0)
        return EXPR_NO_NODE;
    if (p->token.type == TOKEN_LEFT_PAREN && !quoted)
        return parse_method_call(p, name, base);
    if (quoted) {
        name.offset++;
        name.length -= 2;
    }
    json_t *value = token_text(p, &name);
    if (value == NULL)
        return add_leaf(p, EXPR_CONST, offset, NULL);
    return parse_add(p, (struct expr_node){.kind = EXPR_SELECT, .n = 1, .value = value},
                     offset, &base);
}

static uint32_t parse_index(struct parser *p, uint32_t base)
{
    const size_t offset = p->e->nodes[base].offset;

    if (parse_advance(p) != 0)
        return EXPR_NO_NODE;
    if (p->token.type == TOKEN_QUESTION) {
        fail_optional(p);
        return EXPR_NO_NODE;
    }
    const uint32_t key = parse_expr(p);
    if (key == EXPR_NO_NODE || parse_expect(p, TOKEN_RIGHT_BRACKET, "']'") != 0)
        return EXPR_NO_NODE;
    return parse_add(p, (struct expr_node){.kind = EXPR_INDEX, .n = 2}, offset,
                     (const uint32_t[]){base, key});
}

/* Reads the selections, indices and calls that follow a value. */
static uint32_t parse_steps(struct parser *p, uint32_t node)
{
    while (node != EXPR_NO_NODE) {
        if (p->token.type == TOKEN_DOT)
            node = parse_select(p, node);
        else if (p->token.type == TOKEN_LEFT_BRACKET)
            node = parse_index(p, node);
        else
            break;
    }
    return node;
}

int expr_parse(struct expr *e, struct expr_err *err)
{
    struct parser p = {
        .e = e, .err = err, .lex = {.text = e->text, .len = e->len, .err = err}};
    uint32_t root = EXPR_NO_NODE;

    if (parse_advance(&p) == 0)
        root = parse_expr(&p);
    if (root != EXPR_NO_NODE && p.token.type != TOKEN_END)
        root = parse_fail(&p, &p.token, "an operator or the end");
    free(p.pending);
    e->root = root;
    return root == EXPR_NO_NODE ? -1 : 0;
}
