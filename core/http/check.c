/* http/check.c - what a request head must look like before llhttp sees it.
 *
 * llhttp takes a space before the colon, several equal lengths and other things that
 * two parsers in a row may read differently. Here one form is right (RFC 9112) and
 * all else is refused. It keeps nothing and knows no connection. */
#include "http/h1_priv.h"
#include <string.h>
#include <strings.h>

/* Progress through one head. */
struct check {
    const char *at, *end;
    struct http_refusal *no;
    size_t n_headers;
    unsigned seen; /* bits by place in single[] */
    int minor;
};

static bool refuse(struct http_refusal *no, int status, const char *why)
{
    no->status = status;
    no->why = why;
    return false;
}

/* RFC 9110, section 5.6.2. */
static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           (c >= '0' && c <= '9') || (c != '\0' && strchr("!#$%&'*+.^_`|~", c));
}

/* Nothing that a head is judged by, nor the byte behind a CR. */
static bool is_plain(const char *bytes, size_t i)
{
    return (unsigned char)bytes[i] > '\r' && i > 0 && bytes[i - 1] != '\r';
}

size_t http_find_head(const char *bytes, size_t len, size_t *at,
                      struct http_refusal *no)
{
    for (size_t i = *at; i < len && i < HTTP_HEAD_MAX; i++) {
        if (is_plain(bytes, i))
            continue;
        if (bytes[i] == '\0') {
            refuse(no, 400, "the head holds a NUL byte");
            return 0;
        }
        if (bytes[i] == '\n' && (i == 0 || bytes[i - 1] != '\r')) {
            refuse(no, 400, "a line ends with LF alone instead of CRLF");
            return 0;
        }
        if (bytes[i] != '\n' && i > 0 && bytes[i - 1] == '\r') {
            refuse(no, 400, "the head holds a CR without its LF");
            return 0;
        }
        if (bytes[i] == '\n' && i >= 3 && bytes[i - 2] == '\n') {
            *at = 0;
            return i + 1;
        }
    }
    *at = len;
    if (len >= HTTP_HEAD_MAX)
        refuse(no, 431, "the head is larger than 16 KiB");
    return 0;
}

/* --- the request line --- */

bool http_is_method(const char *word, size_t len)
{
    /* No route has TRACE; but who knows it answers 405 and not 501. */
    static const char *const known[] = {"GET",   "HEAD",   "POST",    "PUT",
                                        "PATCH", "DELETE", "OPTIONS", "TRACE"};

    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (strlen(known[i]) == len && memcmp(word, known[i], len) == 0)
            return true;
    return false;
}

static bool check_method(struct check *c)
{
    const char *word = c->at;

    while (word < c->end && is_token_char(*word))
        word++;
    if (word < c->end && *word == ' ' &&
        http_is_method(c->at, (size_t)(word - c->at))) {
        c->at = word + 1;
        return true;
    }
    if (word > c->at && word < c->end && *word == ' ')
        return refuse(c->no, 501, "this method is not implemented");
    return refuse(c->no, 400, "the request line has no method");
}

static bool check_target(struct check *c)
{
    const char *start = c->at;

    while (c->at<c->end && * c->at> 0x20 && *c->at < 0x7f)
        c->at++;
    if (c->at == c->end || *c->at != ' ')
        return refuse(c->no, 400,
                      "the request target holds a byte that it must escape");
    if (*start != '/' && *start != 'h' && *start != 'H' && *start != '*')
        return refuse(c->no, 400, "the request target does not begin with /");
    if (c->at - start > HTTP_TARGET_MAX)
        return refuse(c->no, 414, "the request target is larger than 8 KiB");
    c->at++;
    return true;
}

static bool check_version(struct check *c)
{
    static const char form[] = "HTTP/1.x\r\n";

    if (c->end - c->at < (ptrdiff_t)sizeof(form) - 1 || memcmp(c->at, "HTTP/", 5) != 0)
        return refuse(c->no, 400, "the request line does not end with HTTP/1.1");
    if (c->at[8] != '\r')
        return refuse(c->no, 400, "the HTTP version is not of the form 1.1");
    if (memcmp(c->at, "HTTP/1.0", 8) != 0 && memcmp(c->at, "HTTP/1.1", 8) != 0)
        return refuse(c->no, 505, "HTTP/1.0 and HTTP/1.1 are spoken here");
    c->minor = c->at[7] - '0';
    c->at += sizeof(form) - 1;
    return true;
}

/* --- the fields --- */

enum { HOST, LENGTH, ENCODING };

/* Fields that must not be repeated: which of two holds is anybody's guess. */
static const char *const single[] = {"host",
                                     "content-length",
                                     "transfer-encoding",
                                     "authorization",
                                     "content-type",
                                     "expect",
                                     "idempotency-key",
                                     "origin",
                                     "sec-websocket-key",
                                     "sec-websocket-version"};

static int single_index(const char *name, size_t len)
{
    for (size_t i = 0; i < COUNT_OF(single); i++)
        if (strlen(single[i]) == len && strncasecmp(single[i], name, len) == 0)
            return (int)i;
    return -1;
}

bool http_is_single(const char *name, size_t len)
{
    return single_index(name, len) >= 0;
}

bool http_is_length(const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (value[i] < '0' || value[i] > '9')
            return false;
    return len > 0 && len <= 18;
}

static bool check_encoding(struct http_refusal *no, const char *value, size_t len)
{
    if (len != 7 || strncasecmp(value, "chunked", 7) != 0)
        return refuse(no, 501, "of transfer encodings only chunked is implemented");
    return true;
}

static bool check_single(struct check *c, int index, const char *value, size_t len)
{
    if (index < 0)
        return true;
    if (c->seen & (1U << index))
        return refuse(c->no, 400, "a header that must be single is repeated");
    c->seen |= 1U << index;
    if (index == LENGTH)
        return http_is_length(value, len) ||
               refuse(c->no, 400, "Content-Length is not a length");
    if (index == ENCODING)
        return check_encoding(c->no, value, len);
    return true;
}

static bool check_value(struct check *c, const char **value, size_t *len)
{
    while (*c->at == ' ' || *c->at == '\t')
        c->at++;
    *value = c->at;
    for (; *c->at != '\r'; c->at++)
        if (((unsigned char)*c->at < 0x20 && *c->at != '\t') || *c->at == 0x7f)
            return refuse(c->no, 400, "a header value holds a control character");
    const char *last = c->at;
    while (last > *value && (last[-1] == ' ' || last[-1] == '\t'))
        last--;
    *len = (size_t)(last - *value);
    c->at += 2;
    return true;
}

static bool check_field(struct check *c)
{
    const char *name = c->at;
    const char *value;
    size_t len;

    while (is_token_char(*c->at))
        c->at++;
    size_t name_len = (size_t)(c->at - name);
    if (name_len == 0)
        return refuse(c->no, 400, "a header line does not begin with a name");
    if (*c->at != ':')
        return refuse(c->no, 400, "a header name is not followed by its colon");
    c->at++;
    if (!check_value(c, &value, &len))
        return false;
    if (++c->n_headers > HTTP_HEADERS_MAX)
        return refuse(c->no, 431, "there are more than 100 headers");
    return check_single(c, single_index(name, name_len), value, len);
}

static bool has(const struct check *c, int index)
{
    return c->seen & (1U << index);
}

static bool check_whole(struct check *c)
{
    if (has(c, LENGTH) && has(c, ENCODING))
        return refuse(c->no, 400,
                      "both Content-Length and Transfer-Encoding are given");
    if (has(c, ENCODING) && c->minor == 0)
        return refuse(c->no, 400, "HTTP/1.0 has no Transfer-Encoding");
    if (!has(c, HOST) && c->minor > 0)
        return refuse(c->no, 400, "the Host header is missing");
    return true;
}

void http_check_head(const char *head, size_t len, struct http_refusal *no)
{
    /* http_find_head has shown: ends with an empty line, CR and LF in pairs only, no
     * NUL. So each line has its '\r' before `end`. */
    struct check c = {.at = head, .end = head + len, .no = no};

    if (!check_method(&c) || !check_target(&c) || !check_version(&c))
        return;
    while (*c.at != '\r')
        if (!check_field(&c))
            return;
    check_whole(&c);
}
