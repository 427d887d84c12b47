/* runs.c - runs: which there are, and one of them. */
#include "rest/rest_priv.h"

#include <string.h>

/* --- the list --- */

struct listing {
    struct rest_page page;
    struct rest_call *c;
    const char *state, *workflow, *schedule;
    bool all;         /* those inside others, too */
    int64_t project;  /* PROJECT_ALL: any */
    json_t *projects; /* their names */
    int64_t from_us, below_us;
};

/* ?label=NAME or NAME=VALUE, each of which the run must have. */
static bool has_label(const json_t *labels, const char *wanted)
{
    const size_t len = strcspn(wanted, "=");
    const char *value = json_string_value(json_object_getn(labels, wanted, len));

    return value && (!wanted[len] || strcmp(value, wanted + len + 1) == 0);
}

static bool has_labels(const struct rest_call *c, const struct run_row *run)
{
    struct ff_err ignored;
    const char *name;
    const char *value;
    json_t *labels = NULL;
    bool all = true;

    for (size_t i = 0; all && http_query_at(c->request, i, &name, &value); i++) {
        if (strcmp(name, "label") != 0)
            continue;
        if (!labels)
            labels = run->labels.s
                         ? json_parse(run->labels.s, run->labels.len, &ignored)
                         : json_object();
        all = has_label(labels, value);
    }
    json_decref(labels);
    return all;
}

static bool is_wanted(const struct listing *l, const struct run_row *run)
{
    if (run_is_child(run) && !l->all)
        return false;
    if (!rest_sees(l->c, run->project) ||
        (l->project != PROJECT_ALL && run->project != l->project))
        return false;
    if ((l->state && strcmp(run_state_names[run->state], l->state) != 0) ||
        (l->workflow && !span_is(run->workflow, l->workflow)) ||
        (l->schedule && !span_is(run->schedule, l->schedule)))
        return false;
    if (run->created_at < l->from_us || run->created_at >= l->below_us)
        return false;
    return has_labels(l->c, run);
}

static int list_one(void *arg, const void *row)
{
    const struct run_row *run = row;
    struct listing *l = arg;
    const bool wanted = is_wanted(l, run);

    if (!rest_page_step(&l->page, wanted, &run->run, sizeof(run->run)))
        return 1;
    if (!wanted)
        return 0;
    jsonw_open(&l->page.w, '{');
    rest_add_row(&l->page.w, &shape_run_short, run);
    rest_add_project(&l->page.w, l->projects, run->project);
    jsonw_close(&l->page.w, '}');
    return 0;
}

static int64_t ask_time(const struct rest_call *c, const char *name, int64_t other)
{
    const char *text = rest_ask(c, name);
    int64_t at_us;

    return text && units_time(text, &at_us) ? at_us : other;
}

static int find_projects(struct listing *l, struct ff_err *err)
{
    const int code = rest_ask_project(l->c, &l->project, err);

    if (code != FF_OK)
        return code;
    l->projects = rest_project_names(l->c, err);
    return l->projects ? FF_OK : err->code;
}

int rest_runs_list(struct rest_call *c, struct ff_err *err)
{
    const char *order = rest_ask(c, "order");
    struct listing l = {.c = c,
                        .state = rest_ask(c, "state"),
                        .workflow = rest_ask(c, "workflow"),
                        .schedule = rest_ask(c, "schedule"),
                        .all = rest_ask_bool(c, "inside"),
                        .from_us = ask_time(c, "created_from", INT64_MIN),
                        .below_us = ask_time(c, "created_below", INT64_MAX)};
    struct run_row like = {.tenant = c->who.tenant.no};
    struct run_row after = like;
    struct store_query q = {.record = &record_run,
                            .like = &like,
                            .n_equal = 1,
                            .descending = !order || strcmp(order, "oldest") != 0};
    int code = find_projects(&l, err);

    if (code != FF_OK)
        return code;
    code = rest_page_begin(c, &l.page, err);
    if (code == FF_OK && l.page.after.len == sizeof(after.run)) {
        memcpy(&after.run, l.page.after.data, sizeof(after.run));
        q.after = &after;
    }
    if (code == FF_OK)
        code = store_scan(c->store, c->reader, &q, list_one, &l, err);
    json_decref(l.projects);
    return rest_page_end(&l.page, code);
}

/* --- one --- */

/* Large inputs and outputs stand beside the row. */
struct span rest_open_column(struct rest_call *c, const struct run_row *run,
                             struct span column)
{
    struct ff_err ignored;

    if (!exec_is_kept(column))
        return column;
    MEM_AUTO char *id = mem_text_len(run->id.s, run->id.len);
    json_t *values = exec_resolve_run(node_settings(c->rest->setup.node)->files_dir, id,
                                      column, &ignored);
    if (!values)
        return column;
    MEM_AUTO char *text = json_text(values);
    const size_t len = strlen(text);
    json_decref(values);
    return (struct span){.s = arena_text(&c->arena, text, len), .len = len};
}

int rest_run_get(struct rest_call *c, struct ff_err *err)
{
    struct jsonw w = {.out = &c->out};
    struct run_row run;
    int code;

    if (answers_take(c, &code, err))
        return code;
    if (rest_find_run(c, &run, err) != FF_OK)
        return err->code;
    c->takes_long =
        c->on_loop && (exec_is_kept(run.inputs) || exec_is_kept(run.outputs));
    if (c->takes_long)
        return FF_OK;
    const bool named = run.project != PROJECT_DEFAULT;
    json_t *projects = named ? rest_project_names(c, err) : NULL;

    if (named && !projects)
        return err->code;
    run.inputs = rest_open_column(c, &run, run.inputs);
    run.outputs = rest_open_column(c, &run, run.outputs);
    rest_set_version(c, run.version);
    jsonw_open(&w, '{');
    rest_add_row(&w, &shape_run, &run);
    rest_add_project(&w, projects, run.project);
    jsonw_close(&w, '}');
    json_decref(projects);
    answers_keep(c, &run);
    return FF_OK;
}

static struct flow *parse(struct rest_call *c, const struct run_row *run,
                          struct ff_err *err)
{
    struct flow_problems problems = {0};
    struct workflow_row row;

    FAILPOINT("rest.flow.parse");
    if (store_workflow(c->store, c->reader, (struct tenant){run->tenant}, run->hash,
                       &c->arena, &row, err) != FF_OK)
        return NULL;
    struct flow *flow = flow_parse(row.source.s, row.source.len, &problems);

    flow_problems_done(&problems);
    if (!flow)
        ff_fail(err, FF_CORRUPT, 0, "the stored workflow no longer parses");
    return flow;
}

/* NULL: it is not there any more; then `all` was given back. */
static struct flow *enter(struct rest_call *c, const struct run_row *run,
                          struct flow *all)
{
    struct flow *flow =
        run->entry.s ? flow_enter(all, run->entry.s, run->entry.len) : all;

    if (!flow)
        flows_put(c->rest, all);
    return flow;
}

struct flow *rest_flow_kept(struct rest_call *c, const struct run_row *run)
{
    struct flow *all = flows_take(c->rest, run->hash);

    return all ? enter(c, run, all) : NULL;
}

struct flow *rest_flow_of(struct rest_call *c, const struct run_row *run,
                          struct ff_err *err)
{
    struct flow *all = flows_take(c->rest, run->hash);
    struct flow *flow;

    if (!all)
        all = parse(c, run, err);
    if (!all)
        return NULL;
    flow = enter(c, run, all);
    if (!flow)
        ff_fail(err, FF_CORRUPT, 0, "the stored workflow has no such part any more");
    return flow;
}
