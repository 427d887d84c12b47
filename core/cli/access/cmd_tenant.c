/* cmd_tenant.c - `flowforge tenant` and `flowforge project`: who shares nothing with
 * whom, and parts of a tenant that roles can be given for. */
#include "cli/access/access.h"
#include "cli/access/access_session.h"
#include "cli/owner/owner_link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- tenants --- */

struct tenant_plan {
    const char *name, *title;
    bool disable;
    enum quota quota;
    int64_t value;
};

static int create_tenant(const struct access_call *call, void *arg, struct batch *b,
                         struct ff_err *err)
{
    const struct tenant_plan *plan = arg;

    return access_tenant_create(call, plan->name, plan->title, b, err);
}

static int disable_tenant(const struct access_call *call, void *arg, struct batch *b,
                          struct ff_err *err)
{
    const struct tenant_plan *plan = arg;

    return access_tenant_disable(call, plan->name, plan->disable, b, err);
}

static int limit_tenant(const struct access_call *call, void *arg, struct batch *b,
                        struct ff_err *err)
{
    const struct tenant_plan *plan = arg;

    return access_tenant_limit(call, plan->name, plan->quota, plan->value, b, err);
}

/* The same as a request. */
static int ask_server(const struct access_session *a, access_plan_fn *fn,
                      const struct tenant_plan *plan)
{
    const char *quota = access_quotas[plan->quota].name;
    const bool number = plan->value != MODEL_NULL;

    if (fn == create_tenant)
        return access_ask(
            a, "POST", remote_path("tenants", (char *)NULL),
            json_pack("{ss ss*}", "name", plan->name, "title", plan->title), NULL);
    if (fn == limit_tenant && !number)
        return cli_fail(CLI_USAGE, "a server is told a number, and not the word usual");
    return access_ask(a, "PATCH", remote_path("tenants", plan->name, (char *)NULL),
                      fn == limit_tenant
                          ? json_pack("{sI}", quota, (json_int_t)plan->value)
                          : json_pack("{sb}", "disabled", plan->disable),
                      NULL);
}

static int change_tenant(struct cli *c, access_plan_fn *fn, struct tenant_plan *plan,
                         const char *done)
{
    struct access_session a;
    int code = access_open(c, &a);

    if (code == CLI_OK)
        code = a.s.remote ? ask_server(&a, fn, plan) : access_do(&a, fn, plan);
    if (code == CLI_OK) {
        owner_wake(&a.s);
        cli_note(c, "tenant %s %s", plan->name, done);
    }
    access_close(&a);
    return code;
}

int cmd_tenant_create(struct cli *c)
{
    struct tenant_plan plan = {.name = c->args.words.items[0],
                               .title = cli_get(&c->args, "title")};

    return change_tenant(c, create_tenant, &plan, "is made");
}

int cmd_tenant_disable(struct cli *c)
{
    struct tenant_plan plan = {.name = c->args.words.items[0], .disable = true};

    return change_tenant(c, disable_tenant, &plan,
                         "is disabled: no key or token of it is let in");
}

int cmd_tenant_enable(struct cli *c)
{
    struct tenant_plan plan = {.name = c->args.words.items[0]};

    return change_tenant(c, disable_tenant, &plan, "is enabled");
}

/* Those that the commands themselves keep. */
static const enum quota limits[] = {QUOTA_PROJECTS,  QUOTA_MEMBERS, QUOTA_KEYS,
                                    QUOTA_OPEN_RUNS, QUOTA_WEIGHT,  QUOTA_RUNNING};

/* "max_projects, ... or max_running". */
static int no_quota(const char *name)
{
    struct buf all = {0};

    for (size_t i = 0; i < COUNT_OF(limits); i++)
        buf_printf(&all, "%s%s",
                   i == 0                      ? ""
                   : i + 1 == COUNT_OF(limits) ? " or "
                                               : ", ",
                   access_quotas[limits[i]].name);
    const int code = cli_fail(CLI_USAGE, "%.40s is no quota: %s", name, buf_text(&all));
    buf_done(&all);
    return code;
}

static int read_number(const char *number, int64_t *value)
{
    char *end;

    *value = MODEL_NULL;
    if (strcmp(number, "usual") == 0)
        return CLI_OK;
    errno = 0;
    *value = strtoll(number, &end, 10);
    if (errno || end == number || *end || *value < 0)
        return cli_fail(CLI_USAGE, "%.40s is no number, and not the word usual",
                        number);
    return CLI_OK;
}

static int read_limit(const char *name, const char *number, struct tenant_plan *plan)
{
    size_t i = 0;

    while (i < COUNT_OF(limits) && strcmp(name, access_quotas[limits[i]].name) != 0)
        i++;
    if (i == COUNT_OF(limits))
        return no_quota(name);
    plan->quota = limits[i];
    return read_number(number, &plan->value);
}

int cmd_tenant_limit(struct cli *c)
{
    const char **words = c->args.words.items;
    struct tenant_plan plan = {.name = words[0]};
    const int code = read_limit(words[1], words[2], &plan);

    return code == CLI_OK ? change_tenant(c, limit_tenant, &plan, "has that quota")
                          : code;
}

static void add_quotas(struct access_list *l, const struct tenant_row *row)
{
    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        const int64_t most = access_quota_of(row, limits[i]);

        cli_cell_f(&l->grid, "%lld", (long long)most);
        jsonw_key(&l->w, access_quotas[limits[i]].name);
        jsonw_int(&l->w, most);
    }
}

static int list_tenant(void *arg, const void *stored)
{
    const struct tenant_row *row = stored;
    struct access_list *l = arg;
    const bool disabled = row->disabled_at != MODEL_NULL;

    l->n++;
    cli_cell_span(&l->grid, CLI_BOLD, row->name);
    cli_cell(&l->grid, disabled ? CLI_RED : CLI_PLAIN,
             disabled ? "disabled" : "enabled");
    access_list_time(l, row->created_at > 0 ? row->created_at : MODEL_NULL);
    jsonw_open(&l->w, '{');
    model_row_keys(&l->w, &record_tenant, row,
                   COLUMN_BIT(COL_TENANT_NAME) | COLUMN_BIT(COL_TENANT_TITLE) |
                       COLUMN_BIT(COL_TENANT_DISABLED_AT) |
                       (row->created_at > 0 ? COLUMN_BIT(COL_TENANT_CREATED_AT) : 0));
    add_quotas(l, row);
    jsonw_close(&l->w, '}');
    if (row->title.s)
        cli_cell_span(&l->grid, CLI_PLAIN, row->title);
    else
        cli_cell(&l->grid, CLI_PLAIN, "");
    return 0;
}

int cmd_tenant_list(struct cli *c)
{
    static const char *const heads[] = {"TENANT",  "STATE", "CREATED", "PROJECTS",
                                        "MEMBERS", "KEYS",  "WEIGHT",  "RUNNING",
                                        "TITLE",   NULL};
    struct access_session a;
    struct access_list l;
    struct ff_err err = {0};
    int code = access_open(c, &a);

    if (code == CLI_OK) {
        access_list_begin(&l, c, heads);
        code = access_tenants(a.store, a.call.reader, list_tenant, &l, &err);
        code = access_list_end(&l, "no tenants", code, &err);
    }
    access_close(&a);
    return code;
}

/* --- projects --- */

struct project_plan {
    struct tenant t;
    const char *name;
    int64_t weight;
};

static int create_project(const struct access_call *call, void *arg, struct batch *b,
                          struct ff_err *err)
{
    const struct project_plan *plan = arg;

    return access_project_create(call, plan->t, plan->name, b, err);
}

int cmd_project_create(struct cli *c)
{
    struct access_session a;
    int code = access_open(c, &a);

    if (code == CLI_OK) {
        struct project_plan plan = {a.where.tenant, c->args.words.items[0], 0};
        char place[200];

        access_place_text(c, place, sizeof(place));
        code = a.s.remote
                   ? access_ask(&a, "POST", remote_path("projects", (char *)NULL),
                                json_pack("{ss}", "name", plan.name), NULL)
                   : access_do(&a, create_project, &plan);
        if (code == CLI_OK)
            cli_note(c, "project %s%s is made", plan.name, place);
    }
    access_close(&a);
    return code;
}

static int weigh_project(const struct access_call *call, void *arg, struct batch *b,
                         struct ff_err *err)
{
    const struct project_plan *plan = arg;

    return access_project_weight(call, plan->t, plan->name, plan->weight, b, err);
}

/* What is not said is 1. */
static json_int_t weight_of(const struct project_plan *plan)
{
    return plan->weight == MODEL_NULL ? 1 : (json_int_t)plan->weight;
}

int cmd_project_weight(struct cli *c)
{
    struct project_plan plan = {.name = c->args.words.items[0]};
    struct access_session a;
    int code = read_number(c->args.words.items[1], &plan.weight);

    if (code != CLI_OK)
        return code;
    code = access_open(c, &a);
    if (code == CLI_OK) {
        char place[200];

        plan.t = a.where.tenant;
        access_place_text(c, place, sizeof(place));
        code = a.s.remote
                   ? access_ask(&a, "PATCH",
                                remote_path("projects", plan.name, (char *)NULL),
                                json_pack("{sI}", "weight", weight_of(&plan)), NULL)
                   : access_do(&a, weigh_project, &plan);
        if (code == CLI_OK) {
            if (!a.s.remote)
                owner_wake(&a.s);
            cli_note(c, "project %s%s has that weight", plan.name, place);
        }
    }
    access_close(&a);
    return code;
}

static int list_project(void *arg, const void *stored)
{
    const struct project_row *row = stored;
    struct access_list *l = arg;
    const bool has_row = row->version != FF_ABSENT;

    const int64_t weight = row->weight == MODEL_NULL ? 1 : row->weight;

    cli_cell_span(&l->grid, CLI_BOLD, row->name);
    cli_cell_f(&l->grid, "%lld", (long long)weight);
    access_list_time(l, has_row ? row->created_at : MODEL_NULL);
    access_list_json(l, &record_project, row,
                     COLUMN_BIT(COL_PROJECT_NAME) | COLUMN_BIT(COL_PROJECT_WEIGHT) |
                         (has_row ? COLUMN_BIT(COL_PROJECT_CREATED_AT) : 0),
                     PROJECT_ALL);
    return 0;
}

int cmd_project_list(struct cli *c)
{
    static const char *const heads[] = {"PROJECT", "WEIGHT", "CREATED", NULL};
    struct access_session a;
    struct access_list l;
    struct ff_err err = {0};
    int code = access_open(c, &a);

    if (code == CLI_OK) {
        access_list_begin(&l, c, heads);
        code = access_projects(a.store, a.call.reader, a.where.tenant, list_project, &l,
                               &err);
        code = access_list_end(&l, "no projects", code, &err);
    }
    access_close(&a);
    return code;
}
