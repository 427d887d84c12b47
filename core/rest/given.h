/* rest/given.h - workflow files that requests bring or name. */
#ifndef REST_GIVEN_H
#define REST_GIVEN_H

#include "rest/rest_priv.h"

/* Text lives as long as the call. */
struct given {
    const char *text;
    size_t len;
    const char *dir; /* where its tasks work */
    struct flow *flow;
    struct rest *rest; /* with flow */
};

/* The version that NAME, NAME@LABEL or NAME@sha256:HASH means, in any project. What is
 * no such word is no workflow either. */
int given_find(struct rest_call *c, const char *word, struct workflow_version_row *row,
               struct ff_err *err);
int given_fail_missing(const char *word, struct ff_err *err);

#define GIVEN_ETAG 80
void given_etag(const struct workflow_version_row *row, char out[GIVEN_ETAG]);
/* As rest_match, of the newest version of a workflow: it is still the newest when the
 * rest becomes durable. NULL: there is no such workflow. */
int given_match(struct rest_call *c, const struct workflow_version_row *newest,
                struct ff_err *err);

/* The field `source`; the text of a hash, with the folder that its runs worked in or
 * the null span. given_done in any case. */
int given_source(struct rest_call *c, struct given *s, struct ff_err *err);
int given_hash(struct rest_call *c, struct span hash, struct span dir, struct given *s,
               struct ff_err *err);
void given_done(struct given *s);

/* PROBLEM_INVALID with all of them; there is at least one. */
int given_fail(struct rest_call *c, const struct flow_problems *problems,
               struct ff_err *err);

#endif
