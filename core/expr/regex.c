/*
 * The search: all states of the automaton that the text read so far can be in are
 * carried along together, so no input makes it go back.
 */
#include "expr/regex.h"
#include "expr/expr_priv.h"

#include <stdlib.h>

/* Between two characters: what stands before and after. */
struct gap {
    bool first, last; /* of the text */
    uint32_t before, after;
};

struct search {
    const struct expr_regex *re;
    uint32_t *now, *next, *todo;
    size_t n_now, n_next;
    uint64_t *seen; /* the gap in which each state was last added */
    uint64_t stamp;
    uint64_t work; /* state visits so far */
    bool found;
};

void expr_regex_free(struct expr_regex *re)
{
    if (re == NULL)
        return;
    free(re->states);
    free(re->ranges);
    free(re);
}

static bool is_word(uint32_t c)
{
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
}

/* Whether a state that reads nothing lets through here. */
static bool holds(uint8_t op, const struct gap *gap)
{
    const bool edge =
        (!gap->first && is_word(gap->before)) != (!gap->last && is_word(gap->after));

    switch (op) {
    case REGEX_BEGIN:
        return gap->first;
    case REGEX_END:
        return gap->last;
    case REGEX_LINE_BEGIN:
        return gap->first || gap->before == '\n';
    case REGEX_LINE_END:
        return gap->last || gap->after == '\n';
    case REGEX_WORD:
        return edge;
    default:
        return !edge;
    }
}

/* Adds a state to next, and all that can be reached from it without reading. */
static void add_state(struct search *s, uint32_t start, const struct gap *gap)
{
    size_t n_todo = 0;

    s->todo[n_todo++] = start;
    while (n_todo > 0) {
        const uint32_t i = s->todo[--n_todo];
        const struct expr_regex_state *state = &s->re->states[i];
        s->work++;
        if (s->seen[i] == s->stamp)
            continue;
        s->seen[i] = s->stamp;
        if (state->op == REGEX_MATCH) {
            s->found = true;
        } else if (state->op == REGEX_SPLIT) {
            s->todo[n_todo++] = (uint32_t)((int32_t)i + state->b);
            s->todo[n_todo++] = (uint32_t)((int32_t)i + state->a);
        } else if (state->op == REGEX_JUMP) {
            s->todo[n_todo++] = (uint32_t)((int32_t)i + state->a);
        } else if (state->op < REGEX_SPLIT) {
            s->next[s->n_next++] = i;
        } else if (holds(state->op, gap)) {
            s->todo[n_todo++] = i + 1;
        }
    }
}

static bool in_ranges(const struct expr_regex *re, const struct expr_regex_state *state,
                      uint32_t c)
{
    const struct expr_regex_range *range = &re->ranges[state->x];

    for (int32_t i = 0; i < state->a; i++)
        if (c >= range[i].low && c <= range[i].high)
            return true;
    return false;
}

/* The same ASCII letter in the other case; c when it is none. */
static uint32_t other_case(uint32_t c)
{
    const uint32_t lower = c | 0x20;

    return lower >= 'a' && lower <= 'z' ? c ^ 0x20 : c;
}

static bool reads(const struct expr_regex *re, const struct expr_regex_state *state,
                  uint32_t c)
{
    const uint32_t other = state->fold ? other_case(c) : c;

    switch (state->op) {
    case REGEX_CHAR:
        return c == state->x || other == state->x;
    case REGEX_ANY:
        return c != '\n';
    case REGEX_ANY_LINE:
        return true;
    case REGEX_CLASS:
        return in_ranges(re, state, c) || in_ranges(re, state, other);
    default:
        return !in_ranges(re, state, c) && !in_ranges(re, state, other);
    }
}

static void step(struct search *s, const struct gap *gap, uint32_t c)
{
    uint32_t *spare = s->now;

    s->now = s->next;
    s->next = spare;
    s->n_now = s->n_next;
    s->n_next = 0;
    s->stamp++;
    for (size_t i = 0; i < s->n_now && !s->found; i++)
        if (reads(s->re, &s->re->states[s->now[i]], c))
            add_state(s, s->now[i] + 1, gap);
    s->work += s->n_now;
}

static int run(struct search *s, const char *text, size_t len, uint64_t limit)
{
    struct gap gap = {.first = true, .last = len == 0};
    size_t at = 0;
    size_t width = 0;

    if (len > 0)
        width = expr_utf8_next(text, len, &gap.after);
    s->stamp = 1;
    add_state(s, 0, &gap);
    while (!s->found && at < len) {
        if (s->work > limit)
            return -1;
        at += width;
        gap = (struct gap){.before = gap.after, .last = at == len};
        if (at < len)
            width = expr_utf8_next(text + at, len - at, &gap.after);
        step(s, &gap, gap.before);
        if (!s->found)
            add_state(s, 0, &gap);
    }
    return s->work > limit ? -1 : s->found;
}

int expr_regex_search(const struct expr_regex *re, const char *text, size_t len,
                      uint64_t *work)
{
    /* A state is pushed at most twice for each of the others. */
    struct search s = {.re = re,
                       .now = calloc(re->n_states, sizeof(uint32_t)),
                       .next = calloc(re->n_states, sizeof(uint32_t)),
                       .todo = calloc(2 * re->n_states + 2, sizeof(uint32_t)),
                       .seen = calloc(re->n_states, sizeof(uint64_t))};
    int rc = -2;

    if (s.now != NULL && s.next != NULL && s.todo != NULL && s.seen != NULL) {
        rc = run(&s, text, len, *work);
        *work = s.work < *work ? *work - s.work : 0;
    }
    free(s.now);
    free(s.next);
    free(s.todo);
    free(s.seen);
    return rc;
}
