/* cli_where.c - where a command is carried out: on this machine, or by the server that
 * is meant. What asks for runs must never look at those of the wrong place: a command
 * that a server cannot be asked for is refused, and not answered from here.
 *
 * All others are the same commands either way: what they read is rows of the server,
 * through a store of cli/remote, and what they change they ask it for.
 */
#include "cli/cli_priv.h"
#include "cli/remote/remote.h"

#include <string.h>

/* What has to do with no runs, or with this machine alone; a first word means all that
 * begin with it. */
static const char *const local[] = {
    "validate", "fmt",     "lint",       "import", "schema",  "sim",   "test",
    "help",     "version", "completion", "man",    "context", "login", "logout",
    "token",    "driver",  "config",     "engine", "server",
};

/* What no server does for others; docs/cli.md has the same table, and a test compares
 * them. */
static const struct {
    const char *name, *why;
} refused[] = {
    {"backup", "it copies the data directory of its own machine"},
    {"db stats", "it asks the database itself"},
    {"doctor", "it looks at processes and files of its own machine"},
    {"migrate", "it asks the database itself"},
    {"secret rotate", "the keys are on the machine of the server"},
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
    struct ff_err err = {0};

    for (size_t i = 0; i < COUNT_OF(refused); i++)
        if (strcmp(refused[i].name, c->command->name) == 0)
            return cli_fail(CLI_USAGE,
                            "`%s` is about this machine, and %s is meant: %s; add "
                            "--context local",
                            c->command->name, r->context ? r->context : r->server,
                            refused[i].why);
    c->remote = r;
    c->remote_store = remote_store(r, &err);
    return c->remote_store ? c->command->run(c) : cli_fail_err(&err);
}

int cli_call(struct cli *c)
{
    struct remote r;

    if (is_local(c->command))
        return c->command->run(c);
    int code = remote_choose(&r, c);
    if (code == CLI_OK)
        code = r.server ? ask(c, &r) : c->command->run(c);
    c->remote = NULL;
    remote_done(&r);
    return code;
}
