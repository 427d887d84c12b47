/* cipher.c - AES-256-GCM by OpenSSL. libcrypto is loaded when the first secret is
 * touched and not before: it would cost every other process two megabytes and a
 * millisecond. */
#include "secret/secret_priv.h"

#include <dlfcn.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

#define NONCE_BYTES 12
#define TAG_BYTES   16

static struct {
    const EVP_CIPHER *(*aes_256_gcm)(void);
    EVP_CIPHER_CTX *(*ctx_new)(void);
    void (*ctx_free)(EVP_CIPHER_CTX *ctx);
    int (*ctrl)(EVP_CIPHER_CTX *ctx, int type, int arg, void *ptr);
    int (*init)(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *type, ENGINE *impl,
                const unsigned char *key, const unsigned char *iv, int enc);
    int (*update)(EVP_CIPHER_CTX *ctx, unsigned char *out, int *out_len,
                  const unsigned char *in, int in_len);
    int (*final)(EVP_CIPHER_CTX *ctx, unsigned char *out, int *out_len);
} evp;

static const struct {
    const char *name;
    void *place;
} symbols[] = {
    {"EVP_aes_256_gcm", &evp.aes_256_gcm},  {"EVP_CIPHER_CTX_new", &evp.ctx_new},
    {"EVP_CIPHER_CTX_free", &evp.ctx_free}, {"EVP_CIPHER_CTX_ctrl", &evp.ctrl},
    {"EVP_CipherInit_ex", &evp.init},       {"EVP_CipherUpdate", &evp.update},
    {"EVP_CipherFinal_ex", &evp.final},
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char why_not[200];

static void load(void)
{
    void *library = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL);

    if (!library)
        snprintf(why_not, sizeof(why_not), "%s", dlerror());
    for (size_t i = 0; library && i < COUNT_OF(symbols); i++) {
        void *symbol = dlsym(library, symbols[i].name);

        if (!symbol)
            snprintf(why_not, sizeof(why_not), "libcrypto.so.3 has no %s",
                     symbols[i].name);
        /* ISO C has no conversion from void * to a function. */
        memcpy(symbols[i].place, &symbol, sizeof(symbol));
    }
}

static int need_library(struct ff_err *err)
{
    pthread_once(&once, load);
    if (why_not[0])
        return ff_fail(err, FF_UNAVAILABLE, 0, "secrets need OpenSSL 3: %.180s",
                       why_not);
    return FF_OK;
}

/* What goes through the cipher, either way: GCM's length stays the same. */
struct passage {
    const struct key *key;
    const char *context;
    const unsigned char *nonce, *in;
    size_t len;
    unsigned char *out;
    unsigned char *tag; /* TAG_BYTES: written when it seals, else compared */
};

static bool crypt_once(EVP_CIPHER_CTX *ctx, const struct passage *p, bool seal)
{
    const int len = (int)p->len;
    int n;

    return evp.init(ctx, evp.aes_256_gcm(), NULL, p->key->bytes, p->nonce, seal) == 1 &&
           (seal || evp.ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, p->tag) == 1) &&
           evp.update(ctx, NULL, &n, (const unsigned char *)p->context,
                      (int)strlen(p->context)) == 1 &&
           evp.update(ctx, p->out, &n, p->in, len) == 1 && n == len &&
           evp.final(ctx, p->out + n, &n) == 1 &&
           (!seal || evp.ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, p->tag) == 1);
}

static bool crypt(const struct passage *p, bool seal)
{
    EVP_CIPHER_CTX *ctx = evp.ctx_new();

    if (!ctx)
        mem_exhausted();

    const bool good = crypt_once(ctx, p, seal);

    evp.ctx_free(ctx);
    return good;
}

int cipher_seal(const struct key *key, const char *context, const void *value,
                size_t len, struct buf *out, struct ff_err *err)
{
    const size_t size = NONCE_BYTES + len + TAG_BYTES;

    if (need_library(err) != FF_OK)
        return err->code;

    /* Random nonces: safe for 2^32 values of one key, and secrets are set by hand. */
    unsigned char *sealed = mem_alloc(size);

    rand_system(sealed, NONCE_BYTES);

    const struct passage p = {.key = key,
                              .context = context,
                              .nonce = sealed,
                              .in = value,
                              .len = len,
                              .out = sealed + NONCE_BYTES,
                              .tag = sealed + NONCE_BYTES + len};
    const bool good = crypt(&p, true);

    if (good)
        base64_add(out, sealed, size);
    mem_free(sealed);
    return good ? FF_OK : ff_fail(err, FF_UNAVAILABLE, 0, "OpenSSL cannot encrypt");
}

int cipher_open(const struct key *key, const char *context, struct span sealed,
                struct secret_value *out, struct ff_err *err)
{
    struct buf b = {0};

    if (need_library(err) != FF_OK)
        return err->code;
    if (!base64_read(sealed.s, sealed.len, &b) || b.len < NONCE_BYTES + TAG_BYTES) {
        buf_done(&b);
        return ff_fail(err, FF_DENIED, 0, "it is not what was stored");
    }

    const size_t len = b.len - NONCE_BYTES - TAG_BYTES;
    unsigned char *bytes = (unsigned char *)b.data;
    unsigned char *text = mem_alloc(len + 1);
    const struct passage p = {.key = key,
                              .context = context,
                              .nonce = bytes,
                              .in = bytes + NONCE_BYTES,
                              .len = len,
                              .out = text,
                              .tag = bytes + NONCE_BYTES + len};
    const bool good = crypt(&p, false);

    buf_done(&b);
    *out = (struct secret_value){.text = (char *)text, .len = len};
    if (good)
        return FF_OK;
    secret_value_wipe(out);
    return ff_fail(err, FF_DENIED, 0, "it is not what was stored");
}

void secret_value_wipe(struct secret_value *v)
{
    if (v->text)
        explicit_bzero(v->text, v->len);
    mem_free(v->text);
    *v = (struct secret_value){0};
}
