/* man.c - manual pages of section 1 from the table of commands, in the macros of
 * man(7), which every man reads. */
#include "cli/manual/manual.h"

#include <string.h>

/* "driver list" -> "flowforge-driver-list" */
static void add_title(struct buf *out, const char *command)
{
    buf_add_text(out, "flowforge-");
    for (; *command; command++)
        buf_add_char(out, *command == ' ' ? '-' : *command);
}

/* A dot or quote at the beginning of a line would be a request, a backslash an escape;
 * a hyphen that is typed is "\-", lest it be shown as another character. */
static void add_text(struct buf *out, const char *text)
{
    bool begins = true;

    for (; *text; text++) {
        if (begins && (*text == '.' || *text == '\''))
            buf_add_text(out, "\\&");
        if (*text == '\\')
            buf_add_text(out, "\\e");
        else if (*text == '-')
            buf_add_text(out, "\\-");
        else
            buf_add_char(out, *text);
        begins = *text == '\n';
    }
}

static void add_head(struct buf *out, const char *title, const char *summary)
{
    buf_add_text(out, ".TH ");
    for (const char *c = title; *c; c++)
        buf_add_char(out, *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c);
    buf_add_text(out, " 1 \"\" \"FlowForge\" \"FlowForge\"\n.SH NAME\n");
    add_text(out, title);
    buf_add_text(out, " \\- ");
    add_text(out, summary);
    buf_add_text(out, "\n.SH SYNOPSIS\n");
}

static void add_option(struct buf *out, const struct cli_option *o)
{
    buf_add_text(out, ".TP\n");
    if (o->letter)
        buf_printf(out, "\\fB\\-%c\\fR, ", o->letter);
    buf_add_text(out, "\\fB\\-\\-");
    add_text(out, o->name);
    buf_add_text(out, "\\fR");
    if (o->value) {
        buf_add_text(out, " \\fI");
        add_text(out, o->value);
        buf_add_text(out, "\\fR");
    }
    buf_add_char(out, '\n');
    add_text(out, o->help);
    buf_add_char(out, '\n');
}

static void add_options(struct buf *out, const char *title,
                        const struct cli_option *options)
{
    if (!options)
        return;
    buf_printf(out, ".SH %s\n", title);
    for (const struct cli_option *o = options; o->name; o++)
        add_option(out, o);
}

static void add_exits(struct buf *out)
{
    buf_add_text(out, ".SH EXIT STATUS\n");
    for (const struct cli_exit_word *e = cli_exits; e->meaning; e++) {
        buf_printf(out, ".TP\n\\fB%d\\fR\n", e->code);
        add_text(out, e->meaning);
        buf_add_char(out, '\n');
    }
}

void manual_page(const struct cli_command *command, struct buf *out)
{
    struct buf title = {0};

    add_title(&title, command->name);
    add_head(out, buf_text(&title), command->summary);
    buf_printf(out, "\\fBflowforge %s\\fR", command->name);
    if (command->words[0]) {
        buf_add_text(out, " \\fI");
        add_text(out, command->words);
        buf_add_text(out, "\\fR");
    }
    buf_add_text(out, " [\\fIOPTIONS\\fR]\n");
    if (command->about) {
        buf_add_text(out, ".SH DESCRIPTION\n");
        add_text(out, command->about);
        buf_add_char(out, '\n');
    }
    add_options(out, "OPTIONS", command->options);
    add_options(out, "OPTIONS OF EVERY COMMAND", cli_global_options);
    add_exits(out);
    buf_add_text(out, ".SH SEE ALSO\n.BR flowforge (1)\n");
    buf_done(&title);
}

void manual_overview(const struct cli_command *commands, struct buf *out)
{
    add_head(out, "flowforge", "runs workflows");
    buf_add_text(out, "\\fBflowforge\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR]\n"
                      ".SH COMMANDS\n");
    for (const struct cli_command *k = commands; k->name; k++) {
        if (k->hidden)
            continue;
        buf_printf(out, ".TP\n\\fB%s\\fR", k->name);
        if (k->words[0]) {
            buf_add_text(out, " \\fI");
            add_text(out, k->words);
            buf_add_text(out, "\\fR");
        }
        buf_add_char(out, '\n');
        add_text(out, k->summary);
        buf_add_char(out, '\n');
    }
    add_options(out, "OPTIONS OF EVERY COMMAND", cli_global_options);
    add_exits(out);
    buf_add_text(out, ".SH SEE ALSO\n");
    buf_add_text(out, "Each command has a page of its own:\n.BR flowforge\\-run (1)\n"
                      "and so on.\n");
}
