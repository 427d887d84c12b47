/* import/dagu.h - what the files about Dagu share. */
#ifndef IMPORT_DAGU_H
#define IMPORT_DAGU_H

#include "import/import_priv.h"

/* A key in the spelling of 2026 or the older one. */
const struct source_node *dagu_either(const struct source_node *map, const char *a,
                                      const char *b);

/* --- values (dagu_value.c) --- */

extern const struct im_syntax dagu_syntax; /* outside of shell text */

/* NAME or NAME.field as an expression; false where it is none of ours. */
bool dagu_convert(struct import *im, void *arg, const char *text, struct buf *expr);
/* From here on the variable holds what the expression of ours gives. */
void dagu_note_value(struct import *im, const char *name, const char *expr);
/* Every variable that is ours gets its value in env; the text keeps its $NAME. */
const char *dagu_use_values(struct import *im, const char *text,
                            struct source_node *env);
void dagu_env(struct import *im, const struct source_node *theirs,
              struct source_node *env);
char *dagu_lower(struct import *im, const char *name);

/* --- steps --- */

/* before: the step that it follows where the file says nothing; or NULL. */
void dagu_step(struct import *im, const struct source_node *step, const char *name,
               const char *before, struct source_node *into);
const char *dagu_step_name(const struct source_node *step);

/* Parts of one; each takes NULL for what the file does not say. */
void dagu_work(struct import *im, const struct source_node *step,
               struct source_node *env, struct source_node *task);
void dagu_retry(struct import *im, const struct source_node *retry,
                struct source_node *task);
void dagu_repeat(struct import *im, const struct source_node *repeat,
                 struct source_node *task);
void dagu_condition(struct import *im, const struct source_node *list,
                    struct source_node *task);

#endif
