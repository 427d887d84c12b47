/* run_children.c - see run_children.h. */
#include "cli/read/run_children.h"

#include "cli/read/run_view.h"

#include <string.h>

static int add_link(void *arg, const void *row)
{
    const struct child_run_row *link = row;
    struct run_children *children = arg;
    const struct run_child child = {
        .node = link->node, .attempt = link->attempt, .run = link->run};

    ARRAY_ADD(children, child);
    return 0;
}

static int take_run(void *arg, const void *row)
{
    const struct run_row *run = row;
    struct run_child *child = arg;

    child->state = run->state;
    snprintf(child->id, sizeof(child->id), "%.*s", (int)run->id.len, run->id.s);
    return 1;
}

static int take_task(void *arg, const void *row)
{
    const struct task_row *task = row;
    struct run_child *child = arg;
    char item[32] = "";

    if (task->item != MODEL_NULL)
        snprintf(item, sizeof(item), ".%lld", (long long)task->item);
    snprintf(child->path, sizeof(child->path), "%.*s%s#%lld", (int)task->task.len,
             task->task.s, item, (long long)child->attempt);
    return 1;
}

static int read_one(const struct cli_session *s, int64_t tenant, int64_t parent,
                    struct run_child *child, struct ff_err *err)
{
    const struct run_row run = {.tenant = tenant, .run = child->run};
    const struct task_row task = {.tenant = tenant, .run = parent, .node = child->node};
    struct store *store = node_store(s->node);
    const int code =
        store_scan(store, STORE_READER_CALLER,
                   &(struct store_query){
                       .record = &record_run, .like = &run, .n_equal = 2, .limit = 1},
                   take_run, child, err);

    if (code != FF_OK)
        return code;
    return store_scan(
        store, STORE_READER_CALLER,
        &(struct store_query){
            .record = &record_task, .like = &task, .n_equal = 3, .limit = 1},
        take_task, child, err);
}

int run_children_read(const struct cli_session *s, int64_t tenant, int64_t run,
                      struct run_children *children)
{
    const struct child_run_row like = {.tenant = tenant, .parent = run};
    const struct store_query links = {
        .record = &record_child_run, .like = &like, .n_equal = 2};
    struct ff_err err = {0};
    int code = store_scan(node_store(s->node), STORE_READER_CALLER, &links, add_link,
                          children, &err);

    for (size_t i = 0; code == FF_OK && i < children->n; i++)
        code = read_one(s, tenant, run, &children->items[i], &err);
    return code == FF_OK ? CLI_OK : cli_fail_err(&err);
}

/* --- one run --- */

struct child_reading {
    const struct cli_session *s;
    struct flow *flow;
    struct track *track;
    struct arena arena;
    struct run_row row;
};

static int take_row(void *arg, const void *row)
{
    struct child_reading *r = arg;

    r->row = *(const struct run_row *)row;
    store_own_row(&record_run, &r->row, &r->arena);
    return 1;
}

static int read_track(struct child_reading *r, const struct child_run_row *link,
                      struct ff_err *err)
{
    const struct run_row like = {.tenant = link->tenant, .run = link->run};
    struct flow *flow = r->flow ? flow_ref(r->flow) : NULL;
    const int code =
        store_scan(node_store(r->s->node), STORE_READER_CALLER,
                   &(struct store_query){
                       .record = &record_run, .like = &like, .n_equal = 2, .limit = 1},
                   take_row, r, err);

    if (code == FF_OK && r->row.version > 0 && !flow)
        flow = run_view_flow(r->s, &r->row);
    if (flow && code == FF_OK && r->row.version > 0)
        r->track = track_new(&r->row, flow);
    else
        flow_unref(flow);
    return code;
}

static int take_link(void *arg, const void *row)
{
    ((struct child_run_row *)arg)->run = ((const struct child_run_row *)row)->run;
    return 1;
}

int run_child_track(const struct cli_session *s, const struct track *of, int64_t node,
                    int64_t attempt, struct flow *flow, struct track **track)
{
    struct child_run_row link = {.tenant = TENANT_DEFAULT.no,
                                 .parent = of->run,
                                 .node = node,
                                 .attempt = attempt};
    const struct child_run_row like = link;
    struct child_reading r = {.s = s, .flow = flow};
    struct ff_err err = {0};
    int code = store_scan(
        node_store(s->node), STORE_READER_CALLER,
        &(struct store_query){
            .record = &record_child_run, .like = &like, .n_equal = 4, .limit = 1},
        take_link, &link, &err);

    if (code == FF_OK && link.run != 0)
        code = read_track(&r, &link, &err);
    arena_done(&r.arena);
    *track = r.track;
    return code == FF_OK ? CLI_OK : cli_fail_err(&err);
}

/* --- by names --- */

/* Links come in the order of tasks, items and attempts: the last one counts. */
static const struct run_child *find(const struct run_children *children,
                                    const char *name, size_t len)
{
    const struct run_child *found = NULL;

    for (size_t i = 0; i < children->n; i++) {
        const struct run_child *child = &children->items[i];
        const char *end = strrchr(child->path, '#');

        if (end && (size_t)(end - child->path) == len &&
            memcmp(child->path, name, len) == 0)
            found = child;
    }
    return found;
}

static int enter(const struct cli_session *s, const char *name, size_t len,
                 struct arena *arena, struct run_row *run)
{
    struct run_children children = {0};
    int code = run_children_read(s, run->tenant, run->run, &children);
    const struct run_child *child = code == CLI_OK ? find(&children, name, len) : NULL;

    if (child)
        code = cli_find_run(s, child->id, arena, run);
    else if (code == CLI_OK)
        code = cli_fail(CLI_NOT_FOUND,
                        "run %.*s has no run inside it that is %.*s: it has not begun, "
                        "or the task is no group and uses nothing",
                        (int)run->id.len, run->id.s, len < 80 ? (int)len : 80, name);
    ARRAY_DONE(&children);
    return code;
}

int run_children_walk(const struct cli_session *s, const char *word,
                      struct arena *arena, struct run_row *run, const char **rest)
{
    const char *slash;
    int code = CLI_OK;

    *rest = word;
    while (code == CLI_OK && *rest && (slash = strchr(*rest, '/'))) {
        code = enter(s, *rest, (size_t)(slash - *rest), arena, run);
        *rest = slash + 1;
    }
    return code;
}
