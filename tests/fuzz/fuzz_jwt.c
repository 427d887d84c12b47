/* fuzz_jwt.c - what auth-jwt reads. The first byte chooses: a token as it is; a header
 * and a payload, which are signed; a set of keys as JSON; public keys in PEM. Only what
 * was signed is let in, whole; and who is let in has names that are some. */
#include "auth_jwt.h"
#include "fuzz.h"

#include "../../plugins/shared/name.h"

#include <fcntl.h>
#include <openssl/hmac.h>
#include <unistd.h>

/* 2026-01-02T03:04:05Z */
#define NOW_US INT64_C(1767323045000000)

static char secret[] = "wX2nQ8rT5vZ0yB3dF6hJ9kL1mP4sU7aE";

static struct config rules = {
    .jwt_secret = secret,
    .issuer = "flowforge",
    .audience = "flowforge",
    .leeway_us = 60000000,
    .subject_claim = "sub",
    .tenant_claim = "tenant",
};

static void FF_PRINTF(5, 6) ignore(struct ff_core *core, int level, const char *file,
                                   int line, const char *fmt, ...)
{
    (void)core;
    (void)level;
    (void)file;
    (void)line;
    (void)fmt;
}

static const struct ff_host host = {.struct_size = sizeof(host), .log = ignore};

static struct keys *own_keys(void)
{
    static struct keys *keys;
    struct ff_err err = {0};

    if (!keys)
        FUZZ_CHECK(keys_load(&rules, &host, NULL, &keys, &err) == FF_OK &&
                   keys->n == 1);
    return keys;
}

/* --- tokens --- */

static void check_principal(void *arg, const struct ff_principal *who)
{
    size_t n = 0;

    ++*(int *)arg;
    FUZZ_CHECK(name_is_good(who->subject, strlen(who->subject)));
    FUZZ_CHECK(name_is_good(who->tenant, strlen(who->tenant)));
    FUZZ_CHECK(who->expires_us > NOW_US);
    for (; who->roles[n]; n++)
        FUZZ_CHECK(name_is_good(who->roles[n], strlen(who->roles[n])));
    FUZZ_CHECK(n <= MAX_ROLES);
}

static void check_claims(const struct token *t)
{
    static const char *const ways[] = {"roles", "/realm_access/roles", "/a~1b/c~0"};

    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        struct ff_err err = {0};
        int n_admitted = 0;

        rules.roles_claim = ways[i];
        rules.tenant = i == 0 ? "usual" : NULL;
        const int code =
            claims_admit(&rules, t, NOW_US, check_principal, &n_admitted, &err);

        FUZZ_CHECK(n_admitted == (code == FF_OK));
        FUZZ_CHECK(code == FF_OK || (code == FF_DENIED && err.msg[0]));
    }
}

/* Whether one of our keys says so. */
static bool is_ours(const char *text, struct token *t)
{
    struct ff_err err = {0};

    if (token_parse(text, t, &err) != FF_OK) {
        FUZZ_CHECK(err.code == FF_DENIED && err.msg[0]);
        return false;
    }
    const int code = keys_verify(own_keys(), t, &err);

    FUZZ_CHECK(code == FF_OK || code == FF_DENIED || code == FF_NOT_FOUND);
    return code == FF_OK;
}

/* The claims are judged all the same: whoever has a key may write any. */
static void check_foreign(const uint8_t *data, size_t size)
{
    MEM_AUTO char *text = fuzz_text(data, size);
    struct token t;

    FUZZ_CHECK(!is_ours(text, &t));
    if (t.payload)
        check_claims(&t);
    token_done(&t);
}

static void add_base64url(struct buf *out, const void *bytes, size_t len)
{
    struct buf b = {0};

    base64_add(&b, bytes, len);
    for (size_t i = 0; i < b.len && b.data[i] != '='; i++)
        buf_add_char(out, b.data[i] == '+' ? '-' : b.data[i] == '/' ? '_' : b.data[i]);
    buf_done(&b);
}

static void sign(struct buf *token)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    FUZZ_CHECK(HMAC(EVP_sha256(), secret, (int)strlen(secret),
                    (const unsigned char *)token->data, token->len, sum, &len));
    buf_add_char(token, '.');
    add_base64url(token, sum, len);
}

/* POSITION, two bytes; HEADER NUL PAYLOAD. */
static void check_signed(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, data + size};
    const size_t position = (size_t)fuzz_byte(&in) << 8 | fuzz_byte(&in);
    size_t n_header, n_payload;
    MEM_AUTO char *header = fuzz_piece(&in, 0, &n_header);
    MEM_AUTO char *payload = fuzz_piece(&in, 0, &n_payload);
    struct buf token = {0};
    struct token t;

    add_base64url(&token, header, n_header);
    buf_add_char(&token, '.');
    add_base64url(&token, payload, n_payload);
    sign(&token);
    if (is_ours(buf_text(&token), &t))
        check_claims(&t);
    token_done(&t);
    token.data[position % token.len] ^= 1;
    FUZZ_CHECK(!is_ours(buf_text(&token), &t));
    token_done(&t);
    buf_done(&token);
}

/* --- files of keys --- */

static void check_file(const uint8_t *data, size_t size, bool is_pem)
{
    MEM_AUTO char *path = file_join(fuzz_dir(), "keys");
    struct config c = {.jwks_file = is_pem ? NULL : path,
                       .public_key_file = is_pem ? path : NULL};
    struct ff_err err = {0};
    struct keys *keys = NULL;
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    FUZZ_CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    close(fd);
    if (keys_load(&c, &host, NULL, &keys, &err) != FF_OK) {
        FUZZ_CHECK(err.code == FF_INVALID && err.msg[0]);
        return;
    }
    FUZZ_CHECK(keys->n <= MAX_KEYS);
    for (size_t i = 0; i < keys->n; i++)
        FUZZ_CHECK(keys->items[i].algorithm && keys->items[i].pkey &&
                   !keys->items[i].text);
    keys_free(keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    switch (data[0] % 4) {
    case 0:
        check_foreign(data + 1, size - 1);
        break;
    case 1:
        check_signed(data + 1, size - 1);
        break;
    default:
        check_file(data + 1, size - 1, data[0] % 4 == 3);
    }
    return 0;
}
