/* answer_check.c - what mocks say of approvals, events and signals, held against what
 * can be told: each mistake is a sentence. answers.c is what tells it. */
#include "simulate/simulate_priv.h"

#include <string.h>

/* --- values --- */

static const char *check_text(const json_t *v)
{
    return json_is_string(v) && json_string_length(v) > 0 ? NULL : "a text";
}

static const char *check_after(const json_t *v)
{
    return mock_check_duration(v);
}

static const char *check_at(const json_t *v)
{
    int64_t us;

    return mock_duration(v, &us) ? NULL : "a duration (10m) or a number of seconds";
}

static const char *check_name(const json_t *v)
{
    const char *name = json_string_value(v);

    return name && text_is_name(name, true) ? NULL
                                            : "the name of an event: a-z, 0-9, _ and -";
}

static const char *check_event_key(const json_t *v)
{
    const size_t len = json_string_length(v);

    return len > 0 && len <= FLOW_EVENT_KEY_MAX ? NULL
                                                : "a text, of 256 bytes at most; a "
                                                  "number stands in quotes";
}

static const char *check_data(const json_t *v)
{
    MEM_AUTO char *text = json_text(v);

    return strlen(text) <= FLOW_EVENT_DATA_MAX ? NULL : "at most 64 KiB as JSON";
}

static const char *check_inputs(const json_t *v)
{
    return json_is_object(v) ? NULL : "a map of names and values";
}

/* --- maps --- */

struct field {
    const char *name;
    const char *(*check)(const json_t *v); /* NULL, or what it must be */
    bool required;
};

static const struct field approve_fields[] = {
    {"by", check_text, false},
    {"comment", check_text, false},
    {"inputs", check_inputs, false},
    {"after", check_after, false},
};
static const struct field reject_fields[] = {
    {"by", check_text, false},
    {"reason", check_text, false},
    {"after", check_after, false},
};
static const struct field event_fields[] = {
    {"data", check_data, false},
    {"after", check_after, false},
};
static const struct field told_fields[] = {
    {"at", check_at, true},
    {"name", check_name, true},
    {"key", check_event_key, false},
    {"data", check_data, false},
};

static int check_field(const char *where, const struct field *fields, size_t n,
                       const char *key, const json_t *value, struct ff_err *err)
{
    struct buf known = {0};

    for (size_t i = 0; i < n; i++) {
        if (strcmp(fields[i].name, key) != 0)
            continue;
        const char *wanted = fields[i].check(value);
        return wanted ? ff_fail(err, FF_INVALID, 0, "%s: %s must be %s", where, key,
                                wanted)
                      : FF_OK;
    }
    for (size_t i = 0; i < n; i++)
        buf_printf(&known, "%s%s", i ? ", " : "", fields[i].name);
    ff_fail(err, FF_INVALID, 0, "%s: there is no key %.40s; there are %s", where, key,
            buf_text(&known));
    buf_done(&known);
    return FF_INVALID;
}

static int check_fields(const char *where, const struct field *fields, size_t n,
                        const json_t *map, struct ff_err *err)
{
    const char *key;
    json_t *value;

    if (!json_is_object(map))
        return ff_fail(err, FF_INVALID, 0, "%s must be a map; {} is enough", where);
    json_object_foreach((json_t *)(uintptr_t)map, key, value)
    {
        if (check_field(where, fields, n, key, value, err) != FF_OK)
            return err->code;
    }
    for (size_t i = 0; i < n; i++)
        if (fields[i].required && !json_object_get(map, fields[i].name))
            return ff_fail(err, FF_INVALID, 0, "%s: %s is missing", where,
                           fields[i].name);
    return FF_OK;
}

/* --- of one task --- */

static const struct {
    const char *key;
    const struct field *fields;
    size_t n_fields;
    enum flow_kind kind; /* of the tasks that it answers */
    const char *asks;    /* what such a task does */
} answers[] = {
    {"approve", approve_fields, COUNT_OF(approve_fields), FLOW_APPROVE,
     "asks for an approval"},
    {"reject", reject_fields, COUNT_OF(reject_fields), FLOW_APPROVE,
     "asks for an approval"},
    {"event", event_fields, COUNT_OF(event_fields), FLOW_WAIT_EVENT,
     "waits for an event"},
};

bool answer_is(const char *key)
{
    for (size_t i = 0; i < COUNT_OF(answers); i++)
        if (strcmp(answers[i].key, key) == 0)
            return true;
    return false;
}

static int check_answer(const char *path, size_t i, const struct flow_task *task,
                        const json_t *value, struct ff_err *err)
{
    char where[120];

    snprintf(where, sizeof(where), "mock of %.60s: %s", path, answers[i].key);
    if (task && task->work->kind != answers[i].kind)
        return ff_fail(err, FF_INVALID, 0,
                       "%s is for a task that %s; this one does not", where,
                       answers[i].asks);
    return check_fields(where, answers[i].fields, answers[i].n_fields, value, err);
}

/* A task that waits does nothing else, so nothing else can be said of it. */
static int check_is_answer(const char *path, const struct flow_task *task,
                           const char *key, struct ff_err *err)
{
    const enum flow_kind kind = task ? task->work->kind : FLOW_RUN;

    if (kind == FLOW_APPROVE)
        return ff_fail(err, FF_INVALID, 0,
                       "mock of %.60s: %s says nothing of a task that asks for an "
                       "approval; answer it with approve or reject",
                       path, key);
    if (kind == FLOW_WAIT_EVENT)
        return ff_fail(err, FF_INVALID, 0,
                       "mock of %.60s: %s says nothing of a task that waits for an "
                       "event; answer it with event, or with signals beside tasks",
                       path, key);
    return FF_OK;
}

static int check_approval(const char *path, const struct flow_task *task,
                          const json_t *approve, struct ff_err *err)
{
    struct flow_problems problems = {0};
    json_t *made = flow_approve_inputs(
        task->work->approve, json_object_get(approve, "inputs"), false, &problems);
    int code = FF_OK;

    if (!made)
        code = ff_fail(err, FF_INVALID, 0, "mock of %.60s: inputs: %.60s: %.120s", path,
                       problems.items[0].at, problems.items[0].msg);
    json_decref(made);
    flow_problems_done(&problems);
    return code;
}

int answer_check_key(const char *path, const struct flow_task *task, const char *key,
                     const json_t *value, struct ff_err *err)
{
    for (size_t i = 0; i < COUNT_OF(answers); i++)
        if (strcmp(answers[i].key, key) == 0)
            return check_answer(path, i, task, value, err);
    return check_is_answer(path, task, key, err);
}

int answer_check(const char *path, const struct flow_task *task, const json_t *mock,
                 struct ff_err *err)
{
    const json_t *approve = json_object_get(mock, "approve");

    if (approve && json_object_get(mock, "reject"))
        return ff_fail(err, FF_INVALID, 0,
                       "mock of %.60s: it is approved or rejected, not both", path);
    return approve && task ? check_approval(path, task, approve, err) : FF_OK;
}

/* --- of the whole run --- */

int answer_check_told(const char *what, const json_t *list, struct ff_err *err)
{
    char where[64];
    const json_t *one;
    size_t i;

    if (!json_is_array(list))
        return ff_fail(err, FF_INVALID, 0,
                       "mocks: %s must be a list of {at: 10m, name: NAME}, each maybe "
                       "with key and data",
                       what);
    json_array_foreach(list, i, one)
    {
        snprintf(where, sizeof(where), "mocks: %s %zu", what, i + 1);
        if (check_fields(where, told_fields, COUNT_OF(told_fields), one, err) != FF_OK)
            return err->code;
    }
    return FF_OK;
}
