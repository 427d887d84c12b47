/* cmd_context.c - the servers that this user knows: list, set, use, delete, and login,
 * which tries the credential before it is kept. */
#include "cli/remote/context.h"
#include "cli/remote/remote.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define TOKEN_MAX ((size_t)16 * 1024)

static int open_contexts(struct contexts *x)
{
    struct ff_err err = {0};

    return contexts_read(x, &err) == FF_OK ? CLI_OK : cli_fail_err(&err);
}

static int keep(const struct contexts *x)
{
    struct ff_err err = {0};

    return contexts_write(x, &err) == FF_OK ? CLI_OK : cli_fail_err(&err);
}

/* --- list --- */

static json_t *context_json(const struct context *k, bool current)
{
    return json_pack("{s:s, s:s, s:b, s:b, s:s?}", "context", k->name, "server",
                     k->server, "current", current, "token", k->token != NULL, "ca",
                     k->ca);
}

static bool is_current(const struct contexts *x, const struct context *k)
{
    return x->current && strcmp(x->current, k->name) == 0;
}

static void list_json(const struct contexts *x, struct buf *out)
{
    json_t *list = json_array();

    for (size_t i = 0; i < x->all.n; i++)
        json_array_append_new(
            list, context_json(&x->all.items[i], is_current(x, &x->all.items[i])));
    json_add_to(out, list);
    buf_add_char(out, '\n');
    json_decref(list);
}

static void list_text(const struct cli *c, const struct contexts *x, struct buf *out)
{
    static const char *const heads[] = {"", "CONTEXT", "SERVER", "CREDENTIAL"};
    struct cli_grid g = {.n_columns = COUNT_OF(heads), .colour = c->colour};

    for (size_t i = 0; i < COUNT_OF(heads); i++)
        cli_cell(&g, CLI_DIM, heads[i]);
    cli_cell(&g, CLI_PLAIN, x->current ? "" : "*");
    cli_cell(&g, CLI_BOLD, CONTEXT_LOCAL);
    cli_cell(&g, CLI_PLAIN, "this machine");
    cli_cell(&g, CLI_PLAIN, "-");
    for (size_t i = 0; i < x->all.n; i++) {
        const struct context *k = &x->all.items[i];
        cli_cell(&g, CLI_PLAIN, is_current(x, k) ? "*" : "");
        cli_cell(&g, CLI_BOLD, k->name);
        cli_cell_span(&g, CLI_PLAIN, span_of(k->server));
        cli_cell(&g, CLI_PLAIN, k->token ? "yes" : "none");
    }
    cli_grid_add_to(&g, out);
}

int cmd_context_list(struct cli *c)
{
    struct contexts x;
    struct buf out = {0};
    int code = open_contexts(&x);

    if (code == CLI_OK) {
        if (c->json)
            list_json(&x, &out);
        else
            list_text(c, &x, &out);
        code = cli_print(&out);
    }
    contexts_done(&x);
    return code;
}

/* --- use, delete --- */

static int no_context(const char *name)
{
    return cli_fail(CLI_NOT_FOUND,
                    "there is no context %.63s; `flowforge context list` lists them",
                    name);
}

int cmd_context_use(struct cli *c)
{
    const char *name = c->args.words.items[0];
    const bool local = strcmp(name, CONTEXT_LOCAL) == 0;
    struct contexts x;
    int code = open_contexts(&x);

    if (code == CLI_OK && !local && !contexts_find(&x, name))
        code = no_context(name);
    if (code == CLI_OK) {
        context_set(&x.current, local ? NULL : name);
        code = keep(&x);
    }
    contexts_done(&x);
    return code;
}

int cmd_context_delete(struct cli *c)
{
    const char *name = c->args.words.items[0];
    struct contexts x;
    int code = open_contexts(&x);
    struct context *found = code == CLI_OK ? contexts_find(&x, name) : NULL;

    if (code == CLI_OK && !found)
        code = no_context(name);
    if (code == CLI_OK) {
        contexts_delete(&x, found);
        code = keep(&x);
    }
    contexts_done(&x);
    return code;
}

/* --- set --- */

static int set_server(struct context *k, const char *server)
{
    const char *fault;

    if (server)
        context_set(&k->server, server);
    if (!k->server)
        return cli_fail(CLI_USAGE, "which server? --server https://HOST:PORT says it");
    fault = remote_server_fault(k->server, k->token);
    return fault ? cli_fail(CLI_USAGE, "%.200s: %s", k->server, fault) : CLI_OK;
}

/* Absolute: it is read from wherever the next command is called. */
static int set_ca(struct context *k, const char *file)
{
    if (!file)
        return CLI_OK;
    char *path = file_real(file);
    if (!path)
        return cli_fail(CLI_NOT_FOUND, "%s: %s", file, strerror(errno));
    context_set(&k->ca, path);
    mem_free(path);
    return CLI_OK;
}

/* Another server is not shown what was given for the one before. */
static void forget_credential(struct context *k, const char *server)
{
    if (server && k->server && strcmp(server, k->server) != 0)
        context_set(&k->token, NULL);
}

/* NULL with an exit code. */
static struct context *open_named(struct contexts *x, const char *name, int *code)
{
    const char *fault = context_name_fault(name);

    *code = fault ? cli_fail(CLI_USAGE, "%.63s: %s", name, fault) : open_contexts(x);
    return *code == CLI_OK ? contexts_add(x, name) : NULL;
}

int cmd_context_set(struct cli *c)
{
    const char *server = cli_get(&c->args, "server");
    struct contexts x = {0};
    int code;
    struct context *k = open_named(&x, c->args.words.items[0], &code);

    if (k) {
        forget_credential(k, server);
        code = set_server(k, server);
    }
    if (k && code == CLI_OK)
        code = set_ca(k, cli_get(&c->args, "ca"));
    if (code == CLI_OK)
        code = keep(&x);
    contexts_done(&x);
    return code;
}

/* --- login --- */

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
        context_set(&k->token, buf_text(&line));
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

/* The one that --context names, or else the current one, unless another server is
 * named. mem_free it; NULL with an exit code. */
static char *login_name(const struct cli *c, int *code)
{
    const char *name = cli_get(&c->args, "context");
    const bool other = cli_has(&c->args, "server");
    struct contexts x;
    char *chosen = NULL;

    *code = open_contexts(&x);
    if (*code == CLI_OK)
        chosen = mem_text(name ? name : x.current && !other ? x.current : "default");
    contexts_done(&x);
    return chosen;
}

static int login(struct cli *c, struct contexts *x, struct context *k)
{
    int code = set_server(k, cli_get(&c->args, "server"));

    if (code == CLI_OK)
        code = set_ca(k, cli_get(&c->args, "ca"));
    if (code == CLI_OK)
        code = take_token(k);
    if (code == CLI_OK)
        code = set_server(k, NULL); /* now that there is a credential to send */
    if (code == CLI_OK)
        code = introduce(c, k);
    if (code != CLI_OK)
        return code;
    context_set(&x->current, k->name);
    return keep(x);
}

int cmd_login(struct cli *c)
{
    struct contexts x = {0};
    int code;
    MEM_AUTO char *name = login_name(c, &code);
    struct context *k = name ? open_named(&x, name, &code) : NULL;

    if (k)
        code = login(c, &x, k);
    contexts_done(&x);
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
    if (code == CLI_OK) {
        buf_printf(&out, "%s\n", r.token);
        code = cli_print(&out);
    }
    remote_done(&r);
    return code;
}
