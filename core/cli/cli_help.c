/* cli_help.c - help and suggestions, from the table of commands. */
#include "cli/cli_priv.h"

#include <stdio.h>
#include <string.h>

static void add_command_help(struct buf *out, const struct cli_command *command)
{
    buf_printf(out, "flowforge %s - %s\n\nusage: flowforge %s%s%s [OPTIONS]\n",
               command->name, command->summary, command->name,
               command->words[0] ? " " : "", command->words);
    if (command->about)
        buf_printf(out, "\n%s\n", command->about);
    cli_add_options(out, "options", command->options, NULL);
    cli_add_options(out, "options of every command", cli_global_options,
                    command->options);
}

static void add_general_help(struct buf *out)
{
    struct cli_grid g = {.n_columns = 3};

    buf_add_text(out, "flowforge - runs workflows\n\n"
                      "usage: flowforge COMMAND [OPTIONS]\n\ncommands:\n");
    for (const struct cli_command *k = cli_commands; k->name; k++) {
        if (k->hidden)
            continue;
        cli_cell(&g, CLI_PLAIN, "");
        cli_cell_f(&g, "%s%s%s", k->name, k->words[0] ? " " : "", k->words);
        cli_cell(&g, CLI_PLAIN, k->summary);
    }
    cli_grid_add_to(&g, out);
    cli_add_options(out, "options of every command", cli_global_options, NULL);
    g.n_columns = 3;
    buf_add_text(out, "\nexit codes:\n");
    for (const struct cli_exit_word *e = cli_exits; e->meaning; e++) {
        cli_cell(&g, CLI_PLAIN, "");
        cli_cell_f(&g, "%d", e->code);
        cli_cell_wrapped(&g, e->meaning, CLI_HELP_COLUMNS - strlen("  70  "));
    }
    cli_grid_add_to(&g, out);
    buf_add_text(out, "\n`flowforge help COMMAND` explains one command.\n");
}

/* --- the same as JSON, from which docs/cli.md is written --- */

static json_t *words_json(const char *const *words)
{
    json_t *list = json_array();

    for (; *words; words++)
        json_array_append_new(list, json_string(*words));
    return list;
}

static json_t *options_json(const struct cli_option *options)
{
    json_t *list = json_array();

    for (const struct cli_option *o = options; o && o->name; o++) {
        const char letter[2] = {o->letter, '\0'};
        json_t *j = json_pack("{s:s, s:s}", "name", o->name, "help", o->help);
        if (o->letter)
            json_object_set_new(j, "letter", json_string(letter));
        if (o->value)
            json_object_set_new(j, "value", json_string(o->value));
        if (o->choices)
            json_object_set_new(j, "choices", words_json(o->choices));
        json_array_append_new(list, j);
    }
    return list;
}

static json_t *command_json(const struct cli_command *k)
{
    return json_pack("{s:s, s:s, s:s, s:s?, s:b, s:o}", "name", k->name, "words",
                     k->words, "summary", k->summary, "about", k->about, "hidden",
                     k->hidden, "options", options_json(k->options));
}

static void add_json(struct buf *out, const struct cli_command *only)
{
    json_t *all = json_object();
    json_t *commands = json_array();
    json_t *exits = json_array();

    for (const struct cli_command *k = cli_commands; k->name; k++)
        if (!only || only == k)
            json_array_append_new(commands, command_json(k));
    for (const struct cli_exit_word *e = cli_exits; e->meaning; e++)
        json_array_append_new(
            exits, json_pack("{s:i, s:s}", "code", e->code, "meaning", e->meaning));
    json_object_set_new(all, "commands", commands);
    json_object_set_new(all, "options", options_json(cli_global_options));
    json_object_set_new(all, "exit_codes", exits);
    json_add_to(out, all);
    buf_add_char(out, '\n');
    json_decref(all);
}

/* --- the doors --- */

void cli_print_help(const struct cli *c, const struct cli_command *command)
{
    struct buf out = {0};

    if (c->json)
        add_json(&out, command);
    else if (command)
        add_command_help(&out, command);
    else
        add_general_help(&out);
    cli_print(&out);
}

static const struct cli_command *find_command(const char *name)
{
    for (const struct cli_command *k = cli_commands; k->name; k++)
        if (strcmp(k->name, name) == 0)
            return k;
    return NULL;
}

/* Of "driver list" the second word, where the first is `group`. */
static const char *word_in(const struct cli_command *k, const char *group)
{
    const size_t len = strlen(group);

    return strncmp(k->name, group, len) == 0 && k->name[len] == ' ' ? k->name + len + 1
                                                                    : NULL;
}

/* The words that may follow the first one of a group; 0: there is no such group. */
static size_t find_group(const char *first, const char *words[32])
{
    size_t n = 0;

    for (const struct cli_command *k = cli_commands; k->name && n + 1 < 32; k++)
        if (!k->hidden && word_in(k, first))
            words[n++] = word_in(k, first);
    words[n] = NULL;
    return n;
}

static int refuse_in_group(const char *first, const char *second,
                           const char *const *words)
{
    const char *near = second ? text_nearest(second, words) : NULL;
    struct buf list = {.max = 400};

    for (size_t i = 0; words[i]; i++)
        buf_printf(&list, "%s%s", i ? ", " : "", words[i]);
    if (near)
        cli_fail(CLI_USAGE, "there is no command %s %s; did you mean %s %s?", first,
                 second, first, near);
    else if (second)
        cli_fail(CLI_USAGE, "there is no command %s %s; after %s comes one of %s",
                 first, second, first, buf_text(&list));
    else
        cli_fail(
            CLI_USAGE,
            "which command of %s? After it comes one of %s: see `flowforge help %s`",
            first, buf_text(&list), first);
    buf_done(&list);
    return CLI_USAGE;
}

/* What people try first who know another tool. */
static const char *translate(const char *word)
{
    static const char *const words[][2] = {{"status", "get"},
                                           {"show", "get"},
                                           {"describe", "get"},
                                           {"inspect", "get"},
                                           {"ps", "list"},
                                           {"ls", "list"},
                                           {"runs", "list"},
                                           {"start", "run"},
                                           {"exec", "run"},
                                           {"trigger", "schedule trigger"},
                                           {"execute", "run"},
                                           {"stop", "cancel"},
                                           {"kill", "cancel --kill"},
                                           {"abort", "cancel"},
                                           {"terminate", "cancel"},
                                           {"check", "validate"},
                                           {"dry-run", "sim"},
                                           {"dry", "sim"},
                                           {"simulate", "sim"},
                                           {"format", "fmt"},
                                           {"convert", "import"},
                                           {"migrate", "import"},
                                           {"watch", "logs --follow"},
                                           {"log", "logs"},
                                           {"tail", "logs --follow"},
                                           {"create", "apply"},
                                           {"deploy", "apply"},
                                           {"register", "apply"},
                                           {"serve", "server"},
                                           {"daemon", "engine --stay"},
                                           {"scheduler", "engine --stay"},
                                           {"restart", "rerun"},
                                           {"delete", "workflow delete"},
                                           {"cron", "schedule list"},
                                           {"lock", "limit list"}};

    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (strcmp(word, words[i][0]) == 0)
            return words[i][1];
    return NULL;
}

int cli_unknown_command(const char *first, const char *second)
{
    const char *names[96];
    const char *words[32];
    struct buf text = {.max = 400};
    size_t n = 0;

    if (find_group(first, words) > 0)
        return refuse_in_group(first, second, words);
    for (const struct cli_command *k = cli_commands; k->name && n + 1 < COUNT_OF(names);
         k++)
        if (!k->hidden)
            names[n++] = k->name;
    names[n] = NULL;
    const char *near = translate(first);
    if (!near)
        near = text_nearest(first, names);
    cli_add_clean(&text, first, strlen(first));
    if (near)
        cli_fail(CLI_USAGE, "there is no command %s; did you mean %s?", buf_text(&text),
                 near);
    else
        cli_fail(CLI_USAGE, "there is no command %s; `flowforge help` lists them",
                 buf_text(&text));
    buf_done(&text);
    return CLI_USAGE;
}

/* "help driver": the commands of a group. */
static bool print_group(const char *first)
{
    struct cli_grid g = {.n_columns = 3};
    struct buf out = {0};
    bool any = false;

    buf_printf(&out, "commands of %s:\n", first);
    for (const struct cli_command *k = cli_commands; k->name; k++) {
        if (k->hidden || !word_in(k, first))
            continue;
        cli_cell(&g, CLI_PLAIN, "");
        cli_cell_f(&g, "%s%s%s", k->name, k->words[0] ? " " : "", k->words);
        cli_cell(&g, CLI_PLAIN, k->summary);
        any = true;
    }
    cli_grid_add_to(&g, &out);
    if (any)
        cli_print(&out);
    else
        buf_done(&out);
    return any;
}

int cmd_help(struct cli *c)
{
    const struct cli_command *command = NULL;
    char name[80];

    if (c->args.words.n > 0) {
        const char *first = c->args.words.items[0];
        const char *second = c->args.words.n > 1 ? c->args.words.items[1] : NULL;
        snprintf(name, sizeof(name), "%s%s%s", first, second ? " " : "",
                 second ? second : "");
        command = find_command(name);
        if (!command && !second && print_group(first))
            return CLI_OK;
        if (!command)
            return cli_unknown_command(first, second);
    }
    cli_print_help(c, command);
    return CLI_OK;
}
