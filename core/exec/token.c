/* token.c - the tokens by which running attempts speak, and the tickets that are
 * exchanged for them: the attempt's key and an end, signed (HMAC-SHA256) with a key of
 * all hosts that may lead. They survive a change of owner without being stored. One is
 * no other: the word that they begin with is signed, too. */
#include "exec/exec_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

static int read_key(struct exec *x, const char *path, struct ff_err *err)
{
    struct buf b = {0};
    const int sys = file_read(path, TOKEN_KEY_SIZE, &b);
    const bool whole = sys == 0 && b.len == TOKEN_KEY_SIZE;

    if (whole)
        memcpy(x->token_key, b.data, TOKEN_KEY_SIZE);
    buf_done(&b);
    if (whole)
        return FF_OK;
    if (sys == 0 || sys == -EFBIG)
        return ff_fail(err, FF_UNAVAILABLE, 0,
                       "%s has not %d bytes: delete it, and tasks that run now cannot "
                       "speak any more",
                       path, TOKEN_KEY_SIZE);
    return ff_fail(err, sys == -ENOENT ? FF_NOT_FOUND : FF_UNAVAILABLE, -sys, "%s: %s",
                   path, strerror(-sys));
}

/* It is there whole, or not at all; that of who was first stays. */
static int offer_key(const struct exec *x, const char *path, struct ff_err *err)
{
    MEM_AUTO char *own = NULL;
    struct buf name = {0};
    uint64_t random;

    rand_system(&random, sizeof(random));
    buf_printf(&name, "%s.%" PRIx64, path, random);
    own = buf_take(&name);
    int sys = file_write_durable(own, x->token_key, TOKEN_KEY_SIZE, 0600);
    if (sys == 0 && link(own, path) != 0 && errno != EEXIST)
        sys = -errno;
    unlink(own);
    if (sys == 0)
        sys = file_sync_dir(x->setup.files_dir);
    if (sys != 0)
        return ff_fail(err, FF_UNAVAILABLE, -sys, "%s: %s", path, strerror(-sys));
    return FF_OK;
}

/* Version 0.1 had it in the data directory, and tasks that run may have tokens of it.
 */
static void choose_key(struct exec *x)
{
    MEM_AUTO char *old = file_join(x->setup.data_dir, "task.key");
    struct ff_err ignored;

    if (read_key(x, old, &ignored) != FF_OK)
        rand_system(x->token_key, TOKEN_KEY_SIZE);
}

int token_load_key(struct exec *x, struct ff_err *err)
{
    MEM_AUTO char *path = file_join(x->setup.files_dir, "task.key");
    const int code = read_key(x, path, err);

    if (code != FF_NOT_FOUND)
        return code;
    choose_key(x);
    return offer_key(x, path, err) == FF_OK ? read_key(x, path, err) : err->code;
}

static void sign(const struct exec *x, const char *text, char out[SHA256_TEXT])
{
    sha256_hmac(x->token_key, TOKEN_KEY_SIZE, text, strlen(text), out);
}

static void make(const struct exec *x, const char *word, const struct attempt *a,
                 int64_t expires_us, char out[TOKEN_MAX])
{
    char signature[SHA256_TEXT];
    const int n = snprintf(
        out, TOKEN_MAX, "%s.%" PRId64 ".%" PRId64 ".%" PRId64 ".%" PRId64 ".%" PRId64,
        word, a->key.tenant.no, a->key.run, a->key.node, a->key.attempt, expires_us);

    sign(x, out, signature);
    snprintf(out + n, TOKEN_MAX - (size_t)n, ".%s", signature);
}

void token_make(const struct exec *x, const struct attempt *a, int64_t expires_us,
                char out[TOKEN_MAX])
{
    make(x, TOKEN_WORD, a, expires_us, out);
}

void ticket_make(const struct exec *x, const struct attempt *a, int64_t expires_us,
                 char out[TOKEN_MAX])
{
    make(x, TICKET_WORD, a, expires_us, out);
}

/* Takes as long for a wrong one as for a right one. */
static bool equal(const char *a, const char *b, size_t n)
{
    unsigned char difference = 0;

    for (size_t i = 0; i < n; i++)
        difference |= (unsigned char)(a[i] ^ b[i]);
    return difference == 0;
}

static bool is_of_word(const char *text, const char *word)
{
    return text_starts(text, word) && text[strlen(word)] == '.';
}

static bool is_signed(const struct exec *x, const char *token, char text[TOKEN_MAX])
{
    char signature[SHA256_TEXT];
    const size_t len = strlen(token);

    if (len >= TOKEN_MAX || len < SHA256_TEXT)
        return false;
    const size_t body = len - SHA256_TEXT; /* the dot before the signature */
    memcpy(text, token, body);
    text[body] = 0;
    sign(x, text, signature);
    return token[body] == '.' && equal(token + body + 1, signature, SHA256_TEXT - 1);
}

static bool read_signed(const struct exec *x, const char *word, const char *token,
                        struct attempt_key *key, int64_t *expires_us)
{
    char text[TOKEN_MAX];

    return is_signed(x, token, text) && is_of_word(text, word) &&
           sscanf(text + strlen(word),
                  ".%" SCNd64 ".%" SCNd64 ".%" SCNd64 ".%" SCNd64 ".%" SCNd64,
                  &key->tenant.no, &key->run, &key->node, &key->attempt,
                  expires_us) == 5;
}

int token_check(const struct exec *x, const char *token, struct attempt_key *key,
                struct ff_err *err)
{
    int64_t expires_us;

    if (is_of_word(token, TICKET_WORD))
        return ff_fail(err, FF_DENIED, 0,
                       "this is a start ticket: it is exchanged for a token first");
    if (!read_signed(x, TOKEN_WORD, token, key, &expires_us))
        return ff_fail(err, FF_DENIED, 0, "this is no task token");
    if (expires_us < loop_wall_us(x->setup.loop))
        return ff_fail(err, FF_DENIED, 0, "the task token has expired");
    return FF_OK;
}

bool exec_token_tenant(const char *token, struct tenant *t)
{
    return (is_of_word(token, TOKEN_WORD) || is_of_word(token, TICKET_WORD)) &&
           sscanf(strchr(token, '.'), ".%" SCNd64 ".", &t->no) == 1;
}

int ticket_check(const struct exec *x, const char *ticket, struct attempt_key *key,
                 int64_t *expires_us, struct ff_err *err)
{
    if (!read_signed(x, TICKET_WORD, ticket, key, expires_us))
        return ff_fail(err, FF_DENIED, 0, "this is no start ticket");
    return FF_OK;
}
