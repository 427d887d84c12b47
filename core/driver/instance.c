/* driver/instance.c - one set of options for a driver, with its own host, and the
 * sessions opened from it. */
#include "driver/driver_priv.h"

#include <string.h>

/* Sections whose names are older than the drivers that read them. Any other driver's
 * section is KIND-NAME. */
static const struct {
    const char *driver, *section;
} known_sections[] = {
    {"store-postgres", "database"},
    {"queue-redis", "redis"},
    {"runtime-k8s", "kubernetes"},
    {"auth-jwt", "auth"},
};

/* Freed while their loop still had to call: kept in sight until it does. */
static struct driver_instance *dead;

const char *driver_kind_name(uint32_t kind)
{
    const struct driver_kind *k = driver_kind(kind);

    return k ? k->name : NULL;
}

void driver_section(const struct driver_info *info, char out[DRIVER_SECTION_TEXT])
{
    snprintf(out, DRIVER_SECTION_TEXT, "%s-%s", driver_kind(info->kind)->name,
             info->d.name);
    for (size_t i = 0; i < COUNT_OF(known_sections); i++)
        if (strcmp(out, known_sections[i].driver) == 0)
            snprintf(out, DRIVER_SECTION_TEXT, "%s", known_sections[i].section);
}

/* The texts become ours, so that the instance may outlive the config. */
static void own_texts(struct driver_instance *i)
{
    for (const struct ff_opt *o = i->driver->info.d.opts; o && o->name; o++) {
        char *at = (char *)i->config + o->offset;
        const char *text;

        if (o->type != FF_OPT_TEXT)
            continue;
        memcpy(&text, at, sizeof(text));
        if (text)
            text = arena_text(&i->text, text, strlen(text));
        memcpy(at, &text, sizeof(text));
    }
}

static int fill(struct driver_instance *i, const struct config *config,
                struct ff_err *err)
{
    const struct driver_info *info = &i->driver->info;
    char name[DRIVER_SECTION_TEXT];
    const struct config_section section = {name, info->d.opts};
    int code;

    driver_section(info, name);
    i->config = mem_alloc(info->d.config_size ? (size_t)info->d.config_size : 1);
    if (!info->d.opts)
        return FF_OK;
    code = config_fill(config, &section, i->config, err);
    if (code == FF_OK)
        own_texts(i);
    return code;
}

struct driver_instance *driver_instance_new(struct driver *d, struct loop *l,
                                            const struct config *config,
                                            const char *label, struct ff_err *err)
{
    struct driver_instance *i = mem_alloc(sizeof(*i));

    i->driver = d;
    driver_stand_alone(i);
    i->loop = l;
    i->label = mem_text(label ? label : d->info.d.name);
    i->lanes = driver_lanes_get(l);
    driver_host_init(i);
    if (fill(i, config, err) != FF_OK) {
        driver_instance_free(i);
        return NULL;
    }
    return i;
}

static void destroy(struct driver_instance *i)
{
    driver_ops_done(&i->ops);
    arena_done(&i->text);
    mem_free(i->config);
    mem_free(i->label);
    mem_free(i);
}

void driver_instance_settle(struct driver_instance *i)
{
    struct driver_instance **at = &dead;

    if (!i->dead || i->running > 0 || atomic_load(&i->posted))
        return;
    while (*at != i)
        at = &(*at)->next_dead;
    *at = i->next_dead;
    destroy(i);
}

/* What is still open is completed here and now: whoever frees the instance is about
 * to free what its continuations stand on. */
static void complete_all(struct driver_instance *i)
{
    size_t n;

    do {
        driver_ops_run(i);
        n = driver_ops_cancel(i);
        if (n > 0)
            log_line(LOG_WARN, i->label, "%zu operations left open are cancelled", n);
    } while (n > 0 || atomic_load(&i->ops.done));
}

void driver_instance_free(struct driver_instance *i)
{
    struct driver_instance *inner = i ? i->inner : NULL;

    if (!i)
        return;
    driver_lanes_put(i->lanes);
    complete_all(i);
    i->dead = true;
    i->next_dead = dead;
    dead = i;
    driver_instance_settle(i);
    driver_instance_free(inner);
}

const struct driver_info *driver_instance_info(const struct driver_instance *i)
{
    return &i->info;
}

static int check_kind(const struct driver_instance *i, uint32_t kind,
                      struct ff_err *err)
{
    if (i->info.kind == kind)
        return driver_check_stand(i, err);
    return ff_fail(err, FF_INVALID, 0, "%s is a driver of kind %s, not %s", i->label,
                   driver_kind(i->info.kind)->name, driver_kind(kind)->name);
}

/* One open() of the driver, with what it MUST have said in each case. */
struct opening {
    int code;
    void *session;
    struct ff_err said;
};

static int judge(const struct driver_instance *i, const struct opening *o,
                 void **session, struct ff_err *err)
{
    int code = o->code;

    if (code == FF_OK && o->session) {
        *session = o->session;
        return FF_OK;
    }
    if (code == FF_OK)
        return ff_fail(err, FF_INTERNAL, 0, "%s: open succeeded without a session",
                       i->label);
    if (code < FF_OK || code > FF_FATAL)
        code = FF_INTERNAL;
    if (!o->said.msg[0])
        return ff_fail(err, code, 0, "%s: open failed without saying why", i->label);
    return ff_fail(err, code, o->said.sys, "%.*s", (int)sizeof(o->said.msg) - 1,
                   o->said.msg);
}

int driver_open_store(struct driver_instance *i, void **store, struct ff_err *err)
{
    struct opening o = {0};
    int code = check_kind(i, FF_STORE, err);

    if (code != FF_OK)
        return code;
    o.code = i->table.store.open(&i->host, i->config, &o.session, &o.said);
    return judge(i, &o, store, err);
}

int driver_open_queue(struct driver_instance *i, void **queue, struct ff_err *err)
{
    struct opening o = {0};
    int code = check_kind(i, FF_QUEUE, err);

    if (code != FF_OK)
        return code;
    o.code = i->table.queue.open(&i->host, i->config, &o.session, &o.said);
    return judge(i, &o, queue, err);
}

int driver_open_runtime(struct driver_instance *i, ff_run_event_fn *fn, void *arg,
                        void **runtime, struct ff_err *err)
{
    struct opening o = {0};
    int code = check_kind(i, FF_RUNTIME, err);

    if (code != FF_OK)
        return code;
    o.code = i->table.runtime.open(&i->host, i->config, fn, arg, &o.session, &o.said);
    return judge(i, &o, runtime, err);
}

int driver_open_auth(struct driver_instance *i, void **auth, struct ff_err *err)
{
    struct opening o = {0};
    int code = check_kind(i, FF_AUTH, err);

    if (code != FF_OK)
        return code;
    o.code = i->table.auth.open(&i->host, i->config, &o.session, &o.said);
    return judge(i, &o, auth, err);
}

int driver_open_blob(struct driver_instance *i, void **blob, struct ff_err *err)
{
    struct opening o = {0};
    int code = check_kind(i, FF_BLOB, err);

    if (code != FF_OK)
        return code;
    o.code = i->table.blob.open(&i->host, i->config, &o.session, &o.said);
    return judge(i, &o, blob, err);
}

const struct ff_store_ops *driver_store_ops(const struct driver_instance *i)
{
    return i->info.kind == FF_STORE ? &i->table.store : NULL;
}

const struct ff_queue_ops *driver_queue_ops(const struct driver_instance *i)
{
    return i->info.kind == FF_QUEUE ? &i->table.queue : NULL;
}

const struct ff_runtime_ops *driver_runtime_ops(const struct driver_instance *i)
{
    return i->info.kind == FF_RUNTIME ? &i->table.runtime : NULL;
}

const struct ff_auth_ops *driver_auth_ops(const struct driver_instance *i)
{
    return i->info.kind == FF_AUTH ? &i->table.auth : NULL;
}

const struct ff_blob_ops *driver_blob_ops(const struct driver_instance *i)
{
    return i->info.kind == FF_BLOB ? &i->table.blob : NULL;
}
