/* flow/tree.h - YAML text as a tree of nodes that know where they stand. Private to the
 * room. The subset: YAML 1.2 with the core schema's scalars, one document, without
 * anchors, aliases, tags, merge keys and duplicate keys. */
#ifndef FLOW_TREE_H
#define FLOW_TREE_H

#include "flow/flow.h"

#define TREE_MAX_NODES 5000000

enum tree_kind {
    TREE_BROKEN, /* already reported; whoever reads it passes over it in silence */
    TREE_NULL,
    TREE_BOOL,
    TREE_INT,
    TREE_REAL,
    TREE_TEXT,
    TREE_LIST,
    TREE_MAP
};

enum tree_style { TREE_PLAIN, TREE_QUOTED, TREE_BLOCK };

struct tree_node {
    uint8_t kind;  /* enum tree_kind */
    uint8_t style; /* enum tree_style, of scalars */
    uint32_t line, column;
    uint32_t n;              /* bytes of text, or children */
    const char *text;        /* scalars: as written, without quotes; never NULL */
    struct tree_pair *items; /* lists and maps */
    union {
        bool truth;
        int64_t integer;
        double real;
    };
};

struct tree_key {
    const char *text; /* "" in a list */
    uint32_t n;
    uint32_t line, column;
};

struct tree_pair {
    struct tree_key key;
    struct tree_node value;
};

struct tree {
    const char *source; /* the caller's */
    size_t len;
    struct tree_node root;
    struct arena arena; /* owns nodes and texts */
    uint32_t near_line; /* a line whose start is known: problems come in their order */
    size_t near_start;
};

/* False when the text gives no tree at all. With true there may be problems too. */
bool tree_read(struct tree *t, const char *text, size_t len,
               struct flow_problems *problems);
void tree_done(struct tree *t);

/* "a list", "the text", ...: for messages. */
const char *tree_kind_text(const struct tree_node *node);

/* Sets kind and value of a plain scalar by the core schema (YAML 1.2, 10.3.2). False
 * for numbers that do not fit, whose kind becomes TREE_BROKEN. */
bool tree_resolve_plain(struct tree_node *node);

/* A constant: new reference. Lists and maps with all that is in them. */
json_t *tree_json(const struct tree_node *node);

/* False with a problem for bytes that are no text; tree_read asks it first. */
bool tree_check_bytes(const char *text, size_t len, struct flow_problems *problems);

/* Where the byte at `offset` of a scalar's text stands in the file; the scalar's own
 * place when that cannot be told, as in folded text. */
void tree_place(struct tree *t, const struct tree_node *node, size_t offset, int *line,
                int *column);

/* The same for a byte of the source. */
void tree_place_of_byte(const char *source, size_t offset, int *line, int *column);

#endif
