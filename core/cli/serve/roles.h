/* cli/serve/roles.h - what a server process is for: one role, or several of them. */
#ifndef CLI_SERVE_ROLES_H
#define CLI_SERVE_ROLES_H

#include "cli/frame/frame.h"

enum role_set {
    ROLE_API = 1,        /* binds the port of the HTTP API */
    ROLE_CONTROLLER = 2, /* leads runs when it can */
};

/* "api, controller". FF_INVALID: it names none, or one that there is not. */
int roles_read(const char *list, unsigned *roles, struct ff_err *err);

/* The role that a program of this path has by its name, or NULL. */
const char *roles_of_program(const char *path);
/* What such a program, the only ones that have it, says to --help. */
void roles_add_help(const char *role, struct buf *out);

#endif
