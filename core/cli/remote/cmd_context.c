/* cmd_context.c - the servers that this user knows: list, set, use, delete. */
#include "cli/remote/edit.h"
#include "cli/remote/remote.h"

#include <string.h>

/* --- list --- */

static json_t *context_json(const struct context *k, bool current)
{
    return json_pack("{s:s, s:s, s:b, s:b, s:s?, s:s?, s:s?}", "context", k->name,
                     "server", k->server, "current", current, "token", k->token != NULL,
                     "expires", k->expires, "project", k->project, "ca", k->ca);
}

static bool is_current(const struct contexts *x, const struct context *k)
{
    return x->current && strcmp(x->current, k->name) == 0;
}

static void list_json(const struct contexts *x, struct buf *out)
{
    json_t *list = json_array();

    for (size_t i = 0; i < x->all.n; i++)
        json_array_append_new(
            list, context_json(&x->all.items[i], is_current(x, &x->all.items[i])));
    json_add_to(out, list);
    buf_add_char(out, '\n');
    json_decref(list);
}

static void list_text(const struct cli *c, const struct contexts *x, struct buf *out)
{
    static const char *const heads[] = {"", "CONTEXT", "SERVER", "CREDENTIAL"};
    struct cli_grid g = {.n_columns = COUNT_OF(heads), .colour = c->colour};

    for (size_t i = 0; i < COUNT_OF(heads); i++)
        cli_cell(&g, CLI_DIM, heads[i]);
    cli_cell(&g, CLI_PLAIN, x->current ? "" : "*");
    cli_cell(&g, CLI_BOLD, CONTEXT_LOCAL);
    cli_cell(&g, CLI_PLAIN, "this machine");
    cli_cell(&g, CLI_PLAIN, "-");
    for (size_t i = 0; i < x->all.n; i++) {
        const struct context *k = &x->all.items[i];
        cli_cell(&g, CLI_PLAIN, is_current(x, k) ? "*" : "");
        cli_cell(&g, CLI_BOLD, k->name);
        cli_cell_span(&g, CLI_PLAIN, span_of(k->server));
        cli_cell(&g, CLI_PLAIN,
                 !k->token            ? "none"
                 : context_is_over(k) ? "expired"
                                      : "yes");
    }
    cli_grid_add_to(&g, out);
}

int cmd_context_list(struct cli *c)
{
    struct contexts x;
    struct buf out = {0};
    int code = edit_open(&x);

    if (code == CLI_OK) {
        if (c->json)
            list_json(&x, &out);
        else
            list_text(c, &x, &out);
        code = cli_print(&out);
    }
    contexts_done(&x);
    return code;
}

/* --- use, delete --- */

static int no_context(const char *name)
{
    return cli_fail(CLI_NOT_FOUND,
                    "there is no context %.63s; `flowforge context list` lists them",
                    name);
}

int cmd_context_use(struct cli *c)
{
    const char *name = c->args.words.items[0];
    const bool local = strcmp(name, CONTEXT_LOCAL) == 0;
    struct contexts x;
    int code = edit_change(&x);

    if (code == CLI_OK && !local && !contexts_find(&x, name))
        code = no_context(name);
    if (code == CLI_OK) {
        context_set(&x.current, local ? NULL : name);
        code = edit_keep(&x);
    }
    contexts_done(&x);
    return code;
}

int cmd_context_delete(struct cli *c)
{
    const char *name = c->args.words.items[0];
    struct contexts x;
    int code = edit_change(&x);
    struct context *found = code == CLI_OK ? contexts_find(&x, name) : NULL;

    if (code == CLI_OK && !found)
        code = no_context(name);
    if (code == CLI_OK) {
        contexts_delete(&x, found);
        code = edit_keep(&x);
    }
    contexts_done(&x);
    return code;
}

/* --- set --- */

/* Another server is not shown what was given for the one before. */
static void forget_credential(struct context *k, const char *server)
{
    if (server && k->server && strcmp(server, k->server) != 0)
        context_set_token(k, NULL, NULL);
}

int cmd_context_set(struct cli *c)
{
    const char *server = cli_get(&c->args, "server");
    struct contexts x = {0};
    int code;
    struct context *k = edit_named(&x, c->args.words.items[0], &code);

    if (k) {
        forget_credential(k, server);
        code = edit_server(k, server);
        if (cli_has(&c->args, "project"))
            edit_project(k, cli_get(&c->args, "project"));
    }
    if (k && code == CLI_OK)
        code = edit_ca(k, cli_get(&c->args, "ca"));
    if (code == CLI_OK)
        code = edit_keep(&x);
    contexts_done(&x);
    return code;
}
