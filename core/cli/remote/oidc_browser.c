/* oidc_browser.c - the authorization code flow (OpenID Connect Core, 3.1) of a native
 * program (RFC 8252): the browser is led back to a port of this machine. Whoever else
 * reads the code there can do nothing with it, for want of what its challenge was made
 * from (RFC 7636). */
#include "cli/remote/base64url.h"
#include "cli/remote/loopback.h"
#include "cli/remote/oidc.h"

#include <spawn.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_US (300 * UNITS_SECOND)

extern char **environ;

struct login {
    const struct oidc *oidc;
    char verifier[OIDC_SECRET], state[OIDC_SECRET], nonce[OIDC_SECRET];
    char redirect[64];
    char *code; /* of the provider; or NULL: an error */
    char *error, *description;
};

static void add_challenge(struct buf *url, const char *verifier)
{
    char hex[SHA256_TEXT];
    unsigned char digest[SHA256_TEXT / 2];
    struct buf text = {0};

    sha256_text(verifier, strlen(verifier), hex);
    for (size_t i = 0; i < sizeof(digest); i++) {
        const char two[] = {hex[2 * i], hex[2 * i + 1], '\0'};
        digest[i] = (unsigned char)strtoul(two, NULL, 16);
    }
    base64url_add(&text, digest, sizeof(digest));
    oidc_add(url, "code_challenge", buf_text(&text));
    oidc_add(url, "code_challenge_method", "S256");
    buf_done(&text);
}

static void add_url(struct buf *url, const struct login *l)
{
    const struct oidc *o = l->oidc;
    struct buf query = {0};

    oidc_add(&query, "response_type", "code");
    oidc_add(&query, "client_id", o->client_id);
    oidc_add(&query, "redirect_uri", l->redirect);
    oidc_add(&query, "scope", o->scopes);
    oidc_add(&query, "state", l->state);
    oidc_add(&query, "nonce", l->nonce);
    add_challenge(&query, l->verifier);
    buf_printf(url, "%s%c%s", o->authorization,
               strchr(o->authorization, '?') ? '&' : '?', buf_text(&query));
    buf_done(&query);
}

/* --- who comes back --- */

/* Anybody on this machine may call: who does not know the state is not who was sent. */
static bool is_ours(const struct login *l, const char *query)
{
    char *state = loopback_parameter(query, "state");
    char *issuer = loopback_parameter(query, "iss"); /* RFC 9207 */
    const bool ours = state && strcmp(state, l->state) == 0 &&
                      (!issuer || strcmp(issuer, l->oidc->issuer) == 0);

    mem_free(state);
    mem_free(issuer);
    return ours;
}

static bool on_return(void *arg, const char *query, const char **say)
{
    struct login *l = arg;

    *say = "<p>This does not belong to the login that waits here.</p>";
    if (!is_ours(l, query))
        return false;
    l->code = loopback_parameter(query, "code");
    l->error = loopback_parameter(query, "error");
    l->description = loopback_parameter(query, "error_description");
    if (!l->code && !l->error)
        return false;
    *say = l->code ? "<p>You may close this page and go back to the terminal.</p>"
                   : "<p>You are not logged in: the terminal tells more.</p>";
    return true;
}

/* The program that $BROWSER names, without a shell: the address is not ours. Whether it
 * could be started does not matter, as the address was printed. */
static void open_browser(const char *url)
{
    const char *names = getenv("BROWSER");
    struct buf program = {0};
    char *argv[] = {NULL, (char *)url, NULL};
    pid_t pid;

    if (!names || !names[0])
        return;
    buf_add(&program, names, strcspn(names, ":"));
    argv[0] = program.data;
    if (program.len > 0 &&
        posix_spawnp(&pid, buf_text(&program), NULL, NULL, argv, environ) != 0)
        log_debug("$BROWSER does not start");
    buf_done(&program);
}

static int wait_for_code(struct login *l, struct loopback *back)
{
    struct buf url = {0};
    struct ff_err err = {0};

    add_url(&url, l);
    fprintf(stderr, "Log in on this page:\n\n  %s\n\n", buf_text(&url));
    open_browser(buf_text(&url));
    buf_done(&url);
    if (loopback_wait(back, WAIT_US, on_return, l, &err) != FF_OK)
        return cli_fail_err(&err);
    return l->error ? oidc_refused(l->oidc, l->error, l->description) : CLI_OK;
}

static int exchange(const struct login *l, char **id_token)
{
    struct buf form = {0};
    json_t *answer = NULL;

    oidc_add(&form, "grant_type", "authorization_code");
    oidc_add(&form, "code", l->code);
    oidc_add(&form, "redirect_uri", l->redirect);
    oidc_add(&form, "client_id", l->oidc->client_id);
    oidc_add(&form, "code_verifier", l->verifier);

    int code = oidc_post(l->oidc, l->oidc->token, &form, &answer);

    if (code == CLI_OK)
        code = oidc_take(l->oidc, answer, l->nonce, id_token);
    json_decref(answer);
    explicit_bzero(form.data, form.len);
    buf_done(&form);
    return code;
}

int oidc_by_browser(const struct oidc *o, char **id_token)
{
    struct login l = {.oidc = o};
    struct loopback back;
    struct ff_err err = {0};

    if (!o->authorization)
        return cli_fail(CLI_UNAVAILABLE, "%.200s has no page to log in on: --device",
                        o->issuer);
    oidc_secret(l.verifier);
    oidc_secret(l.state);
    oidc_secret(l.nonce);

    int code = loopback_open(&back, &err) == FF_OK ? CLI_OK : cli_fail_err(&err);

    snprintf(l.redirect, sizeof(l.redirect), "http://127.0.0.1:%u/callback", back.port);
    if (code == CLI_OK)
        code = wait_for_code(&l, &back);
    loopback_close(&back);
    if (code == CLI_OK)
        code = exchange(&l, id_token);
    oidc_wipe(l.code);
    mem_free(l.error);
    mem_free(l.description);
    explicit_bzero(l.verifier, sizeof(l.verifier));
    return code;
}
