/* auth-jwt/claims.c - judges the claims of a token whose signature is good, and makes a
 * principal of them. Times are compared with the host's clock, within a leeway. */
#include "../shared/name.h"
#include "auth_jwt.h"

#include <stdlib.h>
#include <string.h>

#define MAX_SECONDS 253402300799.0 /* the last one of the year 9999 */
#define SECOND_US   INT64_C(1000000)

struct admission {
    const struct config *config;
    json_t *payload;
    int64_t now_us;
    struct ff_principal principal;
    const char *roles[MAX_ROLES + 1];
    size_t n_roles;
    char *words; /* roles that came in one text, cut */
};

static int deny(struct ff_err *err, const char *why)
{
    return ff_fail(err, FF_DENIED, 0, "%s", why);
}

/* "roles", or a JSON pointer: "/realm_access/roles". A claim's own name may be a URL,
 * so that points mean nothing. */
static json_t *claim(json_t *payload, const char *name)
{
    char step[NAME_MAX_BYTES + 1];
    json_t *at = payload;

    if (*name != '/')
        return json_object_get(payload, name);
    while (at && *name == '/') {
        size_t n = 0;

        for (name++; *name && *name != '/' && n < NAME_MAX_BYTES; n++) {
            if (name[0] == '~' && (name[1] == '0' || name[1] == '1'))
                step[n] = *++name == '1' ? '/' : '~';
            else
                step[n] = *name;
            name++;
        }
        step[n] = '\0';
        at = json_object_get(at, step);
    }
    return at;
}

static bool is_name(const json_t *value)
{
    return json_is_string(value) &&
           name_is_good(json_string_value(value), json_string_length(value));
}

/* A time in whole or broken seconds, as RFC 7519 has it. */
static bool read_time(const json_t *value, int64_t *at_us)
{
    double seconds;

    if (!json_is_number(value))
        return false;
    seconds = json_number_value(value);
    if (!(seconds >= 0 && seconds <= MAX_SECONDS))
        return false;
    *at_us = json_is_integer(value) ? json_integer_value(value) * SECOND_US
                                    : (int64_t)(seconds * (double)SECOND_US);
    return true;
}

/* A time before which the token is not good; it may be absent. */
static int check_begin(const struct admission *a, const char *name, const char *why,
                       struct ff_err *err)
{
    const json_t *value = json_object_get(a->payload, name);
    int64_t at_us = 0;

    if (!value)
        return FF_OK;
    if (!read_time(value, &at_us))
        return deny(err, "the token has a time that is none");
    return a->now_us + a->config->leeway_us < at_us ? deny(err, why) : FF_OK;
}

static int check_times(struct admission *a, struct ff_err *err)
{
    const json_t *expires = json_object_get(a->payload, "exp");
    int64_t end_us;
    int code;

    if (!expires)
        return deny(err, "the token has no time of expiry (exp)");
    if (!read_time(expires, &end_us))
        return deny(err, "the token has a time that is none");
    end_us += a->config->leeway_us;
    if (a->now_us >= end_us)
        return deny(err, "the token has expired");
    a->principal.expires_us = end_us;
    code = check_begin(a, "nbf", "the token is not valid yet", err);
    return code == FF_OK
               ? check_begin(a, "iat", "the token was issued in the future", err)
               : code;
}

static bool is_text(const json_t *value, const char *text)
{
    return json_is_string(value) && json_string_length(value) == strlen(text) &&
           strcmp(json_string_value(value), text) == 0;
}

static int check_meant_for_us(const struct admission *a, struct ff_err *err)
{
    json_t *audience = json_object_get(a->payload, "aud");
    json_t *one;
    size_t i;

    if (!is_text(json_object_get(a->payload, "iss"), a->config->issuer))
        return deny(err, "the token is of another issuer (iss)");
    if (is_text(audience, a->config->audience))
        return FF_OK;
    json_array_foreach(audience, i,
                       one) if (is_text(one, a->config->audience)) return FF_OK;
    return deny(err, "the token is meant for another audience (aud)");
}

static int add_role(struct admission *a, const char *role, struct ff_err *err)
{
    if (a->n_roles == MAX_ROLES)
        return deny(err, "the token has more than 32 roles");
    a->roles[a->n_roles++] = role;
    return FF_OK;
}

/* "operator viewer", as a scope is written. */
static int cut_roles(struct admission *a, const char *text, struct ff_err *err)
{
    char *rest;
    int code = FF_OK;

    a->words = strdup(text);
    if (!a->words)
        return ff_fail(err, FF_NO_MEMORY, 0, "no memory for the token's roles");
    rest = a->words;
    for (char *word; code == FF_OK && (word = strtok_r(rest, ", ", &rest));)
        code = add_role(a, word, err);
    return code;
}

static int find_roles(struct admission *a, struct ff_err *err)
{
    json_t *roles = claim(a->payload, a->config->roles_claim);
    json_t *one;
    size_t i;
    int code = FF_OK;

    a->principal.roles = a->roles;
    if (is_name(roles))
        return cut_roles(a, json_string_value(roles), err);
    if (roles && !json_is_array(roles))
        return deny(err, "the token's roles are neither a list nor a text");
    json_array_foreach(roles, i, one)
    {
        code = is_name(one) ? add_role(a, json_string_value(one), err)
                            : deny(err, "one of the token's roles is not a name");
        if (code != FF_OK)
            break;
    }
    return code;
}

static int find_names(struct admission *a, struct ff_err *err)
{
    const json_t *subject = claim(a->payload, a->config->subject_claim);
    const json_t *tenant = claim(a->payload, a->config->tenant_claim);

    if (!is_name(subject))
        return deny(err, "the token does not say who it is for");
    a->principal.subject = json_string_value(subject);
    /* A tenant that is there and odd is not replaced by the usual one. */
    if (tenant && !is_name(tenant))
        return deny(err, "the token's tenant is not a name");
    a->principal.tenant = tenant ? json_string_value(tenant) : a->config->tenant;
    if (!a->principal.tenant)
        return deny(err, "the token does not say which tenant it is for");
    return FF_OK;
}

int claims_admit(const struct config *c, const struct token *t, int64_t now_us,
                 ff_principal_fn *fn, void *arg, struct ff_err *err)
{
    struct admission a = {
        .config = c,
        .payload = t->payload,
        .now_us = now_us,
        .principal = {.struct_size = sizeof(a.principal)},
    };
    int code = check_times(&a, err);

    if (code == FF_OK)
        code = check_meant_for_us(&a, err);
    if (code == FF_OK)
        code = find_names(&a, err);
    if (code == FF_OK)
        code = find_roles(&a, err);
    if (code == FF_OK)
        fn(arg, &a.principal);
    free(a.words);
    return code;
}

int claims_check_rules(const struct config *c, struct ff_err *err)
{
    const struct {
        const char *option, *value;
    } texts[] = {
        {"issuer", c->issuer},
        {"audience", c->audience},
        {"subject_claim", c->subject_claim},
        {"tenant_claim", c->tenant_claim},
        {"roles_claim", c->roles_claim},
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (!texts[i].value || !*texts[i].value)
            return ff_fail(err, FF_INVALID, 0,
                           "%s: it is empty: leave the setting out for its default",
                           texts[i].option);
        if (strlen(texts[i].value) > NAME_MAX_BYTES)
            return ff_fail(err, FF_INVALID, 0, "%s: it has more than %d bytes",
                           texts[i].option, NAME_MAX_BYTES);
    }
    if (c->tenant && !name_is_good(c->tenant, strlen(c->tenant)))
        return ff_fail(err, FF_INVALID, 0,
                       "tenant: it is no name of 1 to %d bytes without control "
                       "characters: leave it out to refuse tokens without a tenant",
                       NAME_MAX_BYTES);
    return FF_OK;
}
