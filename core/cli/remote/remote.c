/* remote.c - which server is meant, and what it answers. See remote.h. */
#include "cli/remote/remote_priv.h"

#include "cli/remote/context.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PREFIX      "/api/v1"
#define UNIX        "unix:"
#define SHOWN_FAULT 10 /* of what is wrong with a request */

#define TRIES             5 /* after the first one, if that may help */
#define FIRST_WAIT_MS     100
#define RETRY_AFTER_MAX_S 10

/* --- which --- */

void remote_done(struct remote *r)
{
    if (r->token)
        explicit_bzero(r->token, strlen(r->token));
    mem_free(r->server);
    mem_free(r->token);
    mem_free(r->ca);
    mem_free(r->context);
    mem_free(r->project);
    *r = (struct remote){0};
}

static const char *setting(const char *given, const char *variable)
{
    const char *value = given ? given : getenv(variable);

    return value && value[0] ? value : NULL;
}

static bool begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* "127.0.0.1:8080", "localhost", "[::1]:80": nobody else hears what is said there. */
static bool is_loopback(const char *place)
{
    static const char *const hosts[] = {"localhost", "127.0.0.1", "[::1]"};

    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        const size_t len = strlen(hosts[i]);
        if (begins(place, hosts[i]) && strchr(":/", place[len]))
            return true;
    }
    return false;
}

const char *remote_server_fault(const char *server, bool token)
{
    if (begins(server, UNIX))
        return server[strlen(UNIX)] == '/' ? NULL : "after unix: comes a path";
    const bool clear = begins(server, "http://");
    if (!clear && !begins(server, "https://"))
        return "a server is https://HOST:PORT, http://127.0.0.1:PORT or unix:PATH";
    const char *place = strstr(server, "//") + 2;
    if (!place[0] || place[0] == '/' || strpbrk(place, "@?# \t\n"))
        return "a server is https://HOST:PORT, without user, query or fragment";
    if (clear && token && !is_loopback(place))
        return "with http:// others would hear the credential: use https://";
    return NULL;
}

static int take_context(struct remote *r, const struct contexts *x, const char *name)
{
    const struct context *found = contexts_find(x, name);

    if (!found)
        return cli_fail(CLI_NOT_FOUND,
                        "there is no context %s; `flowforge context list` lists them",
                        name);
    if (context_is_over(found) && !setting(NULL, "FLOWFORGE_TOKEN"))
        return cli_fail(CLI_DENIED,
                        "the session of the context %s has expired: run `flowforge "
                        "login --oidc`",
                        found->name);
    context_set(&r->server, found->server);
    context_set(&r->token, found->token);
    context_set(&r->ca, found->ca);
    context_set(&r->context, found->name);
    context_set(&r->project, found->project);
    return CLI_OK;
}

/* A server without a context has the credential of the environment, or none. */
static int choose(struct remote *r, const struct cli *c, const struct contexts *x)
{
    const char *server = cli_get(&c->args, "server");
    const char *name = cli_get(&c->args, "context");

    if (!server && !name) {
        server = setting(NULL, "FLOWFORGE_SERVER");
        name = setting(server, "FLOWFORGE_CONTEXT");
        name = server ? NULL : name ? name : x->current;
    }
    if (server && strcmp(server, CONTEXT_LOCAL) != 0)
        context_set(&r->server, server);
    else if (!server && name && strcmp(name, CONTEXT_LOCAL) != 0)
        return take_context(r, x, name);
    return CLI_OK;
}

int remote_choose(struct remote *r, const struct cli *c)
{
    const char *token = setting(NULL, "FLOWFORGE_TOKEN");
    struct contexts x;
    struct ff_err err = {0};

    *r = (struct remote){0};
    r->tenant = cli_get(&c->args, "tenant");
    r->only = cli_get(&c->args, "project");
    r->platform = cli_has(&c->args, "platform");
    if (cli_has(&c->args, "server") && cli_has(&c->args, "context"))
        return cli_fail(CLI_USAGE, "name the server once: --server or --context");
    int code = contexts_read(&x, &err) == FF_OK ? CLI_OK : cli_fail_err(&err);
    if (code == CLI_OK)
        code = choose(r, c, &x);
    contexts_done(&x);
    if (code != CLI_OK || !r->server)
        return code;
    if (token)
        context_set(&r->token, token);
    const char *fault = remote_server_fault(r->server, r->token);
    return fault ? cli_fail(CLI_USAGE, "%.200s: %s", r->server, fault) : CLI_OK;
}

/* --- asking --- */

static void add_fault(struct buf *out, const json_t *fault)
{
    static const char *const places[] = {"pointer", "parameter", "code"};
    const char *detail = json_string_value(json_object_get(fault, "detail"));
    const json_t *line = json_object_get(fault, "line");

    buf_add_text(out, "\n  ");
    if (line)
        buf_printf(out, "line %lld: ", (long long)json_integer_value(line));
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        const char *place = json_string_value(json_object_get(fault, places[i]));
        if (place)
            buf_printf(out, "%s: ", place);
    }
    buf_add_text(out, detail ? detail : "?");
}

/* Is a workflow file wrong, or what a run is given? */
static bool is_of_run(const json_t *problem)
{
    const json_t *faults = json_object_get(problem, "errors");
    const json_t *fault;
    size_t i;

    json_array_foreach(faults, i, fault)
    {
        const char *pointer = json_string_value(json_object_get(fault, "pointer"));
        if (json_object_get(fault, "code") || (pointer && begins(pointer, "/inputs")))
            return true;
    }
    return false;
}

/* Codes of problems as those of functions, whose exit codes there are: 409 says three
 * things. What has no code is told by its status. */
static int code_of(long status, const json_t *problem)
{
    static const struct {
        const char *problem;
        long status;
        int code;
    } codes[] = {{"CANCELLED", 0, FF_CANCELLED},
                 {"QUOTA_EXCEEDED", 0, FF_FULL},
                 {"TOO_MANY_OPEN_RUNS", 0, FF_BUSY},
                 {NULL, 400, FF_INVALID},
                 {NULL, 401, FF_DENIED},
                 {NULL, 403, FF_DENIED},
                 {NULL, 404, FF_NOT_FOUND},
                 {NULL, 409, FF_INVALID}, /* of what it is now: as on this machine */
                 {NULL, 412, FF_CONFLICT},
                 {NULL, 413, FF_INVALID},
                 {NULL, 422, FF_INVALID},
                 {NULL, 429, FF_UNAVAILABLE},
                 {NULL, 501, FF_UNSUPPORTED},
                 {NULL, 502, FF_UNAVAILABLE},
                 {NULL, 503, FF_UNAVAILABLE},
                 {NULL, 504, FF_UNAVAILABLE}};
    const char *word = json_string_value(json_object_get(problem, "code"));

    for (size_t i = 0; i < COUNT_OF(codes); i++)
        if (codes[i].problem ? word && strcmp(word, codes[i].problem) == 0
                             : codes[i].status == status)
            return codes[i].code;
    return word ? FF_INTERNAL : FF_UNAVAILABLE; /* which may be no FlowForge at all */
}

/* What is printed of an answer to a change: as of rows.c. */
static void clean_answer(json_t *answer)
{
    json_t *value;
    const char *name;

    json_object_foreach(answer, name, value)
    {
        struct buf clean = {0};

        if (!json_is_string(value))
            continue;
        cli_add_clean(&clean, json_string_value(value), json_string_length(value));
        json_string_setn(value, buf_text(&clean), clean.len);
        buf_done(&clean);
    }
}

static int exit_of(long status, const json_t *problem)
{
    const int code = code_of(status, problem);

    return code == FF_INVALID && is_of_run(problem) ? CLI_INVALID
                                                    : (int)cli_exit_of(code);
}

/* What a server says is shown like what a task says: without what steers a terminal. */
int remote_refused(const struct remote *r, long status, const json_t *problem)
{
    const char *detail = json_string_value(json_object_get(problem, "detail"));
    const json_t *faults = json_object_get(problem, "errors");
    struct buf said = {0};
    struct buf clean = {0};

    buf_add_text(&said, detail ? detail : "it gives no reason");
    cli_add_clean(&clean, buf_text(&said), said.len);
    for (size_t i = 0; i < json_array_size(faults) && i < SHOWN_FAULT; i++) {
        buf_clear(&said);
        add_fault(&said, json_array_get(faults, i));
        buf_add_text(&clean, "\n  ");
        cli_add_clean(&clean, buf_text(&said) + 3, said.len - 3);
    }
    const int code = cli_fail(exit_of(status, problem), "%s answers %ld: %s", r->server,
                              status, buf_text(&clean));
    if (status == 401)
        cli_fail(code, "`flowforge login` takes a new credential");
    buf_done(&said);
    buf_done(&clean);
    return code;
}

/* 204 is an answer without a value. */
static int take_answer(const struct remote *r, const struct curl_answer *answer,
                       json_t **out)
{
    struct ff_err err = {0};
    json_t *value = json_parse(buf_text(&answer->body), answer->body.len, &err);
    int code = CLI_OK;

    if (answer->status / 100 != 2)
        code = remote_refused(r, answer->status, value);
    else if (!value && answer->status != 204)
        code = cli_fail(CLI_UNAVAILABLE, "%s does not answer as FlowForge does: %s",
                        r->server, err.msg);
    if (code == CLI_OK && out)
        *out = value;
    else
        json_decref(value);
    return code;
}

/* --- one request --- */

static void make_key(char key[ID_TEXT])
{
    uint64_t random[2];

    rand_system(random, sizeof(random));
    id_make(0, random[0], random[1], key);
}

static bool is_passing(int code, const struct curl_answer *answer)
{
    if (code != FF_OK)
        return code == FF_UNAVAILABLE && answer->passing;
    return answer->status == 429 || answer->status == 503;
}

/* Longer each time, and never less than the server says. */
static void wait_before(int try, const struct curl_answer *answer)
{
    int64_t ms = (int64_t)FIRST_WAIT_MS << try;

    if (answer->retry_after_s > 0 && answer->retry_after_s <= RETRY_AFTER_MAX_S &&
        ms < answer->retry_after_s * 1000)
        ms = answer->retry_after_s * 1000;
    const struct timespec wait = {.tv_sec = ms / 1000,
                                  .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&wait, NULL);
}

/* What was perhaps done is asked for again by the same key: then it is done once. */
static int ask(const struct curl_request *request, struct curl_answer *answer,
               struct ff_err *err)
{
    int code = curl_ask(request, answer, err);

    for (int i = 0; i < TRIES && is_passing(code, answer); i++) {
        wait_before(i, answer);
        buf_done(&answer->body);
        *err = (struct ff_err){0};
        code = curl_ask(request, answer, err);
    }
    return code;
}

struct curl_request remote_request_of(const struct remote *r, const char *path,
                                      struct buf *url)
{
    const bool is_unix = begins(r->server, UNIX);
    const char *base = is_unix ? "http://localhost" : r->server;
    const int len = (int)strlen(base) - (base[strlen(base) - 1] == '/');

    buf_printf(url, "%.*s%s%s", len, base, PREFIX, path);
    return (struct curl_request){
        .method = "GET",
        .url = buf_text(url),
        .unix_socket = is_unix ? r->server + strlen(UNIX) : NULL,
        .token = r->token,
        .ca = r->ca,
    };
}

static int exchange(const struct remote *r, const char *method, const char *path,
                    const char *body, struct curl_answer *answer, struct ff_err *err)
{
    const bool changes = strcmp(method, "GET") != 0;
    struct buf url = {0};
    char key[ID_TEXT];
    struct curl_request request = remote_request_of(r, path, &url);

    make_key(key);
    request.method = method;
    request.body = body;
    request.idempotency_key = changes ? key : NULL;
    const int code = ask(&request, answer, err);
    buf_done(&url);
    return code;
}

static int send(const struct remote *r, const char *method, const char *path,
                const char *body, json_t **out)
{
    struct curl_answer answer;
    struct ff_err err = {0};
    int code = exchange(r, method, path, body, &answer, &err);

    if (code == FF_OK)
        code = take_answer(r, &answer, out);
    else
        code = cli_fail((int)cli_exit_of(code), "%s cannot be asked: %s", r->server,
                        err.msg);
    buf_done(&answer.body);
    return code;
}

int remote_ask(const struct remote *r, const char *path, json_t **out)
{
    return send(r, "GET", path, NULL, out);
}

int remote_fetch(const struct remote *r, const char *path, int fd)
{
    struct buf url = {0};
    struct curl_answer answer;
    struct ff_err err = {0};
    struct curl_request request = remote_request_of(r, path, &url);

    request.file = &fd;
    int code = ask(&request, &answer, &err);
    if (code != FF_OK)
        code = cli_fail((int)cli_exit_of(code), "%s cannot be asked: %s", r->server,
                        err.msg);
    else if (answer.status / 100 != 2)
        code = take_answer(r, &answer, NULL);
    buf_done(&url);
    buf_done(&answer.body);
    return code;
}

int remote_tell(const struct remote *r, const char *method, const char *path,
                json_t *body, json_t **out)
{
    MEM_AUTO char *text = body ? json_text(body) : NULL;

    json_decref(body);
    const int code = send(r, method, path, text, out);
    if (out)
        clean_answer(*out);
    return code;
}

int remote_make(const struct remote *r, const char *path, json_t *body,
                char id[ID_TEXT])
{
    json_t *answer = NULL;
    int code = remote_tell(r, "POST", path, body, &answer);
    const char *made = json_string_value(json_object_get(answer, "id"));

    if (code == CLI_OK && (!made || !id_valid(made)))
        code =
            cli_fail(CLI_UNAVAILABLE, "%s does not say which run it made", r->server);
    if (code == CLI_OK)
        snprintf(id, ID_TEXT, "%s", made);
    json_decref(answer);
    return code;
}

static int fail_answer(const struct remote *r, long status, const json_t *problem,
                       struct ff_err *err)
{
    const char *detail = json_string_value(json_object_get(problem, "detail"));
    struct buf clean = {0};

    cli_add_clean(&clean, detail ? detail : "", detail ? strlen(detail) : 0);
    ff_fail(err, code_of(status, problem), (int)status, "%.100s answers %ld: %.160s%s",
            r->server, status, buf_text(&clean),
            status == 401 ? "; `flowforge login` takes a new credential" : "");
    buf_done(&clean);
    return err->code;
}

int remote_call(const struct remote *r, const struct remote_request *what, json_t **out,
                struct ff_err *err)
{
    MEM_AUTO char *body = what->body ? json_text(what->body) : NULL;
    struct curl_answer answer;
    struct ff_err ignored = {0};
    int code = exchange(r, what->method, what->path, body, &answer, err);

    if (code != FF_OK) {
        MEM_AUTO char *why = mem_text(err->msg);
        return ff_fail(err, code, 0, "%.100s cannot be asked: %.120s", r->server, why);
    }
    json_t *value = json_parse(buf_text(&answer.body), answer.body.len, &ignored);
    if (answer.status / 100 != 2)
        code = fail_answer(r, answer.status, value, err);
    else if (!value && answer.status != 204)
        code = ff_fail(err, FF_UNAVAILABLE, 0,
                       "%.100s does not answer as FlowForge does", r->server);
    if (code == FF_OK && out)
        *out = value;
    else
        json_decref(value);
    buf_done(&answer.body);
    return code;
}

/* --- paths --- */

char *remote_path(const char *first, ...)
{
    struct buf path = {0};
    va_list ap;

    va_start(ap, first);
    for (const char *part = first; part; part = va_arg(ap, const char *)) {
        buf_add_char(&path, '/');
        remote_add_quoted(&path, part);
    }
    va_end(ap);
    return buf_take(&path);
}

void remote_add_place(struct buf *path, const struct remote *r)
{
    remote_add_query(path, "tenant", r->tenant);
    remote_add_query(path, "platform", r->platform ? "true" : NULL);
}

void remote_add_quoted(struct buf *path, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

    for (; *text; text++) {
        if (strchr(plain, *text))
            buf_add_char(path, *text);
        else
            buf_printf(path, "%%%02X", (unsigned char)*text);
    }
}

void remote_add_query(struct buf *path, const char *name, const char *value)
{
    if (!value)
        return;
    buf_printf(path, "%c%s=", strchr(buf_text(path), '?') ? '&' : '?', name);
    remote_add_quoted(path, value);
}
