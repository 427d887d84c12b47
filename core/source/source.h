/* source/source.h - YAML text as its author sees it: nodes that keep their spelling,
 * their place and the comments beside them, and the one canonical way to write them
 * down again. For tools that rewrite files; what a file means is the business of
 * others. Pure: text in, text out. */
#ifndef SOURCE_SOURCE_H
#define SOURCE_SOURCE_H

#include "base/base.h"

#define SOURCE_MAX_DEPTH 128
#define SOURCE_MAX_NODES 5000000 /* with what aliases repeat */
#define SOURCE_WIDTH     100     /* columns of a list or map in { } or [ ] */

enum source_kind { SOURCE_SCALAR, SOURCE_LIST, SOURCE_MAP };

/* The first five are of scalars, the last two of lists and maps. */
enum source_style {
    SOURCE_PLAIN,
    SOURCE_SINGLE,
    SOURCE_DOUBLE,
    SOURCE_LITERAL,
    SOURCE_FOLDED,
    SOURCE_BLOCK,
    SOURCE_FLOW
};

struct source_comment {
    const char *text; /* with its # */
    bool blank;       /* an empty line stands before it */
};

struct source_comments {
    struct source_comment *items;
    size_t n, cap;
};

struct source_node {
    enum source_kind kind;
    enum source_style style;
    int line, column;  /* from 1; 0: made, not read */
    size_t start, end; /* bytes of struct source's text; 0, 0: made */
    const char *text;  /* scalars: the value; never NULL there */
    size_t len;
    const char *raw; /* scalars: as written, with quotes; of blocks the whole block */
    struct source_pair *items;
    size_t n, cap;
    struct source_comments foot; /* after the last item, above what follows */
};

struct source_pair {
    struct source_node key; /* of maps */
    struct source_node value;
    struct source_comments head; /* on lines of their own, above */
    const char *tail;            /* at the end of its line, with #; or NULL */
    bool blank;                  /* an empty line stands before it */
};

/* Empty tagged nodes and marks of documents are not kept. */
struct source {
    char *text; /* without a byte order mark, every line end a \n */
    size_t len;
    struct source_node root;
    struct source_comments head, foot; /* before the first and after the last node */
    struct arena arena;
};

/* FF_INVALID with "line 3, column 5: ..." where it is not one YAML document. With
 * `aliases`, anchors and merge keys are resolved; without, they are refused. Tags are
 * passed over with `aliases` and refused without. */
int source_read(struct source *s, const char *text, size_t len, bool aliases,
                struct ff_err *err);
void source_done(struct source *s);

/* In canonical form. */
void source_print(const struct source *s, struct buf *out);

/* Whether two say the same: kinds, keys and their order, values, and which scalars are
 * plain and so may be numbers. Not comments. */
bool source_same(const struct source_node *a, const struct source_node *b);

/* The value of a key, or NULL; also when the node is NULL or no map. */
struct source_node *source_get(const struct source_node *map, const char *key);
struct source_pair *source_pair(const struct source_node *map, const char *key);

bool source_is_text(const struct source_node *node, const char *text);
bool source_is_empty(const struct source_node *node); /* NULL, null, ~ or nothing */
/* By the core schema: a plain scalar that is null, a boolean or a number. */
bool source_is_typed(const char *plain);
json_t *source_json(const struct source_node *node); /* new reference */

/* --- making --- */

struct source_node source_made_map(void);
struct source_node source_made_list(void);
/* Plain, quoted or a block, as the text needs so that it is read as this text. */
struct source_node source_made_text(struct source *s, const char *text, size_t len);
struct source_node FF_PRINTF(2, 3)
    source_made_f(struct source *s, const char *fmt, ...);
/* As it stands: true, 3, null. */
struct source_node source_made_plain(struct source *s, const char *raw);
struct source_node source_made_json(struct source *s, const json_t *value);
/* The new pair, whose value may still be filled; valid until the next is added. */
struct source_pair *source_add(struct source *s, struct source_node *map,
                               const char *key, struct source_node value);
struct source_pair *source_append(struct source *s, struct source_node *list,
                                  struct source_node value);
/* "# " is put before it; line breaks make several. */
void source_comment(struct source *s, struct source_comments *to, const char *text);
void source_rename(struct source *s, struct source_pair *pair, const char *key);
char *FF_PRINTF(2, 3) source_text(struct source *s, const char *fmt, ...);

#endif
