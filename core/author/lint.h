/* author/lint.h - what the files of lint share: the file as rules look at it, and the
 * table of rules. Private to the room.
 *
 * A rule is a row and a small function that visits a task, an expression or the whole
 * file. Rules look at the tree of the file, not at the plan, so that each finding has
 * the place of the text that causes it. */
#ifndef AUTHOR_LINT_H
#define AUTHOR_LINT_H

#include "author/author.h"

/* A task, main, handler or in a group. */
struct lint_task {
    const char *name;
    struct source_pair *pair; /* of a map; of a list: key.text is "" */
    struct source_node *node;
    const char *part; /* tasks, on_failure, ... */
    bool in_group;
    const char *kind; /* run, command, ..., or "" */
    /* Names in needs; formula where they are not a list of names. */
    const char **needs;
    size_t n_needs;
    bool formula;
};

/* A name of the scope in an expression: tasks.a.outputs.b is a path of four. */
struct lint_ref {
    const struct lint_task *task; /* it stands in, or NULL */
    const struct source_node *node;
    const char *key; /* nearest key above: if, env, foreach, ... */
    const char *const *path;
    size_t n;
};

struct lint {
    struct source source;
    struct source_node *root;
    struct {
        struct lint_task *items;
        size_t n, cap;
    } tasks;
    struct {
        struct lint_ref *items;
        size_t n, cap;
    } refs;
    struct map by_name; /* -> struct lint_task */
    struct map used;    /* "inputs.day", "tasks.a.outputs.b", "tasks.a.*", "own.a" */
    struct author_findings *found;
    const struct author_rule *rule; /* that is being asked */
};

/* Each rule has one of the two. */
struct lint_visit {
    int id;
    void (*task)(struct lint *l, struct lint_task *t);
    void (*file)(struct lint *l);
};
extern const struct lint_visit lint_shell_visits[], lint_task_visits[],
    lint_data_visits[], lint_kind_visits[]; /* end with id 0 */

/* A finding of the rule that is asked. `pair`, where not NULL, is what a fix works on.
 */
struct author_finding *FF_PRINTF(4, 5)
    lint_say(struct lint *l, const struct source_node *at, struct source_pair *pair,
             const char *fmt, ...);

/* lint_model.c */
void lint_model(struct lint *l);
void lint_model_done(struct lint *l);
struct lint_task *lint_find_task(const struct lint *l, const char *name);
/* Whether an expression names inputs.day ("inputs", "day", ""), or the output c of task
 * b
 * ("tasks", b, c). */
bool lint_used(const struct lint *l, const char *a, const char *b, const char *c);
/* The key of the task, of defaults, or NULL. */
struct source_node *lint_policy(const struct lint *l, const struct lint_task *t,
                                const char *key);
bool lint_is_attempt(const struct lint_task *t); /* its kind runs a process */
/* Duration in microseconds; -1 for what is none. */
int64_t lint_duration(const struct source_node *node);
const char *lint_lang_of(const char *file); /* by its ending; NULL: not known */
bool lint_has_expression(const struct source_node *node);
bool lint_contains(const char *text, const char *word); /* as a word */

/* lint_shell.c: text for /bin/sh, character by character. */
#define LINT_SHELL_DEPTH 32
struct lint_shell {
    const char *text;
    size_t at;                   /* of the present character */
    char open[LINT_SHELL_DEPTH]; /* quotes and brackets around it, the innermost last */
    size_t depth;
    bool begun;
    const char *here; /* a here-document waits for the end of the line, or NULL */
    size_t here_len;
};
/* Goes to the next character; false at the end. What a backslash, a here-document or
 * single quotes hold is passed over. Begins with a zeroed struct and text. */
bool lint_shell_next(struct lint_shell *sh);
/* Whether an expansion here is one word whatever it holds. */
bool lint_shell_quoted(const struct lint_shell *sh);

#endif
