/* queue-redis/tls.c - TLS between the parser of replies and the socket, through buffers
 * in memory: OpenSSL never touches the socket, whose errors stay in one place. */
#include "link.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

static int fail_tls(struct ff_err *err, int code, const char *doing)
{
    const unsigned long number = ERR_peek_last_error();
    const char *why = number ? ERR_reason_error_string(number) : NULL;

    ERR_clear_error();
    return ff_fail(err, code, 0, "TLS: %.100s: %.100s", doing,
                   why ? why : "it failed without a reason");
}

/* A key with a password is refused: OpenSSL would ask the terminal, and wait. */
static int no_password(char *password, int size, int writing, void *arg)
{
    (void)password;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

static int load(SSL_CTX *tls, const char *ca, const char *cert, const char *key,
                struct ff_err *err)
{
    if (ca && *ca ? SSL_CTX_load_verify_locations(tls, ca, NULL) != 1
                  : SSL_CTX_set_default_verify_paths(tls) != 1)
        return fail_tls(err, FF_INVALID, ca && *ca ? ca : "trusted certificates");
    if (cert && *cert && SSL_CTX_use_certificate_chain_file(tls, cert) != 1)
        return fail_tls(err, FF_INVALID, cert);
    if (key && *key && SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1)
        return fail_tls(err, FF_INVALID, key);
    if (cert && *cert && SSL_CTX_check_private_key(tls) != 1)
        return fail_tls(err, FF_INVALID, "tls_key does not fit to tls_cert");
    return FF_OK;
}

int rq_tls_new(struct ssl_ctx_st **tls, const char *ca, const char *cert,
               const char *key, struct ff_err *err)
{
    SSL_CTX *made;
    int code;

    ERR_clear_error();
    made = SSL_CTX_new(TLS_client_method());
    if (!made)
        return fail_tls(err, FF_NO_MEMORY, "setting it up");
    SSL_CTX_set_min_proto_version(made, TLS1_2_VERSION);
    SSL_CTX_set_default_passwd_cb(made, no_password);
    SSL_CTX_set_verify(made, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(made, SSL_MODE_RELEASE_BUFFERS);
    code = load(made, ca, cert, key, err);
    if (code != FF_OK) {
        SSL_CTX_free(made);
        return code;
    }
    *tls = made;
    return FF_OK;
}

void rq_tls_free(struct ssl_ctx_st *tls)
{
    SSL_CTX_free(tls);
}

/* The certificate must be for this name, or for this address. */
static bool expect_name(SSL *ssl, const char *name)
{
    struct in6_addr address;

    if (inet_pton(AF_INET, name, &address) == 1 ||
        inet_pton(AF_INET6, name, &address) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    return SSL_set_tlsext_host_name(ssl, name) == 1 && SSL_set1_host(ssl, name) == 1;
}

int rq_tls_begin(struct rq_link *l, struct ssl_ctx_st *tls, struct ff_err *err)
{
    BIO *in = BIO_new(BIO_s_mem());
    BIO *out = BIO_new(BIO_s_mem());

    ERR_clear_error();
    l->ssl = SSL_new(tls);
    if (!in || !out || !l->ssl) {
        BIO_free(in);
        BIO_free(out);
        return fail_tls(err, FF_NO_MEMORY, "no memory for a connection");
    }
    BIO_set_mem_eof_return(in, -1);
    SSL_set_bio(l->ssl, in, out);
    SSL_set_connect_state(l->ssl);
    if (!expect_name(l->ssl, l->name))
        return fail_tls(err, FF_INVALID, "the name of the server");
    return FF_OK;
}

/* What TLS has to say goes out as it is. */
static bool move_out(struct rq_link *l)
{
    char *data;
    BIO *out = SSL_get_wbio(l->ssl);
    const long n = BIO_get_mem_data(out, &data);

    if (n > 0)
        rq_add(&l->out, data, (size_t)n);
    (void)BIO_reset(out);
    return !l->out.failed;
}

/* A certificate that is refused will be refused the next time too. */
static int fail_shake(const struct rq_link *l, struct ff_err *err)
{
    const long verdict = SSL_get_verify_result(l->ssl);

    if (verdict == X509_V_OK)
        return fail_tls(err, FF_UNAVAILABLE, "the handshake failed");
    ERR_clear_error();
    return ff_fail(err, FF_DENIED, 0,
                   "TLS: the certificate is refused: %.60s; see tls_ca_cert and "
                   "tls_server_name",
                   X509_verify_cert_error_string(verdict));
}

int rq_tls_shake(struct rq_link *l, bool *done, struct ff_err *err)
{
    int n;

    ERR_clear_error();
    n = SSL_do_handshake(l->ssl);
    *done = n == 1;
    if (!move_out(l))
        return ff_fail(err, FF_NO_MEMORY, 0, "no memory for TLS");
    if (n == 1 || SSL_get_error(l->ssl, n) == SSL_ERROR_WANT_READ)
        return FF_OK;
    return fail_shake(l, err);
}

int rq_tls_in(struct rq_link *l, const char *data, size_t len, struct ff_err *err)
{
    if (BIO_write(SSL_get_rbio(l->ssl), data, (int)len) != (int)len)
        return ff_fail(err, FF_NO_MEMORY, 0, "no memory for TLS");
    return FF_OK;
}

int rq_tls_read(struct rq_link *l, char *data, size_t size, size_t *len,
                struct ff_err *err)
{
    int reason;

    *len = 0;
    ERR_clear_error();
    if (SSL_read_ex(l->ssl, data, size, len) == 1)
        return FF_OK;
    reason = SSL_get_error(l->ssl, 0);
    if (!move_out(l))
        return ff_fail(err, FF_NO_MEMORY, 0, "no memory for TLS");
    if (reason == SSL_ERROR_WANT_READ)
        return FF_OK;
    if (reason == SSL_ERROR_ZERO_RETURN)
        return ff_fail(err, FF_UNAVAILABLE, 0, "the server ended the connection");
    return fail_tls(err, FF_UNAVAILABLE, "reading");
}

bool rq_tls_out(struct rq_link *l, const void *data, size_t len)
{
    size_t written = 0;

    ERR_clear_error();
    if (len > 0 && SSL_write_ex(l->ssl, data, len, &written) != 1)
        return false;
    return move_out(l) && written == len;
}

void rq_tls_end(struct rq_link *l)
{
    if (l->ssl)
        SSL_free(l->ssl);
    l->ssl = NULL;
}
