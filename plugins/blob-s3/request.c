/* blob-s3/request.c - one request with all its tries. libcurl signs it (AWS Signature
 * Version 4); whoever waits between tries holds up one worker thread and nobody else.
 */
#include "s3.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ERROR_BODY_MAX  ((size_t)16 * 1024)
#define ANSWER_MAX      ((size_t)16 * 1024 * 1024) /* a page of a list is about 1 MB */
#define WAIT_FIRST_US   INT64_C(100000)
#define WAIT_MAX_US     INT64_C(10000000)
#define REQUEST_MAX_SEC 3600L

/* --- connections --- */

static CURL *take_handle(struct s3 *s)
{
    CURL *curl = NULL;

    pthread_mutex_lock(&s->lock);
    if (s->n_idle > 0)
        curl = s->idle[--s->n_idle];
    pthread_mutex_unlock(&s->lock);
    return curl ? curl : curl_easy_init();
}

static void give_handle(struct s3 *s, CURL *curl)
{
    curl_easy_reset(curl); /* keeps the connection */
    pthread_mutex_lock(&s->lock);
    if (s->n_idle < S3_IDLE_MAX) {
        s->idle[s->n_idle++] = curl;
        curl = NULL;
    }
    pthread_mutex_unlock(&s->lock);
    curl_easy_cleanup(curl); /* takes NULL */
}

/* --- one try --- */

struct
try {
    struct s3_request *r;
    CURL *curl;
    uint64_t taken; /* bytes that `take` has had */
    uint64_t skip;  /* of this answer: it had them */
    long wait_sec;  /* Retry-After */
    bool full;      /* the answer is longer than anything we want */
};

static bool is_good(const struct try *t, long *status)
{
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, status);
    return *status >= 200 && *status < 300;
}

static size_t keep_body(struct try *t, const char *bytes, size_t n, size_t most)
{
    struct s3_text *answer = &t->r->answer;

    if (answer->len + n > most) {
        t->full = most == ANSWER_MAX;
        n = most - answer->len;
        s3_text_add(answer, bytes, n);
        return t->full ? 0 : n;
    }
    s3_text_add(answer, bytes, n);
    return answer->failed ? 0 : n;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
    struct try *t = arg;
    const size_t all = size * n;
    size_t len = all;
    long status;

    if (!is_good(t, &status)) {
        keep_body(t, bytes, len, ERROR_BODY_MAX);
        return t->r->answer.failed ? 0 : all;
    }
    if (!t->r->take)
        return keep_body(t, bytes, len, ANSWER_MAX) == len ? all : 0;
    /* A server that was asked for the rest may give all of it. */
    if (t->skip > 0) {
        const size_t over = t->skip < len ? (size_t)t->skip : len;
        t->skip -= over;
        bytes += over;
        len -= over;
    }
    if (len > 0 && !t->r->take(t->r->arg, bytes, len)) {
        t->r->stopped = true;
        return 0;
    }
    t->taken += len;
    return all;
}

static bool header_is(const char *line, size_t len, const char *name,
                      const char **value, size_t *n)
{
    const size_t n_name = strlen(name);

    if (len <= n_name || strncasecmp(line, name, n_name) != 0 || line[n_name] != ':')
        return false;
    line += n_name + 1;
    len -= n_name + 1;
    while (len > 0 && (*line == ' ' || *line == '\t'))
        line++, len--;
    while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == '\n'))
        len--;
    *value = line;
    *n = len;
    return true;
}

static size_t on_header(char *line, size_t size, size_t n, void *arg)
{
    struct try *t = arg;
    const size_t len = size * n;
    const char *value;
    size_t n_value;
    long status;

    if (header_is(line, len, "ETag", &value, &n_value) &&
        n_value < sizeof(t->r->etag)) {
        memcpy(t->r->etag, value, n_value);
        t->r->etag[n_value] = '\0';
    }
    if (header_is(line, len, "Retry-After", &value, &n_value))
        t->wait_sec = strtol(value, NULL, 10);
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status == 206 && t->taken > 0)
        t->skip = 0;
    return len;
}

static struct curl_slist *add_header(struct curl_slist *list, bool *failed,
                                     const char *text)
{
    struct curl_slist *next = curl_slist_append(list, text);

    *failed = *failed || !next;
    return next ? next : list;
}

static bool has_body(const struct s3_request *r)
{
    return strcmp(r->method, "PUT") == 0 || strcmp(r->method, "POST") == 0;
}

/* The hash of the body is part of what is signed, so that a server refuses another
 * body. No header is taken away here ("Expect:"): libcurl 7.88 signs it as if it were
 * sent. NULL: out of memory. */
static struct curl_slist *headers_of(const struct s3 *s, const struct s3_request *r)
{
    char hash[S3_HASH_TEXT];
    struct s3_text line = {0};
    bool failed = false;

    s3_hash(r->body ? r->body : "", r->len, hash);
    s3_text_printf(&line, "x-amz-content-sha256: %s", hash);

    struct curl_slist *list = line.failed ? NULL : add_header(NULL, &failed, line.s);

    s3_text_done(&line);
    if (s->token) {
        s3_text_printf(&line, "x-amz-security-token: %s", s->token);
        failed = failed || line.failed;
        if (!line.failed)
            list = add_header(list, &failed, line.s);
        s3_text_done(&line);
    }
    if (has_body(r))
        list = add_header(list, &failed, "Content-Type: application/octet-stream");
    if (!failed && list)
        return list;
    curl_slist_free_all(list);
    return NULL;
}

static void set_body(CURL *curl, const struct s3_request *r)
{
    if (has_body(r)) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->len);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, r->body ? r->body : "");
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, r->method);
}

/* False: out of memory, or libcurl knows an option not. */
static bool set_up(const struct s3 *s, struct try *t, const char *url,
                   struct curl_slist *headers)
{
    CURL *curl = t->curl;
    char range[32];
    CURLcode code = curl_easy_setopt(curl, CURLOPT_URL, url);

    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, s->sign);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_USERPWD, s->user);
    if (code == CURLE_OK && s->ca_file)
        code = curl_easy_setopt(curl, CURLOPT_CAINFO, s->ca_file);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(s->connect_timeout_us / 1000));
    /* Large bodies take long: what ends a request is that nothing comes or goes. */
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME,
                     (long)(s->stall_timeout_us / 1000000));
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, REQUEST_MAX_SEC);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, t);
    set_body(curl, t->r);
    if (t->taken > 0) {
        snprintf(range, sizeof(range), "%llu-", (unsigned long long)t->taken);
        curl_easy_setopt(curl, CURLOPT_RANGE, range);
    }
    return code == CURLE_OK;
}

static void sleep_us(int64_t us)
{
    struct timespec left = {.tv_sec = (time_t)(us / 1000000),
                            .tv_nsec = (long)(us % 1000000) * 1000};

    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

/* From nothing to a bound that doubles, so that those who were refused together do not
 * come together again; no less than the server asks for. */
static void wait(const struct s3 *s, const struct try *t, int64_t n_tries)
{
    int64_t most = WAIT_FIRST_US << (n_tries < 8 ? n_tries : 8);
    int64_t us;

    if (most > WAIT_MAX_US)
        most = WAIT_MAX_US;
    us = (int64_t)(s->host->random(s->host->self) % (uint64_t)(most + 1));
    if (t->wait_sec > 0 && t->wait_sec * INT64_C(1000000) > us)
        us = t->wait_sec * INT64_C(1000000);
    sleep_us(us < WAIT_MAX_US ? us : WAIT_MAX_US);
}

/* --- how it went --- */

/* What the server says of itself is not for logs as it is: any byte may be in it. */
static void clean(char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}

static int judge(const struct s3 *s, const struct try *t, CURLcode sent,
                 const char *what, bool *again, struct ff_err *err)
{
    struct s3_request *r = t->r;
    char word[64], said[120];
    int code;

    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &r->status);
    *again = false;
    if (r->stopped)
        return ff_fail(err, FF_CANCELLED, 0, "%s: no more was wanted", what);
    if (r->answer.failed)
        return ff_fail(err, FF_NO_MEMORY, 0, "%s: out of memory for an answer", what);
    if (t->full)
        return ff_fail(err, FF_INTERNAL, 0, "%s at %.80s: the answer has no end", what,
                       s->where);
    if (sent != CURLE_OK) {
        code = s3_judge_curl(sent, again);
        return ff_fail(err, code, 0, "%s at %.80s: %s", what, s->where,
                       curl_easy_strerror(sent));
    }
    s3_element(r->answer.s ? r->answer.s : "", r->answer.len, "Code", word,
               sizeof(word));
    s3_element(r->answer.s ? r->answer.s : "", r->answer.len, "Message", said,
               sizeof(said));
    /* The end of an upload in parts may fail after it has said 200. */
    code = s3_judge(r->status, word, again);
    if (code == FF_OK && !r->take && r->answer.len > 0 &&
        strstr(r->answer.s, "<Error>"))
        code = s3_judge(500, word, again);
    if (code == FF_OK)
        return code;
    clean(word);
    clean(said);
    return ff_fail(err, code, 0, "%s at %.80s: HTTP %ld%s%s%s%.100s", what, s->where,
                   r->status, word[0] ? " " : "", word, said[0] ? ": " : "", said);
}

static int try_once(struct s3 *s, struct try *t, const char *url, const char *what,
                    bool *again, struct ff_err *err)
{
    struct curl_slist *headers = headers_of(s, t->r);
    CURLcode sent = CURLE_OUT_OF_MEMORY;

    s3_text_done(&t->r->answer);
    t->r->etag[0] = '\0';
    t->wait_sec = 0;
    t->skip = t->taken;
    if (headers && set_up(s, t, url, headers))
        sent = curl_easy_perform(t->curl);

    const int code = judge(s, t, sent, what, again, err);

    curl_easy_reset(t->curl);
    curl_slist_free_all(headers);
    return code;
}

int s3_do(struct s3 *s, struct s3_request *r, const char *what, struct ff_err *err)
{
    struct try t = {.r = r};
    struct s3_text url = {0};
    struct ff_err local;
    bool again;
    int code;

    err = err ? err : &local;
    s3_text_printf(&url, "%s/%s%s%s", s->base, r->name ? r->name : "",
                   r->query ? "?" : "", r->query ? r->query : "");
    t.curl = url.failed ? NULL : take_handle(s);
    if (!t.curl) {
        s3_text_done(&url);
        return ff_fail(err, FF_NO_MEMORY, 0, "%s: out of memory for a request", what);
    }
    for (int64_t n = 1;; n++) {
        code = try_once(s, &t, url.s, what, &again, err);
        if (code == FF_OK || !again || r->once || n >= s->tries)
            break;
        ff_log(s->host, FF_DEBUG, "%s; try %lld of %lld", err->msg, (long long)n,
               (long long)s->tries);
        wait(s, &t, n);
    }
    give_handle(s, t.curl);
    s3_text_done(&url);
    return code;
}

void s3_request_done(struct s3_request *r)
{
    s3_text_done(&r->answer);
}
