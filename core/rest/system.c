/* system.c - the server itself: is it well, who is the caller to it, what can it do. */
#include "rest/rest_priv.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- health --- */

int rest_live(struct rest_call *c, struct ff_err *err)
{
    (void)err;
    rest_tell_live(&c->out);
    return FF_OK;
}

int rest_ready(struct rest_call *c, struct ff_err *err)
{
    (void)err;
    c->status = rest_tell_ready(c->rest->setup.node, c->rest, &c->out);
    return FF_OK;
}

int rest_health(struct rest_call *c, struct ff_err *err)
{
    return rest_ready(c, err);
}

/* --- what there is --- */

int rest_document(struct rest_call *c, struct ff_err *err)
{
    const struct buf *text = &c->rest->openapi;

    (void)err;
    buf_add(&c->out, buf_text(text), text->len);
    return FF_OK;
}

/* Nothing of it is secret: it is what a browser would be sent with. */
int rest_auth(struct rest_call *c, struct ff_err *err)
{
    const struct rest_settings *s = &c->rest->setup.settings;
    struct jsonw w = {.out = &c->out};

    (void)err;
    jsonw_open(&w, '{');
    if (s->oidc_issuer) {
        jsonw_key(&w, "oidc");
        jsonw_open(&w, '{');
        jsonw_key(&w, "issuer");
        jsonw_text(&w, s->oidc_issuer);
        jsonw_key(&w, "client_id");
        jsonw_text(&w, s->oidc_client_id);
        jsonw_key(&w, "scopes");
        jsonw_text(&w, s->oidc_scopes);
        jsonw_close(&w, '}');
    }
    jsonw_close(&w, '}');
    return FF_OK;
}

static void add_owner(struct jsonw *w, const struct rest *r)
{
    const struct control *control = node_control(r->setup.node);

    jsonw_key(w, "owner");
    if (!control) {
        jsonw_null(w);
        return;
    }
    jsonw_open(w, '{');
    jsonw_key(w, "pid");
    jsonw_int(w, getpid());
    jsonw_key(w, "version");
    jsonw_text(w, r->setup.version);
    jsonw_key(w, "open_runs");
    jsonw_int(w, (int64_t)control_open_runs(control));
    jsonw_key(w, "loading");
    jsonw_bool(w, control_loading(control));
    jsonw_close(w, '}');
}

/* "4711@host" */
static void add_process(struct jsonw *w, const char *owner)
{
    const char *at = strchr(owner, '@');
    char *end;
    const long pid = strtol(owner, &end, 10);

    if (at && end == at) {
        jsonw_key(w, "pid");
        jsonw_int(w, pid);
        jsonw_key(w, "host");
        jsonw_text(w, at + 1);
    }
}

static void write_leader(struct jsonw *w, const struct node_leader *leader)
{
    char since[UNITS_TEXT];

    jsonw_open(w, '{');
    add_process(w, leader->owner);
    if (leader->address[0]) {
        jsonw_key(w, "address");
        jsonw_text(w, leader->address);
    }
    jsonw_key(w, "epoch");
    jsonw_int(w, leader->epoch);
    if (leader->since_us != MODEL_NULL) {
        units_time_text(leader->since_us, since);
        jsonw_key(w, "since");
        jsonw_text(w, since);
    }
    if (leader->lease_left_us != MODEL_NULL) {
        jsonw_key(w, "lease_left_ms");
        jsonw_int(w, leader->lease_left_us / 1000);
    }
    jsonw_key(w, "low");
    jsonw_int(w, leader->range.low);
    jsonw_key(w, "high");
    jsonw_int(w, leader->range.high);
    jsonw_close(w, '}');
}

static void add_leader(struct jsonw *w, const struct rest *r)
{
    struct node_leader leader;

    node_leader(r->setup.node, &leader);
    jsonw_key(w, "leader");
    if (leader.leads)
        write_leader(w, &leader);
    else
        jsonw_null(w);
}

static void list_leader(void *arg, const struct node_leader *leader)
{
    if (leader->leads)
        write_leader(arg, leader);
}

static void add_leaders(struct jsonw *w, const struct rest *r)
{
    jsonw_key(w, "leaders");
    jsonw_open(w, '[');
    node_each_leader(r->setup.node, list_leader, w);
    jsonw_close(w, ']');
}

static void add_limits(struct jsonw *w, const struct rest *r)
{
    size_t n;
    const struct control_size *sizes = node_sizes(r->setup.node, &n);

    jsonw_key(w, "limits");
    jsonw_open(w, '{');
    for (size_t i = 0; i < n; i++) {
        jsonw_key(w, sizes[i].name);
        jsonw_int(w, sizes[i].size);
    }
    jsonw_close(w, '}');
}

int rest_system(struct rest_call *c, struct ff_err *err)
{
    const struct rest *r = c->rest;
    const struct node_settings *s = node_settings(r->setup.node);
    struct jsonw w = {.out = &c->out};
    const struct {
        const char *name, *text;
    } texts[] = {{"version", r->setup.version},
                 {"store", s->store},
                 {"queue", s->queue},
                 {"runtime", s->runtime}};

    (void)err;
    jsonw_open(&w, '{');
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        jsonw_key(&w, texts[i].name);
        jsonw_text(&w, texts[i].text);
    }
    jsonw_key(&w, "schema");
    jsonw_int(&w, MODEL_SCHEMA_VERSION);
    jsonw_key(&w, "leads");
    jsonw_bool(&w, node_is_owner(r->setup.node));
    add_owner(&w, r);
    add_leader(&w, r);
    add_leaders(&w, r);
    add_limits(&w, r);
    jsonw_close(&w, '}');
    return FF_OK;
}

static void add_labels(struct jsonw *w, const char *labels)
{
    jsonw_key(w, "labels");
    jsonw_open(w, '{');
    while (*labels) {
        const size_t len = strcspn(labels, ","), key_len = strcspn(labels, "=");
        MEM_AUTO char *key = mem_text_len(labels, key_len);
        jsonw_key(w, key);
        jsonw_text_len(w, labels + key_len + 1, len - key_len - 1);
        labels += len + (labels[len] == ',');
    }
    jsonw_close(w, '}');
}

static void add_executor(void *arg, const struct fleet_executor *e)
{
    struct jsonw *w = arg;
    const struct {
        const char *name, *text;
    } texts[] = {{"id", e->id}, {"name", e->name}, {"version", e->version}};
    const struct {
        const char *name;
        int64_t n;
    } numbers[] = {{"places", e->places},
                   {"attempts", e->n_attempts},
                   {"silent_s", e->heard_us / UNITS_SECOND}};

    jsonw_open(w, '{');
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        jsonw_key(w, texts[i].name);
        jsonw_text(w, texts[i].text);
    }
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        jsonw_key(w, numbers[i].name);
        jsonw_int(w, numbers[i].n);
    }
    jsonw_key(w, "draining");
    jsonw_bool(w, e->draining);
    add_labels(w, e->labels);
    jsonw_close(w, '}');
}

static void add_waiting(void *arg, struct tenant t, int64_t n, int64_t since_us)
{
    (void)t;
    (void)since_us;
    *(int64_t *)arg += n;
}

/* What was started and has no place yet, and what does not start before there is one.
 */
static int64_t count_waiting(const struct rest_call *c, const struct fleet *f)
{
    const struct control *control = node_control(c->rest->setup.node);
    struct fleet_counts counts;
    int64_t n = 0;

    fleet_count(f, &counts);
    if (control)
        control_waiting(control, add_waiting, &n);
    return n + (int64_t)counts.n_waiting;
}

/* Where this host runs attempts there are none. */
int rest_executors(struct rest_call *c, struct ff_err *err)
{
    const struct fleet *f = c->rest->setup.fleet;
    struct jsonw w = {.out = &c->out};

    (void)err;
    jsonw_open(&w, '{');
    jsonw_key(&w, "executors");
    jsonw_open(&w, '[');
    if (f)
        fleet_each(f, add_executor, &w);
    jsonw_close(&w, ']');
    jsonw_key(&w, "waiting");
    jsonw_int(&w, f ? count_waiting(c, f) : 0);
    jsonw_close(&w, '}');
    return FF_OK;
}

/* --- the caller --- */

static void add_permissions(struct jsonw *w, const struct principal *p)
{
    const struct access_scope where = {.tenant = p->tenant, .project = PROJECT_DEFAULT};

    jsonw_key(w, "permissions");
    jsonw_open(w, '[');
    for (int i = 0; i < N_PERMISSIONS; i++)
        if (access_may(p, (enum permission)i, where))
            jsonw_text(w, permission_names[i]);
    jsonw_close(w, ']');
}

static void add_text(struct jsonw *w, const char *name, const char *text)
{
    jsonw_key(w, name);
    jsonw_text(w, text);
}

static int add_tenant(struct rest_call *c, struct jsonw *w, struct ff_err *err)
{
    struct tenant_row row;

    jsonw_key(w, "tenant");
    if (c->who.tenant.no == TENANT_PLATFORM.no) {
        jsonw_null(w);
        return FF_OK;
    }
    if (access_tenant_by_no(c->store, c->reader, c->who.tenant, &c->arena, &row, err) !=
        FF_OK)
        return err->code;
    jsonw_text_len(w, row.name.s, row.name.len);
    return FF_OK;
}

int rest_me(struct rest_call *c, struct ff_err *err)
{
    const struct principal *p = &c->who;
    struct jsonw w = {.out = &c->out};
    char at[UNITS_TEXT];
    json_t *names = NULL;

    jsonw_open(&w, '{');
    add_text(&w, "subject", p->subject);
    add_text(&w, "via", principal_vias[p->kind]);
    if (add_tenant(c, &w, err) != FF_OK)
        return err->code;
    add_text(&w, "role", role_names[p->role]);
    if (p->project != PROJECT_ALL) {
        names = rest_project_names(c, err);
        if (!names)
            return err->code;
        rest_add_project(&w, names, p->project);
        add_text(&w, "project_role", role_names[p->project_role]);
        json_decref(names);
    }
    jsonw_key(&w, "platform");
    jsonw_bool(&w, p->platform);
    add_permissions(&w, p);
    if (p->expires_us != 0) {
        units_time_text(p->expires_us, at);
        add_text(&w, "expires_at", at);
    }
    jsonw_close(&w, '}');
    return FF_OK;
}
