/* The file as rules look at it: every task wherever it stands, and every name that any
 * expression uses. */
#include "author/lint.h"

#include <ctype.h>
#include <string.h>

struct lint_task *lint_find_task(const struct lint *l, const char *name)
{
    return map_get_text(&l->by_name, name);
}

struct source_node *lint_policy(const struct lint *l, const struct lint_task *t,
                                const char *key)
{
    struct source_node *own = source_get(t->node, key);

    return own ? own : source_get(source_get(l->root, "defaults"), key);
}

bool lint_is_attempt(const struct lint_task *t)
{
    static const char *const kinds[] = {"run", "command", "script", "http"};

    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (strcmp(t->kind, kinds[i]) == 0)
            return true;
    return false;
}

int64_t lint_duration(const struct source_node *node)
{
    int64_t us;

    if (!node || node->kind != SOURCE_SCALAR || !units_duration(node->text, &us))
        return -1;
    return us;
}

bool lint_has_expression(const struct source_node *node)
{
    if (node->kind == SOURCE_SCALAR)
        return strstr(node->text, "${{") != NULL;
    for (size_t i = 0; i < node->n; i++)
        if (lint_has_expression(&node->items[i].value))
            return true;
    return false;
}

static bool is_name_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

bool lint_contains(const char *text, const char *word)
{
    const size_t len = strlen(word);

    for (const char *at = text; (at = strstr(at, word)); at++)
        if ((at == text || !is_name_char(at[-1])) && !is_name_char(at[len]))
            return true;
    return false;
}

/* --- needs --- */

static void add_need(struct lint *l, struct lint_task *t, const char *name, size_t len)
{
    size_t cap = t->n_needs;
    const char **moved = arena_alloc(&l->source.arena, (cap + 1) * sizeof(*moved));

    if (cap > 0)
        memcpy(moved, t->needs, cap * sizeof(*moved));
    moved[t->n_needs++] = arena_text(&l->source.arena, name, len);
    t->needs = moved;
}

/* "a && (b.failed || c)": the names before the dots. */
static void read_formula(struct lint *l, struct lint_task *t, const char *text)
{
    t->formula = strpbrk(text, " &|!(.") != NULL;
    while (*text) {
        const size_t skip = strcspn(text, "abcdefghijklmnopqrstuvwxyz_");
        text += skip;
        size_t len = 0;
        while (is_name_char(text[len]))
            len++;
        if (len > 0)
            add_need(l, t, text, len);
        text += len;
        if (*text == '.')
            while (*text == '.' || is_name_char(*text))
                text++;
    }
}

static void read_needs(struct lint *l, struct lint_task *t)
{
    const struct source_node *needs = source_get(t->node, "needs");

    if (!needs)
        return;
    if (needs->kind == SOURCE_SCALAR) {
        read_formula(l, t, needs->text);
        return;
    }
    for (size_t i = 0; i < needs->n; i++) {
        const char *name = needs->items[i].value.text;
        add_need(l, t, name, strcspn(name, "."));
        t->formula = t->formula || strchr(name, '.') != NULL;
    }
}

/* --- tasks --- */

static const char *find_kind(const struct source_node *node)
{
    static const char *const kinds[] = {
        "run",   "command",    "script",  "noop",       "http", "transform", "switch",
        "sleep", "wait_until", "approve", "wait_event", "uses", "tasks"};

    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (source_get(node, kinds[i]))
            return kinds[i];
    return "";
}

static void add_tasks(struct lint *l, struct source_node *node, const char *part,
                      bool in_group);

static void add_task(struct lint *l, struct source_pair *pair, const char *part,
                     bool in_group)
{
    const struct source_node *id = source_get(&pair->value, "id");
    struct lint_task task = {.name = pair->key.text,
                             .pair = pair,
                             .node = &pair->value,
                             .part = part,
                             .in_group = in_group};

    if (task.node->kind != SOURCE_MAP)
        return;
    if (id)
        task.name = id->text;
    task.kind = find_kind(task.node);
    read_needs(l, &task);
    ARRAY_ADD(&l->tasks, task);
    add_tasks(l, source_get(task.node, "tasks"), part, true);
}

static void add_tasks(struct lint *l, struct source_node *node, const char *part,
                      bool in_group)
{
    for (size_t i = 0; node && node->kind != SOURCE_SCALAR && i < node->n; i++)
        add_task(l, &node->items[i], part, in_group);
}

/* --- names in expressions --- */

struct collector {
    struct lint *l;
    const struct lint_task *task;
    const struct source_node *node;
    const char *key;
    struct map by_node; /* address of a task's node -> task */
};

static void collect(void *arg, const char *const *path, size_t n, size_t offset,
                    size_t length)
{
    const struct collector *c = arg;
    const char **kept = arena_alloc(&c->l->source.arena, n * sizeof(*kept));
    const struct lint_ref ref = {
        .task = c->task, .node = c->node, .key = c->key, .path = kept, .n = n};

    (void)offset;
    (void)length;
    for (size_t i = 0; i < n; i++)
        kept[i] = arena_text(&c->l->source.arena, path[i], strlen(path[i]));
    ARRAY_ADD(&c->l->refs, ref);
}

/* Where a text without ${{ }} is an expression too. */
static bool is_condition(const char *key)
{
    static const char *const keys[] = {"if", "until", "when"};

    for (size_t i = 0; i < COUNT_OF(keys); i++)
        if (strcmp(key, keys[i]) == 0)
            return true;
    return false;
}

static void collect_node(struct collector *c, struct source_node *node,
                         const char *key);

static void collect_scalar(struct collector *c, const struct source_node *node,
                           const char *key)
{
    struct expr_err err;
    const bool condition = is_condition(key);

    if (!condition && tmpl_is_plain(node->text))
        return;
    struct tmpl *tmpl = condition ? tmpl_compile_condition(node->text, node->len, &err)
                                  : tmpl_compile(node->text, node->len, &err);
    if (!tmpl)
        return;
    c->node = node;
    c->key = key;
    tmpl_refs(tmpl, collect, c);
    tmpl_free(tmpl);
}

static void collect_node(struct collector *c, struct source_node *node, const char *key)
{
    const struct lint_task *outer = c->task;

    if (node->kind == SOURCE_SCALAR) {
        collect_scalar(c, node, key);
        return;
    }
    const struct lint_task *task = map_get(&c->by_node, (int64_t)(uintptr_t)node);
    if (task)
        c->task = task;
    for (size_t i = 0; i < node->n; i++)
        collect_node(c, &node->items[i].value,
                     node->kind == SOURCE_MAP ? node->items[i].key.text : key);
    c->task = outer;
}

static void use(struct lint *l, const char *a, const char *b, const char *c)
{
    char key[256];

    snprintf(key, sizeof(key), "%.80s.%.80s%s%.80s", a, b, c[0] ? "." : "", c);
    map_set_text(&l->used, key, l);
}

/* The outputs of a task that are read as a whole may each be what is wanted. */
static void note_use(struct lint *l, const struct lint_ref *r)
{
    const char *root = r->path[0];

    if (r->task && (strcmp(root, "outputs") == 0 || strcmp(root, "previous") == 0))
        use(l, "own", r->task->name, "");
    if (r->n == 1)
        use(l, root, "*", "");
    else if (strcmp(root, "tasks") != 0)
        use(l, root, r->path[1], "");
    else if (r->n > 3)
        use(l, "tasks", r->path[1], r->path[3]);
    else if (r->n == 2 || strcmp(r->path[2], "outputs") == 0)
        use(l, "tasks", r->path[1], "*");
}

bool lint_used(const struct lint *l, const char *a, const char *b, const char *c)
{
    char key[256];

    snprintf(key, sizeof(key), "%.80s.%.80s%s%.80s", a, b, c[0] ? "." : "", c);
    return map_get_text(&l->used, key) != NULL;
}

void lint_model(struct lint *l)
{
    static const char *const parts[] = {"tasks", "on_success", "on_failure",
                                        "on_cancel", "finally"};
    struct collector c = {.l = l};

    for (size_t i = 0; i < COUNT_OF(parts); i++)
        add_tasks(l, source_get(l->root, parts[i]), parts[i], false);
    for (size_t i = 0; i < l->tasks.n; i++) {
        struct lint_task *t = &l->tasks.items[i];
        map_set(&c.by_node, (int64_t)(uintptr_t)t->node, t);
        if (!lint_find_task(l, t->name))
            map_set_text(&l->by_name, t->name, t);
    }
    collect_node(&c, l->root, "");
    for (size_t i = 0; i < l->refs.n; i++)
        note_use(l, &l->refs.items[i]);
    map_done(&c.by_node);
}

void lint_model_done(struct lint *l)
{
    map_done(&l->by_name);
    map_done(&l->used);
    ARRAY_DONE(&l->tasks);
    ARRAY_DONE(&l->refs);
}
