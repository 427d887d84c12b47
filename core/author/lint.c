/* The asking of all rules, what comments silence, and what is mended. */
#include "author/lint.h"

#include <stdlib.h>
#include <string.h>

const char *const author_severity_names[] = {"error", "warning", "note"};

/* --- findings --- */

struct author_finding *lint_say(struct lint *l, const struct source_node *at,
                                struct source_pair *pair, const char *fmt, ...)
{
    struct author_finding f = {.rule = l->rule, .pair = pair};
    va_list ap;

    f.line = at->line > 0 ? at->line : 1;
    f.column = at->column > 0 ? at->column : 1;
    va_start(ap, fmt);
    vsnprintf(f.msg, sizeof(f.msg), fmt, ap);
    va_end(ap);
    ARRAY_ADD(l->found, f);
    return &l->found->items[l->found->n - 1];
}

void author_findings_done(struct author_findings *f)
{
    ARRAY_DONE(f);
}

static int by_place(const void *a, const void *b)
{
    const struct author_finding *x = a;
    const struct author_finding *y = b;

    if (x->line != y->line)
        return x->line - y->line;
    if (x->column != y->column)
        return x->column - y->column;
    return x->rule->id - y->rule->id;
}

/* --- asking --- */

static const struct author_rule *find_rule(int id)
{
    const struct author_rule *rule = author_rules;

    while (rule->id && rule->id != id)
        rule++;
    return rule;
}

static void ask(struct lint *l, const struct lint_visit *visits)
{
    for (; visits->id; visits++) {
        l->rule = find_rule(visits->id);
        if (visits->file)
            visits->file(l);
        for (size_t i = 0; visits->task && i < l->tasks.n; i++)
            visits->task(l, &l->tasks.items[i]);
    }
}

/* --- silence --- */

struct silence {
    int id, first, last; /* lines */
    const struct source_node *at;
    bool used;
};
struct silences {
    struct silence *items;
    size_t n, cap;
};

static int last_line(const struct source *s, const struct source_node *node)
{
    if (node->kind != SOURCE_SCALAR && node->n > 0)
        return last_line(s, &node->items[node->n - 1].value);
    int line = node->line;
    for (size_t i = node->start; i + 1 < node->end; i++)
        line += s->text[i] == '\n';
    return line;
}

static void read_comment(const char *text, int first, int last,
                         const struct source_node *at, struct silences *all)
{
    const char *mark = strstr(text, "flowforge: ignore");

    if (!mark)
        return;
    mark += strlen("flowforge: ignore");
    const bool file = text_starts(mark, "-file");
    for (const char *id = mark; (id = strstr(id, "FF"));) {
        const struct silence silence = {.id = (int)strtol(id + 2, NULL, 10),
                                        .first = file ? 1 : first,
                                        .last = file ? INT32_MAX : last,
                                        .at = at};
        ARRAY_ADD(all, silence);
        id += 2;
    }
}

static void read_silences(const struct source *s, const struct source_node *node,
                          struct silences *all)
{
    for (size_t i = 0; node->kind != SOURCE_SCALAR && i < node->n; i++) {
        const struct source_pair *pair = &node->items[i];
        const struct source_node *at =
            node->kind == SOURCE_MAP ? &pair->key : &pair->value;
        const int last = last_line(s, &pair->value);
        for (size_t k = 0; k < pair->head.n; k++)
            read_comment(pair->head.items[k].text, at->line, last, at, all);
        if (pair->tail)
            read_comment(pair->tail, at->line, last, at, all);
        read_silences(s, &pair->value, all);
    }
}

static bool is_silent(const struct author_finding *f, struct silences *all)
{
    bool silent = false;

    for (size_t i = 0; i < all->n; i++) {
        struct silence *s = &all->items[i];
        if (s->id == f->rule->id && f->line >= s->first && f->line <= s->last)
            silent = s->used = true;
    }
    return silent;
}

#define RULE_IDLE_IGNORE 245

static void apply_silences(struct lint *l)
{
    struct silences all = {0};
    size_t kept = 0;

    read_silences(&l->source, l->root, &all);
    for (size_t i = 0; i < l->found->n; i++)
        if (!is_silent(&l->found->items[i], &all))
            l->found->items[kept++] = l->found->items[i];
    l->found->n = kept;
    l->rule = find_rule(RULE_IDLE_IGNORE);
    for (size_t i = 0; i < all.n; i++)
        if (!all.items[i].used && all.items[i].id != RULE_IDLE_IGNORE)
            lint_say(l, all.items[i].at, NULL,
                     "this comment ignores FF%d, which is not found here",
                     all.items[i].id);
    ARRAY_DONE(&all);
}

/* --- mending --- */

/* Marks what is to go; nothing moves while findings point into it. */
static const char removed[] = "";

static bool is_removed(const struct source_pair *pair)
{
    return pair->key.raw == removed;
}

static void keep_comments(struct source *s, struct source_node *node, size_t i)
{
    const struct source_comments *from = &node->items[i].head;
    struct source_comments *to =
        i + 1 < node->n ? &node->items[i + 1].head : &node->foot;

    for (size_t k = 0; k < from->n; k++)
        source_comment(s, to,
                       from->items[k].text + 1 + (from->items[k].text[1] == ' '));
}

static void sweep(struct source *s, struct source_node *node)
{
    size_t kept = 0;

    if (node->kind == SOURCE_SCALAR)
        return;
    for (size_t i = 0; i < node->n; i++) {
        if (is_removed(&node->items[i])) {
            keep_comments(s, node, i);
            continue;
        }
        sweep(s, &node->items[i].value);
        node->items[kept++] = node->items[i];
    }
    node->n = kept;
}

static void set_lang(struct source *s, struct source_pair *script)
{
    const struct source_node *file = source_get(&script->value, "file");
    struct source_node *lang = source_get(&script->value, "lang");
    const char *word = lint_lang_of(file->text);

    if (lang)
        *lang = source_made_plain(s, word);
    else
        source_add(s, &script->value, "lang", source_made_plain(s, word));
}

static bool mend(struct lint *l)
{
    bool any = false;

    for (size_t i = 0; i < l->found->n; i++) {
        struct author_finding *f = &l->found->items[i];
        if (!f->rule->fixes || !f->pair)
            continue;
        if (f->rule->id == 221)
            set_lang(&l->source, f->pair);
        else
            f->pair->key.raw = removed;
        f->fixed = any = true;
    }
    sweep(&l->source, l->root);
    return any;
}

static int write_fixed(struct lint *l, struct buf *fixed, struct ff_err *err)
{
    struct flow_problems problems = {0};
    struct buf text = {0};
    int code = FF_OK;

    if (!mend(l))
        return FF_OK;
    source_print(&l->source, &text);
    struct flow *flow = flow_parse(buf_text(&text), text.len, &problems);
    if (flow)
        buf_add(fixed, buf_text(&text), text.len);
    else
        code = ff_fail(err, FF_INTERNAL, 0,
                       "the mended file would be refused: %.100s; please report it",
                       problems.items[0].msg);
    flow_unref(flow);
    flow_problems_done(&problems);
    buf_done(&text);
    return code;
}

static int lint_source(struct lint *l, struct buf *fixed, struct ff_err *err)
{
    static const struct lint_visit *const all[] = {lint_shell_visits, lint_task_visits,
                                                   lint_data_visits, lint_kind_visits};
    int code = FF_OK;

    author_canonical(&l->source);
    l->root = &l->source.root;
    lint_model(l);
    for (size_t i = 0; i < COUNT_OF(all); i++)
        ask(l, all[i]);
    apply_silences(l);
    if (l->found->n > 0)
        qsort(l->found->items, l->found->n, sizeof(*l->found->items), by_place);
    if (fixed)
        code = write_fixed(l, fixed, err);
    lint_model_done(l);
    return code;
}

int author_lint(const char *text, size_t len, struct author_findings *found,
                struct buf *fixed, struct flow_problems *problems, struct ff_err *err)
{
    struct lint l = {.found = found};
    struct flow *flow = flow_parse(text, len, problems);

    if (!flow)
        return ff_fail(err, FF_INVALID, 0, "the file is not right yet");
    flow_unref(flow);
    int code = source_read(&l.source, text, len, false, err);
    if (code != FF_OK)
        return code;
    code = lint_source(&l, fixed, err);
    source_done(&l.source);
    for (size_t i = 0; i < found->n; i++)
        found->items[i].pair = NULL;
    return code;
}
