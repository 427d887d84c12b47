/* import/conductor.h - what the files about Conductor share. */
#ifndef IMPORT_CONDUCTOR_H
#define IMPORT_CONDUCTOR_H

#include "import/import_priv.h"

/* --- references (conductor_ref.c) --- */

extern const struct im_syntax conductor_syntax;

/* The type of the task of this name: it says what its outputs are. */
void conductor_note_kind(struct import *im, const char *ref, const char *kind);

/* --- tasks in their order (conductor_task.c) --- */

/* What has to have ended before the next task: a list or a formula. */
struct before {
    const char *names[64];
    size_t n;
};

struct place {
    struct import *im;
    struct source_node *into;
    int depth;
    const char *guard; /* in a case of a switch: what says that it was taken */
};

/* Tasks one after the other; *before becomes what follows the last. */
void conductor_list(struct place *p, const struct source_node *tasks,
                    struct before *before);
struct before conductor_after(const char *name);

/* --- kinds of tasks (conductor_kind.c, conductor_branch.c) --- */

const struct source_node *conductor_params(const struct source_node *theirs);

/* Fills task; *next, which is the task itself, may become what follows it. */
typedef void conductor_kind_fn(struct place *p, const struct source_node *theirs,
                               const char *name, struct source_node *task,
                               struct before *next);
conductor_kind_fn conductor_simple, conductor_http, conductor_transform, conductor_wait,
    conductor_human, conductor_sub, conductor_jq, conductor_terminate, conductor_noop;
conductor_kind_fn conductor_switch, conductor_fork, conductor_dynamic_fork,
    conductor_loop;

#endif
