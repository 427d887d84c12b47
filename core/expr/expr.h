/*
 * The expression language of workflow files: a subset of CEL, and templates, the
 * scalars of a file with ${{ }} parts. Values are jansson values. Compiled forms are
 * immutable and may be used by any number of threads at once; an evaluation keeps all
 * its state on the stack and in memory of its own. Nothing here reads a clock, a file,
 * a random source or the environment. The language itself: docs/expressions.md.
 */
#ifndef EXPR_H
#define EXPR_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Ceilings; what goes past one is refused with EXPR_E_LIMIT. */
#define EXPR_MAX_TEXT      16384   /* bytes of one expression */
#define EXPR_MAX_TEMPLATE  1048576 /* bytes of one scalar with ${{ }} parts */
#define EXPR_MAX_NESTING   64      /* brackets, macros and branches inside each other */
#define EXPR_MAX_DEPTH     200 /* levels of the syntax tree, and of a value walked */
#define EXPR_DEFAULT_STEPS 100000
#define EXPR_DEFAULT_BYTES 1048576

enum expr_code {
    EXPR_OK = 0,
    EXPR_E_SYNTAX, /* the text is not an expression */
    EXPR_E_NAME,   /* a name or function that does not exist */
    EXPR_E_ABSENT, /* a key or list position that does not exist */
    EXPR_E_TYPE,   /* an operator or function that does not take these types */
    EXPR_E_VALUE,  /* right types, impossible value: overflow, 1/0, int("x") */
    EXPR_E_LIMIT,  /* a ceiling or the budget; && and || never absorb it */
    EXPR_E_NOMEM
};

/* Filled only on failure. offset and length (bytes) point into the compiled text. */
struct expr_err {
    int code; /* enum expr_code */
    size_t offset;
    size_t length;
    char msg[256];  /* one sentence that names the text at fault */
    char hint[128]; /* the nearest valid name, or "" */
};

struct expr_pos {
    int line, column; /* both from 1; column counts bytes */
};

/* Where offset lies in text. An offset past the end gives the end. */
struct expr_pos expr_position(const char *text, size_t len, size_t offset);

/*
 * The names an expression may use. lookup returns a borrowed value, valid until the
 * evaluation ends, or NULL when there is no such name; it is asked only for names that
 * the evaluation reaches. Values are shared by reference count, never copied, so they
 * MUST NOT be changed while a result that may hold them lives.
 */
struct expr_scope {
    json_t *(*lookup)(void *arg, const char *name);
    void *arg;
    int64_t now_us;     /* what now() tells, microseconds since 1970 UTC */
    uint64_t max_steps; /* 0: EXPR_DEFAULT_STEPS */
    size_t max_bytes;   /* 0: EXPR_DEFAULT_BYTES */
};

/*
 * Called for each reference to a name of the scope, with the part of its path that is
 * known before evaluation: tasks.extract["outputs"].path[i] gives {"tasks", "extract",
 * "outputs", "path"}. In has(a.b.c) the path is a.b, because c may rightly be missing.
 * path is valid during the call only.
 */
typedef void expr_ref_fn(void *arg, const char *const *path, size_t n, size_t offset,
                         size_t length);

struct expr;

/* Returns NULL and fills err on failure. text is copied and need not end in NUL. */
struct expr *expr_compile(const char *text, size_t len, struct expr_err *err);

/* NULL is allowed. */
void expr_free(struct expr *e);

void expr_refs(const struct expr *e, expr_ref_fn *fn, void *arg);

/* True when the result may depend on scope->now_us. */
bool expr_uses_now(const struct expr *e);

/*
 * Returns a new reference, or NULL with err filled. The result may be, or hold, a value
 * of the scope: do not change it.
 *
 * Steps: each node of the syntax tree that is evaluated costs one; walking a list, a
 * map or a string costs one per element, per entry or per 64 bytes; matches() costs one
 * per 64 state visits of its automaton; sorting costs one per four comparisons.
 *
 * Bytes: what an evaluation produces is added up and never given back: a string costs
 * its length, a list 8 per element, a map 16 and the key's length per entry.
 *
 * The first time that an evaluation walks a list, map or string (of four units and
 * more), its allowance of steps grows by 16 times that walk's cost, and for lists and
 * maps that of bytes by 4 per element: work may be in proportion to the input, but
 * walking the same thing again and again may not.
 */
json_t *expr_eval(const struct expr *e, const struct expr_scope *scope,
                  struct expr_err *err);

struct tmpl;

/* True when text has no ${{ in it, and so needs no compiling. */
bool tmpl_is_plain(const char *text);

/*
 * A scalar of the file. Between ${{ and }} stands an expression; $${{ is a literal ${{.
 * Offsets in err count from the start of text. Returns NULL and fills err on failure.
 */
struct tmpl *tmpl_compile(const char *text, size_t len, struct expr_err *err);

/* The same for `if:`, where a text without any ${{ is an expression as a whole, and one
 * with it MUST be exactly one ${{ }}; blanks around are allowed. */
struct tmpl *tmpl_compile_condition(const char *text, size_t len, struct expr_err *err);

/* NULL is allowed. */
void tmpl_free(struct tmpl *t);

/* As expr_refs, for every part in order; offsets count from the start of the scalar. */
void tmpl_refs(const struct tmpl *t, expr_ref_fn *fn, void *arg);

bool tmpl_uses_now(const struct tmpl *t);

/* True, with err filled, when an evaluation that gets to the place of err fails there
 * whatever the values of names are. False says nothing. */
bool tmpl_always_fails(const struct tmpl *t, struct expr_err *err);

/* Of a condition: true when it cannot give a bool, whatever the values of names are. */
bool tmpl_never_bool(const struct tmpl *t);

/*
 * Exactly one ${{ }}, with nothing but line ends after it, gives the typed value;
 * anything else gives a string made as by expr_to_text. A value that contains ${{ stays
 * text. The budget is for the whole scalar. New reference, or NULL with err filled.
 */
json_t *tmpl_eval(const struct tmpl *t, const struct expr_scope *scope,
                  struct expr_err *err);

/* A condition must be a bool: on any other type returns false and *truth stays. */
bool expr_truth(const json_t *v, bool *truth);

/*
 * How a typed value is written into mixed text or a variable of the environment:
 * strings as they are, null as "", anything else as compact JSON. The caller frees.
 * NULL with code EXPR_E_NOMEM, or EXPR_E_LIMIT when v is nested deeper than
 * EXPR_MAX_DEPTH. code may be NULL.
 */
char *expr_to_text(const json_t *v, int *code);

#endif
