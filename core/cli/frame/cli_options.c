/* cli_options.c - options as --help shows them. */
#include "cli/frame/frame.h"

static bool has_letter(const struct cli_option *options, char letter)
{
    for (const struct cli_option *o = options; o && o->name; o++)
        if (o->letter == letter)
            return true;
    return false;
}

static void add_option(struct cli_grid *g, const struct cli_option *o,
                       const struct cli_option *before)
{
    char letter[8] = "";

    if (o->letter && !has_letter(before, o->letter))
        snprintf(letter, sizeof(letter), "-%c,", o->letter);
    cli_cell(g, CLI_PLAIN, "");
    cli_cell(g, CLI_PLAIN, letter);
    cli_cell_f(g, "--%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
    cli_cell(g, CLI_PLAIN, o->help);
}

void cli_add_options(struct buf *out, const char *title,
                     const struct cli_option *options, const struct cli_option *before)
{
    struct cli_grid g = {.n_columns = 4};

    if (!options)
        return;
    buf_printf(out, "\n%s:\n", title);
    for (const struct cli_option *o = options; o->name; o++)
        add_option(&g, o, before);
    cli_grid_add_to(&g, out);
}
