/* cli_main.c - from argv to a command: finds it, reads its arguments, calls it. */
#include "cli/cli.h"

#include "cli/cli_priv.h"

#include <string.h>

/* "driver list" takes two words of argv, "run" takes one. NULL: there is none. */
static const struct cli_command *find_command(char *const *argv, size_t *n_words)
{
    for (const struct cli_command *k = cli_commands; k->name; k++) {
        const size_t len = strcspn(k->name, " ");
        const char *second = k->name[len] ? k->name + len + 1 : NULL;
        if (!text_is(k->name, len, argv[0]))
            continue;
        if (second && (!argv[1] || strcmp(argv[1], second) != 0))
            continue;
        *n_words = second ? 2 : 1;
        return k;
    }
    return NULL;
}

static int wrong_words(const struct cli_command *k, size_t n)
{
    cli_fail(CLI_USAGE, "%s for `%s`: flowforge %s%s%s",
             n < (size_t)k->words_min ? "something is missing" : "that is too much",
             k->name, k->name, k->words[0] ? " " : "", k->words);
    return CLI_USAGE;
}

static int call(struct cli *c)
{
    const struct cli_command *k = c->command;
    const size_t n = c->args.words.n;

    cli_read_globals(c);
    if (cli_has(&c->args, "help")) {
        cli_print_help(c, k);
        return CLI_OK;
    }
    if (cli_has(&c->args, "version"))
        return cmd_version(c);
    if (n < (size_t)k->words_min || (k->words_max >= 0 && n > (size_t)k->words_max))
        return wrong_words(k, n);
    return cli_call(c);
}

/* No command was given: what the options alone ask for. */
static int call_without(struct cli *c)
{
    cli_read_globals(c);
    if (cli_has(&c->args, "version"))
        return cmd_version(c);
    if (cli_has(&c->args, "help")) {
        cli_print_help(c, NULL);
        return CLI_OK;
    }
    return cli_fail(CLI_USAGE, "which command? `flowforge help` lists them");
}

static int dispatch(struct cli *c, char *const *argv)
{
    struct ff_err err = {0};
    size_t used;
    size_t n_words = 0;

    if (cli_args_read(&c->args, NULL, argv, true, &used, &err) != FF_OK)
        return cli_fail_err(&err);
    argv += used;
    if (!argv[0])
        return call_without(c);
    c->command = find_command(argv, &n_words);
    if (!c->command && cli_has(&c->args, "help")) {
        call_without(c);
        return CLI_OK;
    }
    if (!c->command)
        return cli_unknown_command(argv[0],
                                   argv[1] && argv[1][0] != '-' ? argv[1] : NULL);
    argv += n_words;
    if (cli_args_read(&c->args, c->command->options, argv, false, &used, &err) !=
        FF_OK) {
        cli_fail_err(&err);
        return cli_fail(CLI_USAGE, "`flowforge help %s` lists the options",
                        c->command->name);
    }
    return call(c);
}

int cli_main(int argc, char **argv, char **env)
{
    struct cli c = {.env = env};

    cli_begin();
    const int code = dispatch(&c, argv + (argc > 0));
    cli_args_done(&c.args);
    return code;
}
