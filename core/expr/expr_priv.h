/*
 * What the files of the expression language share: the syntax tree, the lexer, the
 * state of one evaluation with its budget, and the helpers for text. For expr*.c and
 * tmpl.c only.
 */
#ifndef EXPR_PRIV_H
#define EXPR_PRIV_H

#include "expr/expr.h"
#include "expr/regex.h"

#define EXPR_MAX_ARGS 8
#define EXPR_NO_NODE  UINT32_MAX

/* The syntax tree: nodes in one array, the indices of children in another. */

enum expr_kind {
    EXPR_CONST,
    EXPR_ROOT,   /* a name of the scope */
    EXPR_VAR,    /* the variable of a macro, in slot */
    EXPR_SELECT, /* a.name */
    EXPR_HAS,    /* has(a.name) */
    EXPR_INDEX,  /* a[b] */
    EXPR_LIST,
    EXPR_MAP, /* key, value, key, value */
    EXPR_NOT,
    EXPR_NEGATE,
    EXPR_BINARY, /* op */
    EXPR_AND,
    EXPR_OR,
    EXPR_COND,     /* a ? b : c */
    EXPR_CALL,     /* row: the function; a receiver is the first child */
    EXPR_MACRO,    /* row: the macro; children: what is walked, then the bodies */
    EXPR_OR_VALUE, /* or_value(a, b) */
    EXPR_N_KINDS
};

enum expr_op {
    EXPR_OP_ADD,
    EXPR_OP_SUB,
    EXPR_OP_MUL,
    EXPR_OP_DIV,
    EXPR_OP_MOD,
    EXPR_OP_EQ,
    EXPR_OP_NE,
    EXPR_OP_LT,
    EXPR_OP_LE,
    EXPR_OP_GT,
    EXPR_OP_GE,
    EXPR_OP_IN,
    EXPR_N_OPS
};

struct expr_node {
    uint8_t kind;
    uint8_t row;  /* enum expr_op, or row of a table */
    uint8_t slot; /* of a macro's variable */
    uint16_t depth;
    uint32_t first, n; /* children: kids[first] to kids[first + n - 1] */
    uint32_t offset, length;
    json_t *value; /* the constant, or the name as a string; or NULL */
};

struct expr {
    char *text;
    size_t len;
    struct expr_node *nodes;
    size_t n_nodes, cap_nodes;
    uint32_t *kids;
    size_t n_kids, cap_kids;
    uint32_t root;
    bool uses_now;
};

/* Appends a node with its children; EXPR_NO_NODE and err when a ceiling is reached. */
uint32_t expr_add_node(struct expr *e, struct expr_node node, const uint32_t *kids,
                       struct expr_err *err);
const struct expr_node *expr_kid(const struct expr *e, const struct expr_node *node,
                                 size_t i);

/* Fills e->nodes from e->text. -1 and err on failure. */
int expr_parse(struct expr *e, struct expr_err *err);

/* Lexer. */

enum expr_token_type {
    TOKEN_END,
    TOKEN_NAME,
    TOKEN_QUOTED_NAME, /* `like-this`, after a dot only */
    TOKEN_INT,
    TOKEN_DOUBLE,
    TOKEN_STRING,
    TOKEN_LEFT_PAREN,
    TOKEN_RIGHT_PAREN,
    TOKEN_LEFT_BRACKET,
    TOKEN_RIGHT_BRACKET,
    TOKEN_LEFT_BRACE,
    TOKEN_RIGHT_BRACE,
    TOKEN_DOT,
    TOKEN_COMMA,
    TOKEN_COLON,
    TOKEN_QUESTION,
    TOKEN_OR,
    TOKEN_AND,
    TOKEN_NOT,
    TOKEN_EQ,
    TOKEN_NE,
    TOKEN_LT,
    TOKEN_LE,
    TOKEN_GT,
    TOKEN_GE,
    TOKEN_PLUS,
    TOKEN_MINUS,
    TOKEN_STAR,
    TOKEN_SLASH,
    TOKEN_PERCENT,
    TOKEN_IN
};

struct expr_token {
    enum expr_token_type type;
    size_t offset, length;
};

struct expr_lexer {
    const char *text;
    size_t len, at;
    struct expr_err *err;
};

/* Reads the next token. 0, or -1 with err. */
int expr_lex(struct expr_lexer *lex, struct expr_token *token);

/* The value of a literal's token, whose text the lexer has found well formed. */
json_t *expr_int_literal(const char *text, const struct expr_token *token,
                         bool negative, struct expr_err *err);
json_t *expr_double_literal(const char *text, const struct expr_token *token,
                            bool negative, struct expr_err *err);
json_t *expr_string_literal(const char *text, const struct expr_token *token,
                            struct expr_err *err);

/* Evaluation. */

/* What one evaluation, or all parts of one template together, may spend. */
struct expr_budget {
    uint64_t steps, allowance;
    size_t bytes, max_bytes;
    json_t **seen; /* hash set of what was walked; holds references */
    size_t n_seen, cap_seen;
};

void expr_budget_init(struct expr_budget *budget, const struct expr_scope *scope);
void expr_budget_done(struct expr_budget *budget);

struct expr_ctx {
    const struct expr *e;
    const struct expr_scope *scope;
    struct expr_budget *budget;
    struct expr_err *err;
    json_t *vars[EXPR_MAX_NESTING];
    struct expr_regex *regex; /* the last one compiled, and its pattern */
    json_t *regex_pattern;
};

/* Of one expression what tmpl_always_fails and tmpl_never_bool say. */
bool expr_always_fails(const struct expr *e, struct expr_err *err);
bool expr_never_bool(const struct expr *e);

json_t *expr_eval_budget(const struct expr *e, const struct expr_scope *scope,
                         struct expr_budget *budget, struct expr_err *err);

/* New reference, or NULL with ctx->err. */
json_t *expr_eval_node(struct expr_ctx *ctx, uint32_t index);
json_t *expr_eval_kid(struct expr_ctx *ctx, const struct expr_node *node, size_t i);
/* 0, or -1 with ctx->err, also when the value is not a bool. */
int expr_eval_bool(struct expr_ctx *ctx, const struct expr_node *node, size_t i,
                   bool *truth);
json_t *expr_eval_macro(struct expr_ctx *ctx, const struct expr_node *node);

/* Each returns false, with the error set, when the budget does not allow it. */
bool expr_spend(struct expr_ctx *ctx, const struct expr_node *node, uint64_t steps);
bool expr_walk(struct expr_ctx *ctx, const struct expr_node *node, json_t *v);
bool expr_produce(struct expr_ctx *ctx, const struct expr_node *node, size_t bytes);

/* Sets ctx->err at node; always NULL. */
json_t *expr_error(struct expr_ctx *ctx, const struct expr_node *node, int code,
                   const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Passes v on; NULL, which jansson gives when out of memory, becomes an error. */
json_t *expr_made(struct expr_ctx *ctx, const struct expr_node *node, json_t *v);

/* False for errors that && and || must not absorb. */
bool expr_absorbable(const struct expr_err *err);

/* Operators. */

json_t *expr_binary(struct expr_ctx *ctx, const struct expr_node *node, json_t *a,
                    json_t *b);
json_t *expr_negate(struct expr_ctx *ctx, const struct expr_node *node, json_t *a);
json_t *expr_select(struct expr_ctx *ctx, const struct expr_node *node, json_t *a,
                    json_t *key);
json_t *expr_index(struct expr_ctx *ctx, const struct expr_node *node, json_t *a,
                   json_t *key);
json_t *expr_has(struct expr_ctx *ctx, const struct expr_node *node, const json_t *a,
                 const json_t *key);
/* 1, 0, or -1 with ctx->err when the budget or EXPR_MAX_DEPTH does not allow it. */
int expr_equal(struct expr_ctx *ctx, const struct expr_node *node, json_t *a,
               json_t *b);
/* False when the two have no order; no error is set. */
bool expr_order(const json_t *a, const json_t *b, int *order);
/* An error when d is not finite: JSON has no such numbers. */
json_t *expr_real(struct expr_ctx *ctx, const struct expr_node *node, double d);
const char *expr_type_name(const json_t *v);

/* Functions and macros. */

struct expr_call {
    const struct expr_node *node;
    size_t n;
    json_t *args[EXPR_MAX_ARGS]; /* borrowed */
};

enum expr_style { EXPR_GLOBAL = 1, EXPR_METHOD = 2, EXPR_BOTH = 3 };

struct expr_function {
    const char *name;
    enum expr_style style;
    unsigned min, max; /* arguments, the receiver included */
    json_t *(*call)(struct expr_ctx *ctx, const struct expr_call *call);
};

/* Row of the function, or -1. */
int expr_find_function(const char *name, size_t len, enum expr_style style);
const struct expr_function *expr_function_at(int row);
/* Writes the nearest function's name, or "". */
void expr_hint_function(const char *name, size_t len, struct expr_err *err);
/* True for functions of CEL that are left out on purpose. */
bool expr_left_out(const char *name, size_t len);
json_t *expr_no_overload(struct expr_ctx *ctx, const struct expr_call *call);

struct expr_macro {
    const char *name;
    unsigned min, max; /* arguments, the variable included */
    json_t *(*eval)(struct expr_ctx *ctx, const struct expr_node *node);
};

int expr_find_macro(const char *name, size_t len);
const struct expr_macro *expr_macro_at(int row);

/* Merge sort, stable, of values by keys; a key array that is the values is allowed.
 * -1 with ctx->err when two keys have no order. */
int expr_sort(struct expr_ctx *ctx, const struct expr_node *node, json_t **keys,
              json_t **values, size_t n);

/* The functions, by file. */
#define EXPR_FUNCTION(name)                                                            \
    json_t *expr_fn_##name(struct expr_ctx *ctx, const struct expr_call *call)
EXPR_FUNCTION(int);
EXPR_FUNCTION(double);
EXPR_FUNCTION(string);
EXPR_FUNCTION(bool);
EXPR_FUNCTION(type);
EXPR_FUNCTION(dyn);
EXPR_FUNCTION(now);
EXPR_FUNCTION(json);
EXPR_FUNCTION(to_json);
EXPR_FUNCTION(size);
EXPR_FUNCTION(contains);
EXPR_FUNCTION(starts_with);
EXPR_FUNCTION(ends_with);
EXPR_FUNCTION(matches);
EXPR_FUNCTION(char_at);
EXPR_FUNCTION(index_of);
EXPR_FUNCTION(last_index_of);
EXPR_FUNCTION(substring);
EXPR_FUNCTION(lower);
EXPR_FUNCTION(upper);
EXPR_FUNCTION(trim);
EXPR_FUNCTION(replace);
EXPR_FUNCTION(split);
EXPR_FUNCTION(join);
EXPR_FUNCTION(reverse);
EXPR_FUNCTION(keys);
EXPR_FUNCTION(values);
EXPR_FUNCTION(range);
EXPR_FUNCTION(min);
EXPR_FUNCTION(max);
EXPR_FUNCTION(sum);
EXPR_FUNCTION(sort);
EXPR_FUNCTION(distinct);
EXPR_FUNCTION(flatten);
EXPR_FUNCTION(slice);

/* Text. */

/* Fills err; always -1, so that callers can return it. */
int expr_fail(struct expr_err *err, int code, size_t offset, size_t length,
              const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* A piece of source for a message: on one line, and cut when long. */
struct expr_snippet {
    char text[64];
};
struct expr_snippet expr_snippet(const char *text, size_t len);

/* Keeps the nearer of the names offered to it. */
struct expr_nearest {
    const char *wanted;
    size_t len;
    size_t best; /* distance so far; set with expr_nearest_init */
    char *name;  /* where the best one is written, "" when none is near */
    size_t size;
};
void expr_nearest_init(struct expr_nearest *nearest, const char *wanted, size_t len,
                       char *name, size_t size);
void expr_nearest_offer(struct expr_nearest *nearest, const char *name);

/* Bytes of the character at s, and its code point. A byte that begins none counts as
 * one character, U+FFFD. len is at least 1. */
size_t expr_utf8_next(const char *s, size_t len, uint32_t *point);
/* Writes up to 4 bytes; returns how many. */
size_t expr_utf8_put(char *out, uint32_t point);
/* Where s stops being UTF-8, or len. */
size_t expr_utf8_check(const char *s, size_t len);
/* The same, and NUL ends it too: no value of the outside world can hold one. */
size_t expr_text_check(const char *s, size_t len);
size_t expr_utf8_count(const char *s, size_t len);

/* The shortest decimal that reads back as d. */
void expr_print_real(char out[40], double d);

/* Compact JSON or, for to_text, what expr_to_text describes. NULL with *code
 * EXPR_E_LIMIT or EXPR_E_NOMEM. The caller frees. */
char *expr_dump(const json_t *v, bool to_text, size_t max, size_t *len, int *code);

#endif
