/* Advice about single tasks: their time, their retries, their needs, their names. */
#include "author/lint.h"

#include <stdlib.h>
#include <string.h>

#define LONG_NAME   40
#define MANY_ITEMS  1000
#define FEW_ITEMS   20
#define SAME_LENGTH 40 /* of text that is worth being written once */

/* --- time --- */

static void visit_no_timeout(struct lint *l, struct lint_task *t)
{
    if (lint_is_attempt(t) && !lint_policy(l, t, "timeout") &&
        !source_get(t->node, "total_timeout") && !source_get(l->root, "timeout"))
        lint_say(l, &t->pair->key, NULL,
                 "%s may hang for ever: neither it nor the run has a timeout", t->name);
}

static void visit_timeout_order(struct lint *l, struct lint_task *t)
{
    const struct source_node *own = source_get(t->node, "timeout");
    const int64_t run = lint_duration(source_get(l->root, "timeout"));

    if (own && run > 0 && lint_duration(own) > run)
        lint_say(l, own, NULL,
                 "%s may take %s, but the whole run only %s: the shorter one decides",
                 t->name, own->text, source_get(l->root, "timeout")->text);
}

static void visit_idle_heartbeat(struct lint *l, struct lint_task *t)
{
    const struct source_node *silence = source_get(t->node, "heartbeat_timeout");
    const struct source_node *timeout = lint_policy(l, t, "timeout");

    if (silence && lint_duration(timeout) > 0 &&
        lint_duration(silence) >= lint_duration(timeout))
        lint_say(l, silence, NULL,
                 "%s ends after %s anyway: that it is silent is never seen", t->name,
                 timeout->text);
}

static void visit_idle_total(struct lint *l, struct lint_task *t)
{
    const struct source_node *total = source_get(t->node, "total_timeout");
    const struct source_node *timeout = lint_policy(l, t, "timeout");

    if (total && lint_duration(timeout) > 0 &&
        lint_duration(total) <= lint_duration(timeout))
        lint_say(l, total, NULL,
                 "all of %s may take %s, but one attempt %s: that timeout is never met",
                 t->name, total->text, timeout->text);
}

/* --- retries --- */

static int64_t number(const struct source_node *node, int64_t otherwise)
{
    if (!node || node->kind != SOURCE_SCALAR)
        return otherwise;
    return strtoll(node->text, NULL, 10);
}

static double real(const struct source_node *node, double otherwise)
{
    return node && node->kind == SOURCE_SCALAR ? strtod(node->text, NULL) : otherwise;
}

static bool has_items(const struct lint_task *t)
{
    return source_get(t->node, "foreach") || source_get(t->node, "matrix");
}

static void visit_no_jitter(struct lint *l, struct lint_task *t)
{
    const struct source_node *retry = lint_policy(l, t, "retry");

    if (retry && has_items(t) && number(source_get(retry, "max_attempts"), 3) > 1 &&
        real(source_get(retry, "jitter"), 0) <= 0 &&
        !source_is_text(source_get(t->node, "max_parallel"), "1"))
        lint_say(l, retry, NULL,
                 "items of %s that fail together come back together: add jitter: 0.2",
                 t->name);
}

static void visit_hasty_retry(struct lint *l, struct lint_task *t)
{
    const struct source_node *retry = source_get(t->node, "retry");
    const int64_t delay = lint_duration(source_get(retry, "delay"));
    const bool constant = source_is_text(source_get(retry, "backoff"), "constant");

    if (retry && constant && delay < UNITS_SECOND &&
        number(source_get(retry, "max_attempts"), 3) >= 5 && delay >= 0)
        lint_say(l, retry, NULL,
                 "%lld attempts within moments: what has not recovered by the second "
                 "has not by the last",
                 (long long)number(source_get(retry, "max_attempts"), 3));
}

static bool list_has(const struct source_node *list, const char *word)
{
    if (list && list->kind == SOURCE_SCALAR)
        return source_is_text(list, word);
    for (size_t i = 0; list && i < list->n; i++)
        if (source_is_text(&list->items[i].value, word))
            return true;
    return false;
}

static void visit_idle_codes(struct lint *l, struct lint_task *t)
{
    const struct source_node *retry = source_get(t->node, "retry");
    const struct source_node *codes = source_get(retry, "exit_codes");
    const struct source_node *on = source_get(retry, "on");

    if (codes && on && !list_has(on, "failed"))
        lint_say(l, codes, NULL,
                 "exit_codes are never asked: only the reason `failed` has one, and on "
                 "does not name it");
}

/* All waits between attempts, as far as the file says them. */
static int64_t waits_us(const struct source_node *retry)
{
    const struct source_node *backoff = source_get(retry, "backoff");
    const int64_t n = number(source_get(retry, "max_attempts"), 3);
    const int64_t given = lint_duration(source_get(retry, "delay"));
    const int64_t most = lint_duration(source_get(retry, "max_delay"));
    const int64_t max = most >= 0 ? most : 3600 * UNITS_SECOND;
    const double factor = real(source_get(retry, "factor"), 2);
    const double delay = given >= 0 ? (double)given : (double)UNITS_SECOND;
    double wait = delay;
    int64_t sum = 0;

    for (int64_t i = 1; i < n && i < 1000; i++) {
        sum += wait < (double)max ? (int64_t)wait : max;
        if (source_is_text(backoff, "linear"))
            wait += delay;
        else if (!source_is_text(backoff, "constant") && wait < (double)max)
            wait *= factor;
    }
    return sum;
}

static void visit_long_waits(struct lint *l, struct lint_task *t)
{
    const struct source_node *retry = lint_policy(l, t, "retry");
    const int64_t run = lint_duration(source_get(l->root, "timeout"));
    char text[UNITS_TEXT];

    if (!retry || retry->kind != SOURCE_MAP || run <= 0 || waits_us(retry) <= run)
        return;
    units_duration_text(waits_us(retry), text);
    lint_say(l, retry, NULL,
             "the waits between attempts alone add up to %s, and the run ends after %s",
             text, source_get(l->root, "timeout")->text);
}

/* --- needs --- */

/* Whether a need of it says no more than its own needs say: it starts only when they
 * have succeeded or were skipped, as a task that needs both would. */
static bool is_plain_link(const struct lint_task *t)
{
    const struct source_node *condition = source_get(t->node, "if");
    const struct source_node *all = source_get(t->node, "needs_all");
    const struct source_node *go_on = source_get(t->node, "continue_on_error");

    return !t->formula && (!condition || !strstr(condition->text, "tasks.")) &&
           (!all || source_is_text(all, "false")) &&
           (!go_on || source_is_text(go_on, "false"));
}

static bool reaches(const struct lint *l, const struct lint_task *from,
                    const char *name, int depth)
{
    if (depth > 8 || !is_plain_link(from))
        return false;
    for (size_t i = 0; i < from->n_needs; i++) {
        const struct lint_task *next = lint_find_task(l, from->needs[i]);
        if (strcmp(from->needs[i], name) == 0 ||
            (next && next != from && reaches(l, next, name, depth + 1)))
            return true;
    }
    return false;
}

#define MANY_TASKS 5000 /* where looking at all pairs would take long */

static void visit_implied_need(struct lint *l, struct lint_task *t)
{
    struct source_node *needs = source_get(t->node, "needs");

    if (!needs || needs->kind != SOURCE_LIST || !is_plain_link(t) ||
        l->tasks.n > MANY_TASKS || needs->n > 100)
        return;
    for (size_t i = 0; i < needs->n; i++) {
        const char *name = needs->items[i].value.text;
        for (size_t k = 0; k < needs->n; k++) {
            const struct lint_task *by = lint_find_task(l, needs->items[k].value.text);
            if (k == i || !by || !reaches(l, by, name, 0))
                continue;
            lint_say(l, &needs->items[i].value, &needs->items[i],
                     "%s needs %s already through %s", t->name, name, by->name);
            break;
        }
    }
}

/* --- conditions --- */

static const char *bare_condition(const struct source_node *node, char out[64])
{
    const char *text = node->text + strspn(node->text, " \n");
    size_t n = 0;

    if (strncmp(text, "${{", 3) == 0)
        text += 3;
    for (; *text && n < 63; text++)
        if (!strchr(" \n}", *text))
            out[n++] = *text;
    out[n] = '\0';
    return out;
}

static void visit_constant_if(struct lint *l, struct lint_task *t)
{
    struct source_pair *pair = source_pair(t->node, "if");
    char text[64];

    if (!pair || pair->value.kind != SOURCE_SCALAR)
        return;
    bare_condition(&pair->value, text);
    if (strcmp(text, "true") == 0)
        lint_say(l, &pair->value, pair, "this condition is always true");
    else if (strcmp(text, "false") == 0 || strcmp(text, "!true") == 0)
        lint_say(l, &pair->value, NULL, "this condition is never true: %s never runs",
                 t->name);
}

/* What run.status can be where a part is run. */
static const struct {
    const char *part, *possible[4];
} part_states[] = {
    {"on_success", {"succeeded", NULL}},
    {"on_failure", {"failed", NULL}},
    {"on_cancel", {"cancelled", NULL}},
    {"finally", {"succeeded", "failed", "cancelled", NULL}},
};

static bool is_possible(const char *part, const char *state, size_t len)
{
    for (size_t i = 0; i < COUNT_OF(part_states); i++)
        for (const char *const *p = part_states[i].possible;
             strcmp(part_states[i].part, part) == 0 && *p; p++)
            if (text_is(state, len, *p))
                return true;
    return false;
}

static void visit_idle_handler(struct lint *l, struct lint_task *t)
{
    static const char asked[] = "run.status == ";
    const struct source_node *node = source_get(t->node, "if");
    const char *at =
        node && strcmp(t->part, "tasks") != 0 ? strstr(node->text, asked) : NULL;

    if (!at || strpbrk(node->text, "|!?"))
        return;
    at += strlen(asked);
    const size_t len = strcspn(at + 1, "'\"");
    if ((*at == '\'' || *at == '"') && !is_possible(t->part, at + 1, len))
        lint_say(l, node, NULL, "%s never runs: in %s run.status is never %.*s",
                 t->name, t->part, (int)(len > 40 ? 40 : len), at + 1);
}

/* --- many items --- */

static size_t n_items(const struct source_node *foreach)
{
    long from = 0;
    long to = 0;

    if (foreach->kind != SOURCE_SCALAR)
        return foreach->n;
    const char *range = strstr(foreach->text, "range(");
    if (!range)
        return 0;
    char *end;
    to = strtol(range + 6, &end, 10);
    if (*end == ',') {
        from = to;
        to = strtol(end + 1, &end, 10);
    }
    return *end == ')' && to > from ? (size_t)(to - from) : 0;
}

static size_t n_cells(const struct source_node *matrix)
{
    size_t n = 1;

    for (size_t i = 0; matrix->kind == SOURCE_MAP && i < matrix->n; i++) {
        const struct source_pair *axis = &matrix->items[i];
        if (strcmp(axis->key.text, "include") != 0 &&
            strcmp(axis->key.text, "exclude") != 0 && axis->value.kind == SOURCE_LIST &&
            n < (size_t)MANY_ITEMS * 1000)
            n *= axis->value.n;
    }
    return n;
}

static size_t fan_of(const struct lint_task *t)
{
    const struct source_node *foreach = source_get(t->node, "foreach");
    const struct source_node *matrix = source_get(t->node, "matrix");

    return foreach ? n_items(foreach) : matrix ? n_cells(matrix) : 0;
}

static void visit_no_bound(struct lint *l, struct lint_task *t)
{
    const struct source_node *foreach = source_get(t->node, "foreach");

    if (foreach && !source_get(t->node, "max_parallel") &&
        !source_get(l->root, "parallelism") &&
        (lint_has_expression(foreach) || foreach->n > FEW_ITEMS) &&
        (fan_of(t) == 0 || fan_of(t) > FEW_ITEMS))
        lint_say(l, foreach, NULL,
                 "nothing bounds how many items of %s run at once: add max_parallel",
                 t->name);
}

static void visit_undecided_fan(struct lint *l, struct lint_task *t)
{
    if (fan_of(t) > MANY_ITEMS && !source_get(t->node, "fail_fast"))
        lint_say(l, &t->pair->key, NULL,
                 "the first failure of %zu items cancels all others: say fail_fast: "
                 "true or false",
                 fan_of(t));
}

/* --- places and names --- */

static void visit_absolute_dir(struct lint *l, struct lint_task *t)
{
    const struct source_node *dir = source_get(t->node, "working_dir");

    if (dir && dir->kind == SOURCE_SCALAR && dir->text[0] == '/' &&
        strncmp(dir->text, "/tmp", 4) != 0)
        lint_say(l, dir, NULL, "%s is a path of one machine", dir->text);
}

const char *lint_lang_of(const char *file)
{
    static const char *const langs[][2] = {{".py", "python"}, {".js", "node"},
                                           {".mjs", "node"},  {".cjs", "node"},
                                           {".sh", "sh"},     {".bash", "sh"}};
    const char *ending = strrchr(file, '.');

    for (size_t i = 0; ending && i < COUNT_OF(langs); i++)
        if (strcmp(ending, langs[i][0]) == 0)
            return langs[i][1];
    return NULL;
}

static void visit_wrong_lang(struct lint *l, struct lint_task *t)
{
    struct source_pair *script = source_pair(t->node, "script");
    const struct source_node *lang = script ? source_get(&script->value, "lang") : NULL;
    const struct source_node *file = script ? source_get(&script->value, "file") : NULL;
    const char *meant = file ? lint_lang_of(file->text) : NULL;

    if (!meant || source_get(&script->value, "interpreter") ||
        strcmp(lang ? lang->text : "sh", meant) == 0)
        return;
    lint_say(l, file, script, "%s looks like %s, but is given to %s", file->text, meant,
             lang ? lang->text : "sh, as lang is not said");
}

static void visit_long_name(struct lint *l, struct lint_task *t)
{
    if (strlen(t->name) > LONG_NAME)
        lint_say(l, &t->pair->key, NULL, "%s has %zu characters", t->name,
                 strlen(t->name));
}

/* What a task does, as text: equal for tasks that do the same. */
static char *body_of(const struct lint_task *t)
{
    static const char *const keys[] = {"run", "command", "script",
                                       "env", "stdin",   "http"};
    struct buf text = {0};

    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        const struct source_node *node = source_get(t->node, keys[i]);
        if (!node)
            continue;
        json_t *value = source_json(node);
        json_add_to(&text, value);
        json_decref(value);
    }
    return text.len > 0 ? buf_take(&text) : mem_text("");
}

static void visit_duplicates(struct lint *l)
{
    struct map seen = {0};

    for (size_t i = 0; i < l->tasks.n; i++) {
        struct lint_task *t = &l->tasks.items[i];
        MEM_AUTO char *body = lint_is_attempt(t) ? body_of(t) : mem_text("");
        const struct lint_task *first = map_get_text(&seen, body);
        if (strlen(body) < SAME_LENGTH)
            continue;
        if (first && !has_items(t))
            lint_say(l, &t->pair->key, NULL, "%s does the same as %s in line %d",
                     t->name, first->name,
                     first->pair->key.line ? first->pair->key.line : first->node->line);
        else
            map_set_text(&seen, body, t);
    }
    map_done(&seen);
}

const struct lint_visit lint_task_visits[] = {
    {210, visit_no_timeout, NULL},    {211, visit_no_jitter, NULL},
    {212, visit_hasty_retry, NULL},   {213, visit_idle_codes, NULL},
    {214, visit_timeout_order, NULL}, {215, visit_long_waits, NULL},
    {216, visit_implied_need, NULL},  {217, visit_constant_if, NULL},
    {218, visit_no_bound, NULL},      {219, visit_undecided_fan, NULL},
    {220, visit_absolute_dir, NULL},  {221, visit_wrong_lang, NULL},
    {222, NULL, visit_duplicates},    {223, visit_long_name, NULL},
    {224, visit_idle_handler, NULL},  {247, visit_idle_heartbeat, NULL},
    {248, visit_idle_total, NULL},    {0, NULL, NULL},
};
