/* project_names.c - see project_names.h. */
#include "cli/catalog/project_names.h"

#include "access/access.h"

static int note(void *arg, const void *row)
{
    const struct project_row *project = row;
    struct project_names *p = arg;
    char number[24];

    snprintf(number, sizeof(number), "%lld", (long long)project->project);
    json_object_set_new(p->by_number, number,
                        json_stringn(project->name.s, project->name.len));
    p->several = p->several || project->project != PROJECT_DEFAULT;
    return 0;
}

int project_names_open(struct project_names *p, const struct cli *c,
                       const struct cli_session *s)
{
    struct ff_err err = {0};

    *p = (struct project_names){.by_number = json_object(), .only = PROJECT_ALL};
    if (access_projects(node_store(s->node), STORE_READER_CALLER, TENANT_DEFAULT, note,
                        p, &err) != FF_OK)
        log_debug("projects: %s", err.msg); /* then they have numbers */
    if (s->remote)
        return CLI_OK;
    return cli_find_project(s, cli_get(&c->args, "project"), &p->only);
}

void project_names_done(struct project_names *p)
{
    json_decref(p->by_number);
    p->by_number = NULL;
}

bool project_names_wants(const struct project_names *p, int64_t stored)
{
    return p->only == PROJECT_ALL || model_project(stored) == p->only;
}

const char *project_names_of(const struct project_names *p, int64_t stored)
{
    static char number[24];
    const int64_t project = model_project(stored);

    snprintf(number, sizeof(number), "%lld", (long long)project);

    const char *name = json_string_value(json_object_get(p->by_number, number));

    if (name)
        return name;
    return project == PROJECT_DEFAULT ? "default" : number;
}
