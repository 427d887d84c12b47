/* store-postgres/statement.c - the statements of one session, by what they do. Looking
 * one up is a hash over four words and one comparison; the server is told of each one
 * once per connection, under a name. */
#include "postgres.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 64

_Static_assert(sizeof(struct pg_shape) == 32, "shapes are compared by their bytes");

static size_t hash(const struct pg_shape *shape)
{
    uint64_t words[sizeof(*shape) / sizeof(uint64_t)];
    uint64_t h = 0;

    memcpy(words, shape, sizeof(*shape));
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        h = (h ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(h >> 32);
}

/* The slot of this shape, or the empty one where it belongs. */
static struct pg_statement **slot_of(const struct pg_cache *cache,
                                     const struct pg_shape *shape)
{
    size_t at = hash(shape) & (cache->n_slots - 1);

    while (cache->slots[at] &&
           memcmp(&cache->slots[at]->shape, shape, sizeof(*shape)) != 0)
        at = (at + 1) & (cache->n_slots - 1);
    return &cache->slots[at];
}

void pg_cache_done(struct pg_cache *cache)
{
    for (size_t i = 0; i < cache->n_slots; i++) {
        if (!cache->slots[i])
            continue;
        pg_text_done(&cache->slots[i]->sql);
        free(cache->slots[i]);
    }
    free(cache->slots);
    *cache = (struct pg_cache){.last_number = cache->last_number};
}

static int grow(struct pg_cache *cache)
{
    struct pg_cache bigger = {.n = cache->n,
                              .n_slots =
                                  cache->n_slots ? cache->n_slots * 2 : FIRST_SLOTS,
                              .last_number = cache->last_number};

    bigger.slots = calloc(bigger.n_slots, sizeof(struct pg_statement *));
    if (!bigger.slots)
        return FF_NO_MEMORY;
    for (size_t i = 0; i < cache->n_slots; i++)
        if (cache->slots[i])
            *slot_of(&bigger, &cache->slots[i]->shape) = cache->slots[i];
    free(cache->slots);
    *cache = bigger;
    return FF_OK;
}

static int make_text(struct pg_session *s, struct pg_statement *statement,
                     struct ff_err *err)
{
    const bool scans =
        statement->shape.kind == PG_SCAN || statement->shape.kind == PG_COUNT;

    (scans ? pg_sql_scan : pg_sql_change)(&statement->sql, s->config->schema,
                                          &statement->shape);
    if (!statement->sql.failed)
        return FF_OK;
    return ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a statement");
}

void pg_statement_name(struct pg_session *s, struct pg_statement *statement)
{
    statement->number = ++s->cache.last_number;
}

int pg_statement(struct pg_session *s, const struct pg_shape *shape,
                 struct pg_statement **found, struct ff_err *err)
{
    struct pg_statement *statement;

    if (s->cache.n_slots && (*found = *slot_of(&s->cache, shape)))
        return FF_OK;
    if (s->cache.n * 2 >= s->cache.n_slots && grow(&s->cache) != FF_OK)
        return ff_fail(err, FF_NO_MEMORY, 0, "out of memory for statements");
    statement = calloc(1, sizeof(*statement));
    if (!statement)
        return ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a statement");
    statement->shape = *shape;
    pg_statement_name(s, statement);

    const int code = make_text(s, statement, err);

    if (code != FF_OK) {
        pg_text_done(&statement->sql);
        free(statement);
        return code;
    }
    *slot_of(&s->cache, shape) = statement;
    s->cache.n++;
    *found = statement;
    return FF_OK;
}

int pg_cache_trim(struct pg_session *s, struct ff_err *err)
{
    if (s->cache.n < PG_MAX_STATEMENTS)
        return FF_OK;
    pg_cache_done(&s->cache);
    s->mark.connection = s->notice.connection = 0;
    return pg_run(s, "DEALLOCATE ALL", NULL, NULL, err);
}

bool pg_is_prepared(const struct pg_session *s, const struct pg_statement *statement)
{
    return statement->connection == s->connection;
}

void pg_list(struct pg_session *s, struct pg_statement *statement,
             struct pg_statement **first)
{
    if (pg_is_prepared(s, statement) || statement->is_listed)
        return;
    statement->is_listed = true;
    statement->in = *first;
    *first = statement;
}

int pg_prepare(struct pg_session *s, struct pg_statement *first, struct ff_err *err)
{
    struct ff_err other;
    int code = FF_OK;

    for (struct pg_statement *st = first; st; st = st->in)
        st->is_listed = false;
    if (!first)
        return FF_OK;
    for (struct pg_statement *st = first; st && code == FF_OK; st = st->in)
        code = pg_send_prepare(s, st, err);
    if (code == FF_OK)
        code = pg_sync(s, err);
    for (struct pg_statement *st = first; st && code == FF_OK; st = st->in) {
        PGresult *result = NULL;

        code = pg_receive(s, &result, err);
        PQclear(result);
        if (code == FF_OK)
            st->connection = s->connection;
    }
    if (s->conn) {
        const int end = pg_receive_sync(s, code == FF_OK ? err : &other);

        code = code == FF_OK ? end : code;
    }
    return code;
}
