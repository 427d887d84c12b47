/* remote_runs.c - `list` and `get` of a server: the same documents and columns as of
 * this machine, from the answers of its API. */
#include "cli/remote/remote.h"

#include <string.h>
#include <time.h>

#define LIMIT     20
#define LIMIT_MAX 100000
#define PAGE_MAX  1000 /* of the API */

/* --- values of an answer --- */

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static int64_t time_of(const json_t *object, const char *key)
{
    const char *text = text_of(object, key);
    int64_t at_us;

    return text && units_time(text, &at_us) ? at_us : MODEL_NULL;
}

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * UNITS_SECOND + now.tv_nsec / 1000;
}

static void add_text_cell(struct cli_grid *g, enum cli_colour colour, const char *text)
{
    cli_cell_span(g, colour, span_of(text ? text : ""));
}

static int64_t state_of(const char *const *names, const json_t *object)
{
    const char *text = text_of(object, "state");

    for (int64_t i = 0; text && names[i]; i++)
        if (strcmp(names[i], text) == 0)
            return i;
    return -1;
}

static void add_state(struct cli_grid *g, const json_t *object,
                      const char *const *names, enum cli_colour (*colour)(int64_t))
{
    const int64_t state = state_of(names, object);

    add_text_cell(g, state < 0 ? CLI_PLAIN : colour(state), text_of(object, "state"));
}

static void add_took(struct cli_grid *g, const json_t *object)
{
    const int64_t end = time_of(object, "finished_at");
    char took[UNITS_TEXT];

    cli_span_text(time_of(object, "started_at"), end == MODEL_NULL ? now_us() : end,
                  took);
    cli_cell(g, CLI_PLAIN, took);
}

static int print_json(json_t *document)
{
    struct buf out = {0};

    json_add_to(&out, document);
    buf_add_char(&out, '\n');
    json_decref(document);
    return cli_print(&out);
}

/* --- pages --- */

/* Adds items to `all` until there are so many; *next: a new reference, or NULL at the
 * end. */
static int read_pages(const struct remote *r, const char *path, int64_t wanted,
                      const char *cursor, json_t *all, json_t **next)
{
    json_t *at = cursor ? json_string(cursor) : NULL;
    int code = CLI_OK;

    do {
        const int64_t rest = wanted - (int64_t)json_array_size(all);
        struct buf page = {0};
        char limit[UNITS_TEXT];
        json_t *answer = NULL;
        buf_add_text(&page, path);
        snprintf(limit, sizeof(limit), "%lld",
                 (long long)(rest < PAGE_MAX ? rest : PAGE_MAX));
        remote_add_query(&page, "limit", limit);
        remote_add_query(&page, "cursor", json_string_value(at));
        json_decref(at);
        at = NULL;
        code = remote_ask(r, buf_text(&page), &answer);
        json_array_extend(all, json_object_get(answer, "items"));
        if (json_is_string(json_object_get(answer, "next")))
            at = json_incref(json_object_get(answer, "next"));
        json_decref(answer);
        buf_done(&page);
    } while (code == CLI_OK && at && (int64_t)json_array_size(all) < wanted);
    *next = at;
    return code;
}

/* --- list --- */

static void print_runs(const struct cli *c, const json_t *runs, struct buf *out)
{
    static const char *const heads[] = {"RUN",     "WORKFLOW", "STATE",
                                        "CREATED", "TOOK",     "REASON"};
    struct cli_grid g = {.n_columns = COUNT_OF(heads), .colour = c->colour};
    char created[UNITS_TEXT];
    size_t i;
    json_t *run;

    for (size_t k = 0; !c->quiet && k < COUNT_OF(heads); k++)
        cli_cell(&g, CLI_DIM, heads[k]);
    json_array_foreach(runs, i, run)
    {
        const char *message = text_of(run, "message");
        add_text_cell(&g, CLI_PLAIN, text_of(run, "id"));
        add_text_cell(&g, CLI_BOLD, text_of(run, "workflow"));
        add_state(&g, run, run_state_names, cli_run_colour);
        cli_time_text(time_of(run, "created_at"), created);
        cli_cell(&g, CLI_PLAIN, created);
        add_took(&g, run);
        add_text_cell(&g, CLI_DIM, message ? message : text_of(run, "reason"));
    }
    cli_grid_add_to(&g, out);
}

static int tell_runs(struct cli *c, json_t *runs, json_t *next)
{
    struct buf out = {0};

    if (c->json)
        return print_json(json_pack("{s:O, s:O?}", "runs", runs, "next", next));
    if (json_array_size(runs) == 0)
        cli_note(c, "no runs");
    else
        print_runs(c, runs, &out);
    const int code = cli_print(&out);
    if (next)
        cli_note(c, "more: flowforge list --after %s", json_string_value(next));
    return code;
}

int remote_list(struct cli *c, const struct remote *r)
{
    struct buf path = {0};
    struct ff_err err = {0};
    json_t *runs = json_array();
    json_t *next = NULL;
    const char *label;
    int64_t limit;

    if (cli_number(&c->args, "limit", LIMIT, LIMIT_MAX, &limit, &err) != FF_OK) {
        json_decref(runs);
        return cli_fail_err(&err);
    }
    buf_add_text(&path, "/runs");
    remote_add_query(&path, "state", cli_get(&c->args, "state"));
    remote_add_query(&path, "workflow", cli_get(&c->args, "workflow"));
    remote_add_query(&path, "inside", cli_has(&c->args, "all") ? "true" : NULL);
    for (size_t i = 0; (label = cli_next(&c->args, "label", &i));)
        remote_add_query(&path, "label", label);
    int code = limit > 0 ? read_pages(r, buf_text(&path), limit,
                                      cli_get(&c->args, "after"), runs, &next)
                         : CLI_OK;
    if (code == CLI_OK)
        code = tell_runs(c, runs, next);
    json_decref(next);
    json_decref(runs);
    buf_done(&path);
    return code;
}

/* --- get --- */

/* The API knows runs by their whole ids; `last` and beginnings are looked for among the
 * newest ones. NULL with an exit code. */
json_t *remote_find_run(const struct remote *r, const char *word, int *code)
{
    const bool last = strcmp(word, "last") == 0;
    json_t *answer = NULL;
    json_t *found = NULL;
    json_t *run;
    size_t n = 0;
    size_t i;

    if (strlen(word) + 1 == ID_TEXT)
        return json_string(word);
    *code =
        remote_ask(r, last ? "/runs?limit=1" : "/runs?limit=1000&inside=true", &answer);
    json_array_foreach(json_object_get(answer, "items"), i, run)
    {
        const char *id = text_of(run, "id");
        if (!id ||
            (!last && (strlen(word) < 8 || strncmp(id, word, strlen(word)) != 0)))
            continue;
        found = json_object_get(run, "id");
        n++;
    }
    if (*code == CLI_OK && n != 1)
        *code =
            cli_fail(CLI_NOT_FOUND,
                     n > 1 ? "%.40s is the beginning of several runs"
                           : "there is no run %.40s among the newest of the server: "
                             "an older one is named by its whole id",
                     word);
    found = *code == CLI_OK ? json_incref(found) : NULL;
    json_decref(answer);
    return found;
}

static void add_field(struct buf *out, const char *name, const char *value)
{
    if (!value || !value[0])
        return;
    buf_printf(out, "%-10s", name);
    cli_add_clean(out, value, strlen(value));
    buf_add_char(out, '\n');
}

static void add_time(struct buf *out, const char *name, const json_t *run,
                     const char *key)
{
    const int64_t at_us = time_of(run, key);
    char text[UNITS_TEXT];

    cli_time_text(at_us, text);
    add_field(out, name, at_us == MODEL_NULL ? NULL : text);
}

static void add_value(struct buf *out, const char *name, const json_t *run)
{
    const json_t *value = json_object_get(run, name);

    if (json_object_size(value) == 0)
        return;
    MEM_AUTO char *text = json_text(value);
    add_field(out, name, text);
}

static void add_run(const json_t *run, struct buf *out)
{
    add_field(out, "run", text_of(run, "id"));
    add_field(out, "workflow", text_of(run, "workflow"));
    add_field(out, "state", text_of(run, "state"));
    add_field(out, "reason", text_of(run, "reason"));
    add_field(out, "message", text_of(run, "message"));
    add_time(out, "created", run, "created_at");
    add_time(out, "started", run, "started_at");
    add_time(out, "finished", run, "finished_at");
    add_value(out, "labels", run);
    add_value(out, "inputs", run);
    add_value(out, "outputs", run);
    buf_add_char(out, '\n');
}

static void add_number(struct cli_grid *g, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    if (json_is_integer(value) && json_integer_value(value) >= 0)
        cli_cell_f(g, "%lld", (long long)json_integer_value(value));
    else
        cli_cell(g, CLI_PLAIN, "-");
}

static void add_task(struct cli_grid *g, const json_t *task)
{
    const json_t *exit = json_object_get(task, "exit_code");
    const json_t *item = json_object_get(task, "item");
    const char *name = text_of(task, "task");
    struct buf why = {0};

    if (item)
        cli_cell_f(g, "  %s.%lld", name ? name : "?",
                   (long long)json_integer_value(item));
    else
        add_text_cell(g, CLI_BOLD, name);
    add_state(g, task, task_state_names, cli_task_colour);
    add_number(g, task, "attempt");
    add_took(g, task);
    add_number(g, task, "exit_code");
    cli_add_why(&why, text_of(task, "reason"),
                exit ? json_integer_value(exit) : MODEL_NULL, text_of(task, "message"));
    cli_cell(g, CLI_PLAIN, buf_text(&why));
    buf_done(&why);
}

static void add_tasks(const struct cli *c, const json_t *tasks, struct buf *out)
{
    static const char *const heads[] = {"TASK", "STATE", "ATTEMPT",
                                        "TOOK", "EXIT",  "WHY"};
    struct cli_grid g = {.n_columns = COUNT_OF(heads), .colour = c->colour};
    json_t *task;
    size_t i;

    for (size_t k = 0; k < COUNT_OF(heads); k++)
        cli_cell(&g, CLI_DIM, heads[k]);
    json_array_foreach(tasks, i, task) add_task(&g, task);
    cli_grid_add_to(&g, out);
}

/* A list's items are shown if they are asked for. */
static void drop_items(json_t *tasks)
{
    for (size_t i = json_array_size(tasks); i > 0; i--)
        if (json_object_get(json_array_get(tasks, i - 1), "item"))
            json_array_remove(tasks, i - 1);
}

static int read_tasks(struct cli *c, const struct remote *r, const char *id,
                      json_t *tasks)
{
    const char *name = c->args.words.n > 1 ? c->args.words.items[1] : NULL;
    struct buf path = {0};
    json_t *next = NULL;

    buf_printf(&path, "/runs/%s/tasks", id);
    remote_add_query(&path, "task", name);
    int code = read_pages(r, buf_text(&path), INT64_MAX, NULL, tasks, &next);
    json_decref(next);
    buf_done(&path);
    if (code == CLI_OK && name && json_array_size(tasks) == 0)
        code = cli_fail(CLI_NOT_FOUND, "the run has no task %.63s", name);
    if (!name && !cli_has(&c->args, "items"))
        drop_items(tasks);
    return code;
}

static int tell_run(struct cli *c, json_t *run, json_t *tasks)
{
    struct buf out = {0};

    if (c->json) {
        json_object_set(run, "tasks", tasks);
        return print_json(json_incref(run));
    }
    if (c->args.words.n == 1)
        add_run(run, &out);
    add_tasks(c, tasks, &out);
    return cli_print(&out);
}

int remote_get(struct cli *c, const struct remote *r)
{
    int code = CLI_OK;
    json_t *id = remote_find_run(r, c->args.words.items[0], &code);
    json_t *tasks = json_array();
    json_t *run = NULL;
    struct buf path = {0};

    if (code == CLI_OK) {
        buf_printf(&path, "/runs/%s", json_string_value(id));
        code = remote_ask(r, buf_text(&path), &run);
    }
    if (code == CLI_OK)
        code = read_tasks(c, r, json_string_value(id), tasks);
    if (code == CLI_OK)
        code = tell_run(c, run, tasks);
    json_decref(id);
    json_decref(run);
    json_decref(tasks);
    buf_done(&path);
    return code;
}
