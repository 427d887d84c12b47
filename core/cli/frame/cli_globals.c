/* cli_globals.c - the options that every command has. */
#include "cli/frame/frame.h"

static const char *const output_words[] = {"text", "json", NULL};

const struct cli_option cli_global_options[] = {
    {"help", NULL, "explain the command", NULL, 'h'},
    {"version", NULL, "print the version", NULL, 'V'},
    {"output", "FORMAT", "text (the default) or json", output_words, 'o'},
    {"data-dir", "DIR", "where runs, logs and values are kept (engine.data_dir)", NULL,
     0},
    {"config", "FILE", "the configuration file, instead of the usual places", NULL, 0},
    {"set", "SECTION.KEY=VALUE",
     "one setting; wins over file and environment; may be repeated", NULL, 0},
    {"server", "URL", "ask this server instead of the data directory here", NULL, 0},
    {"context", "NAME",
     "ask the server that `context set` or `login` calls so; local: the data directory "
     "here",
     NULL, 0},
    {"quiet", NULL, "print results and errors only", NULL, 'q'},
    {"verbose", NULL, "log on standard error what is being done", NULL, 'v'},
    {0},
};
