/* import/import_priv.h - what the importers share: names, remarks, the making of tasks,
 * and text with references in it. */
#ifndef IMPORT_IMPORT_PRIV_H
#define IMPORT_IMPORT_PRIV_H

#include "import/import.h"
#include "source/source.h"

/* An output that some expression uses: declared at the end, when all tasks are made. */
struct import_demand {
    const char *task, *output;
    const char *from; /* stdout or file */
    bool json;
};

struct import {
    struct source in;  /* theirs */
    struct source out; /* ours; its arena owns all that is made */
    struct import_report *report;
    struct ff_err *err;
    const char *name;
    size_t n_expanded;  /* tasks made of templates */
    struct map names;   /* "scope/theirs" -> ours */
    struct map taken;   /* ours */
    struct map numbers; /* ours -> the last number that made it unique */
    struct {
        struct import_demand *items;
        size_t n, cap;
    } demands;
    const struct source_node *doc; /* theirs */
    struct source_node tasks;      /* ours, until the end */
    struct source_node inputs, env, triggers, outputs, finally, on_failure, on_success,
        on_cancel;
};

/* One system: reads im->doc, fills the rest. */
typedef int import_fn(struct import *im);
int import_argo(struct import *im);
int import_actions(struct import *im);
int import_dagu(struct import *im);
int import_conductor(struct import *im);

/* --- remarks --- */

void im_did(struct import *im, const struct source_node *at, const char *what);
void FF_PRINTF(4, 5) im_approximate(struct import *im, const struct source_node *at,
                                    const char *what, const char *fmt, ...);
void FF_PRINTF(4, 5) im_refuse(struct import *im, const struct source_node *at,
                               const char *what, const char *fmt, ...);

/* What becomes of the keys of one of their objects. IMPORT_DONE: code reads it. */
struct im_key {
    const char *key;
    enum import_grade grade;
    const char *why;
};
/* Remarks on all keys that no code reads; ends with NULL. */
void im_keys(struct import *im, const struct source_node *map,
             const struct im_key *keys);

/* --- names --- */

/* A name of ours for theirs, unique in the file; the same again for the same. */
const char *im_name(struct import *im, const char *scope, const char *theirs);
const char *im_known(const struct import *im, const char *scope, const char *theirs);

/* The word of ours in the row of theirs; or NULL. */
const char *im_word(const char *theirs, const char *const table[][2], size_t n);

/* What uses says for another workflow of theirs. */
const char *im_workflow(struct import *im, const char *theirs);

/* --- nodes --- */

const char *im_text(const struct source_node *node); /* "" for NULL and lists */
const char *im_get(const struct source_node *map, const char *key); /* text or "" */
void im_set(struct import *im, struct source_node *map, const char *key,
            const char *value);
void im_set_plain(struct import *im, struct source_node *map, const char *key,
                  const char *raw);
/* Their value as ours, as it stands. */
struct source_node im_copy(struct import *im, const struct source_node *node);
void im_drop(struct source_node *map, const char *key);
/* key: [a, b], in one line. */
void im_set_list(struct import *im, struct source_node *map, const char *key,
                 const char *const *items, size_t n);
/* "90", "90s", "2m" and durations -> "90s"; false where it is none. */
bool im_duration(const char *text, const char *unit, char out[UNITS_TEXT]);
void im_set_duration(struct import *im, struct source_node *map, const char *key,
                     const struct source_node *theirs, const char *unit);
/* 3 or 1.5, as number or as text; anything else is refused. NULL: nothing is set. */
void im_set_number(struct import *im, struct source_node *map, const char *key,
                   const struct source_node *theirs);
void im_demand(struct import *im, const char *task, const char *output,
               const char *from, bool json);
void im_input(struct import *im, const char *name, const char *type,
              const struct source_node *fallback, const char *description);

/* --- text with references --- */

struct im_syntax {
    const char *open, *close;
    /* Their reference, without delimiters, as an expression of ours; false with nothing
     * added where there is none. */
    bool (*convert)(struct import *im, void *arg, const char *text, struct buf *expr);
    void *arg;
    /* The variable that a task has anyway, which a reference in shell text means; NULL:
     * it is converted. Or NULL. */
    const char *(*shell_name)(const char *text);
};

/* For env, command, stdin and so on: references become ${{ }}. */
const char *im_template(struct import *im, const struct im_syntax *syntax,
                        const struct source_node *at, const char *text);
/* For shell text: references become "$VAR", and env gets VAR. */
const char *im_shell(struct import *im, const struct im_syntax *syntax,
                     const struct source_node *at, const char *text,
                     struct source_node *env);
/* A whole value: lists and maps with references inside. */
struct source_node im_value(struct import *im, const struct im_syntax *syntax,
                            const struct source_node *node);
/* Words of a command as one line of shell text. */
const char *im_words(struct import *im, const struct im_syntax *syntax,
                     const struct source_node *list, struct source_node *env);
/* A constant, 'quoted', or what the text gives when its references are put in. */
const char *im_expression(struct import *im, const struct im_syntax *syntax,
                          const struct source_node *at, const char *text);
/* A number, or int() of what the text gives. */
const char *im_integer(struct import *im, const struct im_syntax *syntax,
                       const struct source_node *at);
char im_variable_char(char c); /* as names of variables have it: A-Z, 0-9 and _ */
void im_quote(struct buf *out, const char *text, size_t len);
/* Whether the text has a reference. */
bool im_has_ref(const struct im_syntax *syntax, const char *text);
/* The one reference that a text consists of, or NULL. */
const char *im_only_ref(struct import *im, const struct im_syntax *syntax,
                        const char *text);

#endif
