/* run_children.c - see run_children.h. */
#include "cli/run_children.h"

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
