/* The parser's state, shared by its two files: parse.c and parse_call.c. */
#ifndef EXPR_PARSE_H
#define EXPR_PARSE_H

#include "expr/expr_priv.h"

struct parse_variable {
    size_t offset, length; /* the name, in the source text */
};

struct parser {
    struct expr *e;
    struct expr_err *err;
    struct expr_lexer lex;
    struct expr_token token; /* the next one, not yet taken */
    size_t last_end;         /* where the last one taken ended */
    struct parse_variable vars[EXPR_MAX_NESTING];
    size_t n_vars;
    size_t nesting;
    uint32_t *pending; /* children whose parent is still being read */
    size_t n_pending, cap_pending;
};

/* Parsing functions return a node, or EXPR_NO_NODE with the error set. */
uint32_t parse_expr(struct parser *p);
uint32_t parse_fail(struct parser *p, const struct expr_token *token,
                    const char *wanted);

int parse_advance(struct parser *p);
/* Takes the next token when it is of this type. 1, 0, or -1 with the error. */
int parse_accept(struct parser *p, enum expr_token_type type);
int parse_expect(struct parser *p, enum expr_token_type type, const char *wanted);

/* Adds a node that reaches from offset to the last token taken. */
uint32_t parse_add(struct parser *p, struct expr_node node, size_t offset,
                   const uint32_t *kids);
/* Keeps a child for parse_add_pending. -1 also when index is EXPR_NO_NODE. */
int parse_push(struct parser *p, uint32_t index);
/* Adds a node whose children are the pending ones from base on. */
uint32_t parse_add_pending(struct parser *p, struct expr_node node, size_t offset,
                           size_t base);
/* Pushes comma-separated values up to close, which is taken. pairs: key: value;
 * trailing: a comma may stand before close. */
int parse_items(struct parser *p, enum expr_token_type close, bool pairs,
                bool trailing);

bool parse_token_is(const struct parser *p, const struct expr_token *token,
                    const char *text);
/* True for words that CEL keeps for itself. */
bool parse_reserved(const struct parser *p, const struct expr_token *token);

/* The next token is the opening parenthesis. */
uint32_t parse_global_call(struct parser *p, struct expr_token name);
uint32_t parse_method_call(struct parser *p, struct expr_token name, uint32_t receiver);

#endif
