/* complete_fish.c - the script for fish: one function that finds out which command was
 * typed, and a line for each thing that may follow it. */
#include "cli/manual/complete_priv.h"

#include <string.h>

struct writing {
    const struct cli_command *commands;
    struct buf *out;
    const char *group;
};

/* Of fish: only a quote and a backslash mean something. */
static void quote(struct buf *out, const char *text)
{
    buf_add_char(out, '\'');
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, *text);
    }
    buf_add_char(out, '\'');
}

/* --- where the cursor is --- */

static void add_names(struct buf *out, const char *command,
                      const struct cli_option *options)
{
    for (const struct cli_option *o = options; o && o->name; o++) {
        if (!o->value)
            continue;
        buf_printf(out, " '%s --%s'", command, o->name);
        if (o->letter)
            buf_printf(out, " '%s -%c'", command, o->letter);
    }
}

/* Options with a value, so that the value is not taken for a command. */
static void add_valued(const struct writing *w)
{
    buf_add_text(w->out, "function __flowforge_has_value\n    switch \"$argv[1] "
                         "$argv[2]\"\n        case");
    for (const struct cli_command *k = w->commands; k->name; k++)
        if (!k->hidden)
            add_names(w->out, k->name, k->options);
    add_names(w->out, "*", cli_global_options);
    buf_add_text(w->out, "\n            return 0\n    end\n    return 1\nend\n\n");
}

static void add_group_word(void *arg, const char *group)
{
    buf_printf(arg, " '%s'", group);
}

static const char script[] =
    "function __flowforge_command\n"
    "    set -l command ''\n"
    "    set -l value 0\n"
    "    for word in (commandline -opc)[2..]\n"
    "        if test $value = 1\n"
    "            set value 0\n"
    "        else if string match -q -- '-*' $word\n"
    "            __flowforge_has_value \"$command\" $word; and set value 1\n"
    "        else if contains -- \"$command\" $__flowforge_groups\n"
    "            set command (string trim -- \"$command $word\")\n"
    "        end\n"
    "    end\n"
    "    echo -- $command\n"
    "end\n"
    "\n"
    "function __flowforge_is\n"
    "    test (__flowforge_command) = \"$argv[1]\"\n"
    "end\n"
    "\n"
    "complete -c flowforge -f\n";

/* --- what may stand there --- */

static void add_name(void *arg, const char *name, const char *summary)
{
    const struct writing *w = arg;

    buf_printf(w->out, "complete -c flowforge -n '__flowforge_is \"%s\"' -a '%s' -d ",
               w->group, name);
    quote(w->out, summary);
    buf_add_char(w->out, '\n');
}

static void add_group(void *arg, const char *group)
{
    struct writing *w = arg;

    w->group = group;
    complete_each_name(w->commands, group, add_name, w);
}

static void add_kind(struct buf *out, const char *kind)
{
    if (!kind[0])
        return;
    if (strcmp(kind, "@files") == 0)
        buf_add_text(out, " -r -F");
    else if (strcmp(kind, "@dirs") == 0)
        buf_add_text(out, " -x -a '(__fish_complete_directories)'");
    else if (strcmp(kind, "@any") == 0)
        buf_add_text(out, " -x");
    else
        buf_printf(out, " -x -a '%s'", kind);
}

/* command NULL: of every command. */
static void add_options(struct buf *out, const char *command,
                        const struct cli_option *options)
{
    struct buf kind = {0};

    for (const struct cli_option *o = options; o && o->name; o++) {
        buf_add_text(out, "complete -c flowforge");
        if (command)
            buf_printf(out, " -n '__flowforge_is \"%s\"'", command);
        if (o->letter)
            buf_printf(out, " -s %c", o->letter);
        buf_printf(out, " -l %s", o->name);
        complete_add_value(&kind, o);
        add_kind(out, buf_text(&kind));
        buf_clear(&kind);
        buf_add_text(out, " -d ");
        quote(out, o->help);
        buf_add_char(out, '\n');
    }
    buf_done(&kind);
}

static void add_words(struct buf *out, const struct cli_command *k)
{
    struct buf kind = {0};

    complete_add_words(&kind, k);
    if (kind.len > 0) {
        buf_printf(out, "complete -c flowforge -n '__flowforge_is \"%s\"'", k->name);
        add_kind(out, buf_text(&kind));
        buf_add_char(out, '\n');
    }
    buf_done(&kind);
}

void manual_fish(const struct cli_command *commands, struct buf *out)
{
    struct writing w = {.commands = commands, .out = out};

    buf_add_text(out,
                 "# Completion of flowforge for fish: made by `flowforge completion "
                 "fish`.\n\n");
    add_valued(&w);
    buf_add_text(out, "set -g __flowforge_groups");
    complete_each_group(commands, add_group_word, out);
    buf_add_text(out, "\n\n");
    buf_add_text(out, script);
    complete_each_group(commands, add_group, &w);
    add_options(out, NULL, cli_global_options);
    for (const struct cli_command *k = commands; k->name; k++) {
        if (k->hidden)
            continue;
        add_options(out, k->name, k->options);
        add_words(out, k);
    }
}
