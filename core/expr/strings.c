/*
 * Functions on strings, with the names and meaning of CEL's strings extension.
 * Positions count code points. matches() is here, its automaton in regex.c.
 */
#include "expr/expr_priv.h"

#include <stdlib.h>
#include <string.h>

/* A string argument: borrowed. */
struct text {
    const char *s;
    size_t len;
};

static struct text text_of(const json_t *v)
{
    return (struct text){json_string_value(v), json_string_length(v)};
}

/* True when the first n arguments are strings and walking them is paid for. */
static bool take_strings(struct expr_ctx *ctx, const struct expr_call *call, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!json_is_string(call->args[i])) {
            expr_no_overload(ctx, call);
            return false;
        }
        if (!expr_walk(ctx, call->node, call->args[i]))
            return false;
    }
    return true;
}

/* An int argument, or fallback when it was left out. */
static bool take_int(struct expr_ctx *ctx, const struct expr_call *call, size_t i,
                     json_int_t fallback, json_int_t *n)
{
    *n = fallback;
    if (i >= call->n)
        return true;
    *n = json_integer_value(call->args[i]);
    if (!json_is_integer(call->args[i]))
        expr_no_overload(ctx, call);
    return json_is_integer(call->args[i]);
}

static json_t *make(struct expr_ctx *ctx, const struct expr_call *call, const char *s,
                    size_t len)
{
    if (!expr_produce(ctx, call->node, len))
        return NULL;
    return expr_made(ctx, call->node, json_stringn_nocheck(s, len));
}

/* Makes a string from memory that is freed here. */
static json_t *make_free(struct expr_ctx *ctx, const struct expr_call *call, char *s,
                         size_t len)
{
    json_t *v =
        expr_made(ctx, call->node, s != NULL ? json_stringn_nocheck(s, len) : NULL);

    free(s);
    return v;
}

static json_t *out_of_range(struct expr_ctx *ctx, const struct expr_call *call,
                            json_int_t i)
{
    return expr_error(
        ctx, call->node, EXPR_E_ABSENT, "position %lld is out of range in '%s'",
        (long long)i,
        expr_snippet(ctx->e->text + call->node->offset, call->node->length).text);
}

/* Where code point i begins; i may be the count. False when there are fewer. */
static bool byte_of(struct text t, json_int_t i, size_t *byte)
{
    uint32_t point;

    if (i < 0)
        return false;
    *byte = 0;
    for (; i > 0 && *byte < t.len; i--)
        *byte += expr_utf8_next(t.s + *byte, t.len - *byte, &point);
    return i == 0;
}

static const char *find(const char *s, size_t len, struct text wanted)
{
    return memmem(s, len, wanted.s, wanted.len);
}

EXPR_FUNCTION(size)
{
    json_t *v = call->args[0];
    size_t n;

    if (json_is_array(v))
        n = json_array_size(v);
    else if (json_is_object(v))
        n = json_object_size(v);
    else if (take_strings(ctx, call, 1))
        n = expr_utf8_count(json_string_value(v), json_string_length(v));
    else
        return NULL;
    return expr_made(ctx, call->node, json_integer((json_int_t)n));
}

EXPR_FUNCTION(contains)
{
    if (!take_strings(ctx, call, 2))
        return NULL;
    const struct text t = text_of(call->args[0]);
    return json_boolean(find(t.s, t.len, text_of(call->args[1])) != NULL);
}

EXPR_FUNCTION(starts_with)
{
    if (!take_strings(ctx, call, 2))
        return NULL;
    const struct text t = text_of(call->args[0]);
    const struct text start = text_of(call->args[1]);
    return json_boolean(start.len <= t.len && memcmp(t.s, start.s, start.len) == 0);
}

EXPR_FUNCTION(ends_with)
{
    if (!take_strings(ctx, call, 2))
        return NULL;
    const struct text t = text_of(call->args[0]);
    const struct text end = text_of(call->args[1]);
    return json_boolean(end.len <= t.len &&
                        memcmp(t.s + t.len - end.len, end.s, end.len) == 0);
}

/* Most patterns are constants, asked in a loop: the last one stays compiled. */
static bool compile(struct expr_ctx *ctx, const struct expr_call *call)
{
    json_t *pattern = call->args[1];
    char why[128];

    if (ctx->regex_pattern == pattern)
        return true;
    struct expr_regex *re = expr_regex_compile(
        json_string_value(pattern), json_string_length(pattern), why, sizeof(why));
    if (re == NULL) {
        expr_error(
            ctx, call->node, EXPR_E_VALUE, "'%s' is not a regular expression: %s",
            expr_snippet(json_string_value(pattern), json_string_length(pattern)).text,
            why);
        return false;
    }
    expr_regex_free(ctx->regex);
    json_decref(ctx->regex_pattern);
    ctx->regex = re;
    ctx->regex_pattern = json_incref(pattern);
    return true;
}

EXPR_FUNCTION(matches)
{
    const struct expr_budget *budget = ctx->budget;

    if (!take_strings(ctx, call, 2) || !compile(ctx, call))
        return NULL;
    const struct text t = text_of(call->args[0]);
    const uint64_t allowed = (budget->allowance - budget->steps) * 64;
    uint64_t work = allowed;
    const int found = expr_regex_search(ctx->regex, t.s, t.len, &work);
    if (found == -2)
        return expr_made(ctx, call->node, NULL);
    /* When the budget was too small, one step more than is left tells so. */
    if (!expr_spend(ctx, call->node, (allowed - work) / 64 + (found < 0 ? 1 : 0)))
        return NULL;
    return found < 0 ? NULL : json_boolean(found);
}

EXPR_FUNCTION(char_at)
{
    size_t byte;
    json_int_t i;
    uint32_t point;

    if (!take_strings(ctx, call, 1) || !take_int(ctx, call, 1, 0, &i))
        return NULL;
    const struct text t = text_of(call->args[0]);
    if (!byte_of(t, i, &byte))
        return out_of_range(ctx, call, i);
    const size_t len =
        byte < t.len ? expr_utf8_next(t.s + byte, t.len - byte, &point) : 0;
    return make(ctx, call, t.s + byte, len);
}

EXPR_FUNCTION(index_of)
{
    size_t start;
    json_int_t i;

    if (!take_strings(ctx, call, 2) || !take_int(ctx, call, 2, 0, &i))
        return NULL;
    const struct text t = text_of(call->args[0]);
    if (!byte_of(t, i, &start))
        return out_of_range(ctx, call, i);
    const char *at = find(t.s + start, t.len - start, text_of(call->args[1]));
    json_int_t found = -1;
    if (at != NULL)
        found = (json_int_t)expr_utf8_count(t.s, (size_t)(at - t.s));
    return expr_made(ctx, call->node, json_integer(found));
}

EXPR_FUNCTION(last_index_of)
{
    json_int_t i;
    size_t at;

    if (!take_strings(ctx, call, 2))
        return NULL;
    const struct text t = text_of(call->args[0]);
    const struct text wanted = text_of(call->args[1]);
    const json_int_t size = (json_int_t)expr_utf8_count(t.s, t.len);
    if (!take_int(ctx, call, 2, size, &i))
        return NULL;
    if (!byte_of(t, i, &at))
        return out_of_range(ctx, call, i);
    /* Each place is compared as a whole: pay for the product. */
    if (!expr_spend(ctx, call->node, (t.len / 64 + 1) * (wanted.len / 64 + 1)))
        return NULL;
    if (wanted.len > t.len)
        return expr_made(ctx, call->node, json_integer(-1));
    if (at > t.len - wanted.len)
        at = t.len - wanted.len;
    while (at > 0 && memcmp(t.s + at, wanted.s, wanted.len) != 0)
        at--;
    const bool found = memcmp(t.s + at, wanted.s, wanted.len) == 0;
    return expr_made(ctx, call->node,
                     json_integer(found ? (json_int_t)expr_utf8_count(t.s, at) : -1));
}

EXPR_FUNCTION(substring)
{
    size_t start, end;
    json_int_t i, j;

    if (!take_strings(ctx, call, 1))
        return NULL;
    const struct text t = text_of(call->args[0]);
    const json_int_t size = (json_int_t)expr_utf8_count(t.s, t.len);
    if (!take_int(ctx, call, 1, 0, &i) || !take_int(ctx, call, 2, size, &j))
        return NULL;
    if (!byte_of(t, i, &start))
        return out_of_range(ctx, call, i);
    if (!byte_of(t, j, &end) || end < start)
        return out_of_range(ctx, call, j);
    return make(ctx, call, t.s + start, end - start);
}

/* A copy with every letter between first and first + 25 moved by step. */
static json_t *shift_case(struct expr_ctx *ctx, const struct expr_call *call,
                          char first, int step)
{
    if (!take_strings(ctx, call, 1))
        return NULL;
    const struct text t = text_of(call->args[0]);
    if (!expr_produce(ctx, call->node, t.len))
        return NULL;
    char *copy = malloc(t.len + 1);
    for (size_t i = 0; copy != NULL && i < t.len; i++) {
        const bool letter = t.s[i] >= first && t.s[i] <= first + 25;
        copy[i] = (char)(t.s[i] + (letter ? step : 0));
    }
    return make_free(ctx, call, copy, t.len);
}

EXPR_FUNCTION(lower)
{
    return shift_case(ctx, call, 'A', 'a' - 'A');
}

EXPR_FUNCTION(upper)
{
    return shift_case(ctx, call, 'a', 'A' - 'a');
}

/* Unicode's White_Space. */
static bool is_space(uint32_t point)
{
    return (point >= 0x09 && point <= 0x0d) || point == 0x20 || point == 0x85 ||
           point == 0xa0 || point == 0x1680 || (point >= 0x2000 && point <= 0x200a) ||
           point == 0x2028 || point == 0x2029 || point == 0x202f || point == 0x205f ||
           point == 0x3000;
}

EXPR_FUNCTION(trim)
{
    size_t start = 0, end = 0;
    uint32_t point;

    if (!take_strings(ctx, call, 1))
        return NULL;
    const struct text t = text_of(call->args[0]);
    for (size_t at = 0; at < t.len;) {
        const size_t n = expr_utf8_next(t.s + at, t.len - at, &point);
        if (!is_space(point)) {
            start = end == 0 ? at : start;
            end = at + n;
        }
        at += n;
    }
    return make(ctx, call, t.s + start, end - start);
}

/* Walks the places where wanted stands, each after the end of the one before; an empty
 * wanted stands before each character and at the end. */
struct places {
    struct text in, wanted;
    size_t at;    /* where to look next */
    size_t start; /* where the place found begins */
    bool ended;
};

static bool next_place(struct places *p)
{
    uint32_t point;

    if (p->ended)
        return false;
    const char *found = find(p->in.s + p->at, p->in.len - p->at, p->wanted);
    if (found == NULL)
        return false;
    p->start = (size_t)(found - p->in.s);
    p->at = p->start + p->wanted.len;
    p->ended = p->wanted.len == 0 && p->at == p->in.len;
    if (p->wanted.len == 0 && !p->ended)
        p->at += expr_utf8_next(found, p->in.len - p->start, &point);
    return true;
}

static json_int_t count_places(struct places p, json_int_t limit)
{
    json_int_t n = 0;

    while ((limit < 0 || n < limit) && next_place(&p))
        n++;
    return n;
}

EXPR_FUNCTION(replace)
{
    json_int_t limit;

    if (!take_strings(ctx, call, 3) || !take_int(ctx, call, 3, -1, &limit))
        return NULL;
    const struct text new = text_of(call->args[2]);
    struct places p = {.in = text_of(call->args[0]), .wanted = text_of(call->args[1])};
    const size_t n = (size_t)count_places(p, limit);
    /* Before the memory is asked for: the size is a product. */
    if (new.len > 0 && n > ctx->budget->max_bytes / new.len)
        return expr_produce(ctx, call->node, SIZE_MAX), NULL;
    const size_t len = p.in.len + n * new.len - n *p.wanted.len;
    if (!expr_produce(ctx, call->node, len))
        return NULL;
    char *out = malloc(len + 1);
    char *to = out;
    size_t from = 0;
    for (size_t i = 0; out != NULL && i < n && next_place(&p); i++) {
        memcpy(to, p.in.s + from, p.start - from);
        to += p.start - from;
        memcpy(to, new.s, new.len);
        to += new.len;
        from = p.start + p.wanted.len;
    }
    if (out != NULL)
        memcpy(to, p.in.s + from, p.in.len - from);
    return make_free(ctx, call, out, len);
}

/* Appends a string to a list; false with the error. */
static bool append(struct expr_ctx *ctx, const struct expr_call *call, json_t *list,
                   struct text piece)
{
    json_t *v =
        expr_produce(ctx, call->node, 8) ? make(ctx, call, piece.s, piece.len) : NULL;

    return v != NULL && expr_spend(ctx, call->node, 1) &&
           json_array_append_new(list, v) == 0;
}

/* Splits into at most limit pieces; without a separator, into characters. */
static bool split(struct expr_ctx *ctx, const struct expr_call *call, json_t *list,
                  json_int_t limit)
{
    struct places p = {.in = text_of(call->args[0]), .wanted = text_of(call->args[1])};
    size_t from = 0;

    for (json_int_t n = 1; (limit < 0 || n < limit) && next_place(&p);) {
        if (p.wanted.len == 0 && (p.start == 0 || p.start == p.in.len))
            continue;
        if (!append(ctx, call, list, (struct text){p.in.s + from, p.start - from}))
            return false;
        from = p.start + p.wanted.len;
        n++;
    }
    return append(ctx, call, list, (struct text){p.in.s + from, p.in.len - from});
}

EXPR_FUNCTION(split)
{
    json_int_t limit;

    if (!take_strings(ctx, call, 2) || !take_int(ctx, call, 2, -1, &limit))
        return NULL;
    json_t *list = expr_made(ctx, call->node, json_array());
    if (list != NULL && limit != 0 && !split(ctx, call, list, limit)) {
        json_decref(list);
        return NULL;
    }
    return list;
}

/* The length of the joined text; false, with the error, when it cannot be. */
static bool join_length(struct expr_ctx *ctx, const struct expr_call *call,
                        struct text between, size_t *len)
{
    const json_t *list = call->args[0];
    size_t i;
    json_t *item;

    *len = 0;
    json_array_foreach(list, i, item)
    {
        if (!json_is_string(item)) {
            expr_error(ctx, call->node, EXPR_E_TYPE,
                       "join() wants a list of strings, and element %zu is %s", i,
                       expr_type_name(item));
            return false;
        }
        const size_t more = json_string_length(item) + (i > 0 ? between.len : 0);
        if (!expr_produce(ctx, call->node, more))
            return false;
        *len += more;
    }
    return true;
}

EXPR_FUNCTION(join)
{
    json_t *list = call->args[0];
    size_t len, i;
    json_t *item;

    if (!json_is_array(list) || (call->n == 2 && !json_is_string(call->args[1])))
        return expr_no_overload(ctx, call);
    const struct text between =
        call->n == 2 ? text_of(call->args[1]) : (struct text){"", 0};
    if (!expr_walk(ctx, call->node, list) || !join_length(ctx, call, between, &len))
        return NULL;
    char *out = malloc(len + 1);
    char *to = out;
    if (out == NULL)
        return expr_made(ctx, call->node, NULL);
    json_array_foreach(list, i, item)
    {
        const struct text piece = text_of(item);
        if (i > 0) {
            memcpy(to, between.s, between.len);
            to += between.len;
        }
        memcpy(to, piece.s, piece.len);
        to += piece.len;
    }
    return make_free(ctx, call, out, len);
}
