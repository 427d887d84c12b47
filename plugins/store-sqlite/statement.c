/* store-sqlite/statement.c - the cache of prepared statements of one session. Looking
 * one up is on the path of every row: a hash over four words and one comparison. */
#include "lite.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS    64
#define MAX_STATEMENTS 512 /* above, all are thrown away: shapes come from code */

_Static_assert(sizeof(struct lite_shape) == 32, "shapes are compared by their bytes");

static size_t hash(const struct lite_shape *shape)
{
    uint64_t words[sizeof(*shape) / sizeof(uint64_t)];
    uint64_t h = 0;

    memcpy(words, shape, sizeof(*shape));
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        h = (h ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(h >> 32);
}

/* The slot of this shape, or the empty one where it belongs. */
static struct lite_statement **slot_of(const struct lite_cache *cache,
                                       const struct lite_shape *shape)
{
    size_t at = hash(shape) & (cache->n_slots - 1);

    while (cache->slots[at] &&
           memcmp(&cache->slots[at]->shape, shape, sizeof(*shape)) != 0)
        at = (at + 1) & (cache->n_slots - 1);
    return &cache->slots[at];
}

void lite_cache_done(struct lite_cache *cache)
{
    for (size_t i = 0; i < cache->n_slots; i++) {
        if (!cache->slots[i])
            continue;
        sqlite3_finalize(cache->slots[i]->stmt);
        free(cache->slots[i]);
    }
    free(cache->slots);
    *cache = (struct lite_cache){0};
}

static int grow(struct lite_cache *cache)
{
    struct lite_cache bigger = {
        .n = cache->n, .n_slots = cache->n_slots ? cache->n_slots * 2 : FIRST_SLOTS};

    bigger.slots = calloc(bigger.n_slots, sizeof(struct lite_statement *));
    if (!bigger.slots)
        return FF_NO_MEMORY;
    for (size_t i = 0; i < cache->n_slots; i++)
        if (cache->slots[i])
            *slot_of(&bigger, &cache->slots[i]->shape) = cache->slots[i];
    free(cache->slots);
    *cache = bigger;
    return FF_OK;
}

static int make_room(struct lite_cache *cache, struct ff_err *err)
{
    if (cache->n >= MAX_STATEMENTS)
        lite_cache_done(cache);
    if (cache->n * 2 < cache->n_slots || grow(cache) == FF_OK)
        return FF_OK;
    return ff_fail(err, FF_NO_MEMORY, 0, "out of memory for statements");
}

static int prepare(struct lite_session *s, struct lite_statement *statement,
                   struct ff_err *err)
{
    sqlite3_str *sql = sqlite3_str_new(s->db);
    char *text;
    int result;

    lite_sql_statement(sql, statement);
    text = sqlite3_str_finish(sql);
    if (!text)
        return ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a statement");
    result = sqlite3_prepare_v3(s->db, text, -1, SQLITE_PREPARE_PERSISTENT,
                                &statement->stmt, NULL);
    sqlite3_free(text);
    if (result != SQLITE_OK)
        return lite_fail(s, result, statement->shape.record->name, err);
    return FF_OK;
}

int lite_statement(struct lite_session *s, const struct lite_shape *shape,
                   struct lite_statement **found, struct ff_err *err)
{
    struct lite_statement *statement;

    if (s->cache.n_slots && (*found = *slot_of(&s->cache, shape)))
        return FF_OK;
    if (make_room(&s->cache, err) != FF_OK)
        return FF_NO_MEMORY;
    statement = calloc(1, sizeof(*statement));
    if (!statement)
        return ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a statement");
    statement->shape = *shape;

    const int code = prepare(s, statement, err);

    if (code != FF_OK) {
        free(statement);
        return code;
    }
    *slot_of(&s->cache, shape) = statement;
    s->cache.n++;
    *found = statement;
    return FF_OK;
}
