/* send.c - the request by libcurl. Redirects are followed here and not there: who is
 * led to another host must not be handed the secrets that were meant for the first. */
#include "fetch/fetch_priv.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CONNECT_SECONDS 30L
#define SILENT_SECONDS  300L /* without a byte: the task's timeout may be longer */

/* One hop. */
struct hop {
    const struct request *request;
    struct answer *answer;
    const char *allow;
    char refused[160]; /* why the address may not be asked, or "" */
    size_t head_bytes;
    bool too_large, heads_too_large;
    char error[CURL_ERROR_SIZE];
};

/* --- who is connected to --- */

/* Asked for every connection, with the address that the name has led to. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose,
                                 struct curl_sockaddr *a)
{
    struct hop *h = arg;
    const char *kind = address_kind(&a->addr);
    const bool listed = address_allowed(h->allow, &a->addr);

    (void)purpose;
    if (!kind || (h->request->allow_private && listed))
        return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
    if (h->request->allow_private)
        snprintf(h->refused, sizeof(h->refused),
                 "it leads to %s, which engine.http_allow does not name", kind);
    else
        snprintf(h->refused, sizeof(h->refused),
                 "it leads to %s, which needs allow_private and engine.http_allow",
                 kind);
    return CURL_SOCKET_BAD;
}

/* --- what comes back --- */

static size_t take_body(char *bytes, size_t size, size_t n, void *arg)
{
    struct hop *h = arg;

    h->too_large = h->answer->body.len + n * size > (size_t)h->request->max_bytes;
    if (h->too_large)
        return 0;
    buf_add(&h->answer->body, bytes, n * size);
    return n * size;
}

static void add_header(json_t *headers, const char *name, size_t name_len,
                       const char *value, size_t len)
{
    char key[128];
    json_t *text;

    /* Bytes that are no text are left out, and NULs, which JSON here has none of. */
    if (name_len >= sizeof(key) || text_utf8_error(name, name_len) < name_len ||
        text_utf8_error(value, len) < len)
        return;
    for (size_t i = 0; i < name_len; i++)
        key[i] = (char)tolower((unsigned char)name[i]);
    key[name_len] = '\0';

    const char *before = json_string_value(json_object_get(headers, key));

    text = before ? json_sprintf("%s, %.*s", before, (int)len, value)
                  : json_stringn(value, len);
    json_object_set_new(headers, key, text);
}

static size_t take_header(char *line, size_t size, size_t n, void *arg)
{
    struct hop *h = arg;
    size_t len = size * n;
    const char *colon = memchr(line, ':', len);

    h->head_bytes += len;
    h->heads_too_large = h->head_bytes > FETCH_MAX_HEADS;
    if (h->heads_too_large)
        return 0;
    if (len > 5 && strncmp(line, "HTTP/", 5) == 0) { /* after 100 Continue another */
        json_object_clear(h->answer->headers);
        return size * n;
    }
    if (!colon)
        return size * n;

    const size_t name_len = (size_t)(colon - line);

    for (colon++; colon < line + len && (*colon == ' ' || *colon == '\t'); colon++)
        ;
    while (len > (size_t)(colon - line) && strchr(" \t\r\n", line[len - 1]))
        len--;
    add_header(h->answer->headers, line, name_len, colon, len - (size_t)(colon - line));
    return size * n;
}

/* --- the way there --- */

static char *url_with_query(const struct request *r, struct ff_err *err)
{
    CURLU *u = curl_url();
    char *url = NULL;
    CURLUcode failed = curl_url_set(u, CURLUPART_URL, r->url, CURLU_DISALLOW_USER);

    for (size_t i = 0; !failed && i < r->query.n; i++) {
        const struct pair *p = &r->query.items[i];
        char *name = curl_easy_escape(NULL, p->name, 0);
        char *value = curl_easy_escape(NULL, p->value, 0);
        struct buf b = {0};

        buf_printf(&b, "%s=%s", name, value);
        failed = curl_url_set(u, CURLUPART_QUERY, buf_text(&b), CURLU_APPENDQUERY);
        buf_done(&b);
        curl_free(name);
        curl_free(value);
    }
    if (!failed)
        failed = curl_url_get(u, CURLUPART_URL, &url, 0);
    curl_url_cleanup(u);
    if (failed)
        ff_fail(err, FF_INVALID, 0, "the URL cannot be used: %s",
                curl_url_strerror(failed));
    return url;
}

/* Scheme, host and port are the same. */
static bool same_origin(const char *a, const char *b)
{
    static const CURLUPart parts[] = {CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT};
    CURLU *x = curl_url();
    CURLU *y = curl_url();
    bool same = curl_url_set(x, CURLUPART_URL, a, 0) == CURLUE_OK &&
                curl_url_set(y, CURLUPART_URL, b, 0) == CURLUE_OK;

    for (size_t i = 0; same && i < COUNT_OF(parts); i++) {
        char *p = NULL;
        char *q = NULL;

        same = curl_url_get(x, parts[i], &p, CURLU_DEFAULT_PORT) == CURLUE_OK &&
               curl_url_get(y, parts[i], &q, CURLU_DEFAULT_PORT) == CURLUE_OK &&
               strcasecmp(p, q) == 0;
        curl_free(p);
        curl_free(q);
    }
    curl_url_cleanup(x);
    curl_url_cleanup(y);
    return same;
}

static bool is_private_name(const char *name)
{
    return strcasecmp(name, "authorization") == 0 || strcasecmp(name, "cookie") == 0 ||
           strcasecmp(name, "proxy-authorization") == 0;
}

static struct curl_slist *headers_of(const struct request *r, bool at_home)
{
    struct curl_slist *list = NULL;
    bool typed = false;

    for (size_t i = 0; i < r->headers.n; i++) {
        const struct pair *p = &r->headers.items[i];
        struct buf b = {0};

        if (!at_home && (p->secret || is_private_name(p->name)))
            continue;
        typed = typed || strcasecmp(p->name, "content-type") == 0;
        buf_printf(&b, *p->value ? "%s: %s" : "%s;", p->name, p->value);
        list = curl_slist_append(list, buf_text(&b));
        buf_done(&b);
    }
    if (r->body_json && !typed)
        list = curl_slist_append(list, "Content-Type: application/json");
    else if (r->body && !typed)
        list = curl_slist_append(list, "Content-Type: text/plain; charset=utf-8");
    return curl_slist_append(list, "Expect:");
}

/* Where a redirect keeps the method it keeps the body. */
static void set_method(CURL *c, const char *method, const char *body)
{
    if (strcmp(method, "HEAD") == 0)
        curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
    if (body) {
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body));
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
    }
    curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
}

static void set_up(CURL *c, struct hop *h)
{
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, h->error);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    /* A redirect does not say who we are. */
    curl_easy_setopt(c, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    /* The address of a proxy would be looked at instead of that behind it. */
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, SILENT_SECONDS);
    curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(c, CURLOPT_USERAGENT, "FlowForge/" FLOWFORGE_VERSION);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, h);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, h);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, h);
}

static int judge(const struct hop *h, CURLcode failed, const char *url,
                 struct ff_err *err)
{
    const char *why = h->error[0] ? h->error : curl_easy_strerror(failed);

    if (h->refused[0]) {
        ff_fail(err, FF_DENIED, 0, "%.200s: %s", url, h->refused);
        return FETCH_REFUSED;
    }
    if (h->too_large) {
        ff_fail(err, FF_FULL, 0, "%.200s: the answer is larger than max_bytes, %lld",
                url, (long long)h->request->max_bytes);
        return FETCH_LIMIT;
    }
    if (h->heads_too_large) {
        ff_fail(err, FF_FULL, 0, "%.200s: the headers are larger than %d bytes", url,
                FETCH_MAX_HEADS);
        return FETCH_LIMIT;
    }
    if (failed == CURLE_LOGIN_DENIED)
        why = "it holds a name or a password: give them as the header Authorization";

    const bool refused =
        failed == CURLE_UNSUPPORTED_PROTOCOL || failed == CURLE_LOGIN_DENIED;

    ff_fail(err, refused ? FF_DENIED : FF_UNAVAILABLE, 0, "%.200s: %.180s", url, why);
    return refused ? FETCH_REFUSED : FETCH_NO_ANSWER;
}

struct journey {
    char *url;
    const char *method, *body;
    bool at_home; /* still where the request was meant to go */
};

/* *next: where the answer leads, or NULL. */
static int one_hop(const struct request *r, const struct journey *j, struct answer *a,
                   char **next, struct ff_err *err)
{
    struct hop h = {.request = r, .answer = a, .allow = getenv(FETCH_ALLOW)};
    CURL *c = curl_easy_init();
    struct curl_slist *headers = headers_of(r, j->at_home);
    char *redirect = NULL;

    set_up(c, &h);
    set_method(c, j->method, j->body);
    curl_easy_setopt(c, CURLOPT_URL, j->url);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    buf_clear(&a->body);
    json_object_clear(a->headers);

    const CURLcode failed = curl_easy_perform(c);

    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &a->status);
    curl_easy_getinfo(c, CURLINFO_REDIRECT_URL, &redirect);
    *next = failed ? NULL : mem_text(redirect);
    curl_slist_free_all(headers);
    curl_easy_cleanup(c);
    return failed ? judge(&h, failed, j->url, err) : FETCH_OK;
}

/* 303, and 301 or 302 after a POST: the answer is fetched, nothing is sent again. */
static void turn(struct journey *j, long status, char *next)
{
    const bool posted = strcmp(j->method, "POST") == 0;

    if ((status == 303 && strcmp(j->method, "HEAD") != 0) ||
        ((status == 301 || status == 302) && posted)) {
        j->method = "GET";
        j->body = NULL;
    }
    j->at_home = j->at_home && same_origin(j->url, next);
    if (!j->at_home)
        j->body = NULL; /* it may hold what was meant for the first host */
    mem_free(j->url);
    j->url = next;
}

static int refuse_turn(const struct journey *j, const char *next, struct ff_err *err)
{
    if (text_starts(j->url, "https:") && !text_starts(next, "https:")) {
        ff_fail(err, FF_DENIED, 0, "%.150s leads away from https, to %.150s", j->url,
                next);
        return FETCH_REFUSED;
    }
    return FETCH_OK;
}

static int travel(const struct request *r, struct journey *j, struct answer *a,
                  struct ff_err *err)
{
    for (int64_t hops = 0;; hops++) {
        char *next;
        int code = one_hop(r, j, a, &next, err);

        if (code != FETCH_OK || !next || r->follow == 0) {
            mem_free(next);
            return code;
        }
        code = hops == r->follow ? FETCH_LIMIT : refuse_turn(j, next, err);
        if (code == FETCH_LIMIT)
            ff_fail(err, FF_FULL, 0, "%.200s: more than %lld redirects", r->url,
                    (long long)r->follow);
        if (code != FETCH_OK) {
            mem_free(next);
            return code;
        }
        turn(j, a->status, next);
    }
}

int send_request(const struct request *r, struct answer *a, struct ff_err *err)
{
    struct journey j = {.method = r->method, .body = r->body, .at_home = true};
    int code = FETCH_REFUSED;

    *a = (struct answer){.headers = json_object()};
    curl_global_init(CURL_GLOBAL_DEFAULT);

    char *url = url_with_query(r, err);

    if (url) {
        j.url = mem_text(url);
        curl_free(url);
        code = travel(r, &j, a, err);
        mem_free(j.url);
    }
    curl_global_cleanup();
    return code;
}
