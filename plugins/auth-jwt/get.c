/* auth-jwt/get.c - one GET by libcurl. What it asks decides who is let in, so it takes
 * no redirect, no answer without a certificate that is known, and none without end. */
#include "auth_jwt.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CONNECT_MS 5000L
#define TOTAL_MS   10000L

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode ready;

static void set_curl_up(void)
{
    ready = curl_global_init(CURL_GLOBAL_DEFAULT);
}

int get_ready(struct ff_err *err)
{
    pthread_once(&once, set_curl_up);
    if (ready == CURLE_OK)
        return FF_OK;
    return ff_fail(err, FF_UNAVAILABLE, 0, "libcurl cannot be set up: %s",
                   curl_easy_strerror(ready));
}

struct body {
    char *text;
    size_t len;
    bool too_large;
};

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
    struct body *b = arg;

    if (n > MAX_FILE_BYTES - b->len) {
        b->too_large = true;
        return 0;
    }
    memcpy(b->text + b->len, bytes, size * n);
    b->len += size * n;
    return size * n;
}

static int on_progress(void *arg, curl_off_t due, curl_off_t got, curl_off_t to_send,
                       curl_off_t sent)
{
    (void)due;
    (void)got;
    (void)to_send;
    (void)sent;
    return __atomic_load_n((const bool *)arg, __ATOMIC_RELAXED);
}

static void set_up(CURL *curl, const struct get *g, struct body *b)
{
    curl_easy_setopt(curl, CURLOPT_URL, g->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "flowforge");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, TOTAL_MS);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, b);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, (void *)(uintptr_t)g->stop);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    if (g->ca_file)
        curl_easy_setopt(curl, CURLOPT_CAINFO, g->ca_file);
    /* This machine is not asked by way of another one. */
    if (strncasecmp(g->url, "http://", strlen("http://")) == 0)
        curl_easy_setopt(curl, CURLOPT_PROXY, "");
}

static int judge(CURL *curl, CURLcode sent, const struct get *g, const struct body *b,
                 struct ff_err *err)
{
    long status = 0;

    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (b->too_large)
        return ff_fail(err, FF_INVALID, 0, "%.120s is larger than 1 MiB", g->url);
    if (sent != CURLE_OK)
        return ff_fail(err, FF_UNAVAILABLE, 0, "%.120s: %s", g->url,
                       curl_easy_strerror(sent));
    if (status != 200)
        return ff_fail(err, status == 404 ? FF_NOT_FOUND : FF_UNAVAILABLE, 0,
                       "%.120s: HTTP %ld", g->url, status);
    if (memchr(b->text, '\0', b->len))
        return ff_fail(err, FF_INVALID, 0, "%.120s is no text", g->url);
    return FF_OK;
}

int get_text(const struct get *g, char **text, struct ff_err *err)
{
    struct body b = {.text = malloc(MAX_FILE_BYTES + 1)};
    CURL *curl = b.text ? curl_easy_init() : NULL;
    int code;

    if (!curl) {
        free(b.text);
        return ff_fail(err, FF_NO_MEMORY, 0, "no memory to ask %.120s", g->url);
    }
    set_up(curl, g, &b);
    code = judge(curl, curl_easy_perform(curl), g, &b, err);
    curl_easy_cleanup(curl);
    if (code != FF_OK) {
        free(b.text);
        return code;
    }
    b.text[b.len] = '\0';
    *text = b.text;
    return FF_OK;
}
