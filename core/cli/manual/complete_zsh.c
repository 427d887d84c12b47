/* complete_zsh.c - the script for zsh, as bash's with what each word means beside it.
 * Works from a folder of $fpath, and by `source <(flowforge completion zsh)`. */
#include "cli/manual/complete_priv.h"

#include <string.h>

struct writing {
    const struct cli_command *commands;
    struct buf *out;
};

/* 'name:summary', as _describe takes them; no name has a colon. */
static void add_described(struct buf *out, const char *name, const char *summary)
{
    struct buf text = {0};

    buf_printf(&text, "%s:%s", name, summary);
    buf_add_char(out, ' ');
    complete_quote(out, buf_text(&text));
    buf_done(&text);
}

static void add_word(void *arg, const char *name, const char *summary)
{
    add_described(arg, name, summary);
}

static void add_group(void *arg, const char *group)
{
    const struct writing *w = arg;

    buf_printf(w->out, "    '%s') reply=(", group);
    complete_each_name(w->commands, group, add_word, w->out);
    buf_add_text(w->out, " ) ;;\n");
}

static void add_commands(const struct writing *w)
{
    buf_add_text(w->out, "_flowforge_commands() {\n    reply=()\n    case $1 in\n");
    complete_each_group(w->commands, add_group, (void *)w);
    buf_add_text(w->out, "    esac\n}\n\n");
}

static void add_names(struct buf *out, const struct cli_option *options)
{
    struct buf name = {0};

    for (const struct cli_option *o = options; o && o->name; o++) {
        buf_printf(&name, "--%s", o->name);
        add_described(out, buf_text(&name), o->help);
        buf_clear(&name);
    }
    buf_done(&name);
}

static void add_options(const struct writing *w)
{
    buf_add_text(w->out, "_flowforge_options() {\n    reply=(");
    add_names(w->out, cli_global_options);
    buf_add_text(w->out, " )\n    case $1 in\n");
    for (const struct cli_command *k = w->commands; k->name; k++) {
        if (k->hidden || !k->options)
            continue;
        buf_printf(w->out, "    '%s') reply+=(", k->name);
        add_names(w->out, k->options);
        buf_add_text(w->out, " ) ;;\n");
    }
    buf_add_text(w->out, "    esac\n}\n\n");
}

static void add_values(struct buf *out, const char *command,
                       const struct cli_option *options)
{
    for (const struct cli_option *o = options; o && o->name; o++) {
        if (!o->value)
            continue;
        buf_printf(out, "    (%s' --%s'", command, o->name);
        if (o->letter)
            buf_printf(out, "|%s' -%c'", command, o->letter);
        buf_add_text(out, ") REPLY='");
        complete_add_value(out, o);
        buf_add_text(out, "' ;;\n");
    }
}

static void add_value_function(const struct writing *w)
{
    struct buf name = {0};

    buf_add_text(w->out, "_flowforge_value() {\n    REPLY=''\n    case \"$1 $2\" in\n");
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
    buf_add_text(w->out, "_flowforge_words() {\n    REPLY=''\n    case $1 in\n");
    for (const struct cli_command *k = w->commands; k->name; k++) {
        if (k->hidden || !k->words[0])
            continue;
        buf_printf(w->out, "    '%s') REPLY='", k->name);
        complete_add_words(w->out, k);
        buf_add_text(w->out, "' ;;\n");
    }
    buf_add_text(w->out, "    esac\n}\n\n");
}

static const char script[] =
    "_flowforge_offer() {\n"
    "    case $1 in\n"
    "    @files) _files ;;\n"
    "    @dirs) _files -/ ;;\n"
    "    @any) _message value ;;\n"
    "    *) compadd -- ${=1} ;;\n"
    "    esac\n"
    "}\n"
    "\n"
    "_flowforge() {\n"
    "    local command='' value='' word REPLY\n"
    "    local -a reply\n"
    "    local -i i\n"
    "    for ((i = 2; i < CURRENT; i++)); do\n"
    "        word=$words[i]\n"
    "        if [[ -n $value ]]; then\n"
    "            value=''\n"
    "        elif [[ $word == -* ]]; then\n"
    "            _flowforge_value \"$command\" $word\n"
    "            value=$REPLY\n"
    "        else\n"
    "            _flowforge_commands \"$command\"\n"
    "            (( $#reply )) && command=${command:+$command }$word\n"
    "        fi\n"
    "    done\n"
    "    if [[ -n $value ]]; then\n"
    "        _flowforge_offer $value\n"
    "    elif [[ $words[CURRENT] == -* ]]; then\n"
    "        _flowforge_options \"$command\"\n"
    "        _describe -o option reply\n"
    "    else\n"
    "        _flowforge_commands \"$command\"\n"
    "        _flowforge_words \"$command\"\n"
    "        if (( $#reply )); then\n"
    "            _describe command reply\n"
    "        elif [[ -n $REPLY ]]; then\n"
    "            _flowforge_offer $REPLY\n"
    "        fi\n"
    "    fi\n"
    "}\n"
    "\n"
    "if [[ $funcstack[1] == _flowforge ]]; then\n"
    "    _flowforge \"$@\"\n"
    "else\n"
    "    compdef _flowforge flowforge\n"
    "fi\n";

void manual_zsh(const struct cli_command *commands, struct buf *out)
{
    const struct writing w = {.commands = commands, .out = out};

    buf_add_text(out, "#compdef flowforge\n# Completion of flowforge for zsh: made by "
                      "`flowforge completion zsh`.\n\n");
    add_commands(&w);
    add_options(&w);
    add_value_function(&w);
    add_words(&w);
    buf_add_text(out, script);
}
