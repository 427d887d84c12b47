/* oidc.c - asks a provider of OpenID Connect, and judges what it answers. Whether an ID
 * token is signed as it must be, and is still good, is the server's to judge: here it
 * is seen that it came from where it was asked for, and is for who asked. */
#include "cli/remote/oidc.h"

#include "cli/remote/base64url.h"
#include "cli/remote/curl.h"
#include "cli/remote/remote.h"

#include <string.h>

/* Of a JSON Web Token as it is sent (RFC 7515, 3.1): no line can end in one. */
#define TOKEN_CHARACTERS                                                               \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
#define DOCUMENT "/.well-known/openid-configuration"

void oidc_wipe(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    mem_free(secret);
}

void oidc_done(struct oidc *o)
{
    mem_free(o->authorization);
    mem_free(o->token);
    mem_free(o->device);
}

void oidc_secret(char out[OIDC_SECRET])
{
    unsigned char bytes[32];
    struct buf text = {0};

    rand_system(bytes, sizeof(bytes));
    base64url_add(&text, bytes, sizeof(bytes));
    snprintf(out, OIDC_SECRET, "%s", buf_text(&text));
    explicit_bzero(bytes, sizeof(bytes));
    explicit_bzero(text.data, text.len);
    buf_done(&text);
}

void oidc_add(struct buf *form, const char *name, const char *value)
{
    buf_printf(form, "%s%s=", form->len > 0 ? "&" : "", name);
    remote_add_quoted(form, value);
}

/* --- asking --- */

/* form: NULL: GET. *answer: JSON, perhaps NULL. */
static int ask(const struct oidc *o, const char *url, const char *form, long *status,
               json_t **answer)
{
    const struct curl_request request = {
        .method = form ? "POST" : "GET", .url = url, .form = form};
    struct curl_answer got;
    struct ff_err err = {0};
    const int code = curl_ask(&request, &got, &err);

    if (code == FF_OK) {
        *status = got.status;
        *answer = json_parse(buf_text(&got.body), got.body.len, &err);
    }
    if (got.body.data)
        explicit_bzero(got.body.data, got.body.len);
    buf_done(&got.body);
    if (code == FF_OK)
        return CLI_OK;
    return cli_fail((int)cli_exit_of(code), "%.200s cannot be asked: %s", o->issuer,
                    err.msg);
}

int oidc_post(const struct oidc *o, const char *url, const struct buf *form,
              json_t **answer)
{
    long status = 0;
    const int code = ask(o, url, buf_text(form), &status, answer);

    if (code != CLI_OK || json_is_object(*answer))
        return code;
    json_decref(*answer);
    *answer = NULL;
    return cli_fail(CLI_UNAVAILABLE, "%.200s answers %ld, and not as a provider does",
                    o->issuer, status);
}

int oidc_refused(const struct oidc *o, const char *error, const char *description)
{
    struct buf said = {0};
    int code;

    cli_add_clean(&said, error, strlen(error));
    if (description) {
        buf_add_text(&said, ": ");
        cli_add_clean(&said, description, strlen(description));
    }
    code = cli_fail(CLI_DENIED, "%.200s lets nobody in: %.300s", o->issuer,
                    buf_text(&said));
    buf_done(&said);
    return code;
}

/* --- the provider's document --- */

/* https, or http on this machine; in print, since it is shown on a terminal. */
static bool may_be_asked(const char *url, size_t len)
{
    struct buf base = {0};
    bool good;

    buf_add(&base, url, len);
    good = !text_starts(url, "unix:") && !remote_server_fault(buf_text(&base), true);
    buf_done(&base);
    for (const char *at = url; *at; at++)
        good = good && *at > ' ' && *at <= '~' && *at != '#';
    return good;
}

/* A copy, of what may be asked. NULL: it says none, or one that others would hear. */
static char *place_of(const json_t *document, const char *name)
{
    const char *url = json_string_value(json_object_get(document, name));

    return url && may_be_asked(url, strcspn(url, "?")) ? mem_text(url) : NULL;
}

static int take_document(struct oidc *o, long status, const json_t *document)
{
    const char *issuer = json_string_value(json_object_get(document, "issuer"));

    if (status != 200 || !issuer)
        return cli_fail(CLI_UNAVAILABLE,
                        "%.200s has no document of OpenID Connect (%ld)", o->issuer,
                        status);
    if (strcmp(issuer, o->issuer) != 0)
        return cli_fail(CLI_DENIED, "the document of %.200s is of another issuer",
                        o->issuer);
    o->authorization = place_of(document, "authorization_endpoint");
    o->token = place_of(document, "token_endpoint");
    o->device = place_of(document, "device_authorization_endpoint");
    if (o->token)
        return CLI_OK;
    return cli_fail(CLI_UNAVAILABLE, "%.200s gives no tokens to programs", o->issuer);
}

int oidc_discover(struct oidc *o)
{
    size_t len = strlen(o->issuer);
    struct buf url = {0};
    json_t *document = NULL;
    long status = 0;

    if (!may_be_asked(o->issuer, len))
        return cli_fail(CLI_DENIED, "the server names a provider that is not asked: "
                                    "one is https://HOST");
    while (o->issuer[len - 1] == '/')
        len--;
    buf_printf(&url, "%.*s" DOCUMENT, (int)len, o->issuer);

    int code = ask(o, buf_text(&url), NULL, &status, &document);

    if (code == CLI_OK)
        code = take_document(o, status, document);
    json_decref(document);
    buf_done(&url);
    return code;
}

/* --- the token --- */

static json_t *claims_of(const char *token)
{
    const char *payload = strchr(token, '.');
    const char *end = payload ? strchr(payload + 1, '.') : NULL;
    struct ff_err err;
    struct buf text = {0};
    json_t *claims = NULL;

    if (end && base64url_read(payload + 1, (size_t)(end - payload - 1), &text))
        claims = json_parse(buf_text(&text), text.len, &err);
    buf_done(&text);
    return claims;
}

static bool is_text(const json_t *value, const char *text)
{
    const char *said = json_string_value(value);

    return said && strcmp(said, text) == 0;
}

static bool is_for(const json_t *audience, const char *client_id)
{
    bool found = is_text(audience, client_id);

    for (size_t i = 0; i < json_array_size(audience); i++)
        found = found || is_text(json_array_get(audience, i), client_id);
    return found;
}

int oidc_take(const struct oidc *o, const json_t *answer, const char *nonce,
              char **id_token)
{
    const char *error = json_string_value(json_object_get(answer, "error"));
    const char *token = json_string_value(json_object_get(answer, "id_token"));

    if (error)
        return oidc_refused(
            o, error, json_string_value(json_object_get(answer, "error_description")));
    if (!token)
        return cli_fail(CLI_UNAVAILABLE,
                        "%.200s gives no ID token: server.oidc_scopes must have openid",
                        o->issuer);

    if (strspn(token, TOKEN_CHARACTERS) != strlen(token))
        return cli_fail(CLI_DENIED, "%.200s gives no token that could be sent on",
                        o->issuer);
    json_t *claims = claims_of(token);
    const bool good = is_text(json_object_get(claims, "iss"), o->issuer) &&
                      is_for(json_object_get(claims, "aud"), o->client_id) &&
                      (!nonce || is_text(json_object_get(claims, "nonce"), nonce));

    json_decref(claims);
    if (!good)
        return cli_fail(CLI_DENIED,
                        "%.200s has given a token that is not for this login: begin "
                        "again",
                        o->issuer);
    *id_token = mem_text(token);
    return CLI_OK;
}
