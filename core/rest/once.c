/* once.c - a request with an Idempotency-Key is carried out once, however often it
 * comes: what it was answered is a row of the same batch. After a day it is forgotten;
 * each new one takes some of those with it. */
#include "rest/rest_priv.h"

#include <string.h>

#define KEY_MAX    128
#define KEPT_US    (INT64_C(86400) * UNITS_SECOND)
#define SWEEP_ROWS 4

const char *once_key(const struct rest_call *c)
{
    if (c->route->flags & REST_HOOK)
        return c->delivery;
    return http_header(c->request, "idempotency-key");
}

/* Visible ASCII. */
static bool is_key(const char *text)
{
    const size_t len = strlen(text);

    for (const char *at = text; *at; at++)
        if (*at < '!' || *at > '~')
            return false;
    return len > 0 && len <= KEY_MAX;
}

static void hash_of(const struct rest_call *c, char hash[SHA256_TEXT])
{
    struct buf text = {0};

    buf_printf(&text, "%zu %s %s %s", strlen(c->who.subject), c->who.subject,
               c->route->id, once_key(c));
    if (c->caller) /* one path may have several, each with names of his own */
        buf_printf(&text, " %s", c->caller);
    sha256_text(buf_text(&text), text.len, hash);
    buf_done(&text);
}

/* Of all that the request says, with the server's key: it may say a secret, which a
 * plain digest would let others try out. */
static void digest_of(const struct rest_call *c, char digest[SHA256_TEXT])
{
    struct buf text = {0};
    const char *name;
    const char *value;

    buf_printf(&text, "%s\n", c->request->path);
    for (size_t i = 0; http_query_at(c->request, i, &name, &value); i++)
        buf_printf(&text, "%zu %s %zu %s\n", strlen(name), name, strlen(value), value);
    buf_add(&text, c->request->body, c->request->body_len);
    sha256_hmac(c->rest->cursor_key, strlen(c->rest->cursor_key), buf_text(&text),
                text.len, digest);
    buf_done(&text);
}

static int take_first(void *arg, const void *row)
{
    struct rest_call *c = arg;
    struct idempotency_row *kept =
        arena_alloc(&c->arena, sizeof(struct idempotency_row));

    *kept = *(const struct idempotency_row *)row;
    store_own_row(&record_idempotency, kept, &c->arena);
    c->before = kept;
    return 1;
}

static int replay(struct rest_call *c, const struct idempotency_row *row,
                  struct ff_err *err)
{
    char digest[SHA256_TEXT];

    digest_of(c, digest);
    if (!span_is(row->digest, digest))
        return rest_fail(c, PROBLEM_KEY_REUSED, err,
                         "this Idempotency-Key came with another request: each needs "
                         "one of its own");
    if (!row->answer.s)
        return rest_fail(c, PROBLEM_CONFLICT, err,
                         "this was done already, and its answer is shown once only");

    json_t *said = json_parse(row->answer.s, row->answer.len, err);
    const char *etag = json_string_value(json_object_get(said, "etag"));
    const char *location = json_string_value(json_object_get(said, "location"));
    const json_t *body = json_object_get(said, "body");

    if (!said)
        return err->code;
    c->replayed = true;
    c->status = (int)row->status;
    if (etag)
        snprintf(c->etag, sizeof(c->etag), "%s", etag);
    if (location)
        c->location = arena_text(&c->arena, location, strlen(location));
    if (body)
        json_add_to(&c->out, body);
    json_decref(said);
    return FF_OK;
}

int once_look(struct rest_call *c, struct ff_err *err)
{
    char hash[SHA256_TEXT];

    c->before = NULL;
    if (!once_key(c))
        return FF_OK;
    if (!is_key(once_key(c)))
        return rest_fail(c, PROBLEM_INVALID, err,
                         "what repeats are known by (Idempotency-Key, or the id of a "
                         "delivery) has 1 to %d visible ASCII characters",
                         KEY_MAX);
    hash_of(c, hash);

    const struct idempotency_row like = {.tenant = c->who.tenant.no,
                                         .hash = span_of(hash)};
    const struct store_query q = {
        .record = &record_idempotency, .like = &like, .n_equal = 2, .limit = 1};

    if (store_scan(c->store, c->reader, &q, take_first, c, err) != FF_OK)
        return err->code;
    if (c->before && c->now_us - c->before->at < KEPT_US)
        return replay(c, c->before, err);
    return FF_OK;
}

/* --- remembering --- */

static int forget(void *arg, const void *row)
{
    struct rest_call *c = arg;
    const struct idempotency_row *old = row;

    if (c->now_us - old->at < KEPT_US)
        return 1;
    if (!c->before || !span_eq(c->before->hash, old->hash))
        batch_delete(c->batch, &record_idempotency, old, FF_ANY_VERSION);
    return 0;
}

static char *answer_text(const struct rest_call *c)
{
    struct buf text = {0};
    struct jsonw w = {.out = &text};

    jsonw_open(&w, '{');
    if (c->etag[0]) {
        jsonw_key(&w, "etag");
        jsonw_text(&w, c->etag);
    }
    if (c->location) {
        jsonw_key(&w, "location");
        jsonw_text(&w, c->location);
    }
    if (c->out.len > 0) {
        jsonw_key(&w, "body");
        jsonw_raw(&w, buf_text(&c->out), c->out.len);
    }
    jsonw_close(&w, '}');
    return buf_take(&text);
}

int once_note(struct rest_call *c, struct ff_err *err)
{
    const struct store_query oldest = {
        .record = &record_idempotency, .index = "idempotency_at", .limit = SWEEP_ROWS};
    char hash[SHA256_TEXT];
    char digest[SHA256_TEXT];

    if (!once_key(c) || !rest_has_changes(c))
        return FF_OK;
    hash_of(c, hash);
    digest_of(c, digest);

    MEM_AUTO char *text = c->route->flags & REST_ONE_TIME ? NULL : answer_text(c);
    const struct idempotency_row row = {
        .tenant = c->who.tenant.no,
        .hash = span_of(hash),
        .principal = span_of(c->who.subject),
        .route = span_of(c->route->id),
        .key = span_of(once_key(c)),
        .digest = span_of(digest),
        .status = c->status          ? c->status
                  : c->route->status ? c->route->status
                                     : 200,
        .answer = span_of(text),
        .at = c->now_us,
    };

    batch_put(c->batch, &record_idempotency, &row,
              c->before ? c->before->version : FF_ABSENT);
    return store_scan(c->store, c->reader, &oldest, forget, c, err);
}
