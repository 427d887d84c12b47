/* import/argo.h - what the files about Argo Workflows share. */
#ifndef IMPORT_ARGO_H
#define IMPORT_ARGO_H

#include "import/import_priv.h"

#define ARGO_WHY_PLACE  "where a task runs is not chosen in the file here"
#define ARGO_WHY_FETCH  "fetch it in a task before, which hands it on as an artifact"
#define ARGO_WHY_UPLOAD "it is kept with the run: upload it in a task behind this one"
#define ARGO_MAX_DEPTH  8  /* of templates that use each other */
#define ARGO_PART       96 /* of a reference, between its dots */

/* Where a template is used: what its parameters are there. */
struct argo_scope {
    const char *names;            /* scope of the names of tasks */
    struct source_node params;    /* name -> expression of ours */
    struct source_node artifacts; /* the same */
    int depth;
    bool is_entry;
    const struct source_node *template; /* that stands there */
    const struct argo_scope *outer;
};

/* A reference without {{ }}. */
bool argo_convert(struct import *im, void *scope, const char *text, struct buf *expr);
struct im_syntax argo_syntax(struct argo_scope *scope);
/* a.b.c in parts; how many, at most max. */
size_t argo_split(const char *text, char parts[][ARGO_PART], size_t max);

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

/* --- artifacts (argo_artifact.c) --- */

/* A task that uses a template. */
struct argo_use {
    const char *name; /* theirs, of the task */
    const struct source_node *arguments;
    struct argo_scope *outer, *inner;
    struct source_node *task; /* ours, in the making */
    struct source_node needs; /* its own, beside what is fetched for it; or no items */
    struct source_node *into; /* the tasks that it will be one of */
};

const struct source_node *argo_artifacts(const struct source_node *node);
/* Of ours: an output's. */
const char *argo_artifact_name(struct import *im, const char *theirs);
/* {{tasks.a.outputs.artifacts.b}} as an expression; NULL: it is none. */
const char *argo_artifact_ref(struct import *im, struct argo_scope *scope,
                              const struct source_node *from);
/* What the artifacts of the template are where this task uses it. */
void argo_bind_artifacts(struct import *im, struct argo_use *use);
/* Those that a group hands on, as outputs. */
void argo_group_artifacts(struct import *im, struct argo_scope *scope,
                          const struct source_node *template,
                          struct source_node *outputs);

/* One from outside the workflow, by a task of its own (argo_fetch.c); NULL: it has no
 * source that can be fetched. */
const char *argo_fetch(struct import *im, struct argo_scope *scope,
                       struct argo_use *use, const struct source_node *node);
bool argo_is_fetched(const struct source_node *node);
/* One more need of a task of ours. */
void argo_add_need(struct import *im, struct source_node *task, const char *name);

/* --- paths of artifacts (argo_place.c) --- */

#define ARGO_ARTIFACTS_REF "ff-artifacts" /* for argo_shell_name */

struct argo_place {
    const struct source_node *at;
    const char *ours;
    const char *path;  /* in a container */
    const char *place; /* in $FF_ARTIFACTS */
    bool in;           /* it is given; else handed on */
    bool named;        /* by the command */
};
struct argo_places {
    struct argo_place items[64];
    size_t n;
};

/* Without slashes at the end; 0: it has no path that can be had. */
size_t argo_path_length(const struct source_node *artifact);
void argo_places(struct import *im, const struct argo_scope *scope,
                 const struct source_node *template, struct argo_places *p);
/* Shell text before its conversion, with the places for the paths. */
const char *argo_place_text(struct import *im, struct argo_places *p, const char *text);
struct source_node argo_place_node(struct import *im, struct argo_places *p,
                                   const struct source_node *node);
/* What artifacts: of the task says, and what its shell text is to end with. */
const char *argo_declare_places(struct import *im, const struct argo_scope *scope,
                                const struct argo_places *p, bool shell,
                                struct source_node *artifacts);
const char *argo_shell_name(const char *ref);

/* --- templates (argo_template.c) --- */

extern const struct im_key argo_template_keys[];

const struct source_node *argo_spec(const struct import *im);
const struct source_node *argo_find_template(const struct source_node *spec,
                                             const char *name);
/* That of a task or step; NULL: it is not in this file. */
const struct source_node *argo_template_of(const struct import *im,
                                           const struct source_node *use);
/* It, or those in it; else it has no artifacts. */
bool argo_has_program(const struct source_node *template);
void argo_template(struct import *im, struct argo_scope *scope,
                   const struct source_node *template, struct source_node *task);

/* What it says beside its work (argo_policy.c). */
/* Its nodeSelector becomes one of ours; of a template or of all of them. */
void argo_selector(struct import *im, const struct source_node *of,
                   struct source_node *into);
/* Of a template that starts no program. */
void argo_no_selector(struct import *im, const struct source_node *template);
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
