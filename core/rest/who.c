/* who.c - who asks: the local user by the unix socket, an API key, a session, or a
 * token that the auth driver verifies. What was found out is kept for some seconds by
 * the hash of the credential, so that most requests need no look into the store. */
#include "rest/live.h"

#include <string.h>

#define KEPT_US        (10 * UNITS_SECOND)
#define KEPT_MAX       8192
#define KEY_PREFIX     "ffk_"
#define SESSION_PREFIX "ffs_"
#define ASKS_PER_S     50 /* credentials of one address that nobody has */

struct rest_cached {
    struct principal who;
    int64_t rate_per_s;
    int64_t until_us; /* by the clock that nobody sets */
    bool here_only;
};

/* --- the auth driver --- */

int who_open(struct rest *r, struct ff_err *err)
{
    pthread_mutex_init(&r->auth_mutex, NULL);
    access_local(r->setup.user, &r->local);
    if (!r->setup.auth)
        return FF_OK;
    return driver_open_auth(r->setup.auth, &r->auth, err);
}

void who_close(struct rest *r)
{
    who_forget(r);
    map_done(&r->cache.by_hash);
    if (r->auth)
        driver_auth_ops(r->setup.auth)->close(r->auth);
    pthread_mutex_destroy(&r->auth_mutex);
}

/* --- what was found out --- */

void who_forget(struct rest *r)
{
    void *value;

    r->cache.n_forgotten++;
    for (size_t i = 0; map_next(&r->cache.by_hash, &i, &value);) {
        map_del_text(&r->cache.by_hash, map_key_text(&r->cache.by_hash, i));
        mem_free(value);
    }
}

static bool from_loopback(const struct http_peer *peer)
{
    return peer->local || text_starts(peer->address, "127.") ||
           text_starts(peer->address, "[::1]");
}

static bool use_cached(struct rest_call *c, const struct rest_cached *kept)
{
    const struct principal *who = &kept->who;

    if (kept->here_only && !from_loopback(c->request->peer))
        return false;
    if (kept->until_us <= loop_mono_us(c->rest->setup.loop) ||
        (who->expires_us != 0 && who->expires_us <= c->now_us))
        return false;
    c->who = *who;
    c->here_only = kept->here_only;
    c->rate_per_s = kept->rate_per_s;
    c->known = true;
    return true;
}

/* What was read before something changed is not kept: the key may be revoked since. */
void who_learn(struct rest_call *c)
{
    struct map *by_hash = &c->rest->cache.by_hash;
    struct rest_cached *kept = map_get_text(by_hash, c->credential);

    c->known = true;
    if (c->n_forgotten != c->rest->cache.n_forgotten)
        return;
    if (!kept) {
        if (by_hash->n >= KEPT_MAX)
            who_forget(c->rest);
        kept = mem_alloc(sizeof(*kept));
        map_set_text(by_hash, c->credential, kept);
    }
    *kept = (struct rest_cached){
        .who = c->who,
        .rate_per_s = c->rate_per_s,
        .until_us = loop_mono_us(c->rest->setup.loop) + KEPT_US,
        .here_only = c->here_only,
    };
}

/* --- at once --- */

/* Whoever tries credentials out has a limit of his own. Only those that fail count:
 * many who are known may come from one address, and all at once where what was found
 * out about them is forgotten. */
static bool may_ask(struct rest_call *c, bool failed)
{
    const int64_t now_us = loop_mono_us(c->rest->setup.loop);
    struct buckets *b = &c->rest->buckets;
    char name[96];

    snprintf(name, sizeof(name), "from %s", c->request->peer->network);
    return failed ? bucket_take(b, name, ASKS_PER_S, now_us, &c->limit)
                  : bucket_has(b, name, ASKS_PER_S, now_us, &c->limit);
}

void who_refused(struct rest_call *c)
{
    if (c->problem == PROBLEM_UNAUTHENTICATED)
        may_ask(c, true);
}

/* Pages in browsers can give a WebSocket no header: the token is among the protocols
 * that they offer. It is not chosen, so it does not come back. */
static const char *offered_token(struct rest_call *c)
{
    const char *offered = http_header(c->request, "sec-websocket-protocol");
    const char *at = c->route->live && offered ? strstr(offered, LIVE_BEARER) : NULL;

    if (!at)
        return NULL;
    at += strlen(LIVE_BEARER);
    return arena_text(&c->arena, at, strcspn(at, ", \t"));
}

static void name_credential(struct rest_call *c, const char *token)
{
    const struct rest_name name = rest_name(c->rest, token, strlen(token));

    snprintf(c->credential, sizeof(c->credential), "%016llx%016llx",
             (unsigned long long)name.words[0], (unsigned long long)name.words[1]);
}

enum who_answer who_is(struct rest_call *c)
{
    const char *token = http_bearer(c->request);
    const struct rest_cached *kept;

    if (!token)
        token = offered_token(c);
    c->token = token;
    if (c->request->peer->local && !token) {
        c->who = c->rest->local;
        c->known = true;
        return WHO_KNOWN;
    }
    if (!token) {
        rest_fail(c, PROBLEM_UNAUTHENTICATED, &c->err,
                  "say who you are: Authorization: Bearer and an API key, which "
                  "`flowforge key create` makes, or a token");
        return WHO_NOBODY;
    }
    name_credential(c, token);
    kept = map_get_text(&c->rest->cache.by_hash, c->credential);
    if (kept && use_cached(c, kept))
        return WHO_KNOWN;
    c->n_forgotten = c->rest->cache.n_forgotten;
    if (may_ask(c, false))
        return WHO_MUST_ASK;
    rest_fail(c, PROBLEM_RATE_LIMITED, &c->err,
              "too many credentials from this address that nobody has");
    return WHO_NOBODY;
}

/* --- on a lane --- */

static void on_principal(void *arg, const struct ff_principal *p)
{
    struct rest_call *c = arg;
    const struct access_identity who = {.subject = p->subject,
                                        .tenant = p->tenant,
                                        .roles = p->roles,
                                        .expires_us = p->expires_us};

    c->code = access_user(c->store, c->reader, &who, PROJECT_DEFAULT, &c->who, &c->err);
}

static int fail_not_here(struct rest_call *c)
{
    return ff_fail(&c->err, FF_DENIED, 0,
                   "tokens of this kind are taken from this machine only");
}

static void verify(struct rest_call *c, const char *token)
{
    const struct ff_driver *d = &driver_instance_info(c->rest->setup.auth)->d;
    const bool parallel = d->threads == FF_PARALLEL;

    c->here_only = d->caps & FF_AUTH_LOOPBACK_ONLY;
    if (c->here_only && !from_loopback(c->request->peer)) {
        c->code = fail_not_here(c);
        return;
    }
    if (!parallel)
        pthread_mutex_lock(&c->rest->auth_mutex);

    const int code = driver_auth_ops(c->rest->setup.auth)
                         ->verify(c->rest->auth, token, on_principal, c, &c->err);

    if (!parallel)
        pthread_mutex_unlock(&c->rest->auth_mutex);
    if (code != FF_OK)
        c->code = code;
    if (code == FF_UNAVAILABLE)
        c->problem = PROBLEM_UNAVAILABLE; /* its sentence may be told */
}

/* What came of a token that is taken from this machine only is, too. */
static void verify_session(struct rest_call *c, const char *token)
{
    const struct access_session_look look = {
        .now_us = c->now_us, .most_us = c->rest->setup.settings.session_max};

    c->code = access_session_verify(c->store, c->reader, token, &look, &c->who,
                                    &c->here_only, &c->err);
    if (c->code == FF_OK && c->here_only && !from_loopback(c->request->peer))
        c->code = fail_not_here(c);
}

static void read_rate(struct rest_call *c)
{
    struct arena arena = {0};
    struct tenant_row row;

    c->rate_per_s = access_quotas[QUOTA_REQUESTS].usual;
    if (c->who.tenant.no != TENANT_PLATFORM.no) {
        c->code = access_tenant_by_no(c->store, c->reader, c->who.tenant, &arena, &row,
                                      &c->err);
        if (c->code == FF_OK)
            c->rate_per_s = access_quota_of(&row, QUOTA_REQUESTS);
        if (c->rate_per_s < 1)
            c->rate_per_s = 1; /* 0 is who is not limited */
    }
    arena_done(&arena);
}

void who_ask(struct rest_call *c)
{
    const char *token = c->token;

    c->code = FF_OK;
    if (text_starts(token, KEY_PREFIX))
        c->code = access_key_verify(c->store, c->reader, token, c->now_us, &c->who,
                                    &c->aside, &c->err);
    else if (text_starts(token, SESSION_PREFIX))
        verify_session(c, token);
    else if (c->rest->auth)
        verify(c, token);
    else
        c->code = ff_fail(&c->err, FF_DENIED, 0,
                          "this is no API key, and this server takes no tokens: "
                          "server.auth names the driver that verifies them");
    FAILPOINT("rest.who.known");
    if (c->code == FF_OK)
        read_rate(c);
    if (c->code == FF_DENIED || c->code == FF_INVALID)
        c->problem = PROBLEM_UNAUTHENTICATED;
}

/* --- keys, read again --- */

struct refresh {
    struct rest *rest;
    int code;
    struct ff_err err;
};

static void refresh_on_lane(void *arg, struct store_reader *reader)
{
    struct refresh *f = arg;
    struct rest *r = f->rest;
    const bool parallel = driver_instance_info(r->setup.auth)->d.threads == FF_PARALLEL;

    (void)reader;
    if (!parallel)
        pthread_mutex_lock(&r->auth_mutex);
    f->code = driver_auth_ops(r->setup.auth)->refresh(r->auth, &f->err);
    if (!parallel)
        pthread_mutex_unlock(&r->auth_mutex);
}

/* Also where it failed: of several sources of keys one may have been read. */
static void refreshed(void *arg)
{
    struct refresh *f = arg;
    struct rest *r = f->rest;

    if (f->code == FF_OK)
        log_info("%s has read its keys again", r->setup.settings.auth);
    else
        log_error("%s keeps keys that it has: %s", r->setup.settings.auth, f->err.msg);
    mem_free(f);
    who_forget(r);
    live_callers_look(r->live);
    r->n_working--;
    work_note(r);
    rest_tell_stop(r);
}

void rest_refresh_auth(struct rest *r)
{
    struct refresh *f;
    struct ff_err err;

    if (!r->auth || !driver_auth_ops(r->setup.auth)->refresh)
        return;
    f = mem_alloc(sizeof(*f));
    *f = (struct refresh){.rest = r};
    if (store_readers_do(r->readers, refresh_on_lane, refreshed, f, &err) == FF_OK) {
        r->n_working++;
        work_note(r);
        return;
    }
    log_error("%s keeps the keys that it has: %s", r->setup.settings.auth, err.msg);
    mem_free(f);
}
