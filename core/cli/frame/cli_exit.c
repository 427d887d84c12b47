/* cli_exit.c - how the program ends: the table of exit codes and what leads to each. */
#include "cli/frame/frame.h"

#include "access/access.h"

const struct cli_exit_word cli_exits[] = {
    {CLI_OK, "it did what was asked; a run that was waited for has succeeded"},
    {CLI_RUN_FAILED,
     "the run, or a check of a driver or the audit log, has failed; the two differ"},
    {CLI_USAGE, "the command line is wrong: unknown command, option or value"},
    {CLI_INVALID, "the workflow file or the inputs are wrong"},
    {CLI_NOT_FOUND, "there is no such run, workflow, task, driver or file"},
    {CLI_CANCELLED, "the run was cancelled"},
    {CLI_UNAVAILABLE, "the owner of the data directory, the store or the server cannot "
                      "be reached now, or the tenant has as many open runs as it may, "
                      "or a server does not answer as FlowForge does"},
    {CLI_INTERNAL, "a mistake in FlowForge itself"},
    {CLI_NO_MEMORY, "out of memory"},
    {CLI_IO,
     "the store is damaged, full or gone, a quota is used up, or a file cannot be "
     "read or written"},
    {CLI_DENIED, "this user may not do it"},
    {CLI_CONFIG, "the configuration is wrong"},
    {CLI_OK, NULL},
};

enum cli_exit cli_exit_of(int ff_code)
{
    static const enum cli_exit codes[] = {
        [FF_OK] = CLI_OK,
        [FF_INVALID] = CLI_USAGE,
        [FF_NOT_FOUND] = CLI_NOT_FOUND,
        [FF_CONFLICT] = CLI_UNAVAILABLE,
        [FF_BUSY] = CLI_UNAVAILABLE,
        [FF_UNAVAILABLE] = CLI_UNAVAILABLE,
        [FF_IN_DOUBT] = CLI_UNAVAILABLE,
        [FF_CANCELLED] = CLI_UNAVAILABLE,
        [FF_DENIED] = CLI_DENIED,
        [FF_UNSUPPORTED] = CLI_INTERNAL,
        [FF_NO_MEMORY] = CLI_NO_MEMORY,
        [FF_CORRUPT] = CLI_IO,
        [FF_INTERNAL] = CLI_INTERNAL,
        [FF_FULL] = CLI_IO,
        [FF_FATAL] = CLI_IO,
    };
    return ff_code >= 0 && ff_code < (int)COUNT_OF(codes) ? codes[ff_code]
                                                          : CLI_INTERNAL;
}

/* Runs end, so it may be another time: that is no full disk. */
enum cli_exit cli_exit_of_err(const struct ff_err *err)
{
    return err->code == FF_FULL && err->sys == ACCESS_SYS_OPEN_RUNS
               ? CLI_UNAVAILABLE
               : cli_exit_of(err->code);
}

enum cli_exit cli_exit_of_run(int64_t run_state)
{
    if (run_state == RUN_FAILED)
        return CLI_RUN_FAILED;
    return run_state == RUN_CANCELLED ? CLI_CANCELLED : CLI_OK;
}
