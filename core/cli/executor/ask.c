/* ask.c - see ask.h. No redirect is followed, and no proxy asked for what is said in
 * clear: the credential is for the server alone. */
#define CURL_DISABLE_TYPECHECK
#include "cli/executor/ask.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#define CONNECT_MS 5000L
#define ANSWER_MAX ((size_t)192 << 20) /* an attempt with all of its standard input */

struct asker {
    CURL *handle;
};

void ask_init(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        mem_exhausted();
}

struct asker *asker_new(void)
{
    struct asker *a = mem_alloc(sizeof(*a));

    a->handle = curl_easy_init();
    if (!a->handle)
        mem_exhausted();
    return a;
}

void asker_free(struct asker *a)
{
    if (!a)
        return;
    curl_easy_cleanup(a->handle);
    mem_free(a);
}

static size_t take_body(char *bytes, size_t size, size_t n, void *arg)
{
    struct buf *body = arg;

    if (body->len + size * n > ANSWER_MAX)
        return 0; /* which ends the transfer */
    buf_add(body, bytes, size * n);
    return size * n;
}

static int on_progress(void *arg, curl_off_t down_total, curl_off_t down,
                       curl_off_t up_total, curl_off_t up)
{
    (void)down_total;
    (void)down;
    (void)up_total;
    (void)up;
    return atomic_load((const atomic_bool *)arg);
}

static void add_header(struct curl_slist **list, const char *name, const char *value)
{
    struct buf line = {0};

    buf_printf(&line, "%s: %s", name, value);
    struct curl_slist *longer = curl_slist_append(*list, buf_text(&line));
    if (!longer)
        mem_exhausted();
    *list = longer;
    explicit_bzero(line.data, line.len);
    buf_done(&line);
}

static struct curl_slist *headers_of(const struct ask *what)
{
    struct curl_slist *list = NULL;
    struct buf bearer = {0};

    buf_printf(&bearer, "Bearer %s", what->token);
    add_header(&list, "Authorization", buf_text(&bearer));
    explicit_bzero(bearer.data, bearer.len);
    buf_done(&bearer);
    add_header(&list, "Expect", ""); /* no wait before a body */
    if (what->type)
        add_header(&list, "Content-Type", what->type);
    return list;
}

static void set_up(CURL *c, const struct ask *what, struct answer *answer, char *why)
{
    curl_easy_reset(c);
    curl_easy_setopt(c, CURLOPT_URL, what->url);
    curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, what->method);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)(what->timeout_us / 1000));
    curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "flowforge-executor");
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, &answer->body);
    if (strncmp(what->url, "http://", 7) == 0)
        curl_easy_setopt(c, CURLOPT_PROXY, "");
    if (what->ca)
        curl_easy_setopt(c, CURLOPT_CAINFO, what->ca);
    if (what->given_up) {
        curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
        curl_easy_setopt(c, CURLOPT_XFERINFODATA, what->given_up);
    }
    if (what->body) {
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)what->len);
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, what->body);
    }
}

int ask(struct asker *a, const struct ask *what, struct answer *answer,
        struct ff_err *err)
{
    struct curl_slist *headers = headers_of(what);
    char why[CURL_ERROR_SIZE] = "";
    const char *type = NULL;

    *answer = (struct answer){0};
    set_up(a->handle, what, answer, why);
    curl_easy_setopt(a->handle, CURLOPT_HTTPHEADER, headers);
    const CURLcode code = curl_easy_perform(a->handle);
    curl_easy_getinfo(a->handle, CURLINFO_RESPONSE_CODE, &answer->status);
    curl_easy_getinfo(a->handle, CURLINFO_CONTENT_TYPE, &type);
    snprintf(answer->type, sizeof(answer->type), "%s", type ? type : "");
    curl_slist_free_all(headers);
    if (code == CURLE_OK)
        return FF_OK;
    answer->status = 0;
    buf_done(&answer->body);
    return ff_fail(err, FF_UNAVAILABLE, 0, "%s",
                   why[0] ? why : curl_easy_strerror(code));
}

void ask_add_escaped(struct buf *url, const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        const bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                           (*p >= '0' && *p <= '9') || strchr("-._~", *p);
        if (plain)
            buf_add_char(url, (char)*p);
        else
            buf_printf(url, "%%%02X", *p);
    }
}
