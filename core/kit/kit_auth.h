/* kit/kit_auth.h - what the checks of auth drivers share: asking a driver, credentials
 * that are known, and tokens that the kit makes. */
#ifndef KIT_KIT_AUTH_H
#define KIT_KIT_AUTH_H

#include "base/base.h"
#include "kit/kit.h"

extern const struct kit_check kit_auth_use[];
extern const struct kit_check kit_auth_deny[];
extern const struct kit_check kit_auth_admit[];
extern const struct kit_check kit_auth_options[];
extern const struct kit_check kit_auth_parallel[];
extern const struct kit_check kit_auth_token[];
extern const struct kit_check kit_auth_claims[];
extern const struct kit_check kit_auth_forged[];
extern const struct kit_check kit_auth_rotation[];
extern const struct kit_check kit_auth_discovery[];

/* --- asking --- */

#define KIT_PRINCIPAL_TEXT 320
#define KIT_LOG_BYTES      65536

/* What one call of verify came to. */
struct kit_answer {
    int code;
    int n_calls; /* of fn */
    struct ff_err err;
    bool well_formed; /* the principal; else `wrong` says why not */
    const char *wrong;
    char subject[KIT_PRINCIPAL_TEXT];
    char tenant[KIT_PRINCIPAL_TEXT];
    char roles[4 * KIT_PRINCIPAL_TEXT]; /* "operator viewer " */
    int64_t expires_us;
};

struct kit_auth {
    struct kit *k;
    const struct ff_auth_ops *ops;
    void *session;
};

/* A session of the check's own instance. Where the options want keys, the kit's
 * (kit_tokens) are written first. */
void kit_auth_open(struct kit *k, struct kit_auth *a);
void kit_auth_open_of(struct kit *k, struct kit_auth *a, struct driver_instance *i);
void kit_auth_close(struct kit_auth *a);

/* Any thread. The driver gets a copy of the credential that does not outlive the call.
 */
void kit_verify(const struct kit_auth *a, const char *credential,
                struct kit_answer *answer);
/* Each fails the check unless it is so; `what` names the credential. */
void kit_must_admit(const struct kit_auth *a, const char *credential, const char *what);
void kit_must_deny(const struct kit_auth *a, const char *credential, const char *what);

/* A credential that is let in: the first --accept, or a token; without either the check
 * is skipped. It lives as long as the check. */
const char *kit_good(struct kit *k);

/* --- tokens (kit_token.c): signed by keys that the driver is told as {jwks} --- */

enum kit_key { KIT_RSA, KIT_EC, KIT_ED, KIT_STRANGER, KIT_N_KEYS };

#define KIT_ISSUER   "https://issuer.kit.example/"
#define KIT_AUDIENCE "kit-audience"
#define KIT_SUBJECT  "kit-subject"
#define KIT_TENANT   "kit-tenant"

/* Sets {jwks}, {issuer}, {audience} and {secret} and writes the key set, once a check.
 * The set holds the RSA key, for RS256, and those that `more` names by bits. */
void kit_tokens(struct kit *k, unsigned more);
/* Skips the check where the driver was not told of the kit's keys. */
void kit_need_tokens(struct kit *k, unsigned more);
/* Writes the set anew with these keys alone: bits of enum kit_key. */
void kit_write_keys(struct kit *k, unsigned keys);
void kit_write_jwks(struct kit *k, const char *text);
char *kit_keys_text(unsigned keys); /* a set as text; the caller frees */

const char *kit_key_id(enum kit_key key);
json_t *kit_jwk(enum kit_key key);
const char *kit_secret(void);
/* The public key in PEM and in DER; the caller frees with buf_done. */
void kit_public_pem(enum kit_key key, struct buf *out);
void kit_public_der(enum kit_key key, struct buf *out);

/* Claims that are in order, an hour before their end. NULL for `value` removes. Takes
 * the reference. */
json_t *kit_claims(void);
json_t *kit_claims_with(const char *name, json_t *value);
int64_t kit_now_s(void);

/* A header for a key: alg, kid, typ. */
json_t *kit_header(const char *alg, enum kit_key key);

/* The three parts. header and claims are taken over. `alg` is what is really done:
 * RS256, RS512, ES256, EdDSA, HS256 (by `secret`), or none. The result lives as long as
 * the check. */
struct kit_signing {
    const char *alg;
    enum kit_key key;
    const void *secret;
    size_t secret_len;
};
const char *kit_sign(struct kit *k, json_t *header, json_t *claims,
                     const struct kit_signing *how);
/* The same over texts that need not be JSON. */
const char *kit_sign_text(struct kit *k, const char *header, const char *payload,
                          const struct kit_signing *how);
/* RS256 by the kit's RSA key, which every driver of tokens knows. */
const char *kit_token(struct kit *k, json_t *claims);

void kit_base64url(struct buf *out, const void *bytes, size_t len);

/* --- an issuer (kit_issuer.c) that says where its keys are --- */

struct kit_issuer;

struct kit_published {
    unsigned keys;      /* bits of enum kit_key */
    const char *issuer; /* whose document it says that it is; NULL: its own */
    bool busy;          /* answers 503 to everything */
};
struct kit_asked {
    size_t documents, keys; /* that it has answered with */
};

/* Skips the check where the driver cannot be told to ask an issuer. From now on
 * {issuer} is this one, {discovery} is true, and {jwks} holds KIT_STRANGER alone. */
struct kit_issuer *kit_need_issuer(struct kit *k, const struct kit_published *first);
void kit_issuer_publish(struct kit_issuer *i, const struct kit_published *now);
struct kit_asked kit_issuer_asked(struct kit_issuer *i);
/* A token of this issuer, in order, by KIT_RSA. */
const char *kit_issuer_token(const struct kit_issuer *i);
void kit_issuer_end(struct kit_issuer *i); /* nobody asks it any more */

#endif
