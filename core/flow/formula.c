/* needs as a formula, "a && (b.failed || c)": from text to a program in postfix order.
 * It is judged once, when all that it names has ended (core/engine/dag_needs.c). */
#include "flow/spec.h"
#include <string.h>

const char *const flow_ask_names[] = {
    [FLOW_ASK_OK] = "ok",
    [FLOW_ASK_SUCCEEDED] = "succeeded",
    [FLOW_ASK_FAILED] = "failed",
    [FLOW_ASK_SKIPPED] = "skipped",
    [FLOW_ASK_DONE] = "done",
    [FLOW_ASK_CANCELLED] = "cancelled",
    [FLOW_ASK_CANCELLED + 1] = NULL,
};

#define BLANKS    " \t\r\n"
#define OPERATORS "!&|()"

struct parser {
    struct spec *s;
    uint32_t task;
    const struct tree_node *node;
    size_t at;
    int depth;
    bool bad; /* said so already */
    struct {
        struct flow_term *items;
        size_t n, cap;
    } terms;
};

bool spec_is_formula(const struct tree_node *node)
{
    if (node->kind == TREE_TEXT)
        return strpbrk(node->text, OPERATORS "." BLANKS) != NULL;
    for (uint32_t i = 0; i < node->n; i++)
        if (node->items[i].value.kind == TREE_TEXT &&
            strchr(node->items[i].value.text, '.'))
            return true;
    return false;
}

/* The names of a text, each as often as it stands there; or the items of a list. */
size_t spec_count_asked(const struct tree_node *node)
{
    size_t n = 0;

    if (node->kind == TREE_LIST)
        return node->n;
    for (const char *at = node->text; *at; n++) {
        at += strspn(at, OPERATORS BLANKS);
        at += strcspn(at, OPERATORS BLANKS);
    }
    return n;
}

bool spec_is_need(const char *written, const char *name)
{
    const size_t len = strlen(name);

    return strncmp(written, name, len) == 0 &&
           (written[len] == '\0' || written[len] == '.');
}

static void refuse(struct parser *p, size_t offset, size_t len, const char *why)
{
    struct flow_problem *problem;

    p->bad = true; /* and nothing more is read */
    problem = spec_problem_in(p->s, PROBLEM_FORMULA, p->node, offset, len);
    flow_problem_msg(problem, "%s", why);
    flow_problem_hint(problem, "write names, ! && || and ( ), such as "
                               "a && (b.failed || c)");
}

static void add_term(struct parser *p, struct flow_term term)
{
    ARRAY_ADD(&p->terms, term);
}

/* Of a switch the hint may be a case. */
static const char *nearest_word(const struct flow_task *of, const char *word)
{
    const struct flow_switch *choice = of->work->choice;
    const char *near = text_nearest(word, flow_ask_names);

    if (!choice || near)
        return near;

    const char **names = mem_array((size_t)choice->n + 1, sizeof(*names));
    size_t n = 0;

    for (uint32_t i = 0; i < choice->n; i++)
        if (choice->cases[i].name)
            names[n++] = choice->cases[i].name;
    near = text_nearest(word, names);
    mem_free(names);
    return near;
}

static void refuse_word(struct parser *p, const struct flow_task *of, const char *word,
                        size_t offset)
{
    char list[128];
    struct flow_problem *problem =
        spec_problem_in(p->s, PROBLEM_ASKED, p->node, offset, strlen(word));

    p->bad = true;
    spec_list_choices(flow_ask_names, list, sizeof(list));
    if (of->work->choice)
        flow_problem_msg(problem, "switch %s has no case %.64s", of->name, word);
    else
        flow_problem_msg(problem, "task %s has no %.64s; after its name comes %s",
                         of->name, word, list);
    flow_problem_near(problem, nearest_word(of, word));
}

/* The case of a switch, or NULL. */
static const char *find_case(const struct flow_task *of, const char *word)
{
    const struct flow_switch *choice = of->work->choice;

    for (uint32_t i = 0; choice && i < choice->n; i++)
        if (choice->cases[i].name && strcmp(choice->cases[i].name, word) == 0)
            return choice->cases[i].name;
    return NULL;
}

/* What is asked of the task of a term. */
static void add_word(struct parser *p, struct flow_term *term, const char *word,
                     size_t offset)
{
    const struct flow_task *of = &p->s->tasks.items[term->task];
    const int ask = spec_choice_index(flow_ask_names, word);

    term->word = find_case(of, word);
    if (term->word)
        term->ask = FLOW_ASK_CASE;
    else if (ask >= 0)
        term->ask = (enum flow_ask)ask;
    else
        refuse_word(p, of, word, offset);
}

/* NAME or NAME.WORD, `len` bytes at the place where the parser is. */
static void add_asked(struct parser *p, const char *text, size_t len)
{
    const char *dot = memchr(text, '.', len);
    const size_t name_len = dot ? (size_t)(dot - text) : len;
    struct arena *arena = p->s->arena;
    const struct spec_need need = {.s = p->s,
                                   .task = p->task,
                                   .node = p->node,
                                   .offset = p->at,
                                   .name = arena_text(arena, text, name_len)};
    struct flow_term term = {.op = FLOW_ASK};

    term.task = spec_find_need(&need);
    if (term.task == SPEC_NO_TASK) {
        p->bad = true;
        return;
    }
    spec_add_need(p->s, p->task, term.task);
    if (dot) {
        const char *word = arena_text(arena, dot + 1, len - name_len - 1);

        add_word(p, &term, word, p->at + name_len + 1);
    }
    add_term(p, term);
}

static const char *here(struct parser *p)
{
    p->at += strspn(p->node->text + p->at, BLANKS);
    return p->node->text + p->at;
}

static void read_or(struct parser *p);

static void read_unary(struct parser *p)
{
    const char *text = here(p);
    const size_t len = strcspn(text, OPERATORS BLANKS);

    if (p->depth >= FLOW_FORMULA_DEPTH) {
        refuse(p, p->at, 1, "too many brackets inside each other");
    } else if (*text == '!') {
        p->at++;
        p->depth++;
        read_unary(p);
        p->depth--;
        add_term(p, (struct flow_term){.op = FLOW_NOT});
    } else if (*text == '(') {
        p->at++;
        p->depth++;
        read_or(p);
        p->depth--;
        if (!p->bad && *here(p) != ')')
            refuse(p, p->at, 1, "a bracket is not closed");
        p->at++;
    } else if (len > 0) {
        add_asked(p, text, len);
        p->at += len;
    } else {
        refuse(p, p->at, *text ? 1 : 0, "the name of a task is missing here");
    }
}

static bool takes(struct parser *p, const char *op)
{
    if (p->bad || strncmp(here(p), op, 2) != 0)
        return false;
    p->at += 2;
    return true;
}

static void read_and(struct parser *p)
{
    read_unary(p);
    while (takes(p, "&&")) {
        read_unary(p);
        add_term(p, (struct flow_term){.op = FLOW_AND});
    }
}

static void read_or(struct parser *p)
{
    read_and(p);
    while (takes(p, "||")) {
        read_and(p);
        add_term(p, (struct flow_term){.op = FLOW_OR});
    }
}

static void read_text(struct parser *p, const struct tree_node *node)
{
    p->node = node;
    p->at = 0;
    read_or(p);
    if (!p->bad && *here(p))
        refuse(p, p->at, strlen(p->node->text + p->at),
               "here && or || is missing, or something is too much");
}

/* The AND of its items. */
static void read_list(struct parser *p, const struct tree_node *list)
{
    for (uint32_t i = 0; i < list->n && !p->bad; i++) {
        const struct tree_node *item = &list->items[i].value;

        if (item->kind == TREE_TEXT) {
            read_text(p, item);
        } else {
            if (item->kind != TREE_BROKEN)
                spec_wrong_type(p->s, "each item of needs", "the name of a task", item);
            p->bad = true;
        }
        if (i > 0)
            add_term(p, (struct flow_term){.op = FLOW_AND});
    }
}

void spec_link_formula(struct spec *s, uint32_t task, const struct tree_node *node)
{
    struct flow_formula *formula = s->tasks.items[task].work->formula;
    struct parser p = {.s = s, .task = task};

    if (node->kind == TREE_LIST)
        read_list(&p, node);
    else
        read_text(&p, node);
    if (p.bad) {
        s->suspect[task] = true;
    } else {
        formula->n = (uint32_t)p.terms.n;
        formula->terms = spec_alloc(s, p.terms.n, sizeof(*formula->terms));
        for (size_t i = 0; i < p.terms.n; i++)
            formula->terms[i] = p.terms.items[i];
    }
    ARRAY_DONE(&p.terms);
}
