/* limit_view.c - see limit_view.h. */
#include "cli/read/limit_view.h"

#include "cli/remote/remote.h"

#include <stdlib.h>
#include <string.h>

#define SHOWN      3 /* holders named in a sentence */
#define ID_SHOWN   8
#define SEMAPHORES "semaphore:"

static struct limit_view *view_of(struct limit_views *v, const char *name)
{
    for (size_t i = 0; i < v->all.n; i++)
        if (strcmp(v->all.items[i].name, name) == 0)
            return &v->all.items[i];
    struct limit_view view = {.name = mem_text(name), .size = -1};
    if (strncmp(name, SEMAPHORES, strlen(SEMAPHORES)) == 0) {
        view.size = 1;
        view.set = "default";
    } else if (strncmp(name, "mutex:", 6) == 0) {
        view.size = 1;
    }
    ARRAY_ADD(&v->all, view);
    return &v->all.items[v->all.n - 1];
}

const struct limit_view *limit_view_find(const struct limit_views *v, const char *name)
{
    for (size_t i = 0; i < v->all.n; i++)
        if (strcmp(v->all.items[i].name, name) == 0)
            return &v->all.items[i];
    return NULL;
}

/* --- rows --- */

static void set_size(struct limit_views *v, const char *name, size_t len, int64_t size,
                     const char *set)
{
    struct buf text = {0};

    buf_add_text(&text, SEMAPHORES);
    buf_add(&text, name, len);
    struct limit_view *view = view_of(v, buf_text(&text));
    view->size = size;
    view->set = set;
    buf_done(&text);
}

static int add_size(void *arg, const void *row)
{
    const struct limit_size_row *size = row;

    set_size(arg, size->name.s, size->name.len, size->size, "set");
    return 0;
}

static int add_slot(void *arg, const void *row)
{
    const struct slot_row *slot = row;
    MEM_AUTO char *name = mem_text_len(slot->name.s, slot->name.len);
    const struct limit_holder holder = {
        .run = slot->run,
        .node = slot->node,
        .attempt = slot->attempt,
        .place = slot->place,
        .since_us = slot->taken_at,
    };

    ARRAY_ADD(&view_of(arg, name)->holders, holder);
    return 0;
}

static int take_id(void *arg, const void *row)
{
    const struct run_row *run = row;

    snprintf(arg, ID_TEXT, "%.*s", (int)run->id.len, run->id.s);
    return 1;
}

static int take_path(void *arg, const void *row)
{
    const struct task_row *task = row;
    struct buf path = {0};

    buf_add(&path, task->task.s, task->task.len);
    if (task->item != MODEL_NULL)
        buf_printf(&path, ".%lld", (long long)task->item);
    *(char **)arg = buf_take(&path);
    return 1;
}

static int name_holder(const struct cli_session *s, struct limit_holder *h,
                       struct ff_err *err)
{
    const struct run_row run = {.tenant = TENANT_DEFAULT.no, .run = h->run};
    const struct task_row task = {
        .tenant = TENANT_DEFAULT.no, .run = h->run, .node = h->node};
    struct store *store = node_store(s->node);
    int code =
        store_scan(store, STORE_READER_CALLER,
                   &(struct store_query){
                       .record = &record_run, .like = &run, .n_equal = 2, .limit = 1},
                   take_id, h->id, err);

    if (code == FF_OK && h->attempt > 0)
        code = store_scan(
            store, STORE_READER_CALLER,
            &(struct store_query){
                .record = &record_task, .like = &task, .n_equal = 3, .limit = 1},
            take_path, &h->path, err);
    return code;
}

static int by_name(const void *a, const void *b)
{
    const struct limit_view *x = a, *y = b;

    return strcmp(x->name, y->name);
}

/* Those of a server are in its configuration, not in ours. */
static int add_configured(struct limit_views *v, const struct cli_session *s,
                          struct ff_err *err)
{
    const struct remote_request what = {.method = "GET", .path = "/system"};
    json_t *system = NULL;
    const char *name;
    json_t *size;
    size_t n;

    if (s->remote) {
        const int code = remote_call(s->remote, &what, &system, err);
        json_object_foreach(json_object_get(system, "limits"), name, size)
            set_size(v, name, strlen(name), json_integer_value(size), "configured");
        json_decref(system);
        return code;
    }
    const struct control_size *configured = node_sizes(s->node, &n);
    for (size_t i = 0; i < n; i++)
        set_size(v, configured[i].name, strlen(configured[i].name), configured[i].size,
                 "configured");
    return FF_OK;
}

static int read_all(struct limit_views *v, const struct cli_session *s,
                    struct ff_err *err)
{
    const struct limit_size_row sizes = {.tenant = TENANT_DEFAULT.no};
    const struct slot_row slots = {.tenant = TENANT_DEFAULT.no};
    struct store *store = node_store(s->node);
    int code = add_configured(v, s, err);

    if (code == FF_OK)
        code =
            store_scan(store, STORE_READER_CALLER,
                       &(struct store_query){
                           .record = &record_limit_size, .like = &sizes, .n_equal = 1},
                       add_size, v, err);
    if (code == FF_OK)
        code = store_scan(
            store, STORE_READER_CALLER,
            &(struct store_query){.record = &record_slot, .like = &slots, .n_equal = 1},
            add_slot, v, err);
    for (size_t i = 0; code == FF_OK && i < v->all.n; i++)
        for (size_t k = 0; code == FF_OK && k < v->all.items[i].holders.n; k++)
            code = name_holder(s, &v->all.items[i].holders.items[k], err);
    if (v->all.n > 0)
        qsort(v->all.items, v->all.n, sizeof(*v->all.items), by_name);
    return code;
}

int limit_views_read(struct limit_views *v, const struct cli_session *s)
{
    struct ff_err err = {0};

    *v = (struct limit_views){0};
    if (read_all(v, s, &err) == FF_OK)
        return CLI_OK;
    limit_views_done(v);
    return cli_fail_err(&err);
}

void limit_views_done(struct limit_views *v)
{
    for (size_t i = 0; i < v->all.n; i++) {
        struct limit_view *view = &v->all.items[i];
        for (size_t k = 0; k < view->holders.n; k++)
            mem_free(view->holders.items[k].path);
        ARRAY_DONE(&view->holders);
        mem_free(view->name);
    }
    ARRAY_DONE(&v->all);
}

/* Places of one attempt stand behind each other or not: it is named once. */
static bool is_named(const struct limit_view *v, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (v->holders.items[i].run == v->holders.items[at].run &&
            v->holders.items[i].node == v->holders.items[at].node)
            return true;
    return false;
}

void limit_view_holders(const struct limit_view *v, struct buf *out)
{
    size_t n = 0;

    for (size_t i = 0; i < v->holders.n; i++) {
        const struct limit_holder *h = &v->holders.items[i];
        if (is_named(v, i))
            continue;
        if (++n > SHOWN)
            continue;
        buf_printf(out, "%srun %.*s", n > 1 ? ", " : "", ID_SHOWN,
                   h->id[0] ? h->id : "?");
        if (h->path)
            buf_printf(out, " (%s)", h->path);
    }
    if (n > SHOWN)
        buf_printf(out, " and %zu more", n - SHOWN);
}
