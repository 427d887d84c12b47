/* owner_api.c - calls to the owner; see owner_api.h. */
#include "api/owner_api_priv.h"

#include <string.h>
#include <unistd.h>

#define BODY_MAX     1024
#define TRY_AGAIN_US (UNITS_SECOND / 20)
#define TRIES_MAX    200

bool owner_find_run(struct owner_api *api, const struct http_request *r,
                    struct http_reply *reply, struct arena *arena, struct run_row *run)
{
    struct ff_err err = {0};

    if (store_run_find(node_store(api->setup.node), STORE_READER_CALLER, TENANT_DEFAULT,
                       http_param(r, "id"), arena, run, &err) == FF_OK)
        return true;
    http_reply_err(reply, &err);
    return false;
}

static void answer_json(struct http_reply *reply, json_t *answer)
{
    http_reply_json(reply, 200, answer);
    json_decref(answer);
}

/* Where servers share the store another process may lead what the command line works
 * on: who is told so goes on with the rows, as on any other host. */
bool owner_leads(const struct owner_api *api, struct http_reply *reply)
{
    if (node_leads_tenant(api->setup.node, TENANT_DEFAULT))
        return true;
    http_reply_problem(reply, 503, "this process leads the runs of other tenants");
    return false;
}

/* --- GET owner, POST wake --- */

static void describe(void *arg, const struct http_request *r, struct http_reply *reply)
{
    const struct owner_api *api = arg;
    const struct control *control = node_control(api->setup.node);

    (void)r;
    if (!control) {
        http_reply_problem(reply, 503, "this process is giving the runs up");
        return;
    }
    answer_json(reply, json_pack("{s:i, s:s, s:I, s:b}", "pid", (int)getpid(),
                                 "version", api->setup.version, "open_runs",
                                 (json_int_t)control_open_runs(control), "loading",
                                 control_loading(control)));
}

static void wake(void *arg, const struct http_request *r, struct http_reply *reply)
{
    struct owner_api *api = arg;

    if (!owner_leads(api, reply))
        return;
    if (node_control(api->setup.node))
        node_wake(api->setup.node);
    describe(arg, r, reply);
}

/* --- POST cancel --- */

/* One request whose answer waits for its commit. */
struct cancel {
    struct list link;
    struct owner_api *api;
    struct http_reply *reply;
    struct tenant tenant;
    int64_t run;
    char id[ID_TEXT];
    enum cancel_mode mode;
    int tries;
    struct loop_timer *timer;
};

static void end_cancel(struct cancel *k)
{
    loop_timer_del(k->timer);
    list_del(&k->link);
    mem_free(k);
}

static void try_cancel(void *arg);

/* A run that was submitted a moment ago is not in memory yet; a final one no more. */
static void not_in_memory(struct cancel *k, const struct ff_err *why)
{
    struct arena arena = {0};
    struct run_row run;
    struct ff_err err = {0};
    struct control *control = node_control(k->api->setup.node);

    const int code =
        store_run_by_id(node_store(k->api->setup.node), STORE_READER_CALLER, k->tenant,
                        k->id, &arena, &run, &err);
    if (code != FF_OK) {
        http_reply_err(k->reply, &err);
    } else if (run_state_final(run.state)) {
        http_reply_problem(k->reply, 409, "run %s has %s already", k->id,
                           run_state_names[run.state]);
    } else if (control && ++k->tries < TRIES_MAX) {
        control_wake(control);
        loop_timer_add(k->api->setup.loop, TRY_AGAIN_US, try_cancel, k, &k->timer);
        arena_done(&arena);
        return;
    } else {
        http_reply_err(k->reply, why);
    }
    arena_done(&arena);
    end_cancel(k);
}

static void on_cancelled(void *arg, int code, size_t failed, const struct ff_err *err)
{
    struct cancel *k = arg;

    (void)failed;
    if (code == FF_NOT_FOUND) {
        not_in_memory(k, err);
        return;
    }
    if (code == FF_OK)
        answer_json(k->reply, json_pack("{s:s, s:s}", "run", k->id, "mode",
                                        k->mode == CANCEL_KILL ? "kill" : "graceful"));
    else
        http_reply_err(k->reply, err);
    end_cancel(k);
}

static void try_cancel(void *arg)
{
    struct cancel *k = arg;
    struct control *control = node_control(k->api->setup.node);

    if (control) {
        control_cancel(control, k->tenant, k->run, k->mode, on_cancelled, k);
        return;
    }
    http_reply_problem(k->reply, 503, "this process is giving the runs up");
    end_cancel(k);
}

static enum cancel_mode read_mode(const struct http_request *r, struct ff_err *err)
{
    json_t *body = r->body_len > 0 ? http_json(r, err) : json_object();
    const json_t *given = json_object_get(body, "mode");
    const char *word = given ? json_string_value(given) : "graceful";
    enum cancel_mode mode = CANCEL_NONE;

    if (!body)
        return CANCEL_NONE;
    if (word && strcmp(word, "graceful") == 0)
        mode = CANCEL_GRACEFUL;
    else if (word && strcmp(word, "kill") == 0)
        mode = CANCEL_KILL;
    else
        ff_fail(err, FF_INVALID, 0, "mode is graceful or kill");
    json_decref(body);
    return mode;
}

static void cancel(void *arg, const struct http_request *r, struct http_reply *reply)
{
    struct owner_api *api = arg;
    struct arena arena = {0};
    struct run_row run;
    struct ff_err err = {0};
    const enum cancel_mode mode = read_mode(r, &err);

    if (mode == CANCEL_NONE) {
        http_reply_err(reply, &err);
        return;
    }
    if (owner_leads(api, reply) && owner_find_run(api, r, reply, &arena, &run)) {
        struct cancel *k = mem_alloc(sizeof(*k));
        *k = (struct cancel){.api = api,
                             .reply = reply,
                             .tenant = {run.tenant},
                             .run = run.run,
                             .mode = mode};
        snprintf(k->id, sizeof(k->id), "%.*s", (int)run.id.len, run.id.s);
        list_add_tail(&api->cancels, &k->link);
        try_cancel(k);
    }
    arena_done(&arena);
}

/* --- the table --- */

static const struct http_route routes[] = {
    {"GET", "/api/v1/owner", describe, 0, NULL},
    {"POST", "/api/v1/wake", wake, BODY_MAX, NULL},
    {"POST", "/api/v1/runs/{id}/cancel", cancel, BODY_MAX, NULL},
    {"GET", "/api/v1/runs/{id}/events", owner_events_one, 0, NULL},
    {"GET", "/api/v1/events", owner_events_all, 0, NULL},
};

struct owner_api *owner_api_new(const struct owner_api_setup *setup)
{
    struct owner_api *api = mem_alloc(sizeof(*api));

    api->setup = *setup;
    list_init(&api->cancels);
    list_init(&api->followers);
    http_server_mount(setup->server, routes, COUNT_OF(routes), api);
    return api;
}

void owner_api_free(struct owner_api *api)
{
    struct list *link;

    if (!api)
        return;
    while ((link = list_first(&api->cancels))) {
        struct cancel *k = LIST_OF(link, struct cancel, link);
        http_reply_problem(k->reply, 503, "this process has given the runs up");
        end_cancel(k);
    }
    mem_free(api);
}
