/*
 * The compiler of regular expressions. Jumps are relative and stay inside the piece
 * they belong to, so a piece can be moved, and copied for a{2,5}, as it is.
 */
#include "expr/expr_priv.h"
#include "expr/regex_class.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_GROUPS 64 /* inside each other */
#define MAX_REPEAT 1000
#define NO_LIMIT   (-1)

struct flags {
    bool fold, any_line, lines;
};

struct compiler {
    struct expr_regex *re;
    const char *pattern;
    size_t len, at;
    struct flags flags;
    size_t groups;
    const char *why; /* NULL until it fails */
};

static bool fail(struct compiler *c, const char *why)
{
    if (c->why == NULL)
        c->why = why;
    return false;
}

static char peek(const struct compiler *c, size_t n)
{
    return c->at + n < c->len ? c->pattern[c->at + n] : '\0';
}

static bool take(struct compiler *c, const char *text)
{
    const size_t n = strlen(text);

    if (c->len - c->at < n || memcmp(c->pattern + c->at, text, n) != 0)
        return false;
    c->at += n;
    return true;
}

static uint32_t take_char(struct compiler *c)
{
    uint32_t point;

    c->at += expr_utf8_next(c->pattern + c->at, c->len - c->at, &point);
    return point;
}

/* Makes room for n states at index; what stands there moves up. */
static bool open_gap(struct compiler *c, size_t index, size_t n)
{
    struct expr_regex *re = c->re;

    if (re->n_states + n > EXPR_REGEX_MAX_STATES)
        return fail(c, "it is too large");
    if (re->n_states + n > re->cap_states) {
        const size_t cap = (re->n_states + n) * 2;
        void *grown = realloc(re->states, cap * sizeof(*re->states));
        if (grown == NULL)
            return fail(c, "out of memory");
        re->states = grown;
        re->cap_states = cap;
    }
    memmove(&re->states[index + n], &re->states[index],
            (re->n_states - index) * sizeof(*re->states));
    re->n_states += n;
    return true;
}

static bool emit_at(struct compiler *c, size_t index, struct expr_regex_state state)
{
    if (!open_gap(c, index, 1))
        return false;
    c->re->states[index] = state;
    return true;
}

static bool emit(struct compiler *c, struct expr_regex_state state)
{
    return emit_at(c, c->re->n_states, state);
}

static bool emit_op(struct compiler *c, enum expr_regex_op op)
{
    return emit(c, (struct expr_regex_state){.op = (uint8_t)op});
}

static bool emit_char(struct compiler *c, uint32_t point)
{
    return emit(c, (struct expr_regex_state){
                       .op = REGEX_CHAR, .fold = c->flags.fold, .x = point});
}

/* Classes. */

static bool add_range(struct compiler *c, uint32_t low, uint32_t high)
{
    struct expr_regex *re = c->re;

    if (re->n_ranges == re->cap_ranges) {
        const size_t cap = re->cap_ranges * 2 + 16;
        void *grown = realloc(re->ranges, cap * sizeof(*re->ranges));
        if (grown == NULL)
            return fail(c, "out of memory");
        re->ranges = grown;
        re->cap_ranges = cap;
    }
    re->ranges[re->n_ranges++] = (struct expr_regex_range){low, high};
    return true;
}

static bool add_set(struct compiler *c, const struct expr_regex_set *set, bool negated)
{
    uint32_t from = 0;

    for (size_t i = 0; i < set->n; i++) {
        const struct expr_regex_range *range = &set->ranges[i];
        if (!negated && !add_range(c, range->low, range->high))
            return false;
        if (negated && range->low > from && !add_range(c, from, range->low - 1))
            return false;
        from = range->high + 1;
    }
    return !negated || add_range(c, from, 0x10ffff);
}

/* \d and its like; c->at is after the backslash. */
static const struct expr_regex_set *take_perl_set(struct compiler *c, bool *negated)
{
    const char letter = peek(c, 0);
    const char lower = (char)(letter | 0x20);

    if (letter == '\0' || strchr("dswDSW", letter) == NULL)
        return NULL;
    c->at++;
    *negated = letter != lower;
    return expr_regex_set(&lower, 1);
}

/* [:alpha:] or [:^alpha:], inside a class. */
static const struct expr_regex_set *take_posix_set(struct compiler *c, bool *negated)
{
    const char *start = c->pattern + c->at;
    const char *end = memmem(start, c->len - c->at, ":]", 2);

    if (peek(c, 0) != '[' || peek(c, 1) != ':' || end == NULL || end < start + 2)
        return NULL;
    *negated = start[2] == '^';
    const char *name = start + 2 + *negated;
    const struct expr_regex_set *set =
        end > name ? expr_regex_set(name, (size_t)(end - name)) : NULL;
    if (set == NULL)
        fail(c, "it names a class that does not exist");
    else
        c->at = (size_t)(end + 2 - c->pattern);
    return set;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* \x41 or \x{263a}; c->at is after the x. */
static bool take_hex(struct compiler *c, uint32_t *point)
{
    const bool braces = take(c, "{");
    size_t n = 0;

    *point = 0;
    for (; n < (braces ? 6 : 2) && hex_digit(peek(c, 0)) >= 0; n++, c->at++)
        *point = *point * 16 + (uint32_t)hex_digit(peek(c, 0));
    if (n < (braces ? 1 : 2) || *point > 0x10ffff || (braces && !take(c, "}")))
        return fail(c, "it has a bad \\x escape");
    return true;
}

/* An escape for one character; c->at is after the backslash. */
static bool take_escape(struct compiler *c, uint32_t *point)
{
    static const char letters[] = "a\af\fn\nr\rt\tv\v";
    const char letter = peek(c, 0);

    for (const char *pair = letters; *pair != '\0'; pair += 2) {
        if (pair[0] == letter) {
            c->at++;
            *point = (uint32_t)pair[1];
            return true;
        }
    }
    if (take(c, "x"))
        return take_hex(c, point);
    if (letter <= ' ' || letter > '~' || hex_digit(letter) >= 0 ||
        (letter >= 'A' && letter <= 'Z') || (letter >= 'a' && letter <= 'z'))
        return fail(c, "it has an escape that is not supported");
    c->at++;
    *point = (uint32_t)letter;
    return true;
}

static bool take_class_char(struct compiler *c, uint32_t *point)
{
    if (c->at == c->len)
        return fail(c, "a class has no ]");
    if (take(c, "\\"))
        return take_escape(c, point);
    *point = take_char(c);
    return true;
}

/* One character, range or named set. */
static bool class_item(struct compiler *c)
{
    uint32_t low, high;
    bool negated;

    const struct expr_regex_set *set = take_posix_set(c, &negated);
    if (set == NULL && peek(c, 0) == '\\') {
        c->at++;
        set = take_perl_set(c, &negated);
        c->at -= set == NULL;
    }
    if (set != NULL)
        return add_set(c, set, negated);
    if (c->why != NULL || !take_class_char(c, &low))
        return false;
    high = low;
    if (peek(c, 0) == '-' && peek(c, 1) != ']') {
        c->at++;
        if (!take_class_char(c, &high))
            return false;
    }
    return high >= low ? add_range(c, low, high) : fail(c, "it has a range backwards");
}

static bool emit_class(struct compiler *c, size_t first, bool negated)
{
    return emit(c,
                (struct expr_regex_state){.op = negated ? REGEX_NOT_CLASS : REGEX_CLASS,
                                          .fold = c->flags.fold,
                                          .x = (uint32_t)first,
                                          .a = (int32_t)(c->re->n_ranges - first)});
}

static bool class(struct compiler *c)
{
    const size_t first = c->re->n_ranges;
    const bool negated = take(c, "^");

    for (bool start = true; start || peek(c, 0) != ']'; start = false)
        if (!class_item(c))
            return false;
    c->at++;
    return emit_class(c, first, negated);
}

/* Atoms. */

static bool alternatives(struct compiler *c);

static bool escape(struct compiler *c)
{
    static const struct {
        const char *letter;
        enum expr_regex_op op;
    } places[] = {
        {"b", REGEX_WORD}, {"B", REGEX_NOT_WORD}, {"A", REGEX_BEGIN}, {"z", REGEX_END}};
    uint32_t point;
    bool negated;

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        if (take(c, places[i].letter))
            return emit_op(c, places[i].op);
    const size_t first = c->re->n_ranges;
    const struct expr_regex_set *set = take_perl_set(c, &negated);
    if (set != NULL)
        return add_set(c, set, negated) && emit_class(c, first, false);
    return take_escape(c, &point) && emit_char(c, point);
}

/* The letters of (?i-s: and the like. */
static bool read_flags(struct compiler *c)
{
    bool on = true;

    for (; peek(c, 0) != ':' && peek(c, 0) != ')'; c->at++) {
        switch (peek(c, 0)) {
        case '-':
            on = false;
            break;
        case 'i':
            c->flags.fold = on;
            break;
        case 's':
            c->flags.any_line = on;
            break;
        case 'm':
            c->flags.lines = on;
            break;
        case 'U': /* who is greedy does not matter when only asked whether */
            break;
        default:
            return fail(c, "it has a group (?...) that is not supported");
        }
    }
    return true;
}

/* After (?: true when a group follows, false when it was only flags or failed. */
static bool group_head(struct compiler *c)
{
    if (take(c, "P<") || take(c, "<")) {
        const size_t start = c->at;
        while (c->at < c->len && peek(c, 0) != '>')
            c->at++;
        if (c->at == start || strchr("=!", c->pattern[start]) != NULL || !take(c, ">"))
            return fail(c, "it has a group (?<...) that is not supported");
        return true;
    }
    return read_flags(c) && !take(c, ")") && take(c, ":");
}

static bool group(struct compiler *c)
{
    const struct flags outer = c->flags;

    if (take(c, "?") && !group_head(c))
        return c->why == NULL;
    if (c->groups == MAX_GROUPS)
        return fail(c, "it is nested too deep");
    c->groups++;
    if (!alternatives(c))
        return false;
    c->groups--;
    c->flags = outer;
    return take(c, ")") || fail(c, "a ( has no )");
}

static bool atom(struct compiler *c)
{
    switch (peek(c, 0)) {
    case '(':
        c->at++;
        return group(c);
    case '[':
        c->at++;
        return class(c);
    case '\\':
        c->at++;
        return escape(c);
    case '.':
        c->at++;
        return emit_op(c, c->flags.any_line ? REGEX_ANY_LINE : REGEX_ANY);
    case '^':
        c->at++;
        return emit_op(c, c->flags.lines ? REGEX_LINE_BEGIN : REGEX_BEGIN);
    case '$':
        c->at++;
        return emit_op(c, c->flags.lines ? REGEX_LINE_END : REGEX_END);
    case '*':
    case '+':
    case '?':
        return fail(c, "it repeats nothing");
    default:
        return emit_char(c, take_char(c));
    }
}

/* Repetition. */

static bool take_number(struct compiler *c, int *n)
{
    const size_t start = c->at;

    *n = 0;
    for (; peek(c, 0) >= '0' && peek(c, 0) <= '9' && *n <= MAX_REPEAT; c->at++)
        *n = *n * 10 + peek(c, 0) - '0';
    return c->at > start;
}

/* {2}, {2,} or {2,5}; anything else stands for itself, as in RE2. */
static bool take_counts(struct compiler *c, int *min, int *max)
{
    const size_t start = c->at;

    if (take(c, "{") && take_number(c, min)) {
        *max = *min;
        if (take(c, ",") && !take_number(c, max))
            *max = NO_LIMIT;
        if (take(c, "}"))
            return true;
    }
    c->at = start;
    return false;
}

static bool take_repeat(struct compiler *c, int *min, int *max)
{
    const char sign = peek(c, 0);

    if (take_counts(c, min, max))
        return true;
    if (sign == '\0' || strchr("*+?", sign) == NULL)
        return false;
    c->at++;
    *min = sign == '+';
    *max = sign == '?' ? 1 : NO_LIMIT;
    return true;
}

static bool emit_piece(struct compiler *c, const struct expr_regex_state *piece,
                       size_t n)
{
    const size_t index = c->re->n_states;

    if (!open_gap(c, index, n))
        return false;
    memcpy(&c->re->states[index], piece, n * sizeof(*piece));
    return true;
}

static bool emit_split(struct compiler *c, int32_t a, int32_t b)
{
    return emit(c, (struct expr_regex_state){.op = REGEX_SPLIT, .a = a, .b = b});
}

/* Writes the piece min to max times. */
static bool emit_repeat(struct compiler *c, const struct expr_regex_state *piece,
                        size_t size, int min, int max)
{
    const int32_t n = (int32_t)size;

    for (int i = 0; i < min; i++)
        if (!emit_piece(c, piece, size))
            return false;
    if (max == NO_LIMIT && min > 0)
        return emit_split(c, -n, 1);
    if (max == NO_LIMIT)
        return emit_split(c, 1, n + 2) && emit_piece(c, piece, size) &&
               emit(c, (struct expr_regex_state){.op = REGEX_JUMP, .a = -(n + 1)});
    for (int left = max - min; left > 0; left--)
        if (!emit_split(c, 1, left * (n + 1)) || !emit_piece(c, piece, size))
            return false;
    return true;
}

static bool repeat(struct compiler *c, size_t start, int min, int max)
{
    struct expr_regex *re = c->re;
    const size_t size = re->n_states - start;

    take(c, "?"); /* not greedy: the same answer */
    if (min > MAX_REPEAT || max > MAX_REPEAT || (max != NO_LIMIT && max < min))
        return fail(c, "it repeats more than 1000 times, or backwards");
    if (size == 0)
        return true;
    struct expr_regex_state *piece = malloc(size * sizeof(*piece));
    if (piece == NULL)
        return fail(c, "out of memory");
    memcpy(piece, &re->states[start], size * sizeof(*piece));
    re->n_states = start;
    const bool ok = emit_repeat(c, piece, size, min, max);
    free(piece);
    return ok;
}

static bool sequence(struct compiler *c)
{
    while (c->at < c->len && peek(c, 0) != '|' && peek(c, 0) != ')') {
        const size_t start = c->re->n_states;
        int min, max;
        if (!atom(c))
            return false;
        if (!take_repeat(c, &min, &max))
            continue;
        if (!repeat(c, start, min, max))
            return false;
        if (take_repeat(c, &min, &max))
            return fail(c, "it repeats a repetition");
    }
    return true;
}

/* a|b|c: a split before each but the last, and a jump to the end after it. Until the
 * end is known, each jump holds the distance to the one before. */
static bool alternatives(struct compiler *c)
{
    size_t start = c->re->n_states;
    size_t last = SIZE_MAX;

    for (;;) {
        if (!sequence(c))
            return false;
        if (!take(c, "|"))
            break;
        const int32_t size = (int32_t)(c->re->n_states - start);
        if (!emit_at(
                c, start,
                (struct expr_regex_state){.op = REGEX_SPLIT, .a = 1, .b = size + 2}))
            return false;
        const size_t jump = c->re->n_states;
        if (!emit(c, (struct expr_regex_state){
                         .op = REGEX_JUMP,
                         .a = last == SIZE_MAX ? 0 : (int32_t)(jump - last)}))
            return false;
        last = jump;
        start = c->re->n_states;
    }
    while (last != SIZE_MAX) {
        struct expr_regex_state *jump = &c->re->states[last];
        const size_t before = jump->a == 0 ? SIZE_MAX : last - (size_t)jump->a;
        jump->a = (int32_t)(c->re->n_states - last);
        last = before;
    }
    return true;
}

struct expr_regex *expr_regex_compile(const char *pattern, size_t len, char *why,
                                      size_t size)
{
    struct compiler c = {.pattern = pattern, .len = len};

    c.re = calloc(1, sizeof(*c.re));
    if (c.re == NULL) {
        snprintf(why, size, "out of memory");
        return NULL;
    }
    bool ok = alternatives(&c);
    if (ok && c.at < len)
        ok = fail(&c, "a ) has no (");
    if (ok && emit_op(&c, REGEX_MATCH))
        return c.re;
    snprintf(why, size, "%s", c.why);
    expr_regex_free(c.re);
    return NULL;
}
