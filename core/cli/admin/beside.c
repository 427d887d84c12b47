/* beside.c - commands that another program carries out. */
#include "cli/admin/beside.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void beside_begin(struct beside *b, const char *program)
{
    *b = (struct beside){0};
    beside_add(b, program);
}

void beside_add(struct beside *b, const char *word)
{
    ARRAY_ADD(b, mem_text(word));
}

void beside_add_option(struct beside *b, const char *name, const char *value)
{
    struct buf text = {0};

    buf_printf(&text, "--%s%s%s", name, value ? "=" : "", value ? value : "");
    ARRAY_ADD(b, buf_take(&text));
}

int beside_exec(struct beside *b, char *const *env)
{
    MEM_AUTO char *dir = file_dir_of_program();
    MEM_AUTO char *program = file_join(dir ? dir : "", b->items[0]);

    ARRAY_ADD(b, NULL);
    execve(program, b->items, env);

    const int sys = errno;

    for (size_t i = 0; i < b->n; i++)
        mem_free(b->items[i]);
    ARRAY_DONE(b);
    return cli_fail(sys == ENOENT ? CLI_NOT_FOUND : CLI_INTERNAL,
                    "cannot start %s: %s; it is installed beside flowforge", program,
                    strerror(sys));
}
