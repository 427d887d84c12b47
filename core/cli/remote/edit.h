/* cli/remote/edit.h - what commands that change contexts do with the file of them. Exit
 * codes; they have printed why. */
#ifndef CLI_REMOTE_EDIT_H
#define CLI_REMOTE_EDIT_H

#include "cli/remote/context.h"

int edit_open(struct contexts *x);   /* contexts_done in either case */
int edit_change(struct contexts *x); /* the same of who keeps it afterwards */
int edit_keep(const struct contexts *x);
/* edit_change, and finds or adds the one of that name. NULL with an exit code. */
struct context *edit_named(struct contexts *x, const char *name, int *code);
/* NULL: as it is. */
int edit_server(struct context *k, const char *server);
void edit_project(struct context *k, const char *name); /* "": none */
int edit_ca(struct context *k, const char *file);

#endif
