/* tenants.c - tenants and their projects. */
#include "rest/rest_priv.h"

#include <errno.h>
#include <string.h>

/* --- tenants --- */

struct listing {
    struct rest_page page;
    int64_t after; /* rows up to this number were told of; -1: none */
};

/* The default one comes first, whatever its row says: its number is the smallest. */
static int list_tenant(void *arg, const void *row)
{
    const struct tenant_row *tenant = row;
    struct listing *l = arg;

    if (tenant->tenant <= l->after)
        return 0;
    if (!rest_page_step(&l->page, true, &tenant->tenant, sizeof(tenant->tenant)))
        return 1;
    jsonw_open(&l->page.w, '{');
    rest_add_row(&l->page.w, &shape_tenant, tenant);
    jsonw_close(&l->page.w, '}');
    return 0;
}

static void begin_after(struct listing *l)
{
    l->after = -1;
    if (l->page.after.len == sizeof(l->after))
        memcpy(&l->after, l->page.after.data, sizeof(l->after));
}

int rest_tenants_list(struct rest_call *c, struct ff_err *err)
{
    struct listing l = {0};
    int code = rest_page_begin(c, &l.page, err);

    begin_after(&l);
    if (code == FF_OK)
        code = access_tenants(c->store, c->reader, list_tenant, &l, err);
    return rest_page_end(&l.page, code);
}

static int find_tenant(struct rest_call *c, struct tenant_row *row, struct ff_err *err)
{
    const char *name = rest_path(c, "name");
    const int code = access_tenant(c->store, c->reader, name, &c->arena, row, err);

    if (code == FF_NOT_FOUND)
        return ff_fail(err, code, 0, "there is no tenant %.64s", name);
    return code;
}

static void add_tenant(struct rest_call *c, const struct tenant_row *row)
{
    struct jsonw w = {.out = &c->out};

    jsonw_open(&w, '{');
    rest_add_row(&w, &shape_tenant, row);
    jsonw_close(&w, '}');
}

int rest_tenant_get(struct rest_call *c, struct ff_err *err)
{
    struct tenant_row row;

    if (find_tenant(c, &row, err) != FF_OK)
        return err->code;
    rest_set_version(c, row.version);
    add_tenant(c, &row);
    return FF_OK;
}

/* A name that is valid and another one's is no mistake in the request. */
static int fail_taken(struct rest_call *c, struct ff_err *err)
{
    if (err->code == FF_INVALID && err->sys == EEXIST)
        c->problem = PROBLEM_CONFLICT;
    return err->code;
}

int rest_tenant_create(struct rest_call *c, struct ff_err *err)
{
    const char *name = rest_text(c, "name");
    const char *title = rest_text(c, "title");
    struct jsonw w = {.out = &c->out};
    struct access_call call;

    rest_access(c, &call);

    if (access_tenant_create(&call, name, title, c->batch, err) != FF_OK)
        return fail_taken(c, err);
    rest_set_location(c, "/tenants/%s", name);
    jsonw_open(&w, '{');
    jsonw_key(&w, "name");
    jsonw_text(&w, name);
    jsonw_close(&w, '}');
    return FF_OK;
}

/* One change at a time: each has its own row in the log. */
int rest_tenant_change(struct rest_call *c, struct ff_err *err)
{
    const char *name = rest_path(c, "name");
    struct access_call call;
    struct tenant_row row;
    const char *field;
    json_t *value;
    int code = find_tenant(c, &row, err);

    if (code == FF_OK && json_object_size(c->body) != 1)
        code = rest_fail(c, PROBLEM_INVALID, err, "one field can be changed at a time");
    if (code == FF_OK)
        code = rest_match(c, &record_tenant, &row, row.version, err);
    if (code != FF_OK)
        return code;
    c->forgets = true;
    rest_access(c, &call);
    json_object_foreach(c->body, field, value)
    {
        if (json_is_boolean(value))
            code =
                access_tenant_disable(&call, name, json_is_true(value), c->batch, err);
        for (int q = 0; json_is_integer(value) && q < N_QUOTAS; q++)
            if (strcmp(access_quotas[q].name, field) == 0)
                code = access_tenant_limit(&call, name, (enum quota)q,
                                           json_integer_value(value), c->batch, err);
    }
    return code;
}

/* --- projects --- */

static int list_project(void *arg, const void *row)
{
    const struct project_row *project = row;
    struct listing *l = arg;

    if (project->project <= l->after)
        return 0;
    if (!rest_page_step(&l->page, true, &project->project, sizeof(project->project)))
        return 1;
    jsonw_open(&l->page.w, '{');
    rest_add_row(&l->page.w, &shape_project, project);
    jsonw_close(&l->page.w, '}');
    return 0;
}

int rest_projects_list(struct rest_call *c, struct ff_err *err)
{
    struct listing l = {0};
    int code = rest_page_begin(c, &l.page, err);

    begin_after(&l);
    if (code == FF_OK)
        code = access_projects(c->store, c->reader, c->scope.tenant, list_project, &l,
                               err);
    return rest_page_end(&l.page, code);
}

int rest_project_create(struct rest_call *c, struct ff_err *err)
{
    const char *name = rest_text(c, "name");
    struct jsonw w = {.out = &c->out};
    struct access_call call;

    rest_access(c, &call);

    if (access_project_create(&call, c->scope.tenant, name, c->batch, err) != FF_OK)
        return fail_taken(c, err);
    jsonw_open(&w, '{');
    jsonw_key(&w, "name");
    jsonw_text(&w, name);
    jsonw_close(&w, '}');
    return FF_OK;
}

int rest_project_change(struct rest_call *c, struct ff_err *err)
{
    struct access_call call;

    rest_access(c, &call);

    const int code = access_project_weight(&call, c->scope.tenant, rest_path(c, "name"),
                                           rest_int(c, "weight", 1), c->batch, err);

    /* Not of the one without a row: the request is good, and the project is not. */
    if (code == FF_INVALID && err->sys == EPERM)
        c->problem = PROBLEM_CONFLICT;
    return code;
}

/* --- projects by name --- */

static int note_name(void *arg, const void *row)
{
    const struct project_row *project = row;
    char number[24];

    snprintf(number, sizeof(number), "%lld", (long long)project->project);
    json_object_set_new(arg, number, json_stringn(project->name.s, project->name.len));
    return 0;
}

json_t *rest_project_names(struct rest_call *c, struct ff_err *err)
{
    json_t *names = json_object();

    if (access_projects(c->store, c->reader, c->scope.tenant, note_name, names, err) ==
        FF_OK)
        return names;
    json_decref(names);
    return NULL;
}

void rest_add_project(struct jsonw *w, const json_t *names, int64_t project)
{
    char number[24];

    if (project == PROJECT_ALL || project == MODEL_NULL)
        return;
    snprintf(number, sizeof(number), "%lld", (long long)project);

    const char *name = json_string_value(json_object_get(names, number));

    if (!name && project == PROJECT_DEFAULT)
        name = "default";
    jsonw_key(w, "project");
    jsonw_text(w, name ? name : number);
}

int rest_find_project(struct rest_call *c, const char *name, int64_t *project,
                      struct ff_err *err)
{
    struct project_row row;

    *project = PROJECT_ALL;
    if (!name)
        return FF_OK;

    const int code = access_project(c->store, c->reader, c->scope.tenant, name,
                                    &c->arena, &row, err);

    if (code == FF_OK)
        *project = row.project;
    if (code == FF_NOT_FOUND)
        return ff_fail(err, code, 0, "there is no project %.64s", name);
    return code;
}

int rest_ask_project(struct rest_call *c, int64_t *project, struct ff_err *err)
{
    const char *name = rest_ask(c, "project");
    const int code = rest_find_project(c, name, project, err);

    if (code == FF_OK && name && !rest_sees(c, *project))
        return ff_fail(err, FF_NOT_FOUND, 0, "there is no project %.64s", name);
    return code;
}

/* One in which he sees nothing is not there. */
int rest_choose_project(struct rest_call *c, enum permission needed, int64_t usual,
                        int64_t *project, struct ff_err *err)
{
    const char *name = rest_text(c, "project");
    struct access_scope where = {.tenant = c->who.tenant, .project = usual};

    if (!name && usual == PROJECT_ALL)
        where.project = access_project_of(&c->who, needed);
    else if (name && rest_find_project(c, name, &where.project, err) != FF_OK)
        return err->code;
    if (name && !access_may(&c->who, MAY_VIEW, where))
        return ff_fail(err, FF_NOT_FOUND, 0, "there is no project %.64s", name);
    if (where.project != PROJECT_ALL)
        c->scope = where;
    if (where.project == PROJECT_ALL || !access_may(&c->who, needed, where))
        return rest_fail_denied(c, needed, err);
    *project = where.project;
    return FF_OK;
}
