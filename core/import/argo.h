/* import/argo.h - what the two files about Argo Workflows share. */
#ifndef IMPORT_ARGO_H
#define IMPORT_ARGO_H

#include "import/import_priv.h"

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

/* Templates that start no container, as task. */
void argo_suspend(struct import *im, const struct source_node *template,
                  const struct source_node *suspend, struct source_node *task);
void argo_http(struct import *im, struct argo_scope *scope,
               const struct source_node *template, const struct source_node *http,
               struct source_node *task);

#endif
