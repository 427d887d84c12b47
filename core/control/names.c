/* names.c - what the tenant and the project of a run are called: its tasks are told.
 * Names are never changed, so they are read with the run and no more. */
#include "control/control_priv.h"

#include "model/access_rows.h"

#include <string.h>

static int take_tenant(void *arg, const void *stored)
{
    const struct tenant_row *row = stored;

    *(char **)arg = mem_text_len(row->name.s, row->name.len);
    return 1;
}

static int take_project(void *arg, const void *stored)
{
    const struct project_row *row = stored;

    *(char **)arg = mem_text_len(row->name.s, row->name.len);
    return 1;
}

/* The default ones may have no rows. */
int control_names_read(struct control *c, const struct run_row *run,
                       struct run_names *names, struct ff_err *err)
{
    const struct tenant_row tenant = {.tenant = run->tenant};
    const struct project_row project = {.tenant = run->tenant, .project = run->project};
    const struct store_query tenants = {
        .record = &record_tenant, .like = &tenant, .n_equal = 1, .limit = 1};
    const struct store_query projects = {
        .record = &record_project, .like = &project, .n_equal = 2, .limit = 1};
    int code = FF_OK;

    if (run->tenant != TENANT_DEFAULT.no)
        code = store_scan(c->setup.store, STORE_READER_LANE, &tenants, take_tenant,
                          &names->tenant, err);
    if (code == FF_OK && run->project != PROJECT_DEFAULT)
        code = store_scan(c->setup.store, STORE_READER_LANE, &projects, take_project,
                          &names->project, err);
    return code;
}

static const char *copy(const char *name, struct arena *arena)
{
    const char *text = name ? name : "default";

    return arena_text(arena, text, strlen(text));
}

void control_names_tell(const struct run_names *names, struct arena *arena,
                        struct work *work)
{
    work->tenant = copy(names->tenant, arena);
    work->project = copy(names->project, arena);
}

void control_names_done(struct run_names *names)
{
    mem_free(names->tenant);
    mem_free(names->project);
    *names = (struct run_names){0};
}
