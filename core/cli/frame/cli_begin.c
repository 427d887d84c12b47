/* cli_begin.c - what each program of the command line begins with. */
#include "cli/frame/frame.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A handler, not SIG_IGN: that would be inherited by every task. */
static void nothing(int signo)
{
    (void)signo;
}

void cli_begin(void)
{
    const struct sigaction ignore = {.sa_handler = nothing, .sa_flags = SA_RESTART};
    uint64_t seed[2];

    mem_init();
    rand_system(seed, sizeof(seed));
    map_seed(seed[0], seed[1]);
    sigaction(SIGPIPE, &ignore, NULL);
}

/* Before there are settings: the file of them may be what is wrong. */
static bool wants_json(const struct cli *c)
{
    static const char flag[] = "engine.log_format=";
    static const char variable[] = "FLOWFORGE_ENGINE_LOG_FORMAT=";
    const char *format = NULL, *assignment;

    for (char *const *v = c->env; v && *v; v++)
        if (text_starts(*v, variable))
            format = *v + strlen(variable);
    for (size_t i = 0; (assignment = cli_next(&c->args, "set", &i));)
        if (text_starts(assignment, flag))
            format = assignment + strlen(flag);
    return format && strcmp(format, "json") == 0;
}

void cli_serves(const struct cli *c)
{
    log_setup(LOG_WARN, wants_json(c));
    cli_log_sentences();
}

void cli_read_globals(struct cli *c)
{
    const char *output = cli_get(&c->args, "output");
    const char *no_colour = getenv("NO_COLOR");

    c->json = output && strcmp(output, "json") == 0;
    c->quiet = cli_has(&c->args, "quiet");
    c->verbose = cli_has(&c->args, "verbose");
    c->colour = !c->json && isatty(STDOUT_FILENO) && !(no_colour && no_colour[0]);
    log_setup(c->verbose ? LOG_DEBUG : c->quiet ? LOG_ERROR : LOG_WARN, wants_json(c));
}
