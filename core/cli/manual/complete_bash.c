/* complete_bash.c - the script for bash: four functions that say what may stand where,
 * made of the table, and one that finds out where the cursor is. Needs no package. */
#include "cli/manual/complete_priv.h"

struct writing {
    const struct cli_command *commands;
    struct buf *out;
};

static void add_word(void *arg, const char *name, const char *summary)
{
    (void)summary;
    buf_printf(arg, " %s", name);
}

static void add_group(void *arg, const char *group)
{
    const struct writing *w = arg;

    buf_printf(w->out, "    '%s') echo '", group);
    complete_each_name(w->commands, group, add_word, w->out);
    buf_add_text(w->out, "' ;;\n");
}

static void add_commands(const struct writing *w)
{
    buf_add_text(w->out, "_flowforge_commands() {\n    case \"$1\" in\n");
    complete_each_group(w->commands, add_group, (void *)w);
    buf_add_text(w->out, "    esac\n}\n\n");
}

static void add_names(struct buf *out, const struct cli_option *options)
{
    for (const struct cli_option *o = options; o && o->name; o++)
        buf_printf(out, " --%s", o->name);
}

static void add_options(const struct writing *w)
{
    buf_add_text(w->out, "_flowforge_options() {\n    case \"$1\" in\n");
    for (const struct cli_command *k = w->commands; k->name; k++) {
        if (k->hidden || !k->options)
            continue;
        buf_printf(w->out, "    '%s') echo '", k->name);
        add_names(w->out, k->options);
        buf_add_text(w->out, "' ;;\n");
    }
    buf_add_text(w->out, "    esac\n    echo '");
    add_names(w->out, cli_global_options);
    buf_add_text(w->out, "'\n}\n\n");
}

static void add_values(struct buf *out, const char *command,
                       const struct cli_option *options)
{
    for (const struct cli_option *o = options; o && o->name; o++) {
        if (!o->value)
            continue;
        buf_printf(out, "    %s' --%s'", command, o->name);
        if (o->letter)
            buf_printf(out, " | %s' -%c'", command, o->letter);
        buf_add_text(out, ") echo '");
        complete_add_value(out, o);
        buf_add_text(out, "' ;;\n");
    }
}

/* A command's own options come first: a letter of them hides one that all have. */
static void add_value_function(const struct writing *w)
{
    struct buf name = {0};

    buf_add_text(w->out, "_flowforge_value() {\n    case \"$1 $2\" in\n");
    for (const struct cli_command *k = w->commands; k->name; k++) {
        if (k->hidden)
            continue;
        buf_printf(&name, "'%s'", k->name);
        add_values(w->out, buf_text(&name), k->options);
        buf_clear(&name);
    }
    add_values(w->out, "*", cli_global_options);
    buf_add_text(w->out, "    esac\n}\n\n");
    buf_done(&name);
}

static void add_words(const struct writing *w)
{
    buf_add_text(w->out, "_flowforge_words() {\n    case \"$1\" in\n");
    for (const struct cli_command *k = w->commands; k->name; k++) {
        if (k->hidden || !k->words[0])
            continue;
        buf_printf(w->out, "    '%s') echo '", k->name);
        complete_add_words(w->out, k);
        buf_add_text(w->out, "' ;;\n");
    }
    buf_add_text(w->out, "    esac\n}\n\n");
}

static const char script[] =
    "_flowforge() {\n"
    "    local current=${COMP_WORDS[COMP_CWORD]} command='' value='' word kind i\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        word=${COMP_WORDS[i]}\n"
    "        if [[ $word == '=' ]]; then\n"
    "            continue\n"
    "        elif [[ -n $value ]]; then\n"
    "            value=''\n"
    "        elif [[ $word == -* ]]; then\n"
    "            value=$(_flowforge_value \"$command\" \"$word\")\n"
    "        elif [[ -n $(_flowforge_commands \"$command\") ]]; then\n"
    "            command=${command:+$command }$word\n"
    "        fi\n"
    "    done\n"
    "    [[ $current == '=' ]] && current=''\n"
    "    if [[ -n $value ]]; then\n"
    "        kind=$value\n"
    "    elif [[ $current == -* ]]; then\n"
    "        kind=$(_flowforge_options \"$command\")\n"
    "    else\n"
    "        kind=$(_flowforge_commands \"$command\")\n"
    "        [[ -n $kind ]] || kind=$(_flowforge_words \"$command\")\n"
    "    fi\n"
    "    COMPREPLY=()\n"
    "    case $kind in\n"
    "    @files)\n"
    "        compopt -o filenames 2>/dev/null\n"
    "        mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
    "        ;;\n"
    "    @dirs)\n"
    "        compopt -o filenames 2>/dev/null\n"
    "        mapfile -t COMPREPLY < <(compgen -d -- \"$current\")\n"
    "        ;;\n"
    "    @any) ;;\n"
    "    *) mapfile -t COMPREPLY < <(compgen -W \"$kind\" -- \"$current\") ;;\n"
    "    esac\n"
    "}\n"
    "complete -F _flowforge flowforge\n";

void manual_bash(const struct cli_command *commands, struct buf *out)
{
    const struct writing w = {.commands = commands, .out = out};

    buf_add_text(out,
                 "# Completion of flowforge for bash: made by `flowforge completion "
                 "bash`.\n\n");
    add_commands(&w);
    add_options(&w);
    add_value_function(&w);
    add_words(&w);
    buf_add_text(out, script);
}
