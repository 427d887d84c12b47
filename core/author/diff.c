/* A unified diff of two texts by lines: the shortest way from one to the other (Myers
 * 1986, the greedy algorithm), given up for one large replacement when the texts have
 * little in common. */
#include "author/author.h"

#include <string.h>

#define MAX_EDITS 2000
#define AROUND    3

struct line {
    const char *text;
    size_t len; /* with its end */
};

struct lines {
    struct line *items;
    size_t n, cap;
};

/* ' ' in both, '-' only before, '+' only after. */
struct step {
    char sign;
    struct line line;
};

struct steps {
    struct step *items;
    size_t n, cap;
};

static struct lines split(const char *text)
{
    struct lines lines = {0};

    while (*text) {
        const size_t len = strcspn(text, "\n");
        const struct line line = {text, len + (text[len] == '\n')};
        ARRAY_ADD(&lines, line);
        text += line.len;
    }
    return lines;
}

static bool is_same(struct line a, struct line b)
{
    return a.len == b.len && memcmp(a.text, b.text, a.len) == 0;
}

static void add_step(struct steps *steps, char sign, struct line line)
{
    const struct step step = {sign, line};

    ARRAY_ADD(steps, step);
}

/* --- the way --- */

/* furthest[d] holds, for each diagonal k = x - y from -d to d, the x that d edits reach
 * at most; at index k + d. */
struct search {
    const struct lines *a, *b;
    int64_t *furthest[MAX_EDITS + 1];
    int64_t n_edits; /* -1: too many */
};

static int64_t at_diagonal(const struct search *s, int64_t d, int64_t k)
{
    return k < -d || k > d ? -1 : s->furthest[d][k + d];
}

/* Where diagonal k is entered by the d-th edit: from above by '+', from left by '-'. */
static int64_t enter(const struct search *s, int64_t d, int64_t k)
{
    if (d == 0)
        return 0;
    const int64_t down = at_diagonal(s, d - 1, k + 1);
    const int64_t right = at_diagonal(s, d - 1, k - 1);
    return right >= 0 && right + 1 > down ? right + 1 : down;
}

static int64_t slide(const struct search *s, int64_t x, int64_t k)
{
    const int64_t n = (int64_t)s->a->n;
    const int64_t m = (int64_t)s->b->n;

    while (x < n && x - k < m && x - k >= 0 &&
           is_same(s->a->items[x], s->b->items[x - k]))
        x++;
    return x;
}

static void find_way(struct search *s)
{
    const int64_t n = (int64_t)s->a->n;
    const int64_t m = (int64_t)s->b->n;

    for (int64_t d = 0; d <= MAX_EDITS; d++) {
        s->furthest[d] = mem_array((size_t)(2 * d + 1), sizeof(int64_t));
        s->n_edits = d;
        for (int64_t k = -d; k <= d; k++) {
            int64_t *x = &s->furthest[d][k + d];
            *x = -1;
            const bool parity = ((k + d) & 1) == 0;
            const int64_t entered = parity ? enter(s, d, k) : -1;
            if (entered < 0 || entered > n || entered - k > m || entered - k < 0)
                continue;
            *x = slide(s, entered, k);
            if (*x == n && *x - k == m)
                return;
        }
    }
    s->n_edits = -1;
}

/* Backwards along the way; the steps come out in reverse. */
static void walk_back(const struct search *s, struct steps *back)
{
    int64_t x = (int64_t)s->a->n;
    int64_t y = (int64_t)s->b->n;

    for (int64_t d = s->n_edits; d >= 0; d--) {
        const int64_t k = x - y;
        const int64_t start = enter(s, d, k);
        for (; x > start; x--, y--)
            add_step(back, ' ', s->a->items[x - 1]);
        if (d == 0)
            return;
        const bool by_plus = start == at_diagonal(s, d - 1, k + 1);
        if (by_plus)
            add_step(back, '+', s->b->items[--y]);
        else
            add_step(back, '-', s->a->items[--x]);
    }
}

static struct steps find_steps(const struct lines *a, const struct lines *b)
{
    struct search search = {.a = a, .b = b};
    struct steps back = {0};
    struct steps steps = {0};

    find_way(&search);
    if (search.n_edits >= 0) {
        walk_back(&search, &back);
        for (size_t i = back.n; i-- > 0;)
            ARRAY_ADD(&steps, back.items[i]);
    } else {
        for (size_t i = 0; i < a->n; i++)
            add_step(&steps, '-', a->items[i]);
        for (size_t i = 0; i < b->n; i++)
            add_step(&steps, '+', b->items[i]);
    }
    for (size_t i = 0; i <= MAX_EDITS; i++)
        mem_free(search.furthest[i]);
    ARRAY_DONE(&back);
    return steps;
}

/* --- printing --- */

/* From `at` on: where the hunk that begins there ends. */
static size_t end_of_hunk(const struct steps *steps, size_t at)
{
    size_t end = at;

    for (size_t i = at; i < steps->n && i <= end + (size_t)(2 * AROUND); i++)
        if (steps->items[i].sign != ' ')
            end = i + 1;
    return end + AROUND < steps->n ? end + AROUND : steps->n;
}

static void add_range(struct buf *out, char sign, size_t before, size_t n)
{
    buf_printf(out, "%c%zu", sign, n ? before + 1 : before);
    if (n != 1)
        buf_printf(out, ",%zu", n);
}

static void add_hunk(const struct steps *steps, size_t from, size_t to,
                     const size_t before[2], struct buf *out)
{
    size_t n[2] = {0, 0};

    for (size_t i = from; i < to; i++) {
        n[0] += steps->items[i].sign != '+';
        n[1] += steps->items[i].sign != '-';
    }
    buf_add_text(out, "@@ ");
    add_range(out, '-', before[0], n[0]);
    buf_add_char(out, ' ');
    add_range(out, '+', before[1], n[1]);
    buf_add_text(out, " @@\n");
    for (size_t i = from; i < to; i++) {
        const struct line line = steps->items[i].line;
        buf_add_char(out, steps->items[i].sign);
        buf_add(out, line.text, line.len);
        if (line.text[line.len - 1] != '\n')
            buf_add_text(out, "\n\\ No newline at end of file\n");
    }
}

void author_diff(const char *name, const char *before, const char *after,
                 struct buf *out)
{
    struct lines a = split(before);
    struct lines b = split(after);
    struct steps steps = find_steps(&a, &b);
    size_t passed[2] = {0, 0}; /* lines of each text before step `counted` */
    size_t counted = 0;
    bool any = false;

    for (size_t i = 0; i < steps.n; i++) {
        if (steps.items[i].sign == ' ')
            continue;
        const size_t from = i > counted + AROUND ? i - AROUND : counted;
        const size_t to = end_of_hunk(&steps, i);
        for (; counted < from; counted++) {
            passed[0] += steps.items[counted].sign != '+';
            passed[1] += steps.items[counted].sign != '-';
        }
        if (!any)
            buf_printf(out, "--- %s\n+++ %s (formatted)\n", name, name);
        any = true;
        add_hunk(&steps, from, to, passed, out);
        for (; counted < to; counted++) {
            passed[0] += steps.items[counted].sign != '+';
            passed[1] += steps.items[counted].sign != '-';
        }
        i = to - 1;
    }
    ARRAY_DONE(&steps);
    ARRAY_DONE(&a);
    ARRAY_DONE(&b);
}
