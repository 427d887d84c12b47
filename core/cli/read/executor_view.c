#include "cli/read/executor_view.h"

#include <string.h>
#include <unistd.h>

const struct remote *executor_door(const struct cli_session *s, struct remote *here,
                                   char **address)
{
    MEM_AUTO char *path = NULL;
    struct buf server = {0};

    *address = NULL;
    if (s->remote)
        return s->remote;
    path = file_join(node_settings(s->node)->data_dir, "api.sock");
    if (access(path, F_OK) != 0)
        return NULL;
    buf_printf(&server, "unix:%s", path);
    *address = buf_take(&server);
    *here = (struct remote){.server = *address};
    return here;
}

void executor_labels(const json_t *executor, struct buf *out)
{
    json_t *labels = json_object_get(executor, "labels");
    const char *key, *comma = "";
    json_t *value;

    json_object_foreach(labels, key, value)
    {
        buf_printf(out, "%s%s=%s", comma, key, json_string_value(value));
        comma = ",";
    }
}

bool executors_matter(const struct flow *flow)
{
    for (uint32_t i = 0; i < flow->n_tasks; i++)
        if (flow->tasks[i].policy->node_selector)
            return true;
    return false;
}

static json_t *ask(const struct remote *r, const char *path)
{
    struct ff_err ignored;
    json_t *answer = NULL;

    remote_call(r, &(struct remote_request){.method = "GET", .path = path}, &answer,
                &ignored);
    return answer;
}

json_t *executors_read(const struct cli_session *s)
{
    struct remote here;
    char *address;
    const struct remote *door = executor_door(s, &here, &address);
    json_t *system = door ? ask(door, "/system") : NULL, *answer = NULL;
    const char *runtime = json_string_value(json_object_get(system, "runtime"));

    if (runtime && strcmp(runtime, NODE_ELSEWHERE) == 0)
        answer = ask(door, "/system/executors");
    json_t *list = json_incref(json_object_get(answer, "executors"));
    json_decref(answer);
    json_decref(system);
    mem_free(address);
    return list;
}

static int64_t number(const json_t *executor, const char *key)
{
    return json_integer_value(json_object_get(executor, key));
}

struct executor_fit executors_fit(const json_t *executors, const char *selector)
{
    struct executor_fit fit = {.n_all = (int64_t)json_array_size(executors)};
    struct buf labels = {0};
    const json_t *e;
    size_t i;

    json_array_foreach(executors, i, e)
    {
        buf_clear(&labels);
        executor_labels(e, &labels);
        if (!labels_satisfy(buf_text(&labels), selector))
            continue;
        const int64_t n_attempts = number(e, "attempts");
        const bool leaves = json_is_true(json_object_get(e, "draining"));
        fit.n++;
        fit.n_attempts += n_attempts;
        fit.n_places += leaves ? n_attempts : number(e, "places");
    }
    buf_done(&labels);
    return fit;
}
