/* kit/kit_store.c - the tables of checks for store drivers, and what they share. */
#include "kit/kit_store.h"

#include <unistd.h>

#define AGAIN_US     INT64_C(10000)
#define AGAIN_FOR_US INT64_C(10000000)

const struct kit_check *const kit_store_checks[] = {
    kit_store_guards, kit_store_atomic, kit_store_invalid,
    kit_store_order,  kit_store_scan,   kit_store_values,
    kit_store_setup,  kit_store_beside, kit_store_race,
    kit_store_crash,  kit_store_errors, kit_store_optional,
    kit_store_spans,  kit_store_random, NULL};

/* --- opening --- */

/* Time passes only where a store says that it is busy. */
static bool try_again(int code, int64_t *waited_us)
{
    if ((code != FF_BUSY && code != FF_UNAVAILABLE) || *waited_us >= AGAIN_FOR_US)
        return false;
    usleep(AGAIN_US);
    *waited_us += AGAIN_US;
    return true;
}

void kit_open_of(struct kit *k, struct driver_instance *i, struct kit_store *s,
                 const struct ff_schema *schema)
{
    int64_t waited_us = 0;
    int code;

    *s = (struct kit_store){.k = k, .ops = driver_store_ops(i)};
    do
        code = driver_open_store(i, &s->session, &s->err);
    while (try_again(code, &waited_us));
    kit_expect_code(k, code, FF_OK, &s->err, "opening a session");
    if (!schema)
        return;
    waited_us = 0;
    do
        code = s->ops->setup(s->session, schema, &s->err);
    while (try_again(code, &waited_us));
    kit_expect_code(k, code, FF_OK, &s->err, "setting up schema %u", schema->version);
}

void kit_open(struct kit *k, struct kit_store *s, const struct ff_schema *schema)
{
    kit_open_of(k, kit_instance(k), s, schema);
}

void kit_close(struct kit_store *s)
{
    s->ops->close(s->session);
    s->session = NULL;
}

/* --- changes --- */

size_t kit_add(struct kit_batch *b, const struct ff_record *record, uint32_t kind,
               int64_t expect)
{
    const size_t i = b->n++;

    for (size_t c = 0; c < N_THING; c++)
        b->values[i][c] = v_null();
    b->changes[i] = (struct ff_change){
        .kind = kind, .record = record, .expect = expect, .values = b->values[i]};
    return i;
}

static size_t add_pair(struct kit_batch *b, uint32_t kind, int64_t k, int64_t expect)
{
    const size_t i = kit_add(b, &kit_pair, kind, expect);

    b->values[i][PAIR_K] = v_int(k);
    return i;
}

size_t kit_put(struct kit_batch *b, int64_t k, int64_t left, int64_t right,
               int64_t expect)
{
    const size_t i = add_pair(b, FF_PUT, k, expect);

    b->values[i][PAIR_LEFT] = v_int(left);
    b->values[i][PAIR_RIGHT] = v_int(right);
    return i;
}

size_t kit_patch(struct kit_batch *b, int64_t k, int64_t left, int64_t expect)
{
    const size_t i = add_pair(b, FF_PATCH, k, expect);

    b->values[i][PAIR_LEFT] = v_int(left);
    b->changes[i].set = UINT64_C(1) << PAIR_LEFT;
    return i;
}

size_t kit_delete(struct kit_batch *b, int64_t k, int64_t expect)
{
    return add_pair(b, FF_DELETE, k, expect);
}

size_t kit_check(struct kit_batch *b, int64_t k, int64_t expect)
{
    return add_pair(b, FF_CHECK, k, expect);
}

size_t kit_put_thing(struct kit_batch *b, int64_t a, const char *key, int64_t expect)
{
    const size_t i = kit_add(b, &kit_thing, FF_PUT, expect);
    struct ff_value *v = b->values[i];

    v[THING_A] = v_int(a);
    v[THING_B] = v_text(key);
    v[THING_J] = v_string(FF_JSON, "{}", 2);
    v[THING_COLOR] = v_number(FF_ENUM, RED);
    return i;
}

int kit_commit(struct kit_store *s, struct kit_batch *b)
{
    int64_t waited_us = 0;
    int code;

    do {
        s->failed = KIT_UNTOUCHED;
        s->err = (struct ff_err){0};
        code = s->ops->commit(s->session, b->changes, b->n, &s->failed, &s->err);
    } while (try_again(code, &waited_us));
    b->n = 0;
    return code;
}

/* --- reads --- */

struct ff_query kit_query(const struct ff_record *record, int index)
{
    return (struct ff_query){
        .struct_size = sizeof(struct ff_query), .record = record, .index = index};
}

static void add_json(struct buf *out, const struct ff_value *v)
{
    json_t *value = json_parse(v->s, v->len, NULL);
    char *sorted = json_dumps(value, JSON_SORT_KEYS | JSON_COMPACT | JSON_ENCODE_ANY);

    buf_add_text(out, sorted ? sorted : "(no JSON)");
    mem_free(sorted);
    json_decref(value);
}

static void add_value(struct buf *out, const struct ff_column *c,
                      const struct ff_value *v)
{
    if (!v->type)
        buf_add_text(out, "null");
    else if (v->type != c->type)
        buf_printf(out, "(a value of type %u)", v->type);
    else if (c->type == FF_ENUM)
        buf_add_text(out, c->names[v->i]);
    else if (c->type == FF_JSON)
        add_json(out, v);
    else if (c->type == FF_TEXT)
        buf_add(out, v->s, v->len);
    else if (c->type != FF_BYTES)
        buf_add_int(out, v->i);
    for (size_t i = 0; v->type == FF_BYTES && c->type == FF_BYTES && i < v->len; i++)
        buf_printf(out, "%02x", (unsigned char)v->s[i]);
}

int kit_add_row(void *arg, const struct ff_value *values)
{
    const struct kit_adding *a = arg;

    if (a->out->len > 0)
        buf_add_text(a->out, "; ");
    for (uint16_t i = 0; i < a->record->n_columns; i++) {
        if (a->want && !(a->want >> i & 1))
            continue;
        buf_printf(a->out, "%s%s=", i ? " " : "", a->record->columns[i].name);
        add_value(a->out, &a->record->columns[i], &values[i]);
    }
    return 0;
}

/* One text at a time, so that checks need not free any. Any thread has its own. */
static _Thread_local struct buf rows_text;

const char *kit_rows(struct kit_store *s, const struct ff_query *q)
{
    struct kit_adding a = {.record = q->record, .want = q->want, .out = &rows_text};

    buf_clear(&rows_text);
    kit_expect_code(s->k, s->ops->scan(s->session, q, kit_add_row, &a, &s->err), FF_OK,
                    &s->err, "a scan of %s", q->record->name);
    return buf_text(&rows_text);
}

static int add_pair_text(void *arg, const struct ff_value *v)
{
    struct buf *out = arg;

    buf_printf(out, "%s%lld:%lld,%lld v%lld", out->len ? "; " : "",
               (long long)v[PAIR_K].i, (long long)v[PAIR_LEFT].i,
               (long long)v[PAIR_RIGHT].i, (long long)v[PAIR_VERSION].i);
    return 0;
}

const char *kit_pairs(struct kit_store *s)
{
    const struct ff_query q = kit_query(&kit_pair, -1);

    buf_clear(&rows_text);
    kit_expect_code(s->k,
                    s->ops->scan(s->session, &q, add_pair_text, &rows_text, &s->err),
                    FF_OK, &s->err, "a scan of all pairs");
    return buf_text(&rows_text);
}

static int take_pair(void *arg, const struct ff_value *v)
{
    int64_t *found = arg;

    found[0] = v[PAIR_LEFT].i;
    found[1] = v[PAIR_VERSION].i;
    return 1;
}

int64_t kit_left(struct kit_store *s, int64_t k, int64_t *version)
{
    struct ff_query q = kit_query(&kit_pair, -1);
    const struct ff_value key = v_int(k);
    int64_t found[2] = {-1, -1};

    q.n_equal = 1;
    q.equal = &key;
    kit_expect_code(s->k, s->ops->scan(s->session, &q, take_pair, found, &s->err),
                    FF_OK, &s->err, "a scan for pair %lld", (long long)k);
    if (version)
        *version = found[1];
    return found[0];
}

uint64_t kit_count(struct kit_store *s, const struct ff_query *q)
{
    uint64_t n = 0;

    kit_expect_code(s->k, s->ops->count(s->session, q, &n, &s->err), FF_OK, &s->err,
                    "a count of %s", q->record->name);
    return n;
}
