/* edit.c - what commands that change contexts do with the file of them. */
#include "cli/remote/edit.h"

#include "cli/remote/remote.h"

#include <errno.h>
#include <string.h>

int edit_open(struct contexts *x)
{
    struct ff_err err = {0};

    return contexts_read(x, &err) == FF_OK ? CLI_OK : cli_fail_err(&err);
}

int edit_change(struct contexts *x)
{
    struct ff_err err = {0};

    return contexts_change(x, &err) == FF_OK ? CLI_OK : cli_fail_err(&err);
}

int edit_keep(const struct contexts *x)
{
    struct ff_err err = {0};

    return contexts_write(x, &err) == FF_OK ? CLI_OK : cli_fail_err(&err);
}

int edit_server(struct context *k, const char *server)
{
    const char *fault;

    /* Whom one trusts to vouch for a server vouches for no other one. */
    if (server && k->server && strcmp(server, k->server) != 0)
        context_set(&k->ca, NULL);
    if (server)
        context_set(&k->server, server);
    if (!k->server)
        return cli_fail(CLI_USAGE, "which server? --server https://HOST:PORT says it");
    fault = remote_server_fault(k->server, k->token);
    return fault ? cli_fail(CLI_USAGE, "%.200s: %s", k->server, fault) : CLI_OK;
}

void edit_project(struct context *k, const char *name)
{
    context_set(&k->project, name[0] ? name : NULL);
}

/* Absolute: it is read from wherever the next command is called. */
int edit_ca(struct context *k, const char *file)
{
    if (!file)
        return CLI_OK;
    char *path = file_real(file);
    if (!path)
        return cli_fail(CLI_NOT_FOUND, "%s: %s", file, strerror(errno));
    context_set(&k->ca, path);
    mem_free(path);
    return CLI_OK;
}

/* NULL with an exit code. */
struct context *edit_named(struct contexts *x, const char *name, int *code)
{
    const char *fault = context_name_fault(name);

    *code = fault ? cli_fail(CLI_USAGE, "%.63s: %s", name, fault) : edit_change(x);
    return *code == CLI_OK ? contexts_add(x, name) : NULL;
}
