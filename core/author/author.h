/* author/author.h - what helps the authors of workflow files: one way to write them
 * (fmt), and advice about what is allowed but unwise (lint). Pure: text in, text out.
 */
#ifndef AUTHOR_AUTHOR_H
#define AUTHOR_AUTHOR_H

#include "flow/flow.h"
#include "source/source.h"

/* The canonical form of a file: comments, order and meaning stay. The file need not be
 * right, but it MUST be YAML as workflow files have it: else FF_INVALID, with
 * `problems` saying why. FF_INTERNAL, and nothing in `out`, if the result would not
 * mean the same. */
int author_format(const char *text, size_t len, struct buf *out,
                  struct flow_problems *problems, struct ff_err *err);

/* Gives the keys of the format in a file that was read their canonical spelling. */
void author_canonical(struct source *s);

/* --- advice --- */

enum author_severity { AUTHOR_ERROR, AUTHOR_WARNING, AUTHOR_NOTE };
extern const char *const author_severity_names[];

/* docs/lint.md shows all of it, and a test compares. */
struct author_rule {
    int id; /* 201 is FF201; for ever */
    enum author_severity severity;
    const char *name;       /* few-words-with-dashes */
    const char *title;      /* what is found, as a sentence */
    const char *why;        /* and what to do about it */
    const char *bad, *good; /* tasks and more keys of a file, without its head */
    bool fixes;             /* --fix mends it */
};
extern const struct author_rule author_rules[]; /* ends with id 0 */

struct author_finding {
    const struct author_rule *rule;
    int line, column; /* from 1 */
    char msg[256];
    bool fixed;
    struct source_pair *pair; /* for the fix; not valid afterwards */
};
struct author_findings {
    struct author_finding *items;
    size_t n, cap;
};
void author_findings_done(struct author_findings *f);

/* Advice about a good file, by line. FF_INVALID with `problems` for one that is not.
 * With `fixed`, what can surely be mended is, and the canonical form of the result is
 * written there, unless nothing was mended. "# flowforge: ignore FF201" at a key
 * silences a rule for what stands under it, "# flowforge: ignore-file FF201" for all.
 */
int author_lint(const char *text, size_t len, struct author_findings *found,
                struct buf *fixed, struct flow_problems *problems, struct ff_err *err);

/* SARIF 2.1.0 of several files: new reference. */
struct author_linted {
    const char *path;
    const struct author_findings *found;
};
json_t *author_sarif(const struct author_linted *files, size_t n, const char *version);

/* --- formatting --- */

/* What turns one text into the other, as unified diff with three lines around. Nothing
 * when they are equal. */
void author_diff(const char *name, const char *before, const char *after,
                 struct buf *out);

/* --- drawings --- */

enum author_graph_format {
    AUTHOR_GRAPH_TREE,
    AUTHOR_GRAPH_MERMAID,
    AUTHOR_GRAPH_DOT,
    AUTHOR_GRAPH_SVG,
    AUTHOR_GRAPH_JSON
};
extern const char *const author_graph_formats[]; /* ends with NULL */

/* The state of the task "group/task", a word of task_state_names, or NULL. */
typedef const char *author_state_fn(void *arg, const char *path);

/* More tasks than that are for programs, as JSON. */
#define AUTHOR_GRAPH_MAX 2000

/* Appends the graph of the workflow; false: it has too many tasks to be drawn. state:
 * NULL where there is no run. */
bool author_graph(const struct flow *flow, enum author_graph_format format,
                  author_state_fn *state, void *arg, struct buf *out);

#endif
