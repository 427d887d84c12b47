/* cli_help.c - help and suggestions, from the table of commands. */
#include "cli/cli_priv.h"

#include <stdio.h>
#include <string.h>

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

/* A letter that is an option of `before` means that one. */
static void add_options(struct buf *out, const char *title,
                        const struct cli_option *options,
                        const struct cli_option *before)
{
    struct cli_grid g = {.n_columns = 4};

    if (!options)
        return;
    buf_printf(out, "\n%s:\n", title);
    for (const struct cli_option *o = options; o->name; o++)
        add_option(&g, o, before);
    cli_grid_add_to(&g, out);
}

static void add_command_help(struct buf *out, const struct cli_command *command)
{
    buf_printf(out, "flowforge %s - %s\n\nusage: flowforge %s%s%s [OPTIONS]\n",
               command->name, command->summary, command->name,
               command->words[0] ? " " : "", command->words);
    if (command->about)
        buf_printf(out, "\n%s\n", command->about);
    add_options(out, "options", command->options, NULL);
    add_options(out, "options of every command", cli_global_options, command->options);
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
    add_options(out, "options of every command", cli_global_options, NULL);
    g.n_columns = 3;
    buf_add_text(out, "\nexit codes:\n");
    for (const struct cli_exit_word *e = cli_exits; e->meaning; e++) {
        cli_cell(&g, CLI_PLAIN, "");
        cli_cell_f(&g, "%d", e->code);
        cli_cell(&g, CLI_PLAIN, e->meaning);
    }
    cli_grid_add_to(&g, out);
    buf_add_text(out, "\n`flowforge help COMMAND` explains one command.\n");
}

/* --- the same as JSON, from which the manual is checked --- */

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
        json_array_append_new(list, j);
    }
    return list;
}

static json_t *command_json(const struct cli_command *k)
{
    return json_pack("{s:s, s:s, s:s, s:b, s:o}", "name", k->name, "words", k->words,
                     "summary", k->summary, "hidden", k->hidden, "options",
                     options_json(k->options));
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

/* "driver": the names of a group, where the second word is missing or wrong. */
static bool add_group(struct buf *out, const char *first)
{
    const size_t len = strlen(first);
    bool any = false;

    for (const struct cli_command *k = cli_commands; k->name; k++) {
        if (strncmp(k->name, first, len) != 0 || k->name[len] != ' ')
            continue;
        buf_printf(out, "%sflowforge %s", any ? ", " : "", k->name);
        any = true;
    }
    return any;
}

int cli_unknown_command(const char *first, const char *second)
{
    const char *names[64];
    struct buf text = {.max = 400};
    size_t n = 0;

    if (add_group(&text, first)) {
        cli_fail(CLI_USAGE, "%s%s%s is no command; there is: %s", first,
                 second ? " " : "", second ? second : "", buf_text(&text));
        buf_done(&text);
        return CLI_USAGE;
    }
    for (const struct cli_command *k = cli_commands; k->name && n + 1 < COUNT_OF(names);
         k++)
        if (!k->hidden)
            names[n++] = k->name;
    names[n] = NULL;
    const char *near = text_nearest(first, names);
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
        if (!command)
            return cli_unknown_command(first, second);
    }
    cli_print_help(c, command);
    return CLI_OK;
}
