/* cmd_driver_check.c - starts the conformance kit, which is a program of its own so
 * that this one stays small. */
#include "cli/admin/admin.h"
#include "cli/admin/driver_dir.h"
#include "cli/frame/frame.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define KIT "flowforge-driver-check"

struct words {
    char **items;
    size_t n, cap;
};

static void add(struct words *words, const char *option, const char *value)
{
    struct buf text = {0};

    buf_printf(&text, "--%s%s%s", option, value ? "=" : "", value ? value : "");
    ARRAY_ADD(words, buf_take(&text));
}

static struct words make_argv(const struct cli *c, const char *driver_dir)
{
    struct words words = {0};

    ARRAY_ADD(&words, mem_text(KIT));
    add(&words, "driver-dir", driver_dir);
    for (size_t i = 0; i < c->args.given.n; i++) {
        const struct cli_given *given = &c->args.given.items[i];

        for (const struct cli_option *o = c->command->options; o->name; o++)
            if (given->option == o)
                add(&words, o->name, given->value);
    }
    if (c->json)
        add(&words, "json", NULL);
    ARRAY_ADD(&words, mem_text("--"));
    ARRAY_ADD(&words, mem_text(c->args.words.items[0]));
    ARRAY_ADD(&words, NULL);
    return words;
}

int cmd_driver_check(struct cli *c)
{
    int code;
    MEM_AUTO char *dir = cli_driver_dir(c, &code);

    if (code != CLI_OK)
        return code;

    MEM_AUTO char *beside = file_dir_of_program();
    MEM_AUTO char *program = file_join(beside ? beside : "", KIT);
    struct words argv = make_argv(c, dir);

    execve(program, argv.items, c->env);

    const int sys = errno;

    for (size_t i = 0; i < argv.n; i++)
        mem_free(argv.items[i]);
    ARRAY_DONE(&argv);
    return cli_fail(sys == ENOENT ? CLI_NOT_FOUND : CLI_INTERNAL,
                    "cannot start %s: %s; it is installed beside flowforge", program,
                    strerror(sys));
}
