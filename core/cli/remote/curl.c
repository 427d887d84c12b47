/* curl.c - see curl.h. No redirect is followed: a credential is for whom it was given.
 */
#define CURL_DISABLE_TYPECHECK
#include "cli/remote/curl.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define LIBRARY    "libcurl.so.4"
#define CONNECT_S  10L
#define TOTAL_S    120L
#define ANSWER_MAX ((size_t)64 * 1024 * 1024)

#undef curl_easy_setopt
#undef curl_easy_getinfo

static struct {
    CURLcode (*global_init)(long);
    CURL *(*init)(void);
    CURLcode (*setopt)(CURL *, CURLoption, ...);
    CURLcode (*perform)(CURL *);
    CURLcode (*getinfo)(CURL *, CURLINFO, ...);
    void (*reset)(CURL *);
    const char *(*error)(CURLcode);
    struct curl_slist *(*append)(struct curl_slist *, const char *);
    void (*free_all)(struct curl_slist *);
} curl;

static const struct {
    const char *name;
    void *place;
} symbols[] = {
    {"curl_global_init", &curl.global_init}, {"curl_easy_init", &curl.init},
    {"curl_easy_setopt", &curl.setopt},      {"curl_easy_perform", &curl.perform},
    {"curl_easy_getinfo", &curl.getinfo},    {"curl_easy_reset", &curl.reset},
    {"curl_easy_strerror", &curl.error},     {"curl_slist_append", &curl.append},
    {"curl_slist_free_all", &curl.free_all},
};

static int load(struct ff_err *err)
{
    if (curl.init)
        return FF_OK;
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return ff_fail(err, FF_UNSUPPORTED, 0,
                       "asking a server takes libcurl, which is not there (Debian: "
                       "libcurl4): %s",
                       dlerror());
    for (size_t i = 0; i < COUNT_OF(symbols); i++) {
        void *symbol = dlsym(library, symbols[i].name);
        if (!symbol)
            return ff_fail(err, FF_UNSUPPORTED, 0, "%s has no %s", LIBRARY,
                           symbols[i].name);
        /* ISO C has no conversion from void * to a function. */
        memcpy(symbols[i].place, &symbol, sizeof(symbol));
    }
    if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return ff_fail(err, FF_UNSUPPORTED, 0, "%s cannot be set up", LIBRARY);
    return FF_OK;
}

static size_t take_body(char *bytes, size_t size, size_t n, void *arg)
{
    struct buf *body = arg;

    if (body->len + size * n > ANSWER_MAX)
        return 0; /* which ends the transfer */
    buf_add(body, bytes, size * n);
    return size * n;
}

static void add_header(struct curl_slist **list, const char *name, const char *value)
{
    struct buf line = {0};

    buf_printf(&line, "%s: %s", name, value);
    struct curl_slist *longer = curl.append(*list, buf_text(&line));
    if (!longer)
        mem_exhausted();
    *list = longer;
    explicit_bzero(line.data, line.len);
    buf_done(&line);
}

static struct curl_slist *headers_of(const struct curl_request *request)
{
    struct curl_slist *list = NULL;

    add_header(&list, "Accept", "application/json, application/problem+json");
    if (request->body)
        add_header(&list, "Content-Type", "application/json");
    if (request->form)
        add_header(&list, "Content-Type", "application/x-www-form-urlencoded");
    if (request->idempotency_key)
        add_header(&list, "Idempotency-Key", request->idempotency_key);
    if (request->token) {
        struct buf bearer = {0};
        buf_printf(&bearer, "Bearer %s", request->token);
        add_header(&list, "Authorization", buf_text(&bearer));
        explicit_bzero(bearer.data, bearer.len);
        buf_done(&bearer);
    }
    return list;
}

static void set_up(CURL *handle, const struct curl_request *request,
                   struct curl_answer *answer, char *why)
{
    const char *body = request->form ? request->form : request->body;

    curl.setopt(handle, CURLOPT_URL, request->url);
    curl.setopt(handle, CURLOPT_CUSTOMREQUEST, request->method);
    curl.setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl.setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl.setopt(handle, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
    curl.setopt(handle, CURLOPT_TIMEOUT, TOTAL_S);
    curl.setopt(handle, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl.setopt(handle, CURLOPT_USERAGENT, "flowforge");
    curl.setopt(handle, CURLOPT_ERRORBUFFER, why);
    curl.setopt(handle, CURLOPT_WRITEFUNCTION, take_body);
    curl.setopt(handle, CURLOPT_WRITEDATA, &answer->body);
    if (request->unix_socket) {
        curl.setopt(handle, CURLOPT_UNIX_SOCKET_PATH, request->unix_socket);
        curl.setopt(handle, CURLOPT_PROXY, "");
    }
    /* In clear goes what is for this machine alone, and not by $http_proxy, which could
     * answer in its place. */
    if (strncmp(request->url, "http://", 7) == 0)
        curl.setopt(handle, CURLOPT_PROXY, "");
    if (request->ca)
        curl.setopt(handle, CURLOPT_CAINFO, request->ca);
    if (body) {
        curl.setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body));
        curl.setopt(handle, CURLOPT_POSTFIELDS, body);
    }
}

/* What may go otherwise when it is tried again; a wrong certificate does not. */
static bool is_passing(CURLcode code)
{
    static const CURLcode passing[] = {CURLE_COULDNT_CONNECT, CURLE_GOT_NOTHING,
                                       CURLE_SEND_ERROR,      CURLE_RECV_ERROR,
                                       CURLE_PARTIAL_FILE,    CURLE_HTTP2_STREAM};

    for (size_t i = 0; i < COUNT_OF(passing); i++)
        if (passing[i] == code)
            return true;
    return false;
}

/* One for all requests of this process, which keeps its connection. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static CURL *handle;

static CURLcode perform(const struct curl_request *request, struct curl_answer *answer,
                        char *why)
{
    struct curl_slist *headers = headers_of(request);
    curl_off_t retry_after = 0;

    pthread_mutex_lock(&mutex);
    if (!handle)
        handle = curl.init();
    if (!handle)
        mem_exhausted();
    set_up(handle, request, answer, why);
    curl.setopt(handle, CURLOPT_HTTPHEADER, headers);
    const CURLcode code = curl.perform(handle);
    curl.getinfo(handle, CURLINFO_RESPONSE_CODE, &answer->status);
    curl.getinfo(handle, CURLINFO_RETRY_AFTER, &retry_after);
    answer->retry_after_s = retry_after;
    curl.reset(handle);
    pthread_mutex_unlock(&mutex);
    curl.free_all(headers);
    return code;
}

int curl_ask(const struct curl_request *request, struct curl_answer *answer,
             struct ff_err *err)
{
    char why[CURL_ERROR_SIZE] = "";

    *answer = (struct curl_answer){0};
    if (load(err) != FF_OK)
        return err->code;
    const CURLcode code = perform(request, answer, why);
    if (code == CURLE_OK)
        return FF_OK;
    answer->passing = is_passing(code);
    buf_done(&answer->body);
    return ff_fail(err, FF_UNAVAILABLE, 0, "%s", why[0] ? why : curl.error(code));
}
