/*
 * Regular expressions for matches(): RE2's syntax and answer, and like RE2 in time
 * linear in the text, in bounded memory. Own code because what the C library has is
 * neither: glibc's regexec did not finish (a|b)*a(a|b){20}c on 64 KB within a minute,
 * and PCRE2 backtracks. Only "does it match anywhere" is answered, which needs no
 * positions and no captures.
 */
#ifndef EXPR_REGEX_H
#define EXPR_REGEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPR_REGEX_MAX_STATES 4096

struct expr_regex;

/* NULL, with one sentence in why, when the pattern is not one. */
struct expr_regex *expr_regex_compile(const char *pattern, size_t len, char *why,
                                      size_t size);

/* NULL is allowed. */
void expr_regex_free(struct expr_regex *re);

/* 1, 0; -1 when more than *work state visits would be needed, -2 when out of memory.
 * What was used is taken off *work. */
int expr_regex_search(const struct expr_regex *re, const char *text, size_t len,
                      uint64_t *work);

/* The compiled form, shared by the compiler and the search. */

enum expr_regex_op {
    REGEX_CHAR,     /* x: the code point */
    REGEX_ANY,      /* any but a line's end */
    REGEX_ANY_LINE, /* any at all */
    REGEX_CLASS,    /* x: first of a ranges */
    REGEX_NOT_CLASS,
    REGEX_SPLIT, /* goes on at both a and b, which are relative, as in a jump */
    REGEX_JUMP,
    REGEX_BEGIN,
    REGEX_END,
    REGEX_LINE_BEGIN,
    REGEX_LINE_END,
    REGEX_WORD,
    REGEX_NOT_WORD,
    REGEX_MATCH
};

struct expr_regex_state {
    uint8_t op;
    bool fold; /* ASCII letters match in either case */
    uint32_t x;
    int32_t a, b;
};

struct expr_regex_range {
    uint32_t low, high;
};

struct expr_regex {
    struct expr_regex_state *states;
    size_t n_states, cap_states;
    struct expr_regex_range *ranges;
    size_t n_ranges, cap_ranges;
};

#endif
