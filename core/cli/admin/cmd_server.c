/* cmd_server.c - becomes the server, with all that was said here. */
#include "cli/admin/admin.h"
#include "cli/admin/beside.h"
#include "cli/serve/serve.h"

int cmd_server(struct cli *c)
{
    struct beside argv;

    cli_log_sentences();
    beside_begin(&argv, SERVE_PROGRAM);
    for (size_t i = 0; i < c->args.given.n; i++)
        beside_add_option(&argv, c->args.given.items[i].option->name,
                          c->args.given.items[i].value);
    return beside_exec(&argv, c->env);
}
