/* node/apply.h - what the parts of an apply share, and how versions are looked up.
 * Private to the room. */
#ifndef NODE_APPLY_H
#define NODE_APPLY_H

#include "node/node_priv.h"

/* One apply under way: each part adds its rows to the batch. */
struct apply {
    const struct node_plan *plan;
    struct tenant tenant;
    const struct node_apply *what;
    struct node_applied *applied;
    int64_t now_us;
    struct arena arena; /* of the rows that were read */
};

/* A name being forgotten: each part adds what it deletes to the batch. */
struct forget {
    const struct node_plan *plan;
    struct tenant tenant;
    const char *name;
    const struct ff_record *record; /* of the rows being walked over */
};

/* FF_NOT_FOUND: the name has none. */
int node_workflow_newest(struct node *n, struct store_reader *r, struct tenant t,
                         const char *name, struct arena *arena,
                         struct workflow_version_row *row, struct ff_err *err);
/* row: asked for by its tenant, name and label. FF_NOT_FOUND: there is none. */
int node_workflow_read_label(struct node *n, struct store_reader *r,
                             struct arena *arena, struct workflow_label_row *row,
                             struct ff_err *err);
/* Where a name is looked for by a workflow: in its own project, and in the default one,
 * whose workflows are for all. PROJECT_ALL: in the whole tenant. */
struct workflow_place {
    struct tenant tenant;
    int64_t project;
};
/* As node_workflow_find, there. */
int node_workflow_used(struct node *n, struct store_reader *r,
                       struct workflow_place place, const char *word,
                       struct arena *arena, struct workflow_version_row *row,
                       struct ff_err *err);
/* Says that there is no workflow of this name, and how there would be one. */
int node_workflow_unknown(struct node *n, struct store_reader *r,
                          struct workflow_place place, const char *name,
                          struct ff_err *err);

#endif
