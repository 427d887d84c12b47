/* http/tls.c - see the header. The libraries come by dlopen: linked, they would cost
 * every command of the command line three milliseconds and two megabytes. */
#include "http/tls.h"

#include <dlfcn.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/stat.h>

#define LIBRARY "libevent_openssl-2.1.so.7" /* brings libssl and libcrypto with it */

struct http_tls {
    SSL_CTX *ctx;
};

static struct {
    __typeof__(TLS_server_method) *method;
    __typeof__(SSL_CTX_new) *ctx_new;
    __typeof__(SSL_CTX_free) *ctx_free;
    __typeof__(SSL_CTX_ctrl) *ctx_ctrl;
    __typeof__(SSL_CTX_set_options) *set_options;
    __typeof__(SSL_CTX_set_cipher_list) *set_ciphers;
    __typeof__(SSL_CTX_set_session_id_context) *set_session_context;
    __typeof__(SSL_CTX_set_default_passwd_cb) *set_password;
    __typeof__(SSL_CTX_use_certificate_chain_file) *use_certificate;
    __typeof__(SSL_CTX_use_PrivateKey_file) *use_key;
    __typeof__(SSL_CTX_set_alpn_select_cb) *set_alpn;
    __typeof__(SSL_select_next_proto) *select_protocol;
    __typeof__(SSL_get0_alpn_selected) *protocol;
    __typeof__(SSL_new) *ssl_new;
    __typeof__(SSL_shutdown) *shutdown;
    __typeof__(SSL_in_init) *in_init;
    __typeof__(ERR_peek_error) *first_error;
    __typeof__(ERR_reason_error_string) *reason;
    __typeof__(ERR_clear_error) *clear_errors;
    __typeof__(bufferevent_openssl_socket_new) *bev_new;
    __typeof__(bufferevent_openssl_get_ssl) *bev_ssl;
} lib;

static const struct {
    const char *name;
    void *place;
} symbols[] = {
    {"TLS_server_method", &lib.method},
    {"SSL_CTX_new", &lib.ctx_new},
    {"SSL_CTX_free", &lib.ctx_free},
    {"SSL_CTX_ctrl", &lib.ctx_ctrl},
    {"SSL_CTX_set_options", &lib.set_options},
    {"SSL_CTX_set_cipher_list", &lib.set_ciphers},
    {"SSL_CTX_set_session_id_context", &lib.set_session_context},
    {"SSL_CTX_set_default_passwd_cb", &lib.set_password},
    {"SSL_CTX_use_certificate_chain_file", &lib.use_certificate},
    {"SSL_CTX_use_PrivateKey_file", &lib.use_key},
    {"SSL_CTX_set_alpn_select_cb", &lib.set_alpn},
    {"SSL_select_next_proto", &lib.select_protocol},
    {"SSL_get0_alpn_selected", &lib.protocol},
    {"SSL_new", &lib.ssl_new},
    {"SSL_shutdown", &lib.shutdown},
    {"SSL_in_init", &lib.in_init},
    {"ERR_peek_error", &lib.first_error},
    {"ERR_reason_error_string", &lib.reason},
    {"ERR_clear_error", &lib.clear_errors},
    {"bufferevent_openssl_socket_new", &lib.bev_new},
    {"bufferevent_openssl_get_ssl", &lib.bev_ssl},
};

/* The loop thread's alone, as all of the server. */
static int need_library(struct ff_err *err)
{
    static bool loaded;

    if (loaded)
        return FF_OK;
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return ff_fail(err, FF_UNAVAILABLE, 0,
                       "TLS needs OpenSSL 3 and libevent's half of it: %.200s",
                       dlerror());
    for (size_t i = 0; i < COUNT_OF(symbols); i++) {
        void *symbol = dlsym(library, symbols[i].name);
        if (!symbol)
            return ff_fail(err, FF_UNAVAILABLE, 0, "TLS: %s has no %s", LIBRARY,
                           symbols[i].name);
        /* ISO C has no conversion from void * to a function. */
        memcpy(symbols[i].place, &symbol, sizeof(symbol));
    }
    loaded = true;
    return FF_OK;
}

/* --- the context --- */

/* Who offers by ALPN only what is not spoken here is refused (RFC 7301, 3.2). */
static int choose(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                  const unsigned char *offered, unsigned int offered_len, void *arg)
{
    static const unsigned char ours[] = "\x2h2\x8http/1.1\x8http/1.0";
    unsigned char *chosen;

    (void)ssl;
    (void)arg;
    if (lib.select_protocol(&chosen, out_len, ours, sizeof(ours) - 1, offered,
                            offered_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* Else OpenSSL asks for the password of a key at the terminal. */
static int no_password(char *out, int size, int writing, void *arg)
{
    (void)out;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

/* TLS 1.3 has only suites that are good. Of 1.2 those with forward secrecy and
 * authenticated encryption, which are also those that HTTP/2 allows. */
static bool configure(SSL_CTX *ctx)
{
    static const unsigned char name[] = "flowforge";

    lib.set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                             SSL_OP_IGNORE_UNEXPECTED_EOF |
                             SSL_OP_CIPHER_SERVER_PREFERENCE |
                             SSL_OP_PRIORITIZE_CHACHA);
    lib.set_alpn(ctx, choose, NULL);
    lib.set_password(ctx, no_password);
    return lib.ctx_ctrl(ctx, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, NULL) ==
               1 &&
           lib.ctx_ctrl(ctx, SSL_CTRL_MODE, SSL_MODE_RELEASE_BUFFERS, NULL) != 0 &&
           lib.set_session_context(ctx, name, sizeof(name) - 1) == 1 &&
           lib.set_ciphers(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1;
}

static int refuse(const char *path, const char *what, struct ff_err *err)
{
    const char *reason = lib.reason(lib.first_error());

    lib.clear_errors();
    return ff_fail(err, FF_INVALID, 0, "%s: %s (%s)", path, what,
                   reason ? reason : "OpenSSL gives no reason");
}

static int use_files(SSL_CTX *ctx, const char *certificate, const char *key,
                     struct ff_err *err)
{
    struct stat st;

    if (lib.use_certificate(ctx, certificate) != 1)
        return refuse(certificate,
                      "is not a file with a certificate and its chain in PEM", err);
    if (lib.use_key(ctx, key, SSL_FILETYPE_PEM) != 1)
        return refuse(
            key, "is not a file with the private key of the certificate in PEM", err);
    if (stat(key, &st) == 0 && (st.st_mode & S_IROTH))
        log_warn("%s: every user of this machine can read this key", key);
    return FF_OK;
}

int http_tls_load(const char *certificate, const char *key, struct http_tls **out,
                  struct ff_err *err)
{
    if (need_library(err) != FF_OK)
        return err->code;
    lib.clear_errors();
    SSL_CTX *ctx = lib.ctx_new(lib.method());
    if (!ctx)
        return refuse(certificate, "no TLS can be set up", err);
    int code = FF_OK;
    if (!configure(ctx))
        code = refuse(certificate, "no TLS can be set up", err);
    if (code == FF_OK)
        code = use_files(ctx, certificate, key, err);
    if (code != FF_OK) {
        lib.ctx_free(ctx);
        return code;
    }
    *out = mem_alloc(sizeof(**out));
    (*out)->ctx = ctx;
    return FF_OK;
}

void http_tls_free(struct http_tls *t)
{
    if (!t)
        return;
    lib.ctx_free(t->ctx);
    mem_free(t);
}

/* --- connections --- */

struct bufferevent *http_tls_accept(const struct http_tls *t, struct event_base *base,
                                    int fd)
{
    SSL *ssl = lib.ssl_new(t->ctx);

    if (!ssl)
        return NULL;
    /* Where this fails it has freed ssl, as it is told to close on free. */
    return lib.bev_new(base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
}

bool http_tls_chose_h2(struct bufferevent *bev)
{
    const unsigned char *name;
    unsigned int len;

    lib.protocol(lib.bev_ssl(bev), &name, &len);
    return len == 2 && memcmp(name, "h2", 2) == 0;
}

void http_tls_farewell(struct bufferevent *bev)
{
    SSL *ssl = lib.bev_ssl(bev);

    if (!lib.in_init(ssl))
        lib.shutdown(ssl);
    lib.clear_errors();
}
