/* tasks.c - what tasks ask the API, on a socket of this host: it goes on to the server
 * that leads it as it came, with the token of the task, which only that server can
 * judge. Whose tenant it is stands in the token; all that are here of one tenant are
 * the same server's. */
#include "cli/executor/executor_priv.h"
#include "exec/exec.h"
#include "model/model.h"

#include <string.h>

#define BODY_MAX ((size_t)(1 << 20) + 1024)

struct forward {
    struct http_reply *reply;
    struct asker *asker;
    char *url, *token;
    struct ask ask;
    struct answer answer;
    struct ff_err err;
};

static void ask_on_lane(void *arg)
{
    struct forward *f = arg;

    ask(f->asker, &f->ask, &f->answer, &f->err);
}

static void after_asking(void *arg)
{
    struct forward *f = arg;

    if (f->answer.status > 0)
        http_reply_send(f->reply, (int)f->answer.status,
                        f->answer.type[0] ? f->answer.type : "application/json",
                        buf_text(&f->answer.body), f->answer.body.len);
    else
        http_reply_problem(f->reply, 503, "the server does not answer: %s", f->err.msg);
    buf_done(&f->answer.body);
    explicit_bzero(f->token, strlen(f->token));
    mem_free(f->token);
    mem_free(f->url);
    mem_free(f);
}

static bool admit(void *arg, const struct http_request *r, struct http_reply *reply)
{
    (void)arg;
    if (http_bearer(r))
        return true;
    http_reply_problem(reply, 401, "the request carries no bearer token");
    return false;
}

static const struct link *link_of_tenant(const struct executor *ex, struct tenant t)
{
    const int64_t hash = range_hash(t);
    void *value;

    for (size_t i = 0; map_next(&ex->hosted, &i, &value);) {
        const struct hosted *h = value;
        if (h->tenant_hash == hash && link_is_up(h->link))
            return h->link;
    }
    return NULL;
}

/* While one server leads it is that one, whatever the token is: it says what is wrong.
 */
static const struct link *link_of(const struct executor *ex, const char *token)
{
    struct tenant t;

    if (ex->shared && exec_token_tenant(token, &t))
        return link_of_tenant(ex, t);
    for (size_t i = 0; i < ex->n_links; i++)
        if (link_is_up(&ex->links[i]))
            return &ex->links[i];
    return NULL;
}

static void forward(void *arg, const struct http_request *r, struct http_reply *reply)
{
    struct executor *ex = arg;
    const char *token = http_bearer(r);
    const struct link *l = token ? link_of(ex, token) : NULL;
    struct buf url = {0};

    if (!l) {
        http_reply_problem(reply, token ? 503 : 401, "%s",
                           token ? "no server leads just now"
                                 : "the request carries no bearer token");
        return;
    }
    struct forwarder *lane = &ex->forwarders[ex->next_forwarder++ % N_FORWARDERS];
    struct forward *f = mem_alloc(sizeof(*f));
    *f = (struct forward){
        .reply = reply, .asker = lane->asker, .token = mem_text(token)};
    buf_printf(&url, "%s%s", l->url, r->path);
    f->url = buf_take(&url);
    f->ask = link_ask(l);
    f->ask.method = r->method;
    f->ask.url = f->url;
    f->ask.token = f->token;
    f->ask.type = r->body_len > 0 ? http_header(r, "content-type") : NULL;
    f->ask.body = r->body_len > 0 ? r->body : NULL;
    f->ask.len = r->body_len;
    lane_do(lane->lane, ask_on_lane, after_asking, f);
}

static const struct http_route routes[] = {
    {"GET", "/api/v1/task", forward, 0, admit},
    {"POST", "/api/v1/task/{what}", forward, BODY_MAX, admit},
};

int tasks_open(struct executor *ex, struct ff_err *err)
{
    MEM_AUTO char *path = file_join(ex->dir, "task.sock");
    const struct http_options opts = {.unix_path = path};
    struct buf url = {0};

    for (size_t i = 0; i < N_FORWARDERS; i++) {
        struct forwarder *f = &ex->forwarders[i];
        f->asker = asker_new();
        f->lane = lane_new(ex->loop, "tasks", err);
        if (!f->lane)
            return err->code;
    }
    buf_printf(&url, "unix://%s", path);
    ex->endpoint = buf_take(&url);
    ex->http = http_server_new(ex->loop, &opts);
    http_server_mount(ex->http, routes, COUNT_OF(routes), ex);
    return http_server_listen(ex->http, err);
}

void tasks_close(struct executor *ex)
{
    for (size_t i = 0; i < N_FORWARDERS; i++) {
        if (ex->forwarders[i].lane)
            lane_free(ex->forwarders[i].lane);
        asker_free(ex->forwarders[i].asker);
    }
    mem_free(ex->endpoint);
}
