/* denied.c - what callers were not let do beyond the rows of the log that each may fill
 * in a second: it is counted, and a second later one row for each caller says how often
 * it was. */
#include "rest/rest_priv.h"

#define ROWS_PER_S  10 /* of one caller */
#define EVERY_US    UNITS_SECOND
#define CALLERS_MAX 4096

/* Of one caller in one log. */
struct denials {
    struct principal who;
    struct access_scope where;
    char origin[64];
    int64_t n;
};

/* What one commit is about to tell. */
struct telling {
    struct rest *rest;
    struct map all; /* struct denials */
};

static void free_all(struct map *all)
{
    void *one;

    for (size_t i = 0; map_next(all, &i, &one);)
        mem_free(one);
    map_done(all);
    *all = (struct map){0};
}

void denied_open(struct rest *r)
{
    pthread_mutex_init(&r->denied.mutex, NULL);
}

void denied_close(struct rest *r)
{
    loop_timer_del(r->denied.timer);
    free_all(&r->denied.all);
    pthread_mutex_destroy(&r->denied.mutex);
}

/* --- counting, on any thread --- */

static struct denials *find(struct rest *r, const struct rest_call *c)
{
    char name[SUBJECT_TEXT + 64];

    snprintf(name, sizeof(name), "%lld %lld %s", (long long)c->scope.tenant.no,
             (long long)c->who.tenant.no, c->who.subject);
    struct denials *one = map_get_text(&r->denied.all, name);

    if (one || r->denied.all.n == CALLERS_MAX)
        return one;
    one = mem_alloc(sizeof(*one));
    *one = (struct denials){.who = c->who, .where = {.tenant = c->scope.tenant}};
    snprintf(one->origin, sizeof(one->origin), "%s", c->request->peer->address);
    map_set_text(&r->denied.all, name, one);
    return one;
}

static void count(const struct rest_call *c)
{
    struct rest *r = c->rest;

    pthread_mutex_lock(&r->denied.mutex);
    struct denials *one = find(r, c);
    if (one)
        one->n++;
    pthread_mutex_unlock(&r->denied.mutex);
}

/* The log is kept for ever: nobody fills it by asking for what he may not. */
bool denied_may_note(struct rest_call *c)
{
    char name[SUBJECT_TEXT + 32];
    struct bucket_state ignored;

    snprintf(name, sizeof(name), "denied %lld %s", (long long)c->who.tenant.no,
             c->who.subject);
    if (rest_take(c->rest, name, ROWS_PER_S, &ignored))
        return true;
    if (c->plan.tries == 0)
        count(c);
    return false;
}

/* --- telling --- */

static int tell_one(const struct telling *t, const struct node_plan *p,
                    const struct denials *one, struct ff_err *err)
{
    char detail[48];
    const struct access_call call = {.store = t->rest->store,
                                     .reader = p->reader,
                                     .who = &one->who,
                                     .origin = one->origin,
                                     .now_us = loop_wall_us(t->rest->setup.loop),
                                     .numbers = &t->rest->numbers};
    const struct access_entry e = {.where = one->where,
                                   .action = "denied.more",
                                   .object = "requests",
                                   .decision = AUDIT_DENIED,
                                   .detail = detail};

    snprintf(detail, sizeof(detail), "{\"count\":%lld}", (long long)one->n);
    return access_audit_add(&call, &e, p->batch, err);
}

static int plan(void *arg, const struct node_plan *p, struct ff_err *err)
{
    const struct telling *t = arg;
    int code = FF_OK;
    void *one;

    for (size_t i = 0; code == FF_OK && map_next(&t->all, &i, &one);)
        code = tell_one(t, p, one, err);
    return code;
}

static void told(void *arg, int code, const struct ff_err *err)
{
    struct telling *t = arg;
    struct rest *r = t->rest;

    r->n_changing--;
    if (code == FF_OK)
        sealer_wake(r->sealer);
    else
        log_warn("the audit log does not say how often %zu callers were denied "
                 "something: %s",
                 t->all.n, err->msg);
    free_all(&t->all);
    mem_free(t);
    rest_tell_stop(r);
}

void denied_tell(struct rest *r)
{
    struct ff_err err;

    loop_timer_del(r->denied.timer);
    r->denied.timer = NULL;
    struct telling *t = mem_alloc(sizeof(*t));
    t->rest = r;
    pthread_mutex_lock(&r->denied.mutex);
    t->all = r->denied.all;
    r->denied.all = (struct map){0};
    pthread_mutex_unlock(&r->denied.mutex);
    if (t->all.n == 0) {
        mem_free(t);
        return;
    }
    r->n_changing++;
    const int code = node_change(r->setup.node, r->readers, plan, t, told, &err);
    if (code != FF_OK)
        told(t, code, &err);
}

static void on_time(void *arg)
{
    struct rest *r = arg;

    r->denied.timer = NULL;
    denied_tell(r);
}

void denied_arm(struct rest *r)
{
    pthread_mutex_lock(&r->denied.mutex);
    const bool any = r->denied.all.n > 0;
    pthread_mutex_unlock(&r->denied.mutex);
    if (any && !r->denied.timer)
        loop_timer_add(r->setup.loop, EVERY_US, on_time, r, &r->denied.timer);
}
