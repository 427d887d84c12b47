/* cmd_login.c - a credential for a server: given by hand, or got by who somebody is to
 * a provider of OpenID Connect; tried before it is kept, printed, and ended. */
#include "cli/remote/edit.h"
#include "cli/remote/oidc.h"
#include "cli/remote/remote.h"

#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define TOKEN_MAX ((size_t)16 * 1024)
#define SESSION   "ffs_" /* and its id, and "_" and more */

/* --- by hand --- */

static void read_line(struct buf *line)
{
    char c;

    while (line->len < TOKEN_MAX && read(STDIN_FILENO, &c, 1) == 1 && c != '\n')
        if (c != '\r')
            buf_add_char(line, c);
}

/* Not shown on a terminal. */
static void read_token(const char *server, struct buf *line)
{
    struct termios before;
    const bool terminal = tcgetattr(STDIN_FILENO, &before) == 0;

    if (terminal) {
        struct termios silent = before;
        silent.c_lflag &= ~(tcflag_t)ECHO;
        fprintf(stderr, "credential for %s: ", server);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    }
    read_line(line);
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fputc('\n', stderr);
    }
}

/* A header field ends at a line: nothing may follow it there. */
static int take_token(struct context *k)
{
    const char *given = getenv("FLOWFORGE_TOKEN");
    struct buf line = {0};
    int code = CLI_OK;

    if (given && given[0])
        buf_add_text(&line, given);
    else
        read_token(k->server, &line);
    for (size_t i = 0; i < line.len; i++)
        if (line.data[i] <= ' ' || line.data[i] > '~')
            code = cli_fail(CLI_USAGE, "that is no credential: it has spaces or "
                                       "characters beyond ASCII");
    if (code == CLI_OK && line.len == 0)
        code = cli_fail(CLI_USAGE, "the credential is read from standard input or "
                                   "FLOWFORGE_TOKEN, and there was none");
    if (code == CLI_OK)
        context_set_token(k, buf_text(&line), NULL);
    if (line.data)
        explicit_bzero(line.data, line.len);
    buf_done(&line);
    return code;
}

static int introduce(struct cli *c, const struct context *k)
{
    const struct remote r = {.server = k->server, .token = k->token, .ca = k->ca};
    struct buf who = {0};
    json_t *me = NULL;
    const int code = remote_ask(&r, "/me", &me);
    const char *subject = json_string_value(json_object_get(me, "subject"));

    if (code == CLI_OK && subject) {
        cli_add_clean(&who, subject, strlen(subject));
        cli_note(c, "%s knows you as %s; the context %s is in use", k->server,
                 buf_text(&who), k->name);
    }
    buf_done(&who);
    json_decref(me);
    return code;
}

/* --- by a provider --- */

/* What the server answers to who asks for a session. */
static int take_session(struct context *k, const struct remote *r, json_t *body,
                        bool *kept)
{
    json_t *answer = NULL;
    int code = remote_tell(r, "POST", "/sessions", body, &answer);
    const char *session = json_string_value(json_object_get(answer, "credential"));
    const char *expires = json_string_value(json_object_get(answer, "expires_at"));

    *kept = code == CLI_OK && session && text_starts(session, SESSION);
    if (*kept)
        context_set_token(k, session, expires);
    else if (code == CLI_OK)
        code = cli_fail(CLI_UNAVAILABLE, "%s makes no sessions", r->server);
    json_decref(answer);
    return code;
}

static int get_id_token(const struct cli *c, const json_t *said, char **id_token)
{
    struct oidc o = {
        .issuer = json_string_value(json_object_get(said, "issuer")),
        .client_id = json_string_value(json_object_get(said, "client_id")),
        .scopes = json_string_value(json_object_get(said, "scopes")),
    };

    if (!o.issuer || !o.client_id || !o.scopes)
        return cli_fail(CLI_NOT_FOUND,
                        "the server names no provider to log in with: there "
                        "server.oidc_issuer and server.oidc_client_id say one");

    int code = oidc_discover(&o);

    if (code == CLI_OK)
        code = cli_has(&c->args, "device") ? oidc_by_device(&o, id_token)
                                           : oidc_by_browser(&o, id_token);
    oidc_done(&o);
    return code;
}

/* The token of the provider is shown this once, and kept nowhere. */
static int log_in(struct cli *c, struct context *k)
{
    struct remote r = {.server = k->server, .ca = k->ca};
    const char *fault = remote_server_fault(k->server, true);
    json_t *said = NULL;
    bool kept;
    int code = fault ? cli_fail(CLI_USAGE, "%.200s: %s", k->server, fault) : CLI_OK;

    if (code == CLI_OK)
        code = remote_ask(&r, "/auth", &said);
    if (code == CLI_OK)
        code = get_id_token(c, json_object_get(said, "oidc"), &r.token);
    if (code == CLI_OK)
        code = take_session(k, &r, json_object(), &kept);
    oidc_wipe(r.token);
    json_decref(said);
    return code;
}

/* --- login --- */

/* The one that --context names, or else the current one, unless another server is
 * named. mem_free it; NULL with an exit code. */
static char *login_name(const struct cli *c, int *code)
{
    const char *name = cli_get(&c->args, "context");
    const bool other = cli_has(&c->args, "server");
    struct contexts x;
    char *chosen = NULL;

    *code = edit_open(&x);
    if (*code == CLI_OK)
        chosen = mem_text(name ? name : x.current && !other ? x.current : "default");
    contexts_done(&x);
    return chosen;
}

/* While somebody looked at a browser other contexts may have been changed: this one
 * alone is written into what the file holds by now. */
static int keep(const struct context *k)
{
    struct contexts now = {0};
    int code;
    struct context *mine = edit_named(&now, k->name, &code);

    if (mine) {
        context_set(&mine->server, k->server);
        context_set(&mine->ca, k->ca);
        context_set_token(mine, k->token, k->expires);
        context_set(&now.current, k->name);
        code = edit_keep(&now);
    }
    contexts_done(&now);
    return code;
}

static int login(struct cli *c, struct context *k)
{
    const bool by_provider = cli_has(&c->args, "oidc") || cli_has(&c->args, "device");
    int code = edit_server(k, cli_get(&c->args, "server"));

    if (code == CLI_OK)
        code = edit_ca(k, cli_get(&c->args, "ca"));
    if (code == CLI_OK)
        code = by_provider ? log_in(c, k) : take_token(k);
    if (code == CLI_OK)
        code = edit_server(k, NULL); /* now that there is a credential to send */
    if (code == CLI_OK)
        code = introduce(c, k);
    return code == CLI_OK ? keep(k) : code;
}

int cmd_login(struct cli *c)
{
    struct contexts x = {0};
    int code;
    MEM_AUTO char *name = login_name(c, &code);
    const char *fault = name ? context_name_fault(name) : NULL;

    if (fault)
        code = cli_fail(CLI_USAGE, "%.63s: %s", name, fault);
    if (code == CLI_OK)
        code = edit_open(&x);
    if (code == CLI_OK)
        code = login(c, contexts_add(&x, name));
    contexts_done(&x);
    return code;
}

/* --- logout --- */

/* Ends the session at the server; what has ended already is well ended. */
static int end_session(const struct context *k)
{
    const struct remote r = {.server = k->server, .token = k->token, .ca = k->ca};
    const char *behind = k->token + strlen(SESSION);
    char id[16];
    struct ff_err err = {0};

    snprintf(id, sizeof(id), "%.*s", (int)strcspn(behind, "_"), behind);

    MEM_AUTO char *path = remote_path("sessions", id, (char *)NULL);
    const struct remote_request what = {.method = "DELETE", .path = path};

    if (remote_call(&r, &what, NULL, &err) == FF_OK || err.sys == 401 || err.sys == 404)
        return CLI_OK;
    return cli_fail_err(&err);
}

/* Unless another one has been kept meanwhile. */
static int keep_none(const struct context *k)
{
    struct contexts now;
    int code = edit_change(&now);
    struct context *mine = code == CLI_OK ? contexts_find(&now, k->name) : NULL;

    if (mine && mine->token && strcmp(mine->token, k->token) == 0) {
        context_set_token(mine, NULL, NULL);
        code = edit_keep(&now);
    }
    contexts_done(&now);
    return code;
}

/* It is forgotten here whatever the server says. */
static int forget(struct cli *c, const struct context *k)
{
    const bool session = text_starts(k->token, SESSION);
    int code = session && !context_is_over(k) ? end_session(k) : CLI_OK;

    if (code != CLI_OK)
        cli_fail(code, "the session was not ended at %s: it ends by itself at %s",
                 k->server, k->expires ? k->expires : "its time");
    if (!session)
        cli_note(c, "the credential is forgotten here, and good until it is revoked or "
                    "expires");

    const int kept = keep_none(k);

    return code == CLI_OK ? kept : code;
}

int cmd_logout(struct cli *c)
{
    const char *name = cli_get(&c->args, "context");
    struct contexts x = {0};
    struct context *k = NULL;
    int code = edit_open(&x);

    if (!name)
        name = x.current;
    if (code == CLI_OK && name)
        k = contexts_find(&x, name);
    if (k && k->token)
        code = forget(c, k);
    else if (code == CLI_OK)
        code = cli_fail(CLI_NOT_FOUND, "nobody is logged in: `flowforge context list` "
                                       "shows the credentials that are kept");
    contexts_done(&x);
    return code;
}

/* --- token --- */

/* One more, for a script: what it is made with need not be given away. */
static int make_session(const struct cli *c, struct remote *r)
{
    const char *asked = cli_get(&c->args, "ttl");
    struct context made = {0};
    bool kept = false;
    int64_t us;

    if (!units_duration(asked, &us) || us < UNITS_SECOND)
        return cli_fail(CLI_USAGE, "--ttl: \"%.40s\" is no time: write 15m or 1h",
                        asked);
    if (text_starts(r->token, SESSION))
        return cli_fail(CLI_DENIED, "a session makes no other one: `flowforge token` "
                                    "without --ttl prints the one there is");

    const int code = take_session(
        &made, r, json_pack("{s:I}", "ttl_seconds", (json_int_t)(us / UNITS_SECOND)),
        &kept);

    if (kept)
        context_set(&r->token, made.token);
    context_set_token(&made, NULL, NULL);
    return code;
}

/* For other programs: `curl -H "Authorization: Bearer $(flowforge token)"`. */
int cmd_token(struct cli *c)
{
    struct remote r;
    struct buf out = {0};
    int code = remote_choose(&r, c);

    if (code == CLI_OK && !r.token)
        code = cli_fail(CLI_NOT_FOUND, "there is no credential: `flowforge login "
                                       "--server URL` takes one");
    if (code == CLI_OK && cli_has(&c->args, "ttl"))
        code = make_session(c, &r);
    if (code == CLI_OK) {
        buf_printf(&out, "%s\n", r.token);
        code = cli_print(&out);
    }
    remote_done(&r);
    return code;
}
