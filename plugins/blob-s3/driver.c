/* blob-s3/driver.c - blobs as objects of a bucket, in any service that speaks S3.
 *
 * Here: options, opening and closing a session, the driver's description. */
#include "s3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000)
#define MIB    (INT64_C(1) << 20)

static const char *const styles[] = {"auto", "path", "virtual", NULL};

#define AT(member) offsetof(struct s3_config, member)

static const struct ff_opt options[] = {
    {.name = "bucket",
     .help = "the bucket; it must be there",
     .type = FF_OPT_TEXT,
     .flags = FF_OPT_REQUIRED,
     .offset = AT(bucket)},
    {.name = "region",
     .help = "its region, which is part of each signature",
     .fallback = "us-east-1",
     .type = FF_OPT_TEXT,
     .offset = AT(region)},
    {.name = "endpoint",
     .help =
         "https://HOST[:PORT] of the service; that of AWS in the region when absent",
     .type = FF_OPT_TEXT,
     .offset = AT(endpoint)},
    {.name = "prefix",
     .help = "what the names of all objects begin with: blobs/",
     .fallback = "",
     .type = FF_OPT_TEXT,
     .offset = AT(prefix)},
    {.name = "style",
     .help = "where the bucket stands in a URL; auto: virtual for AWS, else path",
     .fallback = "auto",
     .type = FF_OPT_CHOICE,
     .offset = AT(style),
     .choices = styles},
    {.name = "access_key",
     .help = "the id of the key that signs",
     .type = FF_OPT_TEXT,
     .offset = AT(access_key)},
    {.name = "secret_key",
     .help = "the key that signs",
     .type = FF_OPT_TEXT,
     .flags = FF_OPT_SECRET,
     .offset = AT(secret_key)},
    {.name = "session_token",
     .help = "of a key that is only lent",
     .type = FF_OPT_TEXT,
     .flags = FF_OPT_SECRET,
     .offset = AT(session_token)},
    {.name = "credentials_file",
     .help = "instead of them: a file with [PROFILE] and aws_... lines, mode 0600",
     .type = FF_OPT_TEXT,
     .offset = AT(credentials_file)},
    {.name = "profile",
     .help = "which part of credentials_file",
     .fallback = "default",
     .type = FF_OPT_TEXT,
     .offset = AT(profile)},
    {.name = "ca_file",
     .help = "certificates that are trusted, instead of the system's",
     .type = FF_OPT_TEXT,
     .offset = AT(ca_file)},
    {.name = "allow_http",
     .help = "an endpoint without TLS that is not this machine",
     .fallback = "false",
     .type = FF_OPT_BOOL,
     .offset = AT(allow_http)},
    {.name = "part_size",
     .help = "larger contents go in parts of this size; AWS takes none below 5MiB",
     .fallback = "16MiB",
     .type = FF_OPT_SIZE,
     .offset = AT(part_bytes),
     .min = INT64_C(64) * 1024,
     .max = 1024 * MIB},
    {.name = "tries",
     .help = "how often a request is sent before it has failed",
     .fallback = "6",
     .type = FF_OPT_INT,
     .offset = AT(tries),
     .min = 1,
     .max = 100},
    {.name = "connect_timeout",
     .help = "how long a connection may take to be made",
     .fallback = "10s",
     .type = FF_OPT_SECONDS,
     .offset = AT(connect_timeout_us),
     .min = SECOND / 10,
     .max = 600 * SECOND},
    {.name = "stall_timeout",
     .help = "a request in which nothing moves for so long has failed",
     .fallback = "30s",
     .type = FF_OPT_SECONDS,
     .offset = AT(stall_timeout_us),
     .min = SECOND,
     .max = 3600 * SECOND},
    {0},
};

/* --- where --- */

static bool is_host(const char *text, size_t n)
{
    static const char all[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.:[]";

    return n > 0 && strspn(text, all) >= n;
}

static bool is_loopback(const char *host)
{
    static const char *const names[] = {"localhost", "127.", "[::1]"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strncmp(host, names[i], strlen(names[i])) == 0) {
            const char end = host[strlen(names[i])];
            return i == 1 ? strspn(host, "0123456789.") == strcspn(host, ":")
                          : end == ':' || end == '\0';
        }
    return false;
}

/* "https://host:port" apart; a / at its end is forgiven. */
static int check_endpoint(const struct s3_config *c, const char *endpoint,
                          const char **host, int *n, struct ff_err *err)
{
    const bool tls = strncmp(endpoint, "https://", 8) == 0;

    if (!tls && strncmp(endpoint, "http://", 7) != 0)
        return ff_fail(err, FF_INVALID, 0,
                       "endpoint %.120s: it begins with https:// or http://", endpoint);
    *host = endpoint + (tls ? 8 : 7);
    *n = (int)strlen(*host);
    if (*n > 0 && (*host)[*n - 1] == '/')
        (*n)--;
    if (!is_host(*host, (size_t)*n))
        return ff_fail(err, FF_INVALID, 0,
                       "endpoint %.120s: a scheme and a host, with a port at most",
                       endpoint);
    if (!tls && !c->allow_http && !is_loopback(*host))
        return ff_fail(err, FF_DENIED, 0,
                       "endpoint %.120s: without TLS only on this machine, or with "
                       "allow_http",
                       endpoint);
    return FF_OK;
}

static int set_base(struct s3 *s, const struct s3_config *c, struct ff_err *err)
{
    struct s3_text made = {0};
    struct s3_text base = {0};
    const bool is_virtual =
        c->style == S3_STYLE_VIRTUAL || (c->style == S3_STYLE_AUTO && !c->endpoint);
    const char *endpoint = c->endpoint;
    const char *host = NULL;
    int n = 0;
    int code;

    s3_text_printf(&made, "https://s3.%s.amazonaws.com", c->region);
    endpoint = endpoint ? endpoint : made.s;
    code = endpoint ? check_endpoint(c, endpoint, &host, &n, err)
                    : ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a session");
    if (code == FF_OK) {
        const int scheme = host ? (int)(host - endpoint) : 0;
        if (is_virtual)
            s3_text_printf(&base, "%.*s%s.%.*s", scheme, endpoint, c->bucket, n, host);
        else
            s3_text_printf(&base, "%.*s%.*s/%s", scheme, endpoint, n, host, c->bucket);
        s->base = base.s;
        s->where = base.s ? base.s + scheme : NULL;
    }
    s3_text_done(&made);
    return code == FF_OK && base.failed
               ? ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a session")
               : code;
}

static bool only(const char *text, const char *also)
{
    for (; *text; text++)
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-", *text) &&
            !strchr(also, *text))
            return false;
    return true;
}

static int check_names(const struct s3_config *c, struct ff_err *err)
{
    const size_t n = strlen(c->bucket);

    if (n < 3 || n > 63 || !only(c->bucket, "."))
        return ff_fail(err, FF_INVALID, 0, "bucket %.80s: 3 to 63 of a-z, 0-9, - and .",
                       c->bucket);
    if (!c->region[0] || strlen(c->region) > 60 || !only(c->region, ""))
        return ff_fail(err, FF_INVALID, 0, "region %.80s: a-z, 0-9 and -", c->region);
    if (strlen(c->prefix) > S3_PREFIX_MAX || c->prefix[0] == '/' ||
        strstr(c->prefix, "//") || strstr(c->prefix, "./") ||
        !only(c->prefix, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_./"))
        return ff_fail(err, FF_INVALID, 0,
                       "prefix %.80s: at most %d of letters, digits and -_./, no / at "
                       "its beginning",
                       c->prefix, S3_PREFIX_MAX);
    return FF_OK;
}

/* --- who --- */

static int set_keys(struct s3 *s, const struct s3_config *c, struct ff_err *err)
{
    struct s3_keys keys = {0};
    struct s3_text user = {0};
    const char *access = c->access_key;
    const char *secret = c->secret_key;
    const char *token = c->session_token;
    int code = FF_OK;

    if (c->credentials_file && (access || secret))
        return ff_fail(err, FF_INVALID, 0,
                       "access_key and secret_key, or credentials_file, not both");
    if (c->credentials_file) {
        code = s3_read_keys(c->credentials_file, c->profile, &keys, err);
        access = keys.access;
        secret = keys.secret;
        token = keys.token[0] ? keys.token : token;
    }
    if (code == FF_OK && (!access || !secret || !access[0] || !secret[0]))
        code = ff_fail(err, FF_INVALID, 0,
                       "no keys: set access_key and secret_key, or credentials_file");
    if (code == FF_OK && access && strchr(access, ':'))
        code = ff_fail(err, FF_INVALID, 0, "access_key: there is no : in it");
    if (code == FF_OK) {
        s3_text_printf(&user, "%s:%s", access, secret);
        s->user = user.s;
        s->token = token ? strdup(token) : NULL;
        if (user.failed || (token && !s->token))
            code = ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a session");
    }
    explicit_bzero(&keys, sizeof(keys));
    return code;
}

/* --- a session --- */

static void wipe(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

static void s3_close(void *blob)
{
    struct s3 *s = blob;

    if (!s)
        return;
    for (size_t i = 0; i < s->n_idle; i++)
        curl_easy_cleanup(s->idle[i]);
    pthread_mutex_destroy(&s->lock);
    wipe(s->user);
    wipe(s->token);
    free(s->base);
    free(s->prefix);
    free(s->sign);
    free(s->ca_file);
    free(s);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode ready;

static void set_curl_up(void)
{
    ready = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int copy_texts(struct s3 *s, const struct s3_config *c, struct ff_err *err)
{
    struct s3_text sign = {0};

    s3_text_printf(&sign, "aws:amz:%s:s3", c->region);
    s->sign = sign.s;
    s->prefix = strdup(c->prefix);
    s->ca_file = c->ca_file ? strdup(c->ca_file) : NULL;
    if (sign.failed || !s->prefix || (c->ca_file && !s->ca_file))
        return ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a session");
    return FF_OK;
}

static int s3_open(const struct ff_host *host, const void *config, void **blob,
                   struct ff_err *err)
{
    const struct s3_config *c = config;
    struct s3 *s = calloc(1, sizeof(*s));
    struct ff_err local;
    int code;

    err = err ? err : &local;
    pthread_once(&once, set_curl_up);
    if (!s || ready != CURLE_OK) {
        free(s);
        return ff_fail(err, FF_NO_MEMORY, 0, "out of memory for a session");
    }
    s->host = host;
    s->part_bytes = (size_t)c->part_bytes;
    s->tries = c->tries;
    s->connect_timeout_us = c->connect_timeout_us;
    s->stall_timeout_us = c->stall_timeout_us;
    pthread_mutex_init(&s->lock, NULL);
    code = check_names(c, err);
    if (code == FF_OK)
        code = set_base(s, c, err);
    if (code == FF_OK)
        code = set_keys(s, c, err);
    if (code == FF_OK)
        code = copy_texts(s, c, err);
    if (code != FF_OK) {
        s3_close(s);
        return code;
    }
    *blob = s;
    return FF_OK;
}

static bool stop(void *arg, const struct s3_object *o)
{
    (void)arg;
    (void)o;
    return false;
}

/* That it may write, only a write tells. */
static int s3_ping(void *blob, struct ff_err *err)
{
    struct s3 *s = blob;

    return s3_walk(s, s->prefix, "", stop, NULL, "asking for the bucket", err);
}

/* --- the driver --- */

static const struct ff_blob_ops ops = {
    .open = s3_open,
    .close = s3_close,
    .put = s3_put,
    .get = s3_get,
    .stat = s3_stat,
    .remove = s3_remove,
    .list = s3_list,
    .ping = s3_ping,
    .tidy = s3_tidy,
};

static const struct ff_driver driver = {
    FF_DRIVER_HEAD(FF_BLOB, FF_PARALLEL, ops),
    .caps = FF_BLOB_SHARED | FF_BLOB_DURABLE,
    .name = "s3",
    .version = "1.0",
    .summary = "blobs as objects of a bucket, in any service that speaks S3",
    .opts = options,
    .config_size = sizeof(struct s3_config),
    .ops.blob = &ops,
};

FF_REGISTER_DRIVER(driver)
