/* cmd_completion.c - what is made of the table of commands for other programs: scripts
 * of shells, and manual pages. */
#include "cli/cli_priv.h"
#include "cli/manual/manual.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

int cmd_completion(struct cli *c)
{
    static const struct {
        const char *name;
        void (*write)(const struct cli_command *, struct buf *);
    } shells[] = {{"bash", manual_bash}, {"zsh", manual_zsh}, {"fish", manual_fish}};
    const char *shell = c->args.words.items[0];
    struct buf out = {0};

    for (size_t i = 0; i < COUNT_OF(shells); i++) {
        if (strcmp(shell, shells[i].name) != 0)
            continue;
        shells[i].write(cli_commands, &out);
        return cli_print(&out);
    }
    return cli_fail(CLI_USAGE, "there is no script for %s: name bash, zsh or fish",
                    shell);
}

/* --- manual pages --- */

static int write_file(const char *dir, const char *name, struct buf *text)
{
    struct buf path = {0};

    buf_printf(&path, "%s/%s", dir, name);
    int code = file_write_durable(buf_text(&path), buf_text(text), text->len, 0644);
    if (code != 0)
        code = cli_fail(CLI_IO, "%s: %s", buf_text(&path), strerror(-code));
    buf_done(&path);
    buf_done(text);
    return code;
}

/* "driver list" -> "flowforge-driver-list.1" */
static int write_page(const char *dir, const struct cli_command *k)
{
    struct buf page = {0};
    char name[96];

    snprintf(name, sizeof(name), "flowforge-%s.1", k->name);
    for (char *space = strchr(name, ' '); space; space = strchr(space, ' '))
        *space = '-';
    manual_page(k, &page);
    return write_file(dir, name, &page);
}

int cmd_man(struct cli *c)
{
    const char *dir = c->args.words.items[0];
    struct buf page = {0};

    if (mkdir(dir, 0755) != 0 && errno != EEXIST)
        return cli_fail(CLI_IO, "%s: %s", dir, strerror(errno));
    manual_overview(cli_commands, &page);
    int code = write_file(dir, "flowforge.1", &page);
    for (const struct cli_command *k = cli_commands; k->name && code == CLI_OK; k++)
        if (!k->hidden)
            code = write_page(dir, k);
    return code;
}
