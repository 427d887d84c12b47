/* auth-jwt/auth_jwt.h - what the files of this driver share.
 *
 * A token passes three gates, in this order: its shape and header (token.c), its
 * signature by a key of ours (keys.c, signature.c), its claims (claims.c). Which
 * algorithm is used is a property of the key and never of the token.
 *
 * Keys are those of files and settings, and those that the issuer publishes, where it
 * is asked: issuer.c knows what to ask it, get.c asks, watcher.c does so in a thread of
 * its own. */
#ifndef AUTH_JWT_AUTH_JWT_H
#define AUTH_JWT_AUTH_JWT_H

#include <flowforge/auth.h>
#include <jansson.h>
#include <jwt.h>
#include <openssl/evp.h>
#include <stdbool.h>

#define MAX_TOKEN_BYTES 8192
#define MAX_FILE_BYTES  ((size_t)1024 * 1024)
#define MAX_KEYS        64
#define MAX_KEY_ID      256
#define MAX_ROLES       32

/* Filled by the core. */
struct config {
    const char *jwks_file;
    const char *public_key_file;
    const char *jwt_secret;
    const char *jwt_secret_previous;
    const char *algorithms;
    const char *issuer;
    const char *audience;
    int64_t leeway_us;
    int64_t reload_interval_us;
    const char *subject_claim;
    const char *tenant_claim;
    const char *tenant;
    const char *roles_claim;
    const char *encryption_key; /* not ours */
    int64_t issuer_discovery;
    const char *issuer_ca_file;
    int64_t issuer_interval_us;
    int64_t insecure; /* secrets that can be guessed will do */
};

/* --- algorithm.c --- */

struct algorithm {
    const char *name;
    const char *kty;    /* of a JWK */
    const char *curve;  /* of a JWK, or NULL */
    const char *group;  /* the curve as OpenSSL calls it, or NULL */
    int type;           /* of the EVP_PKEY; EVP_PKEY_NONE: a secret, for libjwt */
    const char *digest; /* as OpenSSL calls it; NULL: the algorithm has its own */
    size_t number_size; /* bytes of each number of an ECDSA signature */
    jwt_alg_t jwt;      /* of those with a secret */
    size_t min_secret;  /* bytes, for those with a secret */
};

const struct algorithm *algorithm_named(const char *name); /* NULL: unknown */
/* What a key of this type is for when nobody says: RS256, or that of the curve. */
const struct algorithm *algorithm_of_jwk(const char *kty, const char *curve);
const struct algorithm *algorithm_of_key(const EVP_PKEY *pkey);
/* Is it in the list with commas? NULL is the list of all. */
bool algorithm_is_listed(const struct algorithm *a, const char *list);
int algorithm_check_list(const char *list, struct ff_err *err);

/* --- file.c --- */

/* The whole file and a NUL behind it; free it. */
int key_file_read(const char *option, const char *path, char **text, size_t *len,
                  struct ff_err *err);

/* --- secret.c --- */

int secret_check(const char *option, const char *secret, struct ff_err *err);

/* --- keys.c: a set of keys never changes; a reload makes another one. --- */

/* Either a public key or a secret. */
struct key {
    const struct algorithm *algorithm;
    char *id;       /* NULL: it has none */
    EVP_PKEY *pkey; /* NULL for a secret */
    char *text;     /* NULL for a public key */
    size_t text_len;
};

struct keys {
    size_t n;
    struct key items[MAX_KEYS];
};

struct token;

/* There may be none. published: the set that the issuer gave, as text; or NULL. */
int keys_load(const struct config *c, const struct ff_host *host, const char *published,
              struct keys **keys, struct ff_err *err);
void keys_free(struct keys *keys); /* takes NULL */
/* Takes pkey over, also when it fails. id and secret are copied. */
int keys_add(struct keys *keys, const struct key *key, struct ff_err *err);
/* FF_OK, FF_DENIED, or FF_NOT_FOUND when a key that is not ours yet may have signed it;
 * the sentence is for whoever asked. */
int keys_verify(const struct keys *keys, const struct token *t, struct ff_err *err);

/* --- jwks.c, pem.c: files of keys --- */

int jwks_load(const struct config *c, const struct ff_host *host, struct keys *keys,
              struct ff_err *err);
/* A set that is there as text; `label` names it in sentences. */
int jwks_parse(const struct config *c, const struct ff_host *host, const char *label,
               const char *text, size_t len, struct keys *keys, struct ff_err *err);
int pem_load(const struct config *c, struct keys *keys, struct ff_err *err);

/* jwk.c: the public key of one member of a set. */
int jwk_key(json_t *jwk, const struct algorithm *a, EVP_PKEY **pkey,
            struct ff_err *err);
/* Is the key long enough, and does it lie on its curve? `where` names it. */
int jwk_check_strength(const char *where, EVP_PKEY *pkey, struct ff_err *err);

/* --- get.c: one GET, which is bounded in time and size and follows nobody --- */

int get_ready(struct ff_err *err); /* before the first */
struct get {
    const char *url;
    const char *ca_file; /* or NULL: the system's */
    const bool *stop;    /* atomic; true ends it */
};
/* *text: the body of an answer with status 200, which has at most MAX_FILE_BYTES and no
 * NUL; free it. FF_NOT_FOUND: 404. */
int get_text(const struct get *g, char **text, struct ff_err *err);

/* --- issuer.c: OpenID Connect Discovery 1.0, RFC 8414 --- */

int issuer_check(const struct config *c, struct ff_err *err);
/* Blocks. *set: the key set that the issuer publishes, not judged yet; free it. */
int issuer_fetch(const struct config *c, const bool *stop, char **set,
                 struct ff_err *err);

/* --- watcher.c: asks the issuer again and again, in a thread --- */

struct watcher;
/* Takes the set over when it is good; on the watcher's thread. */
typedef int watcher_fn(void *arg, char *set, struct ff_err *err);
/* *w is there before fn is called. */
int watcher_start(const struct ff_host *host, const struct config *c, watcher_fn *fn,
                  void *arg, struct watcher **w, struct ff_err *err);
void watcher_stop(struct watcher *w); /* takes NULL */
/* Waits until the issuer was asked once, but not long. */
void watcher_wait_first(struct watcher *w);
void watcher_wake(struct watcher *w);
/* Has it ask, waits, and says what came of it. */
int watcher_ask(struct watcher *w, struct ff_err *err);
/* It is being asked, or never gave a set that was good: what it would say of a key is
 * not known. */
bool watcher_is_unsure(struct watcher *w);
bool watcher_has(struct watcher *w); /* a set that was good, once */

/* --- token.c --- */

struct token {
    const char *text;
    const struct algorithm *algorithm; /* what it says of itself */
    const char *key_id;                /* NULL: it says nothing */
    size_t signed_len;                 /* of text: header.payload */
    unsigned char *signature;
    size_t signature_len;
    json_t *header;
    json_t *payload;
};

/* The shape, and the header: nothing here is believed yet. */
int token_parse(const char *text, struct token *t, struct ff_err *err);
void token_done(struct token *t);

/* base64url of RFC 7515 in its only spelling: no padding, no spaces, no bits left
 * over. NULL: it is none, or no memory. A NUL is put behind it; free it. */
unsigned char *base64url_decode(const char *text, size_t len, size_t *out_len);

/* --- signature.c --- */

bool signature_is_good(const struct key *key, const struct token *t);

/* --- claims.c --- */

int claims_check_rules(const struct config *c, struct ff_err *err);
/* Judges the claims and hands the principal to fn. */
int claims_admit(const struct config *c, const struct token *t, int64_t now_us,
                 ff_principal_fn *fn, void *arg, struct ff_err *err);

#endif
