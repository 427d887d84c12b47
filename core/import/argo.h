/* import/argo.h - what the files about Argo Workflows share. */
#ifndef IMPORT_ARGO_H
#define IMPORT_ARGO_H

#include "import/import_priv.h"

#define ARGO_WHY_PLACE "where a task runs is not chosen in the file here"

/* Where a template is used: what its parameters are there. */
struct argo_scope {
    const char *names;         /* scope of the names of tasks */
    struct source_node params; /* name -> expression of ours */
    int depth;
    const struct source_node *template; /* that stands there */
    const struct argo_scope *outer;
};

/* A reference without {{ }}. */
bool argo_convert(struct import *im, void *scope, const char *text, struct buf *expr);
struct im_syntax argo_syntax(struct argo_scope *scope);

/* when: as an expression of ours; "false" where it cannot be said. */
const char *argo_when(struct import *im, struct argo_scope *scope,
                      const struct source_node *at);
/* depends: as needs. */
void argo_depends(struct import *im, struct argo_scope *scope,
                  const struct source_node *at, struct source_node *task);

/* The spec of a CronWorkflow as triggers. */
void argo_schedule(struct import *im, const struct source_node *spec);

/* --- parameters (argo_param.c) --- */

const struct source_node *argo_parameters(const struct source_node *node);
/* The item of the list that has this name; or NULL. */
const struct source_node *argo_named(const struct source_node *list, const char *name);
void argo_inputs(struct import *im, const struct source_node *arguments);
/* What the parameters of a template are where this task uses it. */
struct source_node argo_bind(struct import *im, struct argo_scope *outer,
                             const struct source_node *template,
                             const struct source_node *arguments);

/* --- templates (argo_template.c) --- */

extern const struct im_key argo_template_keys[];

const struct source_node *argo_spec(const struct import *im);
const struct source_node *argo_find_template(const struct source_node *spec,
                                             const char *name);
void argo_template(struct import *im, struct argo_scope *scope,
                   const struct source_node *template, struct source_node *task);

/* What it says beside its work (argo_policy.c). */
void argo_policy(struct import *im, const struct source_node *template,
                 struct source_node *task);
void argo_memoize(struct import *im, struct argo_scope *scope,
                  const struct source_node *template, struct source_node *task);

/* Those that start a container (argo_container.c). */
void argo_container(struct import *im, struct argo_scope *scope,
                    const struct source_node *template,
                    const struct source_node *container, struct source_node *task);
void argo_script(struct import *im, struct argo_scope *scope,
                 const struct source_node *template, const struct source_node *script,
                 struct source_node *task);

/* Those that start none (argo_leaf.c). */
void argo_suspend(struct import *im, const struct source_node *template,
                  const struct source_node *suspend, struct source_node *task);
void argo_http(struct import *im, struct argo_scope *scope,
               const struct source_node *template, const struct source_node *http,
               struct source_node *task);

/* Those of more than one task (argo_task.c). */
void argo_dag(struct import *im, struct argo_scope *scope,
              const struct source_node *dag, struct source_node *into);
void argo_steps(struct import *im, struct argo_scope *scope,
                const struct source_node *steps, struct source_node *into);

/* withItems, withParam and withSequence of a task (argo_items.c). */
void argo_items(struct import *im, struct argo_scope *scope,
                const struct source_node *theirs, struct source_node *task);

#endif
