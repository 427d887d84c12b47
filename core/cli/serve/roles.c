/* roles.c - see roles.h. There is no role for scheduling: what starts next is decided
 * in the step whose commit says that it starts, by whoever leads, so a process that
 * only scheduled would have to ask the leader for everything it decides on. */
#include "cli/serve/roles.h"
#include "cli/serve/serve.h"

#include <string.h>

static const struct {
    const char *name, *program;
    enum role_set role;
    const char *about;
} table[] = {
    {"api", "flowforge-api-server", ROLE_API,
     "Serves the HTTP API to any number of users, and leads no runs: one of the\n"
     "controllers that share its store does."},
    {"controller", "flowforge-controller", ROLE_CONTROLLER,
     "Leads runs and schedules when it can, one of all controllers that share a "
     "store.\n"
     "It binds no port of the API."},
};

static unsigned role_of(const char *name, size_t len)
{
    for (size_t i = 0; i < COUNT_OF(table); i++)
        if (text_is(name, len, table[i].name))
            return table[i].role;
    return 0;
}

static int fail_unknown(const char *name, size_t len, struct ff_err *err)
{
    if (text_is(name, len, "scheduler"))
        return ff_fail(err, FF_INVALID, 0,
                       "server.roles: scheduling is part of the role `controller`: "
                       "write that");
    return ff_fail(err, FF_INVALID, 0,
                   "server.roles: there is no role \"%.*s\"; write api, controller, or "
                   "both with a comma",
                   len < 40 ? (int)len : 40, name);
}

int roles_read(const char *list, unsigned *roles, struct ff_err *err)
{
    unsigned found = 0;

    for (const char *at = list + strspn(list, ", "); *at; at += strspn(at, ", ")) {
        const size_t len = strcspn(at, ", ");
        const unsigned role = role_of(at, len);

        if (!role)
            return fail_unknown(at, len, err);
        found |= role;
        at += len;
    }
    if (!found)
        return fail_unknown("", 0, err);
    *roles = found;
    return FF_OK;
}

const char *roles_of_program(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;

    for (size_t i = 0; i < COUNT_OF(table); i++)
        if (strcmp(table[i].program, name) == 0)
            return table[i].name;
    return NULL;
}

void roles_add_help(const char *role, struct buf *out)
{
    for (size_t i = 0; i < COUNT_OF(table); i++)
        if (strcmp(table[i].name, role) == 0)
            buf_printf(out, "usage: %s [OPTIONS]\n\n%s\n", table[i].program,
                       table[i].about);
    /* Without the first one, --roles. */
    cli_add_options(out, "options", serve_options + 1, NULL);
    cli_add_options(out, "options of every command", cli_global_options, NULL);
}
