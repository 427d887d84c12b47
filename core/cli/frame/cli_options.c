/* cli_options.c - options as --help shows them. */
#include "cli/frame/frame.h"

#include <string.h>

static bool has_letter(const struct cli_option *options, char letter)
{
    for (const struct cli_option *o = options; o && o->name; o++)
        if (o->letter == letter)
            return true;
    return false;
}

/* Bytes of the words that fit into so many columns; one word at least. */
static size_t fitting(const char *text, size_t columns)
{
    size_t len = strcspn(text, " ");

    for (size_t next = len; text[next];) {
        next += 1 + strcspn(text + next + 1, " ");
        if (next > columns)
            break;
        len = next;
    }
    return len;
}

void cli_cell_wrapped(struct cli_grid *g, const char *text, size_t columns)
{
    for (;;) {
        const size_t len = fitting(text, columns);
        cli_cell_span(g, CLI_PLAIN, (struct span){text, len});
        if (!text[len])
            return;
        text += len + 1;
        for (uint32_t i = 1; i < g->n_columns; i++)
            cli_cell(g, CLI_PLAIN, "");
    }
}

static void name_of(const struct cli_option *o, struct buf *out)
{
    buf_printf(out, "--%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
}

/* What lines of CLI_HELP_COLUMNS leave for the last of four columns. */
static size_t help_columns(const struct cli_option *options)
{
    struct buf name = {0};
    size_t widest = 0;

    for (const struct cli_option *o = options; o->name; o++) {
        name_of(o, &name);
        if (name.len > widest)
            widest = name.len;
        buf_clear(&name);
    }
    buf_done(&name);
    return CLI_HELP_COLUMNS - strlen("  -x,  ") - widest - strlen("  ");
}

static void add_option(struct cli_grid *g, const struct cli_option *o,
                       const struct cli_option *before, size_t columns)
{
    struct buf name = {0};
    char letter[8] = "";

    if (o->letter && !has_letter(before, o->letter))
        snprintf(letter, sizeof(letter), "-%c,", o->letter);
    cli_cell(g, CLI_PLAIN, "");
    cli_cell(g, CLI_PLAIN, letter);
    name_of(o, &name);
    cli_cell(g, CLI_PLAIN, buf_text(&name));
    cli_cell_wrapped(g, o->help, columns);
    buf_done(&name);
}

void cli_add_options(struct buf *out, const char *title,
                     const struct cli_option *options, const struct cli_option *before)
{
    struct cli_grid g = {.n_columns = 4};

    if (!options)
        return;
    const size_t columns = help_columns(options);
    buf_printf(out, "\n%s:\n", title);
    for (const struct cli_option *o = options; o->name; o++)
        add_option(&g, o, before, columns);
    cli_grid_add_to(&g, out);
}
