/* serve.c - a request that was let in: its handler, beside the loop, and what it
 * changes made durable with others', together with its row in the audit log and the one
 * of its Idempotency-Key. What is denied stands in the log, too. */
#include "rest/live.h"

#include <string.h>

/* --- the end of a call --- */

void rest_tell_stop(struct rest *r)
{
    if (r->stopping && r->n_working == 0 && r->n_changing == 0)
        loop_stop(r->setup.loop, 0);
}

void rest_end(struct rest_call *c)
{
    struct rest *r = c->rest;

    rest_answer(c);
    rest_tell_stop(r);
}

/* --- where it is about --- */

int rest_fail_denied(struct rest_call *c, enum permission needed, struct ff_err *err)
{
    c->denied = true;
    c->needed = needed;
    return ff_fail(err, FF_DENIED, 0,
                   "%.100s may not do this: it needs the permission \"%s\"",
                   c->who.subject, permission_names[needed]);
}

/* A tenant that is another's is told from one that is not there by nothing. */
static int find_other_tenant(struct rest_call *c, const char *name, struct ff_err *err)
{
    struct tenant_row row;
    const int code = access_tenant(c->store, c->reader, name, &c->arena, &row, err);

    if (code != FF_OK && code != FF_NOT_FOUND)
        return code;
    if (code == FF_NOT_FOUND || (row.tenant != c->who.tenant.no && !c->who.platform))
        return ff_fail(err, FF_NOT_FOUND, 0, "there is no tenant %.64s", name);
    c->scope.tenant = (struct tenant){row.tenant};
    return FF_OK;
}

int rest_find_tenant(struct rest_call *c, struct ff_err *err)
{
    const char *name = rest_ask(c, "tenant");

    if (rest_ask_bool(c, "platform"))
        c->scope.tenant = TENANT_PLATFORM;
    else if (name)
        return find_other_tenant(c, name, err);
    return FF_OK;
}

static int find_scope(struct rest_call *c, struct ff_err *err)
{
    if (c->route->scope == REST_TENANT && rest_find_tenant(c, err) != FF_OK)
        return err->code;
    if (c->route->scope == REST_RUNS) /* let in: see rest_find_run */
        return FF_OK;
    if (c->route->scope <= REST_SELF || access_may(&c->who, c->route->needs, c->scope))
        return FF_OK;
    return rest_fail_denied(c, c->route->needs, err);
}

/* --- its handler, on a lane --- */

static int read_once(struct rest_call *c, struct ff_err *err)
{
    if (c->was_read)
        return FF_OK;
    c->was_read = true;

    const int code = rest_read(c, err);

    return code == FF_OK ? find_scope(c, err) : code;
}

static void begin_try(struct rest_call *c)
{
    buf_clear(&c->out);
    buf_clear(&c->errors);
    c->n_errors = 0;
    c->problem = PROBLEM_BY_CODE;
    c->status = 0;
    c->audits = false;
    c->err = (struct ff_err){0};
}

static void serve_on_lane(void *arg)
{
    struct rest_call *c = arg;
    const int64_t began_us = loop_mono_us(c->rest->setup.loop);

    begin_try(c);
    c->code = read_once(c, &c->err);
    if (c->code == FF_OK)
        c->code = c->route->handle(c, &c->err);
    c->took_us = loop_mono_us(c->rest->setup.loop) - began_us;
}

static void served(void *arg)
{
    struct rest_call *c = arg;
    struct rest *r = c->rest;

    work_took(c);
    if (!c->denied)
        rest_end(c);
    else if (!rest_deny(c))
        rest_tell_stop(r);
}

/* --- what changes something --- */

static int fail_doubt(struct ff_err *err)
{
    return ff_fail(err, FF_IN_DOUBT, 0,
                   "it is not known whether this was done: look before you ask again, "
                   "and send an Idempotency-Key, which makes that safe");
}

static int plan_once(struct rest_call *c, bool doubted, struct ff_err *err)
{
    int code = read_once(c, err);

    if (code == FF_OK)
        code = once_look(c, err);
    if (code != FF_OK || c->replayed)
        return code;
    if (doubted && !once_key(c))
        return fail_doubt(err);
    code = c->route->handle(c, err);
    return code == FF_OK ? once_note(c, err) : code;
}

bool rest_take(struct rest *r, const char *name, int64_t per_s,
               struct bucket_state *state)
{
    pthread_mutex_lock(&r->shared_mutex);
    const bool taken =
        bucket_take(&r->shared, name, per_s, loop_mono_us(r->setup.loop), state);
    pthread_mutex_unlock(&r->shared_mutex);
    return taken;
}

/* That somebody was not let stands in the log of where he tried. */
static void note_denied(struct rest_call *c)
{
    char object[REST_OBJECT_TEXT];
    struct access_call call;
    struct ff_err err = {0};
    const struct access_entry e = {.where = c->scope,
                                   .action = c->route->id,
                                   .object = object,
                                   .decision = AUDIT_DENIED};

    rest_object(c, object);
    rest_access(c, &call);
    if (access_audit_add(&call, &e, c->batch, &err) != FF_OK)
        log_warn("the audit log has no row of what was denied: %s", err.msg);
}

/* A plan of the node is given one that was never in doubt: the row of the
 * Idempotency-Key, put if it is absent, lets only one of two tries be carried out. */
static void begin_plan(struct rest_call *c, const struct node_plan *p)
{
    c->plan = *p;
    c->plan.doubted = false;
    c->reader = p->reader;
    c->batch = p->batch;
    c->n_guards = 0;
    c->now_us = loop_wall_us(c->rest->setup.loop);
    begin_try(c);
}

static int plan_change(void *arg, const struct node_plan *p, struct ff_err *err)
{
    struct rest_call *c = arg;

    begin_plan(c, p);

    const int code = plan_once(c, p->doubted, err);

    c->code = code;
    if (code == FF_DENIED && denied_may_note(c)) {
        if (c->denied)
            note_denied(c);
        /* Also what a plan of core/access has put there. */
        *p->keep = p->batch->n > 0;
    }
    c->batch = NULL;
    c->reader = NULL;
    return code;
}

static int plan_denial(void *arg, const struct node_plan *p, struct ff_err *err)
{
    struct rest_call *c = arg;

    begin_plan(c, p);
    if (denied_may_note(c))
        note_denied(c);
    *p->keep = p->batch->n > 0;
    c->batch = NULL;
    c->reader = NULL;
    return rest_fail_denied(c, c->denied ? c->needed : c->route->needs, err);
}

static void changed(void *arg, int code, const struct ff_err *err)
{
    struct rest_call *c = arg;

    c->rest->n_changing--;
    work_note(c->rest);
    c->code = code;
    if (err)
        c->err = *err;
    if (code == FF_IN_DOUBT) {
        fail_doubt(&c->err);
        c->problem = PROBLEM_UNAVAILABLE; /* that may be told */
    }
    if (c->audits && (code == FF_OK || code == FF_DENIED))
        sealer_wake(c->rest->sealer);
    if (code == FF_DENIED)
        denied_arm(c->rest);
    if (c->forgets) { /* also in doubt */
        who_forget(c->rest);
        live_callers_look(c->rest->live);
    }
    rest_end(c);
}

/* False: it was answered already. */
static bool change(struct rest_call *c, node_plan_fn *plan)
{
    struct rest *r = c->rest;
    struct ff_err err;

    c->store = r->store;
    /* Once it is taken the call is the lane's, which may be through with it by now. */
    const int code = node_change(r->setup.node, r->readers, plan, c, changed, &err);

    if (code == FF_OK) {
        r->n_changing++;
        work_note(r);
        return true;
    }
    c->code = code;
    c->err = err;
    rest_answer(c);
    return false;
}

bool rest_deny(struct rest_call *c)
{
    return change(c, plan_denial);
}

/* --- what goes on --- */

static void find_on_lane(void *arg)
{
    struct rest_call *c = arg;

    begin_try(c);
    c->code = read_once(c, &c->err);
    if (c->code == FF_OK)
        c->code = c->route->live->open(c, &c->err);
}

static void found(void *arg)
{
    struct rest_call *c = arg;

    if (c->denied)
        served(c);
    else
        live_begin(c);
}

void rest_handle(void *arg, const struct http_request *request,
                 struct http_reply *reply)
{
    struct rest_call *c = http_kept(request);

    (void)arg;
    (void)reply;
    if (live_is_wanted(c)) {
        if (!work_begin(c, find_on_lane, found))
            rest_answer_busy(c);
    } else if (c->route->flags & REST_AT_ONCE) {
        /* Whoever looks whether the process is well may say what he likes. */
        c->code = c->route->scope == REST_OPEN ? FF_OK : rest_read(c, &c->err);
        if (c->code == FF_OK)
            c->code = c->route->handle(c, &c->err);
        rest_answer(c);
    } else if ((c->route->flags & REST_QUICK) && work_at_once(c, serve_on_lane)) {
        served(c);
    } else if ((c->route->flags & REST_FILE) && !rest_file_begin(c)) {
        return;
    } else if (c->route->flags & REST_CHANGES) {
        change(c, plan_change);
    } else if (!work_begin(c, serve_on_lane, served)) {
        rest_answer_busy(c);
    }
}
