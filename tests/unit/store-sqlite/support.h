/* Store drivers under test, without the core: loading, opening, a schema with every
 * type, rows as text. */
#ifndef SUPPORT_H
#define SUPPORT_H

#include "model/model.h"
#include <flowforge/store.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The driver that tests are for which other drivers have too. */
#ifndef SUPPORT_DRIVER
#define SUPPORT_DRIVER "store-sqlite"
#endif

/* NAME.so of FLOWFORGE_LIB. */
const struct ff_driver *load_driver(const char *name);

/* Opens with default options, `key` (may be NULL) set to `value`. */
int try_open(const struct ff_driver *d, const char *key, const char *value,
             void **store, struct ff_err *err);
void *open_store(const struct ff_driver *d, const char *key, const char *value);
/* Set before opening: an option of bytes that is not its default, or NULL. */
extern const char *support_size_option;
extern int64_t support_size_bytes;

char *make_temp_dir(void);        /* mem_free it after remove_temp_dir */
void remove_temp_dir(char *path); /* frees it too */

/* The last line that a driver logged. */
extern char support_log[512];

/* --- a schema with every type --- */

enum color { RED, GREEN, BLUE, N_COLORS };

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

enum pair_column { PAIR_K, PAIR_VERSION, PAIR_LEFT, PAIR_RIGHT, N_PAIR };

extern const struct ff_record record_thing, record_pair;
extern const struct ff_schema test_schema;

/* --- values --- */

struct ff_value v_null(void);
struct ff_value v_int(int64_t i);
struct ff_value v_text(const char *s);

/* A PUT of a pair: k, left and right. */
struct ff_change put_pair(struct ff_value values[N_PAIR], int64_t k, int64_t left,
                          int64_t right, int64_t expect);

void add_values(struct buf *out, const struct ff_record *record,
                const struct ff_value *values);
/* An ff_row_fn: adds each row to the struct rows. */
struct rows {
    const struct ff_record *record;
    struct buf text;
    size_t n;
    size_t stop_after; /* 0: never */
};
int add_row(void *rows, const struct ff_value *values);

/* left of the pair k, or -1. */
int64_t read_left(const struct ff_driver *d, void *store, int64_t k);

#endif
