/* live_callers.c - whose streams they are. A credential is looked at again every few
 * seconds, once for all of its streams: who is revoked, has expired or may not see it
 * any more is told nothing more. */
#include "rest/live.h"

#include <string.h>

#define CHECK_US (5 * UNITS_SECOND)

static const char *hash_of(const struct rest_call *c)
{
    return *c->credential ? c->credential : "local";
}

static void free_if_unused(struct live_streams *all, struct live_caller *caller)
{
    if (caller->n_streams > 0 || caller->asking)
        return;
    map_del_text(&all->callers, caller->hash);
    mem_free(caller->token);
    mem_free(caller);
}

struct live_caller *live_caller_get(struct live_streams *all, struct rest_call *c,
                                    struct ff_err *err)
{
    struct live_caller *caller = map_get_text(&all->callers, hash_of(c));
    const int64_t max = all->rest->setup.settings.streams_per_caller;
    const char *token = c->token;

    if (!caller) {
        caller = mem_alloc(sizeof(*caller));
        *caller = (struct live_caller){.who = c->who,
                                       .token = token ? mem_text(token) : NULL,
                                       .peer = *c->request->peer};
        snprintf(caller->hash, sizeof(caller->hash), "%s", hash_of(c));
        map_set_text(&all->callers, caller->hash, caller);
    }
    if (caller->n_streams >= (size_t)max) {
        free_if_unused(all, caller); /* he may have none at all */
        rest_fail(c, PROBLEM_RATE_LIMITED, err,
                  "one caller may have %lld live streams (server.streams_per_caller)",
                  (long long)max);
        return NULL;
    }
    caller->n_streams++;
    return caller;
}

void live_caller_put(struct live_streams *all, struct live_caller *caller)
{
    caller->n_streams--;
    free_if_unused(all, caller);
}

/* --- looking again --- */

/* As a request, so that it is looked at in the same way. */
struct check {
    struct rest_call call;
    struct http_request request;
    struct http_peer peer;
    struct live_streams *all;
    struct live_caller *caller;
};

/* Of one run or task: may he still see it? */
static bool may_see(const struct live_caller *caller, const struct live_about *about)
{
    const struct access_scope where = {about->tenant, about->project};

    return about->run == 0 || access_may(&caller->who, MAY_VIEW, where);
}

/* All of his, or those of what he may not see any more. */
static void end_streams(struct live_streams *all, const struct live_caller *caller,
                        bool every)
{
    void *value;

    for (size_t i = 0; map_next(&all->sources, &i, &value);) {
        struct live_source *source = value;

        source->n_reads++; /* it is put below */
        for (struct list *l = source->streams.next, *next; l != &source->streams;
             l = next) {
            struct live *s = LIST_OF(l, struct live, link);

            next = l->next;
            if (s->caller == caller && (every || !may_see(caller, &source->about)))
                live_end(s, "denied");
        }
        source->n_reads--;
        live_source_put(all, source);
    }
}

static bool may_view(const struct principal *who, int64_t now_us)
{
    return access_may_somewhere(who, MAY_VIEW) &&
           (who->expires_us == 0 || who->expires_us > now_us);
}

static bool has_same_roles(const struct principal *a, const struct principal *b)
{
    bool same = a->role == b->role && a->project == b->project &&
                a->project_role == b->project_role && a->n_more == b->n_more;

    for (size_t i = 0; same && i < a->n_more; i++)
        same = a->more[i].project == b->more[i].project &&
               a->more[i].role == b->more[i].role;
    return same;
}

/* A store that cannot be read at present is no reason to send anybody away. */
static void on_checked(void *arg)
{
    struct check *check = arg;
    struct live_streams *all = check->all;
    struct live_caller *caller = check->caller;
    const struct rest_call *c = &check->call;
    struct rest *r = all->rest;

    const bool changed = !has_same_roles(&c->who, &caller->who);

    if (c->code == FF_OK && c->who.tenant.no == caller->who.tenant.no)
        caller->who = c->who;

    const bool every = c->problem == PROBLEM_UNAUTHENTICATED ||
                       c->code == FF_NOT_FOUND ||
                       c->who.tenant.no != caller->who.tenant.no ||
                       !may_view(&caller->who, loop_wall_us(r->setup.loop));

    if (every || changed)
        end_streams(all, caller, every);
    caller->asking = false;
    free_if_unused(all, caller);
    batch_done(&check->call.aside);
    arena_done(&check->call.arena);
    mem_free(check);
    rest_tell_stop(r);
}

static void ask_on_lane(void *arg)
{
    who_ask(arg);
}

static void look_again(struct live_streams *all, struct live_caller *caller)
{
    struct check *check;

    if (!caller->token || caller->asking)
        return;
    check = mem_alloc(sizeof(*check));
    *check = (struct check){.all = all, .caller = caller, .peer = caller->peer};
    check->request.peer = &check->peer;
    check->call.rest = all->rest;
    check->call.request = &check->request;
    check->call.token = caller->token;
    check->call.who = caller->who;
    caller->asking = work_begin(&check->call, ask_on_lane, on_checked);
    if (!caller->asking) /* at the next beat */
        mem_free(check);
}

void live_callers_look(struct live_streams *all)
{
    void *caller;

    for (size_t i = 0; map_next(&all->callers, &i, &caller);)
        look_again(all, caller);
}

static void on_beat(void *arg)
{
    struct live_streams *all = arg;

    live_callers_look(all);
    live_callers_watch(all);
}

void live_callers_watch(struct live_streams *all)
{
    if (!all->check && all->callers.n > 0)
        loop_timer_add(all->rest->setup.loop, CHECK_US, on_beat, all, &all->check);
}
