/* token.c - the tokens by which running attempts speak: the attempt's key and an end,
 * signed (HMAC-SHA256) with a key that only the owner of the data directory has. They
 * survive a change of owner without being stored. */
#include "exec/exec_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

int token_load_key(struct exec *x, struct ff_err *err)
{
    MEM_AUTO char *path = file_join(x->setup.data_dir, "task.key");
    struct buf b = {0};
    int sys = file_read(path, TOKEN_KEY_SIZE, &b);

    if (sys == 0 && b.len == TOKEN_KEY_SIZE) {
        memcpy(x->token_key, b.data, TOKEN_KEY_SIZE);
        buf_done(&b);
        return FF_OK;
    }
    buf_done(&b);
    if (sys != -ENOENT && sys != 0)
        return ff_fail(err, FF_UNAVAILABLE, -sys, "%s: %s", path, strerror(-sys));
    rand_system(x->token_key, TOKEN_KEY_SIZE);
    sys = file_write_durable(path, x->token_key, TOKEN_KEY_SIZE, 0600);
    if (sys != 0)
        return ff_fail(err, FF_UNAVAILABLE, -sys, "%s: %s", path, strerror(-sys));
    return FF_OK;
}

static void sign(const struct exec *x, const char *text, char out[SHA256_TEXT])
{
    sha256_hmac(x->token_key, TOKEN_KEY_SIZE, text, strlen(text), out);
}

void token_make(const struct exec *x, const struct attempt *a, int64_t expires_us,
                char out[TOKEN_MAX])
{
    char signature[SHA256_TEXT];
    const int n = snprintf(
        out, TOKEN_MAX, "ff1.%" PRId64 ".%" PRId64 ".%" PRId64 ".%" PRId64 ".%" PRId64,
        a->key.tenant.no, a->key.run, a->key.node, a->key.attempt, expires_us);

    sign(x, out, signature);
    snprintf(out + n, TOKEN_MAX - (size_t)n, ".%s", signature);
}

/* Takes as long for a wrong one as for a right one. */
static bool equal(const char *a, const char *b, size_t n)
{
    unsigned char difference = 0;

    for (size_t i = 0; i < n; i++)
        difference |= (unsigned char)(a[i] ^ b[i]);
    return difference == 0;
}

int token_check(const struct exec *x, const char *token, struct attempt_key *key,
                struct ff_err *err)
{
    char text[TOKEN_MAX], signature[SHA256_TEXT];
    int64_t expires;
    const size_t len = strlen(token);

    if (len >= sizeof(text) || len < SHA256_TEXT)
        return ff_fail(err, FF_DENIED, 0, "this is no task token");
    const size_t body = len - SHA256_TEXT; /* the dot before the signature */
    memcpy(text, token, body);
    text[body] = 0;
    sign(x, text, signature);
    if (token[body] != '.' || !equal(token + body + 1, signature, SHA256_TEXT - 1))
        return ff_fail(err, FF_DENIED, 0, "this is no task token");
    if (sscanf(text, "ff1.%" SCNd64 ".%" SCNd64 ".%" SCNd64 ".%" SCNd64 ".%" SCNd64,
               &key->tenant.no, &key->run, &key->node, &key->attempt, &expires) != 5)
        return ff_fail(err, FF_DENIED, 0, "this is no task token");
    if (expires < loop_wall_us(x->setup.loop))
        return ff_fail(err, FF_DENIED, 0, "the task token has expired");
    return FF_OK;
}
