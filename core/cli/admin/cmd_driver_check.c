/* cmd_driver_check.c - starts the conformance kit, which is a program of its own so
 * that this one stays small. */
#include "cli/admin/admin.h"
#include "cli/admin/beside.h"
#include "cli/admin/driver_dir.h"

static void add_given(struct beside *argv, const struct cli *c)
{
    for (size_t i = 0; i < c->args.given.n; i++) {
        const struct cli_given *given = &c->args.given.items[i];

        for (const struct cli_option *o = c->command->options; o->name; o++)
            if (given->option == o)
                beside_add_option(argv, o->name, given->value);
    }
}

int cmd_driver_check(struct cli *c)
{
    int code;
    struct beside argv;
    MEM_AUTO char *dir = cli_driver_dir(c, &code);

    if (code != CLI_OK)
        return code;
    beside_begin(&argv, "flowforge-driver-check");
    beside_add_option(&argv, "driver-dir", dir);
    add_given(&argv, c);
    if (c->json)
        beside_add_option(&argv, "json", NULL);
    beside_add(&argv, "--");
    beside_add(&argv, c->args.words.items[0]);
    return beside_exec(&argv, c->env);
}
