/* cli/serve/serve.h - the server: a program of its own, so that who runs workflows on a
 * laptop carries none of it. */
#ifndef CLI_SERVE_SERVE_H
#define CLI_SERVE_SERVE_H

#include "cli/frame/frame.h"

#define SERVE_PROGRAM "flowforge-server" /* stands beside flowforge */

extern const struct cli_option serve_options[];

/* Leads runs and serves the HTTP API until it is told to leave. argv ends with NULL, as
 * `flowforge server` gives it; returns the exit code. */
int serve_main(char *const *argv, char *const *env);

#endif
