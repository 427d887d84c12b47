/* curl.c - see curl.h. No redirect is followed: a credential is for whom it was given.
 */
#include "cli/remote/curl_priv.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LIBRARY    "libcurl.so.4"
#define CONNECT_S  10L
#define TOTAL_MS   120000L
#define SILENT_S   60L /* of a file: so long without a byte */
#define ANSWER_MAX ((size_t)64 * 1024 * 1024)

struct libcurl libcurl;

static const struct {
    const char *name;
    void *place;
} symbols[] = {
    {"curl_global_init", &libcurl.global_init},
    {"curl_easy_init", &libcurl.init},
    {"curl_easy_cleanup", &libcurl.cleanup},
    {"curl_easy_setopt", &libcurl.setopt},
    {"curl_easy_perform", &libcurl.perform},
    {"curl_easy_getinfo", &libcurl.getinfo},
    {"curl_easy_reset", &libcurl.reset},
    {"curl_easy_strerror", &libcurl.error},
    {"curl_slist_append", &libcurl.append},
    {"curl_slist_free_all", &libcurl.free_all},
    {"curl_multi_init", &libcurl.multi_init},
    {"curl_multi_cleanup", &libcurl.multi_cleanup},
    {"curl_multi_setopt", &libcurl.multi_setopt},
    {"curl_multi_add_handle", &libcurl.multi_add},
    {"curl_multi_remove_handle", &libcurl.multi_remove},
    {"curl_multi_socket_action", &libcurl.multi_action},
    {"curl_multi_info_read", &libcurl.multi_info},
};

int curl_load(struct ff_err *err)
{
    if (libcurl.init)
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
    if (libcurl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
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

static void add_line(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = libcurl.append(*list, line);

    if (!longer)
        mem_exhausted();
    *list = longer;
}

static void add_header(struct curl_slist **list, const char *name, const char *value)
{
    struct buf line = {0};

    buf_printf(&line, "%s: %s", name, value);
    add_line(list, buf_text(&line));
    explicit_bzero(line.data, line.len);
    buf_done(&line);
}

static const char *accepts(const struct curl_request *request)
{
    if (request->streams)
        return "text/event-stream, application/problem+json";
    return request->file ? "*/*" : "application/json, application/problem+json";
}

static struct curl_slist *headers_of(const struct curl_request *request)
{
    struct curl_slist *list = NULL;

    add_header(&list, "Accept", accepts(request));
    if (request->last_event_id)
        add_header(&list, "Last-Event-ID", request->last_event_id);
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
    for (size_t i = 0; request->headers && request->headers[i]; i++)
        add_line(&list, request->headers[i]);
    return list;
}

struct curl_slist *curl_set_up(CURL *handle, const struct curl_request *request,
                               char *why)
{
    const char *body = request->form ? request->form : request->body;
    struct curl_slist *headers = headers_of(request);

    libcurl.setopt(handle, CURLOPT_URL, request->url);
    libcurl.setopt(handle, CURLOPT_CUSTOMREQUEST, request->method);
    libcurl.setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    libcurl.setopt(handle, CURLOPT_NOSIGNAL, 1L);
    libcurl.setopt(handle, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
    libcurl.setopt(handle, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    libcurl.setopt(handle, CURLOPT_USERAGENT, "flowforge");
    libcurl.setopt(handle, CURLOPT_ERRORBUFFER, why);
    if (request->unix_socket) {
        libcurl.setopt(handle, CURLOPT_UNIX_SOCKET_PATH, request->unix_socket);
        libcurl.setopt(handle, CURLOPT_PROXY, "");
    }
    /* In clear goes what is for this machine alone, and not by $http_proxy, which could
     * answer in its place. */
    if (strncmp(request->url, "http://", 7) == 0)
        libcurl.setopt(handle, CURLOPT_PROXY, "");
    if (request->ca)
        libcurl.setopt(handle, CURLOPT_CAINFO, request->ca);
    if (body) {
        libcurl.setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body));
        libcurl.setopt(handle, CURLOPT_POSTFIELDS, body);
    }
    libcurl.setopt(handle, CURLOPT_HTTPHEADER, headers);
    return headers;
}

bool curl_is_passing(CURLcode code)
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

/* What is not 0 ends the transfer. */
static int look_up(void *arg, curl_off_t all_down, curl_off_t down, curl_off_t all_up,
                   curl_off_t up)
{
    (void)all_down;
    (void)down;
    (void)all_up;
    (void)up;
    return atomic_load((atomic_bool *)arg);
}

static void may_be_abandoned(const struct curl_request *request)
{
    if (!request->abandon)
        return;
    libcurl.setopt(handle, CURLOPT_NOPROGRESS, 0L);
    libcurl.setopt(handle, CURLOPT_XFERINFOFUNCTION, look_up);
    libcurl.setopt(handle, CURLOPT_XFERINFODATA, request->abandon);
}

struct taking {
    int fd;
    struct curl_answer *answer;
    int sys; /* of the file; 0: none */
};

/* What is said instead of the file is no part of it. */
static size_t take_file(char *bytes, size_t size, size_t n, void *arg)
{
    struct taking *t = arg;
    long status = 0;
    ssize_t some = 0;

    libcurl.getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    if (status / 100 != 2)
        return take_body(bytes, size, n, &t->answer->body);
    for (size_t done = 0; done < size * n; done += (size_t)some) {
        some = write(t->fd, bytes + done, size * n - done);
        if (some < 0 && errno == EINTR)
            some = 0;
        if (some >= 0)
            continue;
        t->sys = errno;
        return 0; /* which ends the transfer */
    }
    return size * n;
}

/* Of a file nobody knows how long it takes: as long as something comes it goes on. */
static void take_into(struct taking *t, const struct curl_request *request)
{
    if (ftruncate(t->fd, 0) != 0 || lseek(t->fd, 0, SEEK_SET) != 0)
        t->sys = errno;
    libcurl.setopt(handle, CURLOPT_WRITEFUNCTION, take_file);
    libcurl.setopt(handle, CURLOPT_WRITEDATA, t);
    libcurl.setopt(handle, CURLOPT_TIMEOUT_MS, (long)(request->timeout_us / 1000));
    libcurl.setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
    libcurl.setopt(handle, CURLOPT_LOW_SPEED_TIME, SILENT_S);
}

static CURLcode perform(const struct curl_request *request, struct curl_answer *answer,
                        char *why)
{
    struct taking taking = {.fd = request->file ? *request->file : -1,
                            .answer = answer};
    curl_off_t retry_after = 0;

    pthread_mutex_lock(&mutex);
    if (!handle)
        handle = libcurl.init();
    if (!handle)
        mem_exhausted();
    struct curl_slist *headers = curl_set_up(handle, request, why);
    libcurl.setopt(handle, CURLOPT_TIMEOUT_MS,
                   request->timeout_us ? (long)(request->timeout_us / 1000) : TOTAL_MS);
    may_be_abandoned(request);
    libcurl.setopt(handle, CURLOPT_WRITEFUNCTION, take_body);
    libcurl.setopt(handle, CURLOPT_WRITEDATA, &answer->body);
    if (request->file)
        take_into(&taking, request);
    const CURLcode code = libcurl.perform(handle);
    if (taking.sys != 0)
        snprintf(why, CURL_ERROR_SIZE, "it cannot be written: %s",
                 strerror(taking.sys));
    libcurl.getinfo(handle, CURLINFO_RESPONSE_CODE, &answer->status);
    libcurl.getinfo(handle, CURLINFO_RETRY_AFTER, &retry_after);
    answer->retry_after_s = retry_after;
    libcurl.reset(handle);
    pthread_mutex_unlock(&mutex);
    libcurl.free_all(headers);
    return code;
}

int curl_ask(const struct curl_request *request, struct curl_answer *answer,
             struct ff_err *err)
{
    char why[CURL_ERROR_SIZE] = "";

    *answer = (struct curl_answer){0};
    if (curl_load(err) != FF_OK)
        return err->code;
    const CURLcode code = perform(request, answer, why);
    if (code == CURLE_OK)
        return FF_OK;
    answer->passing = curl_is_passing(code);
    buf_done(&answer->body);
    return ff_fail(err, FF_UNAVAILABLE, 0, "%s", why[0] ? why : libcurl.error(code));
}
