#include "support_spec.h"
#include "support_cmocka.h"
#include <string.h>

void show_problems(const struct flow_problems *p)
{
    for (size_t i = 0; i < p->n; i++)
        print_message("%d:%d FF%03d [%s] %s (%s)\n", p->items[i].line,
                      p->items[i].column, p->items[i].code, p->items[i].at,
                      p->items[i].msg, p->items[i].hint);
}

struct flow *read_good(const char *text)
{
    struct flow_problems problems = {0};
    struct flow *f = flow_parse(text, strlen(text), &problems);

    show_problems(&problems);
    assert_non_null(f);
    assert_int_equal(problems.n, 0);
    flow_problems_done(&problems);
    return f;
}

struct flow_problems read_bad(const char *text)
{
    struct flow_problems problems = {0};
    struct flow *f = flow_parse(text, strlen(text), &problems);

    if (f)
        print_message("this should have been refused:\n%s", text);
    assert_null(f);
    assert_true(problems.n > 0);
    return problems;
}

void check_refusal(const struct refusal *r)
{
    struct flow_problems problems = read_bad(r->text);
    const struct flow_problem *p = &problems.items[0];
    bool good = problems.n == 1 && p->code == r->code && p->line == r->line &&
                p->column == r->column && strcmp(p->at, r->at ? r->at : "") == 0 &&
                (!r->msg || strstr(p->msg, r->msg)) &&
                (!r->hint || strstr(p->hint, r->hint));

    if (!good) {
        print_message("expected one problem %d:%d FF%03d [%s] %s (%s) of:\n%s\ngot:\n",
                      r->line, r->column, r->code, r->at ? r->at : "",
                      r->msg ? r->msg : "", r->hint ? r->hint : "", r->text);
        show_problems(&problems);
    }
    flow_problems_done(&problems);
    assert_true(good);
}
