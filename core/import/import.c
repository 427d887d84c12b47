/* The way of one file: read, imported by its system, put in order, printed. */
#include "import/import_priv.h"

#include <stdlib.h>
#include <string.h>

const char *const import_grade_names[] = {"imported", "approximated", "refused"};
const char *const import_systems[] = {"argo", "actions", "dagu", "conductor", NULL};

static import_fn *const systems[] = {import_argo, import_actions, import_dagu,
                                     import_conductor};

/* --- remarks --- */

/* What is written once and used twice is one remark. */
static bool is_told(const struct import_report *report, const struct import_remark *r)
{
    for (size_t i = 0; i < report->n; i++) {
        const struct import_remark *told = &report->items[i];
        if (told->line == r->line && told->grade == r->grade &&
            strcmp(told->what, r->what) == 0 && strcmp(told->why, r->why) == 0)
            return true;
    }
    return false;
}

static void remark(struct import *im, enum import_grade grade,
                   const struct source_node *at, const char *what, const char *fmt,
                   va_list ap)
{
    struct import_remark r = {.grade = grade, .line = at && at->line ? at->line : 1};

    snprintf(r.what, sizeof(r.what), "%s", what);
    if (fmt)
        vsnprintf(r.why, sizeof(r.why), fmt, ap);
    if (is_told(im->report, &r))
        return;
    im->report->counts[grade]++;
    ARRAY_ADD(im->report, r);
}

static void FF_PRINTF(5, 6)
    say(struct import *im, enum import_grade grade, const struct source_node *at,
        const char *what, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    remark(im, grade, at, what, fmt, ap);
    va_end(ap);
}

void im_did(struct import *im, const struct source_node *at, const char *what)
{
    say(im, IMPORT_DONE, at, what, "%s", "");
}

void im_approximate(struct import *im, const struct source_node *at, const char *what,
                    const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    remark(im, IMPORT_APPROXIMATED, at, what, fmt, ap);
    va_end(ap);
}

void im_refuse(struct import *im, const struct source_node *at, const char *what,
               const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    remark(im, IMPORT_REFUSED, at, what, fmt, ap);
    va_end(ap);
}

void import_report_done(struct import_report *r)
{
    ARRAY_DONE(r);
}

void im_keys(struct import *im, const struct source_node *map,
             const struct im_key *keys)
{
    for (size_t i = 0; map && map->kind == SOURCE_MAP && i < map->n; i++) {
        const struct source_node *key = &map->items[i].key;
        const struct im_key *k = keys;

        while (k->key && strcmp(k->key, key->text) != 0)
            k++;
        if (!k->key)
            im_refuse(im, key, key->text, "this importer does not know it");
        else if (k->grade != IMPORT_DONE)
            say(im, k->grade, key, key->text, "%s", k->why);
    }
}

/* --- names --- */

/* Load-Data 2 gives load_data_2. */
static void mend(const char *theirs, char out[64])
{
    size_t n = 0;

    if (theirs[0] >= '0' && theirs[0] <= '9')
        out[n++] = '_';
    for (; *theirs && n < 60; theirs++) {
        const char c = *theirs;
        const bool upper = c >= 'A' && c <= 'Z';
        const bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
        const char ours = (char)(upper ? c - 'A' + 'a' : word ? c : '_');
        if (ours != '_' || n == 0 || out[n - 1] != '_')
            out[n++] = ours;
    }
    while (n > 1 && out[n - 1] == '_')
        n--;
    if (n == 0)
        out[n++] = '_';
    out[n] = '\0';
}

const char *im_known(const struct import *im, const char *scope, const char *theirs)
{
    char key[256];

    snprintf(key, sizeof(key), "%.100s/%.140s", scope, theirs);
    return map_get_text(&im->names, key);
}

/* Inputs, outputs and cases have names of their own; all tasks share theirs. */
static void make_taken(const char *scope, const char *ours, char out[200])
{
    static const char *const own[] = {"inputs", "outputs", "matrix", "secrets"};
    bool apart = text_starts(scope, "case:");

    for (size_t i = 0; i < COUNT_OF(own); i++)
        apart = apart || strcmp(scope, own[i]) == 0;
    snprintf(out, 200, "%.100s/%.80s", apart ? scope : "tasks", ours);
}

const char *im_name(struct import *im, const char *scope, const char *theirs)
{
    const char *known = im_known(im, scope, theirs);
    char key[256];
    char ours[64];

    if (known)
        return known;
    mend(theirs, ours);
    char taken[200];
    const size_t len = strlen(ours) > 50 ? 50 : strlen(ours);
    make_taken(scope, ours, taken);
    if (map_get_text(&im->taken, taken)) {
        char first[200];
        uintptr_t no = 1;
        snprintf(first, sizeof(first), "%s", taken);
        no += (uintptr_t)map_get_text(&im->numbers, first);
        for (; map_get_text(&im->taken, taken); no++) {
            snprintf(ours + len, sizeof(ours) - 50, "_%d", (int)no + 1);
            make_taken(scope, ours, taken);
        }
        map_set_text(&im->numbers, first, (void *)(no - 1));
    }
    char *kept = arena_text(&im->out.arena, ours, strlen(ours));
    snprintf(key, sizeof(key), "%.100s/%.140s", scope, theirs);
    map_set_text(&im->names, key, kept);
    map_set_text(&im->taken, taken, kept);
    return kept;
}

const char *im_word(const char *theirs, const char *const table[][2], size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(theirs, table[i][0]) == 0)
            return table[i][1];
    return NULL;
}

/* Under which import names that workflow too. */
const char *im_workflow(struct import *im, const char *theirs)
{
    char ours[64];

    mend(theirs, ours);
    return source_text(&im->out, "workflow:%s", ours);
}

/* --- nodes --- */

const char *im_text(const struct source_node *node)
{
    return node && node->kind == SOURCE_SCALAR ? node->text : "";
}

const char *im_get(const struct source_node *map, const char *key)
{
    return im_text(source_get(map, key));
}

void im_set(struct import *im, struct source_node *map, const char *key,
            const char *value)
{
    source_add(&im->out, map, key, source_made_text(&im->out, value, strlen(value)));
}

void im_set_plain(struct import *im, struct source_node *map, const char *key,
                  const char *raw)
{
    source_add(&im->out, map, key, source_made_plain(&im->out, raw));
}

void im_set_list(struct import *im, struct source_node *map, const char *key,
                 const char *const *items, size_t n)
{
    struct source_node list = source_made_list();

    list.style = SOURCE_FLOW;
    for (size_t i = 0; i < n; i++)
        source_append(&im->out, &list, source_made_f(&im->out, "%s", items[i]));
    source_add(&im->out, map, key, list);
}

void im_drop(struct source_node *map, const char *key)
{
    const struct source_pair *pair = source_pair(map, key);

    if (!pair)
        return;
    const size_t at = (size_t)(pair - map->items);
    memmove(&map->items[at], &map->items[at + 1],
            (map->n - at - 1) * sizeof(*map->items));
    map->n--;
}

struct source_node im_copy(struct import *im, const struct source_node *node)
{
    json_t *value = source_json(node);
    const struct source_node made = source_made_json(&im->out, value);

    json_decref(value);
    return made;
}

bool im_duration(const char *text, const char *unit, char out[UNITS_TEXT])
{
    int64_t us;
    char with_unit[64];

    if (!text[0] || strlen(text) > 40)
        return false;
    const bool bare = text[strspn(text, "0123456789")] == '\0';
    snprintf(with_unit, sizeof(with_unit), "%s%s", text, bare ? unit : "");
    if (!units_duration(with_unit, &us))
        return false;
    snprintf(out, UNITS_TEXT, "%.31s", with_unit);
    return true;
}

void im_set_duration(struct import *im, struct source_node *map, const char *key,
                     const struct source_node *theirs, const char *unit)
{
    char text[UNITS_TEXT];

    if (!theirs)
        return;
    if (im_duration(im_text(theirs), unit, text))
        im_set(im, map, key, text);
    else
        im_refuse(im, theirs, key, "%.60s is no duration that is known before the run",
                  im_text(theirs));
}

static bool is_number(const char *text)
{
    const size_t n = strspn(text, "0123456789");

    if (text[n] != '.')
        return n > 0 && text[n] == '\0';
    const size_t n_behind = strspn(text + n + 1, "0123456789");
    return n > 0 && n_behind > 0 && text[n + 1 + n_behind] == '\0';
}

void im_set_number(struct import *im, struct source_node *map, const char *key,
                   const struct source_node *theirs)
{
    if (!theirs)
        return;
    if (is_number(im_text(theirs)))
        im_set_plain(im, map, key, im_text(theirs));
    else
        im_refuse(im, theirs, key, "%.60s is no number that is known before the run",
                  im_text(theirs));
}

void im_input(struct import *im, const char *name, const char *type,
              const struct source_node *fallback, const char *description)
{
    struct source_node input = source_made_map();

    input.style = SOURCE_FLOW;
    im_set(im, &input, "type", type);
    if (description && description[0])
        im_set(im, &input, "description", description);
    if (fallback && fallback->kind == SOURCE_SCALAR && strcmp(type, "string") == 0)
        im_set(im, &input, "default", fallback->text);
    else if (fallback)
        source_add(&im->out, &input, "default", im_copy(im, fallback));
    if (!source_get(&im->inputs, name))
        source_add(&im->out, &im->inputs, name, input);
}

/* --- outputs that are used --- */

void im_demand(struct import *im, const char *task, const char *output,
               const char *from, bool json)
{
    const struct import_demand demand = {task, output, from, json};

    for (size_t i = 0; i < im->demands.n; i++) {
        struct import_demand *d = &im->demands.items[i];
        if (strcmp(d->task, task) == 0 && strcmp(d->output, output) == 0) {
            d->json = d->json || json;
            return;
        }
    }
    ARRAY_ADD(&im->demands, demand);
}

static void declare(struct import *im, struct source_node *task,
                    const struct import_demand *d)
{
    struct source_node *outputs = source_get(task, "outputs");
    struct source_node value = source_made_map();

    if (!outputs) {
        struct source_node made = source_made_map();
        made.style = SOURCE_FLOW;
        outputs = &source_add(&im->out, task, "outputs", made)->value;
    }
    if (source_get(outputs, d->output))
        return;
    value.style = SOURCE_FLOW;
    if (!d->json) {
        im_set(im, outputs, d->output, d->from);
    } else if (strcmp(d->from, "file") == 0) {
        im_set(im, outputs, d->output, "json");
    } else {
        im_set(im, &value, "from", d->from);
        im_set(im, &value, "as", "json");
        source_add(&im->out, outputs, d->output, value);
    }
}

static void declare_all(struct import *im, struct source_node *tasks)
{
    for (size_t i = 0; i < tasks->n; i++) {
        struct source_node *task = &tasks->items[i].value;
        for (size_t k = 0; k < im->demands.n; k++)
            if (strcmp(im->demands.items[k].task, tasks->items[i].key.text) == 0 &&
                !source_get(task, "tasks"))
                declare(im, task, &im->demands.items[k]);
        if (source_get(task, "tasks"))
            declare_all(im, source_get(task, "tasks"));
    }
}

/* --- one file --- */

static void put_together(struct import *im, struct source_node *top)
{
    struct source *s = &im->out;
    struct source_node root = source_made_map();
    char name[64];
    const struct {
        const char *key;
        struct source_node *node;
    } parts[] = {{"triggers", &im->triggers},
                 {"inputs", &im->inputs},
                 {"env", &im->env},
                 {"tasks", &im->tasks},
                 {"on_success", &im->on_success},
                 {"on_failure", &im->on_failure},
                 {"on_cancel", &im->on_cancel},
                 {"finally", &im->finally},
                 {"outputs", &im->outputs}};

    mend(im->name, name);
    im_set_plain(im, &root, "flowforge", "1");
    im_set(im, &root, "name", name);
    for (size_t i = 0; i < top->n; i++)
        source_add(s, &root, top->items[i].key.text, top->items[i].value);
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        if (parts[i].node->n > 0)
            source_add(s, &root, parts[i].key, *parts[i].node);
    s->root = root;
}

static int by_line(const void *a, const void *b)
{
    return ((const struct import_remark *)a)->line -
           ((const struct import_remark *)b)->line;
}

static int run(struct import *im, import_fn *fn, struct buf *out)
{
    struct source_node *const maps[] = {
        &im->tasks,   &im->inputs,     &im->env,        &im->triggers,  &im->outputs,
        &im->finally, &im->on_failure, &im->on_success, &im->on_cancel, &im->out.root};

    for (size_t i = 0; i < COUNT_OF(maps); i++)
        *maps[i] = source_made_map();
    im->doc = &im->in.root;
    const int code = fn(im);
    if (code != FF_OK)
        return code;
    if (im->tasks.n == 0)
        return ff_fail(im->err, FF_INVALID, 0,
                       "nothing in it can be imported as a task; the report says why");
    declare_all(im, &im->tasks);
    struct source_node top = im->out.root;
    put_together(im, &top);
    source_print(&im->out, out);
    if (im->report->n > 0)
        qsort(im->report->items, im->report->n, sizeof(*im->report->items), by_line);
    return FF_OK;
}

int import_workflow(const char *system, const char *name, const char *text, size_t len,
                    struct buf *out, struct import_report *report, struct ff_err *err)
{
    struct import im = {.report = report, .err = err, .name = name};
    int code = FF_INVALID;
    size_t at = 0;

    while (import_systems[at] && strcmp(import_systems[at], system) != 0)
        at++;
    if (!import_systems[at])
        return ff_fail(err, FF_INVALID, 0, "there is no importer for %.40s", system);
    code = source_read(&im.in, text, len, true, err);
    if (code != FF_OK)
        return code;
    if (im.in.root.kind == SOURCE_MAP)
        code = run(&im, systems[at], out);
    else
        code = ff_fail(err, FF_INVALID, 0, "this is no workflow of %s: it is no map",
                       system);
    map_done(&im.names);
    map_done(&im.taken);
    map_done(&im.numbers);
    ARRAY_DONE(&im.demands);
    source_done(&im.in);
    source_done(&im.out);
    return code;
}
