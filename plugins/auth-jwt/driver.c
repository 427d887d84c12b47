/* auth-jwt/driver.c - lets in who brings a JSON Web Token that one of our keys signed.
 *
 * Keys come from files and settings, and from the issuer where it is asked for them.
 * refresh() reads the files and asks again, and so does, not too often, a token whose
 * key is not known: whoever changes keys need tell nobody. No token waits for the
 * issuer. */
#include "auth_jwt.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_US INT64_C(1000000)

#define AT(field) offsetof(struct config, field)

static const struct ff_opt options[] = {
    {.name = "jwks_file",
     .help = "public keys: a JSON Web Key Set with RSA, EC or Ed25519 keys",
     .type = FF_OPT_TEXT,
     .offset = AT(jwks_file)},
    {.name = "public_key_file",
     .help = "public keys without ids: PEM, one after the other",
     .type = FF_OPT_TEXT,
     .offset = AT(public_key_file)},
    {.name = "jwt_secret",
     .help = "shared secret for HS256; 32 or more random bytes",
     .type = FF_OPT_TEXT,
     .flags = FF_OPT_SECRET,
     .offset = AT(jwt_secret)},
    {.name = "jwt_secret_previous",
     .help = "the secret before, accepted as well while tokens of it live",
     .type = FF_OPT_TEXT,
     .flags = FF_OPT_SECRET,
     .offset = AT(jwt_secret_previous)},
    {.name = "algorithms",
     .help = "the only ones allowed, with commas; unset: what each key is for",
     .type = FF_OPT_TEXT,
     .offset = AT(algorithms)},
    {.name = "issuer",
     .help = "what the claim iss must be",
     .fallback = "flowforge",
     .type = FF_OPT_TEXT,
     .offset = AT(issuer)},
    {.name = "audience",
     .help = "what the claim aud must be or contain",
     .fallback = "flowforge",
     .type = FF_OPT_TEXT,
     .offset = AT(audience)},
    {.name = "leeway",
     .help = "how far clocks may differ",
     .fallback = "60s",
     .type = FF_OPT_SECONDS,
     .offset = AT(leeway_us),
     .min = 0,
     .max = 300 * SECOND_US},
    {.name = "reload_interval",
     .help = "how soon a token with an unknown key makes keys be read again",
     .fallback = "30s",
     .type = FF_OPT_SECONDS,
     .offset = AT(reload_interval_us),
     .min = SECOND_US,
     .max = 3600 * SECOND_US},
    {.name = "subject_claim",
     .help = "the claim that says who it is: a name, or a JSON pointer",
     .fallback = "sub",
     .type = FF_OPT_TEXT,
     .offset = AT(subject_claim)},
    {.name = "tenant_claim",
     .help = "the claim that says whose data is seen: a name, or a JSON pointer",
     .fallback = "tenant",
     .type = FF_OPT_TEXT,
     .offset = AT(tenant_claim)},
    {.name = "tenant",
     .help = "the tenant of tokens that name none; unset: they are refused",
     .type = FF_OPT_TEXT,
     .offset = AT(tenant)},
    {.name = "roles_claim",
     .help = "the claim with the roles, a list or words: a name, or a JSON pointer",
     .fallback = "roles",
     .type = FF_OPT_TEXT,
     .offset = AT(roles_claim)},
    {.name = "issuer_discovery",
     .help = "ask the issuer, whose name must be its URL, for its keys",
     .fallback = "false",
     .type = FF_OPT_BOOL,
     .offset = AT(issuer_discovery)},
    {.name = "issuer_interval",
     .help = "how often the issuer is asked for its keys",
     .fallback = "15m",
     .type = FF_OPT_SECONDS,
     .offset = AT(issuer_interval_us),
     .min = SECOND_US,
     .max = 86400 * SECOND_US},
    {.name = "issuer_ca_file",
     .help = "certificates to know the issuer by; unset: the system's",
     .type = FF_OPT_TEXT,
     .offset = AT(issuer_ca_file)},
    {.name = "encryption_key",
     .help = "what encrypts secrets: read by FlowForge itself, not by this driver",
     .type = FF_OPT_TEXT,
     .flags = FF_OPT_SECRET,
     .offset = AT(encryption_key)},
    {.name = "insecure",
     .help = "takes a jwt_secret that can be guessed: for developing",
     .fallback = "false",
     .type = FF_OPT_BOOL,
     .offset = AT(insecure)},
    {0},
};

struct session {
    const struct ff_host *host;
    const struct config *config;
    pthread_rwlock_t lock; /* of keys: held while a signature is checked */
    struct keys *keys;
    pthread_mutex_t reloading;
    int64_t
        asked_us; /* when an unknown key last made us read; by reloading; -1: never */
    char *published; /* the issuer's set as text, by reloading; NULL: none yet */
    struct watcher *watcher; /* NULL: the issuer is not asked */
};

static int check_sources(const struct config *c, struct ff_err *err)
{
    if (!c->jwks_file && !c->public_key_file && !c->jwt_secret && !c->issuer_discovery)
        return ff_fail(err, FF_INVALID, 0,
                       "there is no key to check tokens with: set issuer_discovery, "
                       "jwks_file, public_key_file or jwt_secret");
    if (c->jwt_secret_previous && !c->jwt_secret)
        return ff_fail(err, FF_INVALID, 0,
                       "jwt_secret_previous: it needs a jwt_secret that follows it");
    return FF_OK;
}

static int check_config(const struct config *c, struct ff_err *err)
{
    int code = check_sources(c, err);

    if (code == FF_OK)
        code = algorithm_check_list(c->algorithms, err);
    if (code == FF_OK)
        code = issuer_check(c, err);
    return code == FF_OK ? claims_check_rules(c, err) : code;
}

static void init_locks(struct session *s)
{
    pthread_rwlockattr_t attr;

    /* Else tokens that keep coming would keep new keys away, and old ones alive. */
    pthread_rwlockattr_init(&attr);
    pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&s->lock, &attr);
    pthread_rwlockattr_destroy(&attr);
    pthread_mutex_init(&s->reloading, NULL);
}

static void auth_close(void *auth)
{
    struct session *s = auth;

    if (!s)
        return;
    watcher_stop(s->watcher);
    keys_free(s->keys);
    free(s->published);
    pthread_mutex_destroy(&s->reloading);
    pthread_rwlock_destroy(&s->lock);
    free(s);
}

/* Keys that were good stay when the new ones are not; but a set that was emptied is
 * meant so: its keys are taken back. By `reloading`, so that of two readings the later
 * one stays. published: what the issuer gave, or NULL. */
static int reload(struct session *s, const char *published, struct ff_err *err)
{
    struct keys *fresh;
    struct keys *old;
    int code = keys_load(s->config, s->host, published, &fresh, err);

    if (code != FF_OK)
        return code;
    if (fresh->n == 0 && (published || !s->watcher))
        ff_log(s->host, FF_WARN, "no key is left: nobody is let in");
    pthread_rwlock_wrlock(&s->lock);
    old = s->keys;
    s->keys = fresh;
    pthread_rwlock_unlock(&s->lock);
    keys_free(old);
    return FF_OK;
}

/* What the issuer gave is kept once it is good, beside what files say now. */
static int take_published(void *arg, char *set, struct ff_err *err)
{
    struct session *s = arg;
    int code;

    pthread_mutex_lock(&s->reloading);
    code = reload(s, set, err);
    if (code == FF_OK) {
        free(s->published);
        s->published = set;
        ff_log(s->host, FF_DEBUG, "knows %zu keys of %s", s->keys->n,
               s->config->issuer);
    }
    pthread_mutex_unlock(&s->reloading);
    if (code != FF_OK)
        free(set);
    return code;
}

static int load_first(struct session *s, struct ff_err *err)
{
    const struct config *c = s->config;
    int code = keys_load(c, s->host, NULL, &s->keys, err);

    if (code != FF_OK)
        return code;
    if (s->keys->n == 0 && !c->issuer_discovery)
        return ff_fail(err, FF_INVALID, 0,
                       "no key is left: what was given is for none of the "
                       "algorithms that are allowed");
    if (c->issuer_discovery)
        return watcher_start(s->host, c, take_published, s, &s->watcher, err);
    ff_log(s->host, FF_DEBUG, "knows %zu keys of %s", s->keys->n, c->issuer);
    return FF_OK;
}

static int auth_open(const struct ff_host *host, const void *config, void **auth,
                     struct ff_err *err)
{
    const struct config *c = config;
    struct session *s;
    int code = check_config(c, err);

    if (code != FF_OK)
        return code;
    s = calloc(1, sizeof(*s));
    if (!s)
        return ff_fail(err, FF_NO_MEMORY, 0, "no memory for a session");
    s->host = host;
    s->config = c;
    s->asked_us = -1;
    init_locks(s);
    code = load_first(s, err);
    if (code != FF_OK) {
        auth_close(s);
        return code;
    }
    if (s->watcher)
        watcher_wait_first(s->watcher);
    *auth = s;
    return FF_OK;
}

static int auth_refresh(void *auth, struct ff_err *err)
{
    struct session *s = auth;
    int code;

    pthread_mutex_lock(&s->reloading);
    code = reload(s, s->published, err);
    pthread_mutex_unlock(&s->reloading);
    return code == FF_OK && s->watcher ? watcher_ask(s->watcher, err) : code;
}

/* Anybody can make up key ids, so an unknown one may cost a reading only now and then.
 * Whoever waits here for another's reading has the new keys as well. */
static void reload_for_unknown(struct session *s)
{
    struct ff_err err = {0};
    int64_t now_us;

    pthread_mutex_lock(&s->reloading);
    now_us = s->host->now_us(s->host->self);
    /* A clock that was set back must not end reloading. */
    if (s->asked_us < 0 || now_us < s->asked_us ||
        now_us - s->asked_us >= s->config->reload_interval_us) {
        s->asked_us = now_us;
        if (reload(s, s->published, &err) != FF_OK)
            ff_log(s->host, FF_WARN, "keeps the keys it has: %s", err.msg);
        if (s->watcher)
            watcher_wake(s->watcher);
    }
    pthread_mutex_unlock(&s->reloading);
}

static int check_signature(struct session *s, const struct token *t, struct ff_err *err)
{
    int code;

    pthread_rwlock_rdlock(&s->lock);
    code = keys_verify(s->keys, t, err);
    pthread_rwlock_unlock(&s->lock);
    return code;
}

static int verify_token(struct session *s, const struct token *t, ff_principal_fn *fn,
                        void *arg, struct ff_err *err)
{
    int code = check_signature(s, t, err);

    if (code == FF_NOT_FOUND) {
        reload_for_unknown(s);
        code = check_signature(s, t, err);
    }
    if (code == FF_NOT_FOUND && s->watcher && watcher_is_unsure(s->watcher))
        return ff_fail(err, FF_UNAVAILABLE, 0,
                       "the token's key is not known here yet: the issuer is being "
                       "asked for its keys");
    if (code != FF_OK) {
        if (err)
            err->code = FF_DENIED;
        return FF_DENIED;
    }
    return claims_admit(s->config, t, s->host->now_us(s->host->self), fn, arg, err);
}

static int auth_verify(void *auth, const char *credential, ff_principal_fn *fn,
                       void *arg, struct ff_err *err)
{
    struct token t;
    int code = token_parse(credential, &t, err);

    if (code == FF_OK)
        code = verify_token(auth, &t, fn, arg, err);
    token_done(&t);
    return code;
}

static int auth_ready(void *auth, struct ff_err *err)
{
    const struct session *s = auth;

    if (!s->watcher || watcher_has(s->watcher))
        return FF_OK;
    return ff_fail(err, FF_UNAVAILABLE, 0, "the issuer's keys have yet to come");
}

static const struct ff_auth_ops ops = {
    .open = auth_open,
    .close = auth_close,
    .verify = auth_verify,
    .refresh = auth_refresh,
    .ready = auth_ready,
};

static const struct ff_driver driver = {
    FF_DRIVER_HEAD(FF_AUTH, FF_PARALLEL, ops),
    .name = "jwt",
    .version = FLOWFORGE_VERSION,
    .summary = "JSON Web Tokens, checked with keys of the issuer, a file or a secret",
    .opts = options,
    .config_size = sizeof(struct config),
    .ops.auth = &ops,
};

FF_REGISTER_DRIVER(driver)
