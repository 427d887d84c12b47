/* auth-jwt/issuer.c - where an issuer publishes its keys: its document is fetched from
 * the place that OpenID Connect Discovery 1.0 gives it, else from that of RFC 8414, and
 * the key set from where the document says. */
#include "auth_jwt.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define URL_MAX 2048

/* Where its authority begins; NULL: it does not begin with this scheme. */
static const char *behind_scheme(const char *url, const char *scheme)
{
    const size_t len = strlen(scheme);

    return strncasecmp(url, scheme, len) == 0 ? url + len : NULL;
}

/* What is heard in clear could be said by anybody on the way. */
static bool is_loopback(const char *authority)
{
    static const char *const hosts[] = {"localhost", "127.0.0.1", "[::1]"};

    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        const size_t len = strlen(hosts[i]);

        if (strncasecmp(authority, hosts[i], len) == 0 &&
            (authority[len] == '\0' || strchr(":/", authority[len])))
            return true;
    }
    return false;
}

/* A URL in print, whose authority is a host and perhaps a port. */
static bool is_url(const char *url)
{
    const char *authority = behind_scheme(url, "https://");
    const char *plain = behind_scheme(url, "http://");
    const char *host = authority ? authority : plain;

    if (!host || (plain && !is_loopback(plain)) || strlen(url) >= URL_MAX)
        return false;
    for (const char *at = url; *at; at++)
        if (*at <= ' ' || *at > '~' || strchr("\\\"<>^`{|}", *at))
            return false;
    return strcspn(host, "/?#") > 0 &&
           !memchr(host, '@', strcspn(host, "/?#")); /* no user */
}

int issuer_check(const struct config *c, struct ff_err *err)
{
    if (!c->issuer_discovery)
        return FF_OK;
    if (!is_url(c->issuer) || strpbrk(c->issuer, "?#"))
        return ff_fail(err, FF_INVALID, 0,
                       "issuer: to discover its keys it must be a URL that begins with "
                       "https:// (http:// for this machine alone), without a query");
    return FF_OK;
}

/* Of both documents: the first between the issuer's host and its path, as RFC 8414 has
 * it, the second behind the path. */
static void place_of(const char *issuer, bool between, char url[URL_MAX + 64])
{
    const char *path = strstr(issuer, "://") + 3;
    size_t len = strlen(issuer);

    path += strcspn(path, "/");
    while (len > 0 && issuer[len - 1] == '/')
        len--;
    if (!between)
        snprintf(url, URL_MAX + 64, "%.*s/.well-known/openid-configuration", (int)len,
                 issuer);
    else if (path < issuer + len)
        snprintf(url, URL_MAX + 64, "%.*s/.well-known/oauth-authorization-server%.*s",
                 (int)(path - issuer), issuer, (int)(issuer + len - path), path);
    else
        snprintf(url, URL_MAX + 64, "%.*s/.well-known/oauth-authorization-server",
                 (int)len, issuer);
}

/* Who answers in the issuer's place says so: what it says of another one counts
 * nothing (RFC 8414, 3.3). */
static int judge_document(const struct config *c, const json_t *document,
                          const char **uri, struct ff_err *err)
{
    const char *issuer = json_string_value(json_object_get(document, "issuer"));
    const char *found = json_string_value(json_object_get(document, "jwks_uri"));

    if (!issuer || strcmp(issuer, c->issuer) != 0)
        return ff_fail(err, FF_INVALID, 0,
                       "the document of %.120s is of another issuer, or of none",
                       c->issuer);
    if (!found || !is_url(found) ||
        (behind_scheme(c->issuer, "https://") && !behind_scheme(found, "https://")))
        return ff_fail(err, FF_INVALID, 0,
                       "the document of %.120s has no jwks_uri that may be asked",
                       c->issuer);
    *uri = found;
    return FF_OK;
}

static int get_document(const struct config *c, const bool *stop, json_t **document,
                        struct ff_err *err)
{
    char url[URL_MAX + 64];
    const struct get g = {.url = url, .ca_file = c->issuer_ca_file, .stop = stop};
    char *text = NULL;
    int code;

    place_of(c->issuer, false, url);
    code = get_text(&g, &text, err);
    if (code == FF_NOT_FOUND) {
        place_of(c->issuer, true, url);
        code = get_text(&g, &text, err);
    }
    if (code != FF_OK)
        return code;
    *document = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    free(text);
    if (*document)
        return FF_OK;
    return ff_fail(err, FF_INVALID, 0, "%.120s is not JSON", url);
}

int issuer_fetch(const struct config *c, const bool *stop, char **set,
                 struct ff_err *err)
{
    struct get g = {.ca_file = c->issuer_ca_file, .stop = stop};
    json_t *document;
    int code = get_document(c, stop, &document, err);

    if (code != FF_OK)
        return code;
    code = judge_document(c, document, &g.url, err);
    if (code == FF_OK)
        code = get_text(&g, set, err);
    json_decref(document);
    return code;
}
