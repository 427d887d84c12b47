/* workflows.c - workflows by name, their versions, and whether a file is one. */
#include "rest/given.h"

#include <string.h>

/* --- the list: the newest version of each name --- */

struct one {
    struct arena *arena;
    struct workflow_version_row row;
    bool found;
};

static int take_row(void *arg, const void *row)
{
    struct one *one = arg;

    one->row = *(const struct workflow_version_row *)row;
    store_own_row(&record_workflow_version, &one->row, one->arena);
    one->found = true;
    return 1;
}

/* The first name behind `name`, by its oldest version. */
static int next_name(struct rest_call *c, struct span name, struct one *one,
                     struct ff_err *err)
{
    const struct workflow_version_row after = {
        .tenant = c->who.tenant.no, .name = name, .number = INT64_MAX};
    const struct store_query q = {.record = &record_workflow_version,
                                  .like = &after,
                                  .n_equal = 1,
                                  .after = name.len > 0 ? &after : NULL,
                                  .limit = 1};

    *one = (struct one){.arena = &c->arena};
    return store_scan(c->store, c->reader, &q, take_row, one, err);
}

static int read_newest(struct rest_call *c, struct one *one, struct ff_err *err)
{
    const struct workflow_version_row like = one->row;
    const struct store_query q = {.record = &record_workflow_version,
                                  .like = &like,
                                  .n_equal = 2,
                                  .descending = true,
                                  .limit = 1};

    return store_scan(c->store, c->reader, &q, take_row, one, err);
}

static void add(struct rest_page *p, const struct rest_shape *shape,
                const struct workflow_version_row *row, const json_t *projects)
{
    jsonw_open(&p->w, '{');
    rest_add_row(&p->w, shape, row);
    rest_add_project(&p->w, projects, model_project(row->project));
    jsonw_close(&p->w, '}');
}

struct listing {
    struct rest_page page;
    int64_t project; /* of this one only, or PROJECT_ALL */
    json_t *projects;
};

/* All versions of a name are of one project. */
static bool is_wanted(const struct rest_call *c, const struct listing *l,
                      const struct workflow_version_row *row)
{
    const int64_t project = model_project(row->project);

    return rest_sees(c, project) &&
           (l->project == PROJECT_ALL || project == l->project);
}

static int tell_names(struct rest_call *c, struct listing *l, struct ff_err *err)
{
    struct rest_page *p = &l->page;
    struct span name = {.s = buf_text(&p->after), .len = p->after.len};
    struct one one;

    for (;;) {
        if (next_name(c, name, &one, err) != FF_OK)
            return err->code;

        const bool wanted = one.found && is_wanted(c, l, &one.row);

        if (!one.found || !rest_page_step(p, wanted, one.row.name.s, one.row.name.len))
            return FF_OK;
        name = one.row.name;
        if (!wanted)
            continue;
        if (read_newest(c, &one, err) != FF_OK)
            return err->code;
        add(p, &shape_workflow, &one.row, l->projects);
    }
}

int rest_workflows_list(struct rest_call *c, struct ff_err *err)
{
    struct listing l = {0};

    if (rest_ask_project(c, &l.project, err) != FF_OK)
        return err->code;
    l.projects = rest_project_names(c, err);
    if (!l.projects)
        return err->code;

    int code = rest_page_begin(c, &l.page, err);

    if (code == FF_OK)
        code = tell_names(c, &l, err);
    json_decref(l.projects);
    return rest_page_end(&l.page, code);
}

/* --- one --- */

/* For who may: NAME, NAME@LABEL, NAME@sha256:HASH. */
static int find(struct rest_call *c, struct workflow_version_row *row,
                struct ff_err *err)
{
    const char *word = rest_path(c, "workflow");
    int code = given_find(c, word, row, err);

    if (code == FF_OK)
        code = rest_judge(c, model_project(row->project), err);
    return code == FF_NOT_FOUND ? given_fail_missing(word, err) : code;
}

int rest_workflow_get(struct rest_call *c, struct ff_err *err)
{
    struct jsonw w = {.out = &c->out};
    struct workflow_version_row row;
    struct workflow_row text;

    if (find(c, &row, err) != FF_OK ||
        store_workflow(c->store, c->reader, c->who.tenant, row.hash, &c->arena, &text,
                       err) != FF_OK)
        return err->code;
    const int64_t project = model_project(row.project);
    json_t *projects = project == PROJECT_DEFAULT ? NULL : rest_project_names(c, err);

    if (project != PROJECT_DEFAULT && !projects)
        return err->code;
    given_etag(&row, c->etag);
    jsonw_open(&w, '{');
    rest_add_row(&w, &shape_workflow_full, &row);
    rest_add_project(&w, projects, project);
    json_decref(projects);
    jsonw_key(&w, "source");
    jsonw_text_len(&w, text.source.s, text.source.len);
    jsonw_close(&w, '}');
    return FF_OK;
}

/* --- its versions --- */

static int list_version(void *arg, const void *row)
{
    const struct workflow_version_row *version = row;
    struct rest_page *p = arg;

    if (!rest_page_step(p, true, &version->number, sizeof(version->number)))
        return 1;
    jsonw_open(&p->w, '{');
    rest_add_row(&p->w, &shape_version, version);
    jsonw_close(&p->w, '}');
    return 0;
}

int rest_versions_list(struct rest_call *c, struct ff_err *err)
{
    struct workflow_version_row row;
    struct rest_page p;

    if (find(c, &row, err) != FF_OK)
        return err->code;

    struct workflow_version_row after = row;
    struct store_query q = {.record = &record_workflow_version,
                            .like = &row,
                            .n_equal = 2,
                            .descending = true};
    int code = rest_page_begin(c, &p, err);

    if (code == FF_OK && p.after.len == sizeof(after.number)) {
        memcpy(&after.number, p.after.data, sizeof(after.number));
        q.after = &after;
    }
    if (code == FF_OK)
        code = store_scan(c->store, c->reader, &q, list_version, &p, err);
    return rest_page_end(&p, code);
}

/* --- is a file one? --- */

static void add_problem(struct jsonw *w, const struct flow_problem *p)
{
    char code[16];

    snprintf(code, sizeof(code), "FF%03d", p->code);
    jsonw_open(w, '{');
    jsonw_key(w, "code");
    jsonw_text(w, code);
    jsonw_key(w, "line");
    jsonw_int(w, p->line);
    jsonw_key(w, "column");
    jsonw_int(w, p->column);
    jsonw_key(w, "detail");
    jsonw_text(w, p->msg);
    if (p->hint[0]) {
        jsonw_key(w, "hint");
        jsonw_text(w, p->hint);
    }
    jsonw_close(w, '}');
}

void rest_add_flow_problems(struct rest_call *c, const struct flow_problems *problems)
{
    struct jsonw w = {.out = &c->errors};

    for (size_t i = 0; i < problems->n; i++) {
        if (c->errors.len > 0)
            buf_add_char(&c->errors, ',');
        w.comma = false;
        add_problem(&w, &problems->items[i]);
    }
}

static void add_verdict(struct jsonw *w, const struct flow *flow,
                        const struct flow_problems *problems)
{
    jsonw_open(w, '{');
    jsonw_key(w, "valid");
    jsonw_bool(w, flow != NULL);
    if (flow) {
        jsonw_key(w, "name");
        jsonw_text(w, flow->name);
        jsonw_key(w, "hash");
        jsonw_text(w, flow->hash);
    }
    jsonw_key(w, "problems");
    jsonw_open(w, '[');
    for (size_t i = 0; i < problems->n; i++)
        add_problem(w, &problems->items[i]);
    jsonw_close(w, ']');
    jsonw_key(w, "more");
    jsonw_int(w, (int64_t)problems->n_more);
    jsonw_close(w, '}');
}

/* What the file says, without the tenant: which other workflows it uses is looked at
 * when it is applied or run. */
int rest_workflow_validate(struct rest_call *c, struct ff_err *err)
{
    const char *source = rest_text(c, "source");
    struct flow_problems problems = {0};
    struct flow *flow = flow_parse(source, strlen(source), &problems);
    struct jsonw w = {.out = &c->out};

    (void)err;
    add_verdict(&w, flow, &problems);
    flow_problems_done(&problems);
    flow_unref(flow);
    return FF_OK;
}
