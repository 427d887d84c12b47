/* auth_sample.c - one token lets one principal in.
 *
 * Made from FlowForge's template for auth drivers. It is small and true to the whole
 * contract; what is yours to do:
 *
 *   TODO  look the credential up where yours are kept (auth_verify)
 *   TODO  fetch keys or revocations again now and then: the optional slot `refresh` */
#include <flowforge/auth.h>

#include <stdlib.h>
#include <string.h>

#define MAX_ROLES 16

/* The core fills this from the section `auth-sample` of the config file and from
 * FLOWFORGE_AUTH_SAMPLE_..., before open(). It outlives the session. */
struct config {
    const char *token;
    const char *subject;
    const char *tenant;
    const char *roles;
};

#define AT(field) offsetof(struct config, field)

static const struct ff_opt options[] = {
    {.name = "token",
     .help = "the credential that is let in; at least 16 characters",
     .type = FF_OPT_TEXT,
     .flags = FF_OPT_REQUIRED | FF_OPT_SECRET,
     .offset = AT(token)},
    {.name = "subject",
     .help = "who that is",
     .fallback = "operator",
     .type = FF_OPT_TEXT,
     .offset = AT(subject)},
    {.name = "tenant",
     .help = "whose data it sees",
     .fallback = "default",
     .type = FF_OPT_TEXT,
     .offset = AT(tenant)},
    {.name = "roles",
     .help = "what it may do, with commas: viewer, operator, author, admin",
     .fallback = "viewer",
     .type = FF_OPT_TEXT,
     .offset = AT(roles)},
    {0},
};

struct session {
    const struct ff_host *host;
    const struct config *config;
    char *words; /* the roles, cut at the commas */
    const char *roles[MAX_ROLES + 1];
};

static int split_roles(struct session *s, struct ff_err *err)
{
    size_t n = 0;
    char *rest = s->words;

    for (char *word; (word = strtok_r(rest, ", ", &rest));) {
        if (n == MAX_ROLES)
            return ff_fail(err, FF_INVALID, 0, "roles: more than %d", MAX_ROLES);
        s->roles[n++] = word;
    }
    if (n == 0)
        return ff_fail(err, FF_INVALID, 0, "roles: there is none");
    return FF_OK;
}

static void auth_close(void *auth)
{
    struct session *s = auth;

    if (!s)
        return;
    free(s->words);
    free(s);
}

static int auth_open(const struct ff_host *host, const void *config, void **auth,
                     struct ff_err *err)
{
    const struct config *c = config;
    struct session *s;
    int code;

    if (strlen(c->token) < 16)
        return ff_fail(err, FF_INVALID, 0, "token: it has fewer than 16 characters");
    s = calloc(1, sizeof(*s));
    if (!s)
        return ff_fail(err, FF_NO_MEMORY, 0, "no memory for a session");
    s->host = host;
    s->config = c;
    s->words = strdup(c->roles);
    code = s->words ? split_roles(s, err)
                    : ff_fail(err, FF_NO_MEMORY, 0, "no memory for the roles");
    if (code != FF_OK) {
        auth_close(s);
        return code;
    }
    ff_log(host, FF_DEBUG, "lets in %s", c->subject);
    *auth = s;
    return FF_OK;
}

/* Takes as long wherever the two differ, so that time tells nothing of the token. */
static int is_same(const char *given, const char *token)
{
    size_t given_len = strlen(given);
    size_t len = strlen(token);
    unsigned differ = given_len != len;

    for (size_t i = 0; i < len; i++)
        differ |= (unsigned char)(token[i] ^ given[given_len > i ? i : given_len]);
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

    if (!is_same(credential, s->config->token))
        return ff_fail(err, FF_DENIED, 0, "the token is not known");
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
    .name = "sample",
    .version = DRIVER_VERSION,
    .summary = "one token lets one principal in",
    .opts = options,
    .config_size = sizeof(struct config),
    .ops.auth = &ops,
};

FF_REGISTER_DRIVER(driver)
