/* kit/kit_store.h - what the checks of stores share: a schema of the kit's own, batches
 * of changes, rows as text. */
#ifndef KIT_KIT_STORE_H
#define KIT_KIT_STORE_H

#include "base/base.h"
#include "kit/kit.h"

#include <string.h>

/* --- the schema (kit_store_schema.c) --- */

/* kit_thing: a key of two columns, every type with and without null, indexes of all
 * sorts. */
enum thing_column {
    THING_A, /* key: int, text */
    THING_B,
    THING_VERSION,
    THING_N,
    THING_T,
    THING_U,
    THING_BYTES,
    THING_J,
    THING_AT,
    THING_OK,
    THING_COLOR,
    THING_SHADE,
    N_THING
};
enum thing_index {
    BY_U,     /* unique */
    BY_COLOR, /* color, n */
    BY_T,     /* t, at, shade */
    BY_BYTES,
    BY_N_OK, /* a, n, ok; unique */
    BY_AT,
    BY_NUMBER,
    BY_SHADE
};
/* Declared in this order, which is not that of the alphabet. */
enum color { RED, GREEN, BLUE, N_COLORS };

/* kit_pair: small, for guards and races. No index. */
enum pair_column { PAIR_K, PAIR_VERSION, PAIR_LEFT, PAIR_RIGHT, N_PAIR };

/* kit_key: a key of bytes, text, time, enum and bool, and nothing else. */
enum key_column {
    KEY_BYTES,
    KEY_TEXT,
    KEY_TIME,
    KEY_ENUM,
    KEY_BOOL,
    KEY_VERSION,
    N_KEY
};

/* kit_event: its first indexed time column is `at`; a later one is not to be mistaken
 * for it. */
enum event_column {
    EVENT_ID,
    EVENT_VERSION,
    EVENT_SEEN,
    EVENT_AT,
    EVENT_TEXT, /* these three have no index: they may be large */
    EVENT_RAW,
    EVENT_J,
    N_EVENT
};
enum event_index { EVENT_BY_AT };

extern const struct ff_record kit_thing, kit_pair, kit_key, kit_event;
extern const struct ff_schema kit_schema; /* version 2 */

/* --- values --- */

static inline struct ff_value v_null(void)
{
    return (struct ff_value){0};
}

static inline struct ff_value v_number(uint32_t type, int64_t i)
{
    return (struct ff_value){.type = type, .i = i};
}

static inline struct ff_value v_int(int64_t i)
{
    return v_number(FF_INT, i);
}

static inline struct ff_value v_string(uint32_t type, const char *s, size_t len)
{
    return (struct ff_value){.type = type, .s = s, .len = len};
}

static inline struct ff_value v_text(const char *s)
{
    return v_string(FF_TEXT, s, strlen(s));
}

/* --- an open store --- */

struct kit_store {
    struct kit *k;
    const struct ff_store_ops *ops;
    void *session;
    struct ff_err err; /* of the last call */
    size_t failed;     /* of the last commit; KIT_UNTOUCHED: not written */
};
#define KIT_UNTOUCHED SIZE_MAX

/* Opens a session of the check's instance; with `schema` sets it up. Both must succeed.
 * A store that is busy is asked again. */
void kit_open(struct kit *k, struct kit_store *s, const struct ff_schema *schema);
/* The same of another instance. */
void kit_open_of(struct kit *k, struct driver_instance *i, struct kit_store *s,
                 const struct ff_schema *schema);
void kit_close(struct kit_store *s);

/* --- changes --- */

#define KIT_BATCH 64

struct kit_batch {
    struct ff_change changes[KIT_BATCH];
    struct ff_value values[KIT_BATCH][N_THING];
    size_t n;
};

/* Each adds one change; the result is its place in the batch. */
size_t kit_put(struct kit_batch *b, int64_t k, int64_t left, int64_t right,
               int64_t expect);
size_t kit_patch(struct kit_batch *b, int64_t k, int64_t left, int64_t expect);
size_t kit_delete(struct kit_batch *b, int64_t k, int64_t expect);
size_t kit_check(struct kit_batch *b, int64_t k, int64_t expect);
/* A thing (a, b) with values of every column, to be changed: &b->values[i][THING_T]. */
size_t kit_put_thing(struct kit_batch *b, int64_t a, const char *key, int64_t expect);
/* Any record; all values null. */
size_t kit_add(struct kit_batch *b, const struct ff_record *record, uint32_t kind,
               int64_t expect);

/* Commits and empties the batch. What is busy or unavailable is tried again for ten
 * seconds, as the engine would; in doubt is an error here: no link of ours breaks. */
int kit_commit(struct kit_store *s, struct kit_batch *b);
/* The same, and it must succeed; or fail so, at this change. */
#define kit_must_commit(s, b, ...)                                                     \
    kit_expect_code((s)->k, kit_commit((s), (b)), FF_OK, &(s)->err, __VA_ARGS__)
#define kit_must_fail(s, b, code, position, ...)                                       \
    do {                                                                               \
        kit_expect_code((s)->k, kit_commit((s), (b)), (code), &(s)->err, __VA_ARGS__); \
        kit_expect_int((s)->k, (s)->failed, (position),                                \
                       "*failed, the position of the change at fault");                \
    } while (0)

/* --- reads --- */

struct ff_query kit_query(const struct ff_record *record, int index);
/* The rows as text, "k=1 version=1 ...; "; valid until the next call. They must come
 * without an error. Bytes as hexadecimal, enums by name. */
const char *kit_rows(struct kit_store *s, const struct ff_query *q);
/* An ff_row_fn for the same: `out` takes the text of each row. JSON is written sorted,
 * so that a store may keep it in another form. */
struct kit_adding {
    const struct ff_record *record;
    uint64_t want;
    struct buf *out;
};
int kit_add_row(void *adding, const struct ff_value *row);
/* All pairs: "1:5,6 v1; 2:7,8 v3" - key, left, right, version. */
const char *kit_pairs(struct kit_store *s);
#define kit_expect_pairs(s, expected, ...)                                             \
    kit_expect_text((s)->k, kit_pairs(s), (expected), __VA_ARGS__)
/* left of the pair, and its version; -1 when there is none. */
int64_t kit_left(struct kit_store *s, int64_t k, int64_t *version);
uint64_t kit_count(struct kit_store *s, const struct ff_query *q);

/* Each file's checks. */
extern const struct kit_check kit_store_guards[], kit_store_atomic[],
    kit_store_invalid[], kit_store_order[], kit_store_scan[], kit_store_values[],
    kit_store_setup[], kit_store_beside[], kit_store_race[], kit_store_crash[],
    kit_store_errors[], kit_store_optional[], kit_store_spans[], kit_store_random[];

#endif
