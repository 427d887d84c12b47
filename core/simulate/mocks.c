/* mocks.c - what a file of mocks says of an attempt, and what is plausible where it
 * says nothing.
 *
 * Entries are laid over each other, from the general to the particular: "*", "fetch",
 * "fetch.3", "fetch#2", "fetch.3#2" (item 3, attempt 2). In a group it is "city/fetch",
 * "city/fetch.3" and "city.0/fetch.3", each with and without the attempt. */
#include "simulate/simulate_priv.h"

#include <math.h>
#include <string.h>

#define DEFAULT_US UNITS_SECOND
#define SPOOL_NAME                                                                     \
    ".flowforge-spool.jsonl" /* what the SDK leaves, docs/task-api.md                  \
                              */

static const char *const outcomes[] = {
    [MOCK_EXIT] = "exit",       [MOCK_LOST] = "lost",       [MOCK_OOM] = "oom",
    [MOCK_EVICTED] = "evicted", [MOCK_REFUSED] = "refused", [MOCK_SILENT] = "silent",
    [MOCK_HANGS] = "hangs",
};

/* --- checking --- */

bool mock_duration(const json_t *v, int64_t *us)
{
    if (json_is_string(v))
        return units_duration(json_string_value(v), us);
    if (!json_is_number(v) || json_number_value(v) < 0 || json_number_value(v) > 1e12)
        return false;
    *us = (int64_t)(json_number_value(v) * (double)UNITS_SECOND);
    return true;
}

const char *mock_check_duration(const json_t *v)
{
    static const char wrong[] =
        "a duration (10s), a number of seconds, or {min: 1s, max: 5s}";
    int64_t min, max;

    if (!json_is_object(v))
        return mock_duration(v, &min) ? NULL : wrong;
    if (json_object_size(v) != 2 || !mock_duration(json_object_get(v, "min"), &min) ||
        !mock_duration(json_object_get(v, "max"), &max))
        return wrong;
    return min <= max ? NULL : "{min, max} with min not above max";
}

static const char *check_code(const json_t *v)
{
    return json_is_integer(v) && json_integer_value(v) >= 0 &&
                   json_integer_value(v) <= 255
               ? NULL
               : "a number from 0 to 255";
}

static const char *check_times(const json_t *v)
{
    return json_is_integer(v) && json_integer_value(v) >= 0 ? NULL
                                                            : "a number of attempts";
}

static const char *check_outcome(const json_t *v)
{
    const char *word = json_string_value(v);

    for (size_t i = 0; word && i < COUNT_OF(outcomes); i++)
        if (strcmp(word, outcomes[i]) == 0)
            return NULL;
    return "exit, lost, oom, evicted, refused, silent or hangs";
}

static const char *check_text(const json_t *v)
{
    return json_is_string(v) ? NULL : "a text";
}

static const char *check_map(const json_t *v)
{
    return json_is_object(v) ? NULL : "a map of names and values";
}

static const struct {
    const char *name;
    const char *(*check)(const json_t *v); /* NULL, or what it must be */
} keys[] = {
    {"duration", mock_check_duration},
    {"exit_code", check_code},
    {"fail_times", check_times},
    {"outcome", check_outcome},
    {"outputs", check_map},
    {"stdout", check_text},
    {"stderr", check_text},
};

static int check_key(const char *path, const struct flow_task *task, const char *key,
                     const json_t *value, struct ff_err *err)
{
    if (answer_check_key(path, task, key, value, err) != FF_OK)
        return err->code;
    if (answer_is(key))
        return FF_OK;
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        if (strcmp(keys[i].name, key) != 0)
            continue;
        const char *wanted = keys[i].check(value);
        return wanted ? ff_fail(err, FF_INVALID, 0, "mock of %.60s: %s must be %s",
                                path, key, wanted)
                      : FF_OK;
    }
    return ff_fail(err, FF_INVALID, 0,
                   "mock of %.60s: there is no key %.40s; there are duration, "
                   "exit_code, fail_times, outcome, outputs, stdout, stderr, approve, "
                   "reject and event",
                   path, key);
}

/* "city.0/fetch.3#1": `fetch` of the group that `city` is. *flow becomes that group. */
static const struct flow_task *task_of(const struct flow **flow, const char *path)
{
    const struct flow_task *task = NULL;

    for (const char *p = path; *p;) {
        const size_t len = strcspn(p, "/");
        char name[256];
        if (task)
            *flow = task->work->group;
        if (!*flow)
            return NULL;
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(p, ".#/"), p);
        const int64_t index = flow_task_index(*flow, name);
        if (index < 0)
            return NULL;
        task = &(*flow)->tasks[index];
        p += len + (p[len] == '/');
    }
    return task;
}

static bool has_output(const struct flow_task *task, const char *name)
{
    for (uint32_t i = 0; i < task->work->n_outputs; i++)
        if (strcmp(task->work->outputs[i].name, name) == 0)
            return true;
    return false;
}

/* A task may have outputs that it declares nowhere, said by the SDK; where some are
 * declared, a name beside them is a slip. */
static int check_outputs(const char *path, const struct flow_task *task,
                         const json_t *outputs, struct ff_err *err)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)outputs, name, value)
    {
        if (task && task->work->n_outputs > 0 && !has_output(task, name))
            return ff_fail(err, FF_INVALID, 0,
                           "mock of %.60s: the task declares no output %.60s", path,
                           name);
    }
    return FF_OK;
}

/* Tasks of another workflow, which is looked for when the run is submitted. */
static bool is_in_used(const struct flow *flow, const char *path)
{
    const size_t len = strcspn(path, ".#/");
    MEM_AUTO char *name = mem_text_len(path, len);
    const int64_t index = flow_task_index(flow, name);

    return strchr(path, '/') && index >= 0 &&
           flow->tasks[index].work->kind == FLOW_USES;
}

static int check_mock(const char *path, const json_t *mock, const struct flow *flow,
                      struct ff_err *err)
{
    const bool all = path[0] == '*';
    const struct flow *inner = flow;
    const struct flow_task *task = task_of(&inner, path);
    const char *key;
    json_t *value;

    if (!all && !task && !is_in_used(flow, path))
        return ff_fail(err, FF_INVALID, 0,
                       "mocks: workflow %.60s has no task %.60s; a mock is named TASK, "
                       "TASK.ITEM, TASK#ATTEMPT, GROUP/TASK or *",
                       flow->name, path);
    if (!json_is_object(mock))
        return ff_fail(err, FF_INVALID, 0, "mock of %.60s: it must be a map", path);
    json_object_foreach((json_t *)(uintptr_t)mock, key, value)
    {
        if (check_key(path, task, key, value, err) != FF_OK)
            return err->code;
    }
    if (answer_check(path, task, mock, err) != FF_OK)
        return err->code;
    return check_outputs(path, task, json_object_get(mock, "outputs"), err);
}

static int check_cancel(const json_t *cancel, struct ff_err *err)
{
    const char *mode = json_string_value(json_object_get(cancel, "mode"));
    int64_t at;

    if (!mock_duration(json_object_get(cancel, "at"), &at))
        return ff_fail(err, FF_INVALID, 0,
                       "mocks: cancel must be {at: DURATION}, maybe with mode: kill");
    if (mode && strcmp(mode, "graceful") != 0 && strcmp(mode, "kill") != 0)
        return ff_fail(err, FF_INVALID, 0,
                       "mocks: the mode of cancel is graceful or kill, not %.40s",
                       mode);
    return FF_OK;
}

static int check_tasks(const json_t *tasks, const struct flow *flow, struct ff_err *err)
{
    const char *path;
    json_t *mock;

    if (!json_is_object(tasks))
        return ff_fail(err, FF_INVALID, 0, "mocks: tasks must be a map");
    json_object_foreach((json_t *)(uintptr_t)tasks, path, mock)
    {
        if (check_mock(path, mock, flow, err) != FF_OK)
            return err->code;
    }
    return FF_OK;
}

static int check_part(const char *key, const json_t *value, const struct flow *flow,
                      struct ff_err *err)
{
    if (strcmp(key, "tasks") == 0)
        return check_tasks(value, flow, err);
    if (strcmp(key, "cancel") == 0)
        return check_cancel(value, err);
    if (strcmp(key, "signals") == 0 || strcmp(key, "events") == 0)
        return answer_check_told(key, value, err);
    return ff_fail(err, FF_INVALID, 0,
                   "mocks: there are tasks, signals, events and cancel; not %.40s",
                   key);
}

int simulate_check_mocks(const json_t *mocks, const struct flow *flow,
                         struct ff_err *err)
{
    const char *key;
    json_t *value;

    if (mocks && !json_is_object(mocks))
        return ff_fail(err, FF_INVALID, 0,
                       "mocks must be a map with tasks, and maybe signals, events and "
                       "cancel");
    json_object_foreach((json_t *)(uintptr_t)mocks, key, value)
    {
        if (check_part(key, value, flow, err) != FF_OK)
            return err->code;
    }
    return FF_OK;
}

/* --- what is plausible --- */

struct looked_for {
    const char *task, *output;
    bool found;
};

static void look_at_ref(void *arg, const char *const *path, size_t n, size_t offset,
                        size_t length)
{
    struct looked_for *l = arg;

    (void)offset;
    (void)length;
    l->found =
        l->found ||
        (n >= 4 && strcmp(path[0], "tasks") == 0 && strcmp(path[1], l->task) == 0 &&
         strcmp(path[2], "outputs") == 0 && strcmp(path[3], l->output) == 0);
}

/* Does some task go through this output by foreach? */
static bool is_list(const struct flow *flow, const char *task, const char *output)
{
    struct looked_for l = {.task = task, .output = output};

    for (uint32_t i = 0; i < flow->n_tasks && !l.found; i++) {
        const struct flow_value *foreach = flow->tasks[i].work->foreach;
        if (foreach && foreach->tmpl)
            tmpl_refs(foreach->tmpl, look_at_ref, &l);
    }
    return l.found;
}

static json_t *plausible(const struct flow *flow, const struct flow_task *task,
                         const struct flow_output *o)
{
    if (o->as == FLOW_AS_JSON && is_list(flow, task->name, o->name))
        return json_pack("[i, i, i]", 1, 2, 3);
    if (o->as == FLOW_AS_JSON)
        return json_integer(1);
    return json_sprintf("%s of %s", o->name, task->name);
}

static void add_plausible(struct mock *mock)
{
    const struct flow_work *work = mock->task ? mock->task->work : NULL;

    for (uint32_t i = 0; work && i < work->n_outputs; i++) {
        const struct flow_output *o = &work->outputs[i];
        if (!o->optional && !json_object_get(mock->outputs, o->name))
            json_object_set_new(mock->outputs, o->name,
                                plausible(mock->flow, mock->task, o));
    }
}

/* --- one attempt --- */

static void lay_over(json_t *made, const struct mocks *m, const char *name)
{
    const json_t *entry = json_object_get(m->tasks, name);

    if (!entry)
        return;
    /* The more particular decision stands, and not both. */
    if (json_object_get(entry, "approve") || json_object_get(entry, "reject")) {
        json_object_del(made, "approve");
        json_object_del(made, "reject");
    }
    json_object_update(made, (json_t *)(uintptr_t)entry);
}

/* The path without the items of the groups; with `leaf` also without the task's own. */
static void strip_items(const char *path, bool leaf, struct buf *out)
{
    while (*path) {
        const size_t len = strcspn(path, "/");
        const bool keeps = !path[len] && !leaf;
        buf_add(out, path, keeps ? len : strcspn(path, "./"));
        if (path[len])
            buf_add_char(out, '/');
        path += len + (path[len] == '/');
    }
}

static void lay_over_attempt(json_t *made, const struct mocks *m, const char *path,
                             int64_t attempt)
{
    struct buf name = {0};

    buf_printf(&name, "%s#%lld", path, (long long)attempt);
    lay_over(made, m, buf_text(&name));
    buf_done(&name);
}

json_t *mock_entry(const struct mocks *m, const char *path, int64_t attempt)
{
    json_t *made = json_object();
    struct buf task = {0};
    struct buf item = {0};

    strip_items(path, true, &task);
    strip_items(path, false, &item);
    const char *const names[] = {buf_text(&task), buf_text(&item), path};

    lay_over(made, m, "*");
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (i == 0 || strcmp(names[i], names[i - 1]) != 0)
            lay_over(made, m, names[i]);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (i == 0 || strcmp(names[i], names[i - 1]) != 0)
            lay_over_attempt(made, m, names[i], attempt);
    buf_done(&task);
    buf_done(&item);
    return made;
}

/* Drawn from the attempt's name, so that it does not hang on what else happens. */
int64_t mock_draw(const struct mocks *m, const json_t *v, const char *path,
                  int64_t attempt)
{
    int64_t min = DEFAULT_US, max = DEFAULT_US;
    uint64_t hash = m->seed ^ rand_mix((uint64_t)attempt);
    struct rand r;

    if (!json_is_object(v)) {
        if (v)
            mock_duration(v, &min);
        return min;
    }
    for (const char *p = path; *p; p++)
        hash = (hash ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
    rand_seed(&r, rand_mix(hash));
    mock_duration(json_object_get(v, "min"), &min);
    mock_duration(json_object_get(v, "max"), &max);
    return min + (int64_t)rand_below(&r, (uint64_t)(max - min) + 1);
}

static enum mock_outcome outcome_of(const char *word)
{
    for (size_t i = 0; word && i < COUNT_OF(outcomes); i++)
        if (strcmp(word, outcomes[i]) == 0)
            return (enum mock_outcome)i;
    return MOCK_EXIT;
}

void mock_of(const struct mocks *m, const char *path, int64_t attempt,
             struct mock *mock)
{
    json_t *entry = mock_entry(m, path, attempt);
    const json_t *times = json_object_get(entry, "fail_times");
    const json_t *code = json_object_get(entry, "exit_code");
    const json_t *given = json_object_get(entry, "outputs");
    const bool fails = times ? attempt <= json_integer_value(times) : code != NULL;

    *mock = (struct mock){
        .outcome = outcome_of(json_string_value(json_object_get(entry, "outcome"))),
        .duration_us = mock_draw(m, json_object_get(entry, "duration"), path, attempt),
        .out = json_string_value(json_object_get(entry, "stdout")),
        .err = json_string_value(json_object_get(entry, "stderr")),
        .outputs = given ? json_copy((json_t *)(uintptr_t)given) : json_object(),
        .flow = m->flow,
    };
    mock->task = task_of(&mock->flow, path);
    if (times && attempt > json_integer_value(times))
        mock->outcome = MOCK_EXIT;
    if (fails)
        mock->exit_code = code ? (int)json_integer_value(code) : 1;
    add_plausible(mock);
    json_decref(entry); /* its texts belong to the mocks */
}

void mock_done(struct mock *mock)
{
    json_decref(mock->outputs);
    mock->outputs = NULL;
}

static void add_value(struct buf *out, const json_t *value)
{
    if (json_is_string(value))
        buf_add(out, json_string_value(value), json_string_length(value));
    else
        json_add_to(out, value);
}

/* As the SDK leaves them: outputs that come from it, and those that nobody declared. */
static void add_spool(const struct mock *mock, struct buf *out)
{
    const struct flow_work *work = mock->task ? mock->task->work : NULL;
    const char *name;
    json_t *value;

    json_object_foreach(mock->outputs, name, value)
    {
        bool elsewhere = false;
        for (uint32_t i = 0; work && i < work->n_outputs; i++)
            elsewhere = elsewhere || (strcmp(work->outputs[i].name, name) == 0 &&
                                      work->outputs[i].from != FLOW_FROM_SDK);
        if (elsewhere)
            continue;
        json_t *line = json_pack("{s:s, s:s, s:O}", "kind", "output", "name", name,
                                 "value", value);
        json_add_to(out, line);
        buf_add_char(out, '\n');
        json_decref(line);
    }
}

bool mock_file(const struct mock *mock, const char *name, struct buf *out)
{
    const struct flow_work *work = mock->task ? mock->task->work : NULL;

    if (strcmp(name, SPOOL_NAME) == 0) {
        add_spool(mock, out);
        return true;
    }
    if (!work && json_object_get(mock->outputs, name)) {
        add_value(out, json_object_get(mock->outputs, name));
        return true;
    }
    for (uint32_t i = 0; work && i < work->n_outputs; i++) {
        const struct flow_output *o = &work->outputs[i];
        const json_t *value = json_object_get(mock->outputs, o->name);
        if (!value || (strcmp(o->name, name) != 0 && strcmp(o->file, name) != 0))
            continue;
        if (o->as == FLOW_AS_JSON)
            json_add_to(out, value);
        else
            add_value(out, value);
        return true;
    }
    return false;
}
