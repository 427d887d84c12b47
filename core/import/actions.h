/* import/actions.h - what the files about GitHub Actions share. */
#ifndef IMPORT_ACTIONS_H
#define IMPORT_ACTIONS_H

#include "import/import_priv.h"

/* --- expressions (actions_expr.c) --- */

extern const struct im_syntax actions_syntax;

/* An expression without ${{ }}; false with nothing added where it cannot be said. */
bool actions_convert(struct import *im, void *arg, const char *text, struct buf *expr);
/* What is left of a condition without its functions about states. */
const char *actions_rest(struct import *im, const char *text);

/* --- jobs and their steps --- */

void actions_job(struct import *im, const struct source_pair *pair);
/* What the steps of a job do, with env and outputs. */
void actions_steps(struct import *im, const struct source_node *job,
                   struct source_node *env, struct source_node *task);

#endif
