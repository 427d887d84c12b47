/* The list of problems of one file: bounded, and safe to show on a terminal. */
#include "flow/problem.h"
#include <string.h>

#define FLOW_CODE(number, symbol, title) {number, title},
const struct flow_code flow_codes[] = {FLOW_CODES(FLOW_CODE){0, NULL}};
#undef FLOW_CODE

/* Makes text that was cut anywhere safe to show: whole characters only, and nothing
 * that moves a terminal's cursor. */
static void clean(char *text)
{
    size_t len = strlen(text);
    size_t bad;

    while ((bad = text_utf8_error(text, len)) < len) {
        memmove(text + bad, text + bad + 1, len - bad);
        len--;
    }
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7F)
            *text = ' ';
}

/* At most cap - 1 bytes, with "..." where it was shortened. */
static void copy_short(char *out, size_t cap, const char *text, size_t len)
{
    size_t n = len < cap ? len : cap - 4;

    snprintf(out, cap, "%.*s", (int)n, text);
    clean(out);
    if (n < len)
        memcpy(out + strlen(out), "...", 4);
}

struct flow_problem *flow_problem_add(struct flow_problems *all, int code, int line,
                                      int column, const char *at, size_t at_len)
{
    if (flow_problems_full(all)) {
        all->n_more++;
        return NULL;
    }

    struct flow_problem p = {.code = code, .line = line, .column = column};

    copy_short(p.at, sizeof(p.at), at, at_len);
    ARRAY_ADD(all, p);
    return &all->items[all->n - 1];
}

static void FF_PRINTF(3, 0)
    write_text(char *out, size_t cap, const char *fmt, va_list ap)
{
    vsnprintf(out, cap, fmt, ap);
    clean(out);
}

void flow_problem_msg(struct flow_problem *p, const char *fmt, ...)
{
    va_list ap;

    if (!p)
        return;
    va_start(ap, fmt);
    write_text(p->msg, sizeof(p->msg), fmt, ap);
    va_end(ap);
}

void flow_problem_hint(struct flow_problem *p, const char *fmt, ...)
{
    va_list ap;

    if (!p)
        return;
    va_start(ap, fmt);
    write_text(p->hint, sizeof(p->hint), fmt, ap);
    va_end(ap);
}

void flow_problem_near(struct flow_problem *p, const char *near)
{
    if (near)
        flow_problem_hint(p, "did you mean `%s`?", near);
}

void flow_problem_nearest(struct flow_problem *p, const char *word,
                          const char *const *candidates)
{
    if (p)
        flow_problem_near(p, text_nearest(word, candidates));
}

static bool stands_before(const struct flow_problem *a, const struct flow_problem *b)
{
    if (a->line != b->line)
        return a->line < b->line;
    return a->column < b->column;
}

/* By insertion: there are at most FLOW_MAX_ERRORS, and qsort would not keep the order
 * of equals. */
void flow_problems_sort(struct flow_problems *all)
{
    for (size_t i = 1; i < all->n; i++) {
        struct flow_problem p = all->items[i];
        size_t at = i;

        for (; at > 0 && stands_before(&p, &all->items[at - 1]); at--)
            all->items[at] = all->items[at - 1];
        all->items[at] = p;
    }
}

void flow_problems_done(struct flow_problems *p)
{
    ARRAY_DONE(p);
    p->n_more = 0;
}
