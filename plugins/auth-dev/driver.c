/* auth-dev/driver.c - one token, one principal, for developing on one's own machine.
 *
 * It knows neither users nor expiry, so it says by FF_AUTH_LOOPBACK_ONLY that the core
 * must take no credential for it from beyond this host, and warns whenever it is
 * opened. */
#include "../shared/name.h"
#include "auth_dev.h"

#include <stdlib.h>
#include <string.h>

#define MAX_ROLES 16

struct config {
    const char *token;
    const char *token_path;
    const char *subject;
    const char *tenant;
    const char *roles;
};

#define AT(field) offsetof(struct config, field)

static const struct ff_opt options[] = {
    {.name = "token",
     .help = "the credential that is let in; at least 16 bytes",
     .type = FF_OPT_TEXT,
     .flags = FF_OPT_SECRET,
     .offset = AT(token)},
    {.name = "token_path",
     .help = "a file with it; made, with a new token, where there is none",
     .type = FF_OPT_TEXT,
     .offset = AT(token_path)},
    {.name = "subject",
     .help = "who that is",
     .fallback = "developer",
     .type = FF_OPT_TEXT,
     .offset = AT(subject)},
    {.name = "tenant",
     .help = "whose data it sees",
     .fallback = "default",
     .type = FF_OPT_TEXT,
     .offset = AT(tenant)},
    {.name = "roles",
     .help = "what it may do, with commas: viewer, operator, author, admin",
     .fallback = "admin",
     .type = FF_OPT_TEXT,
     .offset = AT(roles)},
    {0},
};

struct session {
    const struct config *config;
    char token[MAX_TOKEN_BYTES + 1];
    char *words; /* the roles, cut at the commas */
    const char *roles[MAX_ROLES + 1];
};

static int check_name(const char *option, const char *name, struct ff_err *err)
{
    if (name_is_good(name, strlen(name)))
        return FF_OK;
    return ff_fail(err, FF_INVALID, 0,
                   "%s: it is no name of 1 to %d bytes without control characters",
                   option, NAME_MAX_BYTES);
}

static int find_roles(struct session *s, struct ff_err *err)
{
    size_t n = 0;
    char *rest = strdup(s->config->roles);

    s->words = rest;
    if (!rest)
        return ff_fail(err, FF_NO_MEMORY, 0, "no memory for the roles");
    for (char *word; (word = strtok_r(rest, ", ", &rest));) {
        if (n == MAX_ROLES)
            return ff_fail(err, FF_INVALID, 0, "roles: there are more than %d",
                           MAX_ROLES);
        if (check_name("roles", word, err) != FF_OK)
            return FF_INVALID;
        s->roles[n++] = word;
    }
    if (n == 0)
        return ff_fail(err, FF_INVALID, 0,
                       "roles: there is none: name one, or leave "
                       "the setting out for admin");
    return FF_OK;
}

static int find_token(const struct ff_host *host, struct session *s, struct ff_err *err)
{
    const struct config *c = s->config;
    const char *option = c->token ? "token" : "token_path";
    int code = FF_OK;

    if (!c->token == !c->token_path)
        return ff_fail(err, FF_INVALID, 0,
                       "set either token or token_path: the file is made where there "
                       "is none");
    if (c->token_path)
        code = token_file_read(host, c->token_path, s->token, err);
    else if (strlen(c->token) > MAX_TOKEN_BYTES)
        code = ff_fail(err, FF_INVALID, 0, "token: it has more than %d bytes",
                       MAX_TOKEN_BYTES);
    else
        snprintf(s->token, sizeof(s->token), "%s", c->token);
    if (code == FF_OK && strlen(s->token) < MIN_TOKEN_BYTES)
        code = ff_fail(err, FF_INVALID, 0, "%s: the token has fewer than %d bytes",
                       option, MIN_TOKEN_BYTES);
    return code;
}

static void auth_close(void *auth)
{
    struct session *s = auth;

    if (!s)
        return;
    explicit_bzero(s->token, sizeof(s->token));
    free(s->words);
    free(s);
}

static int auth_open(const struct ff_host *host, const void *config, void **auth,
                     struct ff_err *err)
{
    struct session *s = calloc(1, sizeof(*s));
    int code;

    if (!s)
        return ff_fail(err, FF_NO_MEMORY, 0, "no memory for a session");
    s->config = config;
    code = find_token(host, s, err);
    if (code == FF_OK)
        code = check_name("subject", s->config->subject, err);
    if (code == FF_OK)
        code = check_name("tenant", s->config->tenant, err);
    if (code == FF_OK)
        code = find_roles(s, err);
    if (code != FF_OK) {
        auth_close(s);
        return code;
    }
    ff_log(host, FF_WARN,
           "for development on this machine only: one token lets in %s of %s, for "
           "ever; use auth-jwt for anything else",
           s->config->subject, s->config->tenant);
    *auth = s;
    return FF_OK;
}

/* Reads as many bytes whatever is given, so that time tells nothing of the token. */
static int is_token(const struct session *s, const char *given)
{
    const size_t len = strnlen(given, MAX_TOKEN_BYTES + 1);
    char padded[MAX_TOKEN_BYTES + 1] = {0};
    unsigned differ = len > MAX_TOKEN_BYTES;

    memcpy(padded, given, differ ? MAX_TOKEN_BYTES : len);
    for (size_t i = 0; i < sizeof(padded); i++)
        differ |= (unsigned char)(padded[i] ^ s->token[i]);
    explicit_bzero(padded, sizeof(padded));
    return !differ;
}

static int auth_verify(void *auth, const char *credential, ff_principal_fn *fn,
                       void *arg, struct ff_err *err)
{
    const struct session *s = auth;
    const struct ff_principal principal = {
        .struct_size = sizeof(principal),
        .subject = s->config->subject,
        .tenant = s->config->tenant,
        .roles = s->roles,
    };

    if (!is_token(s, credential))
        return ff_fail(err, FF_DENIED, 0, "the token is not the one for development");
    fn(arg, &principal);
    return FF_OK;
}

static const struct ff_auth_ops ops = {
    .open = auth_open,
    .close = auth_close,
    .verify = auth_verify,
};

static const struct ff_driver driver = {
    FF_DRIVER_HEAD(FF_AUTH, FF_PARALLEL, ops),
    .caps = FF_AUTH_LOOPBACK_ONLY,
    .name = "dev",
    .version = FLOWFORGE_VERSION,
    .summary = "for development on one machine: one token lets one principal in",
    .opts = options,
    .config_size = sizeof(struct config),
    .ops.auth = &ops,
};

FF_REGISTER_DRIVER(driver)
