/* cli_where.c - where a command is carried out: on this machine, or by the server that
 * is meant. What asks for runs must never look at those of the wrong place, so a
 * command that a server cannot be asked for yet is refused, and not answered from here.
 */
#include "cli/cli_priv.h"
#include "cli/remote/remote.h"

#include <string.h>

/* What a server does instead. */
static const struct {
    const char *name;
    int (*call)(struct cli *c, const struct remote *r);
} remotes[] = {
    {"list", remote_list},
    {"get", remote_get},
    {"run", remote_run},
    {"cancel", remote_cancel},
};

/* What has to do with no runs, or with this machine alone; a first word means all that
 * begin with it. */
static const char *const local[] = {
    "validate", "fmt",   "lint",    "import",     "schema", "sim",
    "test",     "help",  "version", "completion", "man",    "context",
    "login",    "token", "driver",  "config",     "engine", "server",
};

static bool is_local(const struct cli_command *k)
{
    const size_t len = strcspn(k->name, " ");

    for (size_t i = 0; i < COUNT_OF(local); i++)
        if (text_is(k->name, len, local[i]))
            return true;
    return false;
}

static int ask(struct cli *c, const struct remote *r)
{
    for (size_t i = 0; i < COUNT_OF(remotes); i++)
        if (strcmp(remotes[i].name, c->command->name) == 0)
            return remotes[i].call(c, r);
    return cli_fail(CLI_USAGE,
                    "`%s` is about this machine, and %s is meant; add --context local",
                    c->command->name, r->context ? r->context : r->server);
}

int cli_call(struct cli *c)
{
    struct remote r;

    if (is_local(c->command))
        return c->command->run(c);
    int code = remote_choose(&r, c);
    if (code == CLI_OK)
        code = r.server ? ask(c, &r) : c->command->run(c);
    remote_done(&r);
    return code;
}
