/* ticket.c - start tickets: what stands in an environment that others can read is good
 * for one exchange, for a token that stands nowhere.
 *
 * That a ticket was used is a row among those of requests that took effect (record
 * idempotency), whose key follows from the attempt. It goes through the committer,
 * which checks the shard's fence, and is durable before the token is given. */
#include "exec/exec_priv.h"

#include "model/access_rows.h"

#include <string.h>

#define LIFE_SHORT_US (INT64_C(900) * UNITS_SECOND)
#define KEPT_US       (INT64_C(86400) * UNITS_SECOND) /* as core/rest/once.c has it */
#define SWEEP_ROWS    4
#define TRIES         5

struct redeem {
    struct list link;
    struct exec *exec; /* NULL: it is gone */
    struct attempt_key key;
    int64_t now_us, ends_us; /* the ticket's end */
    char attempt_id[256];
    char hash[SHA256_TEXT];
    char digest[SHA256_TEXT]; /* of the nonce; "": there is none */
    bool found, same;         /* it was used, by this same exchange */
    int tries;
    struct batch batch;
    int code;
    struct ff_err err;
    exec_started_fn *fn;
    void *arg;
};

bool attempt_wants_ticket(const struct attempt *a)
{
    const struct exec *x = a->exec;

    return driver_instance_info(x->setup.runtime)->d.caps & FF_RUNTIME_SHOWS_ENV;
}

int64_t token_life_us(const struct attempt *a)
{
    const int64_t usual = a->exec->setup.token_life_us;

    return attempt_wants_ticket(a) && usual > LIFE_SHORT_US ? LIFE_SHORT_US : usual;
}

/* --- the answer --- */

static int give_token(struct redeem *r, struct exec_beat *beat)
{
    struct exec *x = r->exec;
    struct attempt *a = x ? attempt_current(x, &r->key, &r->err) : NULL;

    if (!x)
        return ff_fail(&r->err, FF_UNAVAILABLE, 0, "the server is stopping");
    if (!a)
        return r->err.code;
    attempt_heard(a);
    *beat =
        (struct exec_beat){.cancel = a->stop_asked,
                           .expires_us = loop_wall_us(x->setup.loop) + token_life_us(a),
                           .within_us = a->work.heartbeat_us / 3};
    token_make(x, a, beat->expires_us, beat->token);
    return FF_OK;
}

static void finish(struct redeem *r, int code)
{
    struct exec *x = r->exec;
    struct exec_beat beat = {0};

    if (code == FF_OK)
        code = give_token(r, &beat);
    r->fn(r->arg, &beat, code == FF_OK ? NULL : &r->err);
    explicit_bzero(&beat, sizeof(beat));
    list_del(&r->link);
    batch_done(&r->batch);
    mem_free(r);
    if (x)
        exec_came_back(x);
}

/* --- on the lane: was it used? --- */

static int take_used(void *arg, const void *row)
{
    struct redeem *r = arg;
    const struct idempotency_row *used = row;

    r->found = true;
    r->same = r->digest[0] && span_is(used->digest, r->digest);
    return 1;
}

static int forget(void *arg, const void *row)
{
    struct redeem *r = arg;
    const struct idempotency_row *old = row;

    if (r->now_us - old->at < KEPT_US)
        return 1;
    batch_delete(&r->batch, &record_idempotency, old, FF_ANY_VERSION);
    return 0;
}

/* It is kept from the ticket's own end on: until then it must not be used again. */
static void plan(struct redeem *r)
{
    const struct idempotency_row row = {
        .tenant = r->key.tenant.no,
        .hash = span_of(r->hash),
        .principal = span_of("ticket"),
        .route = span_of("task.start"),
        .key = span_of(r->attempt_id),
        .digest = span_of(r->digest),
        .status = 200,
        .at = r->ends_us,
    };

    batch_put(&r->batch, &record_idempotency, &row, FF_ABSENT);
}

static void look(void *arg)
{
    struct redeem *r = arg;
    const struct idempotency_row like = {.tenant = r->key.tenant.no,
                                         .hash = span_of(r->hash)};
    const struct store_query used = {
        .record = &record_idempotency, .like = &like, .n_equal = 2, .limit = 1};
    const struct store_query oldest = {
        .record = &record_idempotency, .index = "idempotency_at", .limit = SWEEP_ROWS};
    struct store *s = r->exec->setup.store;

    batch_reset(&r->batch);
    r->found = r->same = false;
    r->code = store_scan(s, STORE_READER_LANE, &used, take_used, r, &r->err);
    if (r->code != FF_OK || r->found)
        return;
    plan(r);
    r->code = store_scan(s, STORE_READER_LANE, &oldest, forget, r, &r->err);
}

/* --- on the loop --- */

static void ask(struct redeem *r);

static int not_now(struct redeem *r)
{
    MEM_AUTO char *why = mem_text(r->err.msg);

    return ff_fail(&r->err, FF_UNAVAILABLE, 0,
                   "it cannot be written that the ticket is used: %s", why);
}

static void on_committed(void *arg, int code, size_t failed, const struct ff_err *err)
{
    struct redeem *r = arg;

    (void)failed;
    if (err)
        r->err = *err;
    if (code == FF_OK || !r->exec)
        finish(r, code == FF_OK ? code : not_now(r));
    else if ((code == FF_CONFLICT || code == FF_IN_DOUBT) && ++r->tries < TRIES)
        ask(r);
    else
        finish(r, not_now(r));
}

/* The attempt's own processes share a nonce, so this is a mistake or a thief. */
static int refuse_used(struct redeem *r)
{
    struct attempt *a = attempt_by_key(r->exec, &r->key);

    if (a && !a->shown_again)
        log_warn("%s: its start ticket was shown again, and is good once", a->id);
    if (a)
        a->shown_again = true;
    return ff_fail(&r->err, FF_CANCELLED, 0,
                   "the ticket has been used: it is good once");
}

static void after_look(void *arg)
{
    struct redeem *r = arg;

    if (r->code != FF_OK || !r->exec)
        finish(r, not_now(r));
    else if (r->same)
        finish(r, FF_OK);
    else if (r->found)
        finish(r, refuse_used(r));
    else if (r->ends_us < r->now_us)
        finish(r, ff_fail(&r->err, FF_DENIED, 0, "the start ticket has expired"));
    else
        store_commit(r->exec->setup.store, &r->batch, on_committed, r);
}

static void ask(struct redeem *r)
{
    lane_do(r->exec->lane, look, after_look, r);
}

/* The nonce is kept as what only this installation can work out of it. */
static void set_hashes(struct redeem *r, const struct exec *x, const char *nonce)
{
    static const char word[] = "start ticket ";
    char text[sizeof(word) + ATTEMPT_KEY_TEXT];

    memcpy(text, word, sizeof(word));
    attempt_key_text(&r->key, text + strlen(word));
    sha256_text(text, strlen(text), r->hash);
    if (nonce && *nonce)
        sha256_hmac(x->token_key, TOKEN_KEY_SIZE, nonce, strlen(nonce), r->digest);
}

int exec_task_start(struct exec *x, const struct exec_start *start, exec_started_fn *fn,
                    void *arg, struct ff_err *err)
{
    struct attempt_key key;
    int64_t ends_us;

    if (ticket_check(x, start->ticket, &key, &ends_us, err) != FF_OK)
        return err->code;
    const struct attempt *a = attempt_current(x, &key, err);
    if (!a)
        return err->code;
    if (strcmp(start->attempt_id, a->id) != 0)
        return ff_fail(err, FF_CONFLICT, 0, "the ticket is of another attempt");
    if (x->draining)
        return ff_fail(err, FF_UNAVAILABLE, 0, "the server is stopping");
    if (store_health(x->setup.store, err) != FF_OK)
        return ff_fail(err, FF_UNAVAILABLE, 0, "the store takes nothing at present");
    struct redeem *r = mem_alloc(sizeof(*r));

    *r = (struct redeem){.exec = x,
                         .key = key,
                         .now_us = loop_wall_us(x->setup.loop),
                         .ends_us = ends_us,
                         .fn = fn,
                         .arg = arg};
    snprintf(r->attempt_id, sizeof(r->attempt_id), "%s", a->id);
    set_hashes(r, x, start->nonce);
    list_add_tail(&x->redeems, &r->link);
    exec_pending(x);
    ask(r);
    return FF_OK;
}

/* What the store still has of these comes back by itself. */
void tickets_close(struct exec *x)
{
    for (struct list *link; (link = list_first(&x->redeems));) {
        struct redeem *r = LIST_OF(link, struct redeem, link);

        r->exec = NULL;
        list_del(&r->link);
        list_init(&r->link);
    }
}
