/* access_session.c - see access_session.h. */
#include "cli/access/access_session.h"

#include <string.h>

/* --- who asks, and where --- */

static int check_options(const struct cli *c)
{
    if (cli_has(&c->args, "platform") &&
        (cli_has(&c->args, "tenant") || cli_has(&c->args, "project")))
        return cli_fail(CLI_USAGE, "--platform is the whole installation: leave out "
                                   "--tenant and --project");
    return CLI_OK;
}

static int find_tenant(const struct cli *c, struct access_session *a)
{
    const char *name = cli_get(&c->args, "tenant");
    struct tenant_row row;
    struct ff_err err = {0};

    if (cli_has(&c->args, "platform")) {
        a->where.tenant = TENANT_PLATFORM;
        return CLI_OK;
    }
    /* A server knows the caller's, and finds another one by its name. */
    a->where.tenant = TENANT_DEFAULT;
    if (a->s.remote)
        return CLI_OK;
    if (access_tenant(a->store, a->call.reader, name ? name : "default", &a->arena,
                      &row, &err) != FF_OK)
        return cli_fail_err(&err);
    a->where.tenant = (struct tenant){row.tenant};
    return CLI_OK;
}

static int find_project(const struct cli *c, struct access_session *a)
{
    const char *name = cli_get(&c->args, "project");
    struct project_row row;
    struct ff_err err = {0};

    if (!name)
        return CLI_OK;
    if (access_project(a->store, a->call.reader, a->where.tenant, name, &a->arena, &row,
                       &err) != FF_OK)
        return cli_fail_err(&err);
    a->where.project = row.project;
    return CLI_OK;
}

int access_open(struct cli *c, struct access_session *a)
{
    *a = (struct access_session){0};
    store_numbers_init(&a->numbers, ACCESS_NUMBERS);
    int code = check_options(c);
    if (code == CLI_OK)
        code = cli_open(c, &a->s);
    if (code != CLI_OK)
        return code;
    a->store = node_store(a->s.node);
    a->call = (struct access_call){.store = a->store,
                                   .reader = STORE_READER_CALLER,
                                   .who = &a->who,
                                   .now_us = loop_wall_us(a->s.loop),
                                   .numbers = &a->numbers};
    code = find_tenant(c, a);
    return code == CLI_OK ? find_project(c, a) : code;
}

void access_close(struct access_session *a)
{
    arena_done(&a->arena);
    store_numbers_done(&a->numbers);
    cli_close(&a->s);
}

/* Who only reads need not be known by name. */
int access_do(struct access_session *a, access_plan_fn *plan, void *arg)
{
    char user[256];
    struct ff_err err = {0};

    cli_user_name(user, sizeof(user));
    access_local(user, &a->who);
    if (access_commit(&a->call, plan, arg, &err) != FF_OK)
        return cli_fail_err(&err);
    return CLI_OK;
}

int access_ask(const struct access_session *a, const char *method, char *path,
               json_t *body, json_t **out)
{
    struct buf whole = {0};

    buf_add_text(&whole, path);
    mem_free(path);
    remote_add_place(&whole, a->s.remote);
    const int code = remote_tell(a->s.remote, method, buf_text(&whole), body, out);
    buf_done(&whole);
    return code;
}

char *access_in_project(const struct cli *c, char *path)
{
    struct buf whole = {0};

    buf_add_text(&whole, path);
    mem_free(path);
    remote_add_query(&whole, "project", cli_get(&c->args, "project"));
    return buf_take(&whole);
}

void access_place_text(const struct cli *c, char *out, size_t size)
{
    const char *tenant = cli_get(&c->args, "tenant");
    const char *project = cli_get(&c->args, "project");

    snprintf(out, size, "%s%s%s%s%s",
             cli_has(&c->args, "platform") ? " of the installation" : "",
             tenant ? " of the tenant " : "", tenant ? tenant : "",
             project ? " in the project " : "", project ? project : "");
}

/* --- rows --- */

void access_list_begin(struct access_list *l, struct cli *c, const char *const *heads)
{
    *l = (struct access_list){.c = c, .grid = {.colour = c->colour}};
    l->w.out = &l->json;
    jsonw_open(&l->w, '[');
    for (; heads[l->grid.n_columns]; l->grid.n_columns++)
        if (!c->quiet)
            cli_cell(&l->grid, CLI_DIM, heads[l->grid.n_columns]);
}

static int note_project(void *arg, const void *row)
{
    const struct project_row *project = row;
    char number[24];

    snprintf(number, sizeof(number), "%lld", (long long)project->project);
    json_object_set_new(arg, number, json_stringn(project->name.s, project->name.len));
    return 0;
}

int access_list_projects(struct access_list *l, const struct access_session *a,
                         struct ff_err *err)
{
    l->projects = json_object();
    return access_projects(a->store, a->call.reader, a->where.tenant, note_project,
                           l->projects, err);
}

const char *access_list_project(const struct access_list *l, int64_t project)
{
    char number[24];

    if (project == PROJECT_ALL || project == MODEL_NULL)
        return "-";
    snprintf(number, sizeof(number), "%lld", (long long)project);
    const char *name = json_string_value(json_object_get(l->projects, number));
    return name ? name : "?";
}

void access_list_json(struct access_list *l, const struct ff_record *record,
                      const void *row, uint64_t set, int64_t project)
{
    l->n++;
    jsonw_open(&l->w, '{');
    model_row_keys(&l->w, record, row, set);
    if (project != PROJECT_ALL && project != MODEL_NULL) {
        jsonw_key(&l->w, "project");
        jsonw_text(&l->w, access_list_project(l, project));
    }
    jsonw_close(&l->w, '}');
}

void access_list_time(struct access_list *l, int64_t at_us)
{
    char text[UNITS_TEXT];

    cli_time_text(at_us, text);
    cli_cell(&l->grid, CLI_PLAIN, text);
}

int access_list_end(struct access_list *l, const char *nothing, int code,
                    const struct ff_err *err)
{
    struct buf out = {0};

    cli_grid_add_to(&l->grid, &out);
    if (code == FF_OK && l->n == 0) {
        cli_note(l->c, "%s", nothing);
        buf_clear(&out);
    }
    if (l->c->json) {
        jsonw_close(&l->w, ']');
        buf_clear(&out);
        buf_add(&out, l->json.data, l->json.len);
        buf_add_char(&out, '\n');
    }
    code = code == FF_OK ? cli_print(&out) : cli_fail_err(err);
    buf_done(&out);
    buf_done(&l->json);
    json_decref(l->projects);
    return code;
}
