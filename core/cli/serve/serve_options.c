/* serve_options.c - what the server is told: `flowforge server` takes it, and the
 * program that it becomes. */
#include "cli/serve/serve.h"

const struct cli_option serve_options[] = {
    /* The first: programs that have a role by their name take the others. */
    {"roles", "LIST",
     "what it is for, comma separated: api serves, controller leads; both unless it is "
     "said",
     NULL, 0},
    {"listen", "ADDRESS:PORT",
     "where it listens (127.0.0.1:8080); port 0 is any that is free", NULL, 0},
    {"tls-cert", "FILE", "the certificate with its chain (PEM): HTTPS", NULL, 0},
    {"tls-key", "FILE", "its key (PEM)", NULL, 0},
    {"metrics-listen", "ADDRESS:PORT",
     "where metrics are shown, and whether the process is well, to whoever asks there",
     NULL, 0},
    {"dev", NULL, "for developing: what others could overhear or guess will do", NULL,
     0},
    {0},
};
