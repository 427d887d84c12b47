/* expect.c - a result against what a test expects of it; each difference is a sentence
 * that says where, what was expected and what came. */
#include "simulate/simulate_priv.h"

#include <math.h>
#include <string.h>

#define SHOWN_MAX 200 /* of a value in a sentence */

struct judge {
    const json_t *result;
    struct buf *out;
    struct ff_err *err;
};

static void add_shown(struct buf *out, const json_t *value)
{
    MEM_AUTO char *text = value ? json_text(value) : mem_text("nothing");

    buf_printf(out, "%.*s%s", SHOWN_MAX, text, strlen(text) > SHOWN_MAX ? "..." : "");
}

static void differ(const struct judge *j, const char *where, const json_t *expected,
                   const json_t *got)
{
    buf_printf(j->out, "%s: expected ", where);
    add_shown(j->out, expected);
    buf_add_text(j->out, ", got ");
    add_shown(j->out, got);
    buf_add_char(j->out, '\n');
}

/* 1 and 1.0 are one number. */
static bool is_same(const json_t *a, const json_t *b)
{
    if (json_is_number(a) && json_is_number(b))
        return fabs(json_number_value(a) - json_number_value(b)) <=
               1e-9 * fabs(json_number_value(a));
    return json_equal(a, b);
}

static void judge_same(const struct judge *j, const char *where, const json_t *expected,
                       const json_t *got)
{
    if (!is_same(expected, got))
        differ(j, where, expected, got);
}

/* Those that are named; others may be there. */
static void judge_outputs(const struct judge *j, const char *where,
                          const json_t *expected, const json_t *got)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)expected, name, value)
    {
        char place[200];
        snprintf(place, sizeof(place), "%s.%s", where, name);
        judge_same(j, place, value, json_object_get(got, name));
    }
}

static int wrong(const struct judge *j, const char *where, const char *must)
{
    return ff_fail(j->err, FF_INVALID, 0, "expect: %.100s %s", where, must);
}

/* --- tasks --- */

static const char *const task_keys[] = {"state",     "attempts", "reason",
                                        "exit_code", "outputs",  "message"};

static bool knows(const char *key)
{
    for (size_t i = 0; i < COUNT_OF(task_keys); i++)
        if (strcmp(task_keys[i], key) == 0)
            return true;
    return false;
}

static void judge_contains(const struct judge *j, const char *where,
                           const json_t *expected, const json_t *got)
{
    const char *part = json_string_value(expected);
    const char *whole = json_string_value(got);

    if (!part || !whole || !strstr(whole, part))
        differ(j, where, expected, got);
}

static int judge_task_key(const struct judge *j, const char *path, const char *key,
                          const json_t *expected, const json_t *task)
{
    const json_t *got = json_object_get(task, key);
    char where[200];

    snprintf(where, sizeof(where), "tasks.%s.%s", path, key);
    if (!knows(key))
        return wrong(j, where,
                     "is not known; there are state, attempts, reason, message, "
                     "exit_code and outputs");
    if (strcmp(key, "outputs") == 0)
        judge_outputs(j, where, expected, got);
    else if (strcmp(key, "message") == 0)
        judge_contains(j, where, expected, got);
    else
        judge_same(j, where, expected, got);
    return FF_OK;
}

/* "succeeded", or a map; "absent": it never came to anything, as a handler that was not
 * called for. */
static int judge_task(const struct judge *j, const char *path, const json_t *expected)
{
    const json_t *task = json_object_get(json_object_get(j->result, "tasks"), path);
    const char *key;
    json_t *value;
    char where[200];

    snprintf(where, sizeof(where), "tasks.%s", path);
    if (json_is_string(expected) &&
        strcmp(json_string_value(expected), "absent") == 0) {
        if (task)
            differ(j, where, expected, json_object_get(task, "state"));
        return FF_OK;
    }
    if (json_is_string(expected)) {
        judge_same(j, where, expected, json_object_get(task, "state"));
        return FF_OK;
    }
    if (!json_is_object(expected))
        return wrong(j, where, "must be a state or a map");
    json_object_foreach((json_t *)(uintptr_t)expected, key, value)
    {
        if (judge_task_key(j, path, key, value, task) != FF_OK)
            return FF_INVALID;
    }
    return FF_OK;
}

static int judge_tasks(const struct judge *j, const json_t *expected)
{
    const char *path;
    json_t *value;

    if (!json_is_object(expected))
        return wrong(j, "tasks", "must be a map of tasks");
    json_object_foreach((json_t *)(uintptr_t)expected, path, value)
    {
        if (judge_task(j, path, value) != FF_OK)
            return FF_INVALID;
    }
    return FF_OK;
}

/* --- the rest --- */

static int judge_attempts(const struct judge *j, const json_t *expected)
{
    const char *path;
    json_t *value;

    if (!json_is_object(expected))
        return wrong(j, "attempts", "must be a map of tasks and numbers");
    json_object_foreach((json_t *)(uintptr_t)expected, path, value)
    {
        const json_t *task = json_object_get(json_object_get(j->result, "tasks"), path);
        char where[200];
        snprintf(where, sizeof(where), "attempts.%s", path);
        judge_same(j, where, value, json_object_get(task, "attempts"));
    }
    return FF_OK;
}

/* Those that are named began in this order; others may have begun between. */
static int judge_order(const struct judge *j, const json_t *expected)
{
    const json_t *order = json_object_get(j->result, "order");
    size_t at = 0, n_found = 0;

    if (!json_is_array(expected))
        return wrong(j, "order", "must be a list of tasks");
    for (; at < json_array_size(order) && n_found < json_array_size(expected); at++)
        if (json_equal(json_array_get(order, at), json_array_get(expected, n_found)))
            n_found++;
    if (n_found < json_array_size(expected))
        differ(j, "order", expected, order);
    return FF_OK;
}

static bool seconds_of(const json_t *v, double *seconds)
{
    int64_t us;

    if (json_is_number(v)) {
        *seconds = json_number_value(v);
        return true;
    }
    if (!json_is_string(v) || !units_duration(json_string_value(v), &us))
        return false;
    *seconds = (double)us / (double)UNITS_SECOND;
    return true;
}

static void judge_bound(const struct judge *j, const char *key, double bound)
{
    const json_t *got = json_object_get(j->result, "duration");
    const double took = json_number_value(got);
    const bool below = strcmp(key, "below") == 0;

    if (json_is_number(got) && (below ? took < bound : took > bound))
        return;
    buf_printf(j->out, "duration: expected %s %gs, got ", key, bound);
    add_shown(j->out, got);
    buf_add_text(j->out, json_is_number(got) ? "s\n" : ": it is not over\n");
}

static int judge_duration(const struct judge *j, const json_t *expected)
{
    const char *key;
    json_t *value;
    double bound;

    if (!json_is_object(expected))
        return wrong(j, "duration", "must be {below: 10m}, {above: 1s} or both");
    json_object_foreach((json_t *)(uintptr_t)expected, key, value)
    {
        const bool below = strcmp(key, "below") == 0;
        if ((!below && strcmp(key, "above") != 0) || !seconds_of(value, &bound))
            return wrong(j, "duration", "must be {below: 10m}, {above: 1s} or both");
        judge_bound(j, key, bound);
    }
    return FF_OK;
}

/* Why it is not over, where people or events are missing. */
static void tell_waits(const struct judge *j)
{
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(j->result, "waits_for"), i, one)
    {
        const char *what = json_string_value(json_object_get(one, "message"));
        buf_printf(j->out, "  %s waits for an %s%s%.100s: %s\n",
                   json_string_value(json_object_get(one, "task")),
                   json_string_value(json_object_get(one, "for")), what ? ", " : "",
                   what ? what : "", json_string_value(json_object_get(one, "hint")));
    }
}

static int judge_state(const struct judge *j, const json_t *expected)
{
    const char *why = json_string_value(json_object_get(j->result, "message"));
    const json_t *got = json_object_get(j->result, "state");

    if (json_equal(expected, got))
        return FF_OK;
    differ(j, "state", expected, got);
    if (why)
        buf_printf(j->out, "  its message: %.200s\n", why);
    tell_waits(j);
    return FF_OK;
}

static int judge_reason(const struct judge *j, const json_t *expected)
{
    judge_same(j, "reason", expected, json_object_get(j->result, "reason"));
    return FF_OK;
}

static int judge_message(const struct judge *j, const json_t *expected)
{
    judge_contains(j, "message", expected, json_object_get(j->result, "message"));
    return FF_OK;
}

static int judge_run_outputs(const struct judge *j, const json_t *expected)
{
    if (!json_is_object(expected))
        return wrong(j, "outputs", "must be a map of names and values");
    judge_outputs(j, "outputs", expected, json_object_get(j->result, "outputs"));
    return FF_OK;
}

static const struct {
    const char *key;
    int (*judge)(const struct judge *j, const json_t *expected);
} judges[] = {
    {"state", judge_state},       {"reason", judge_reason},
    {"message", judge_message},   {"outputs", judge_run_outputs},
    {"tasks", judge_tasks},       {"order", judge_order},
    {"attempts", judge_attempts}, {"duration", judge_duration},
};

static int judge_key(const struct judge *j, const char *key, const json_t *expected)
{
    for (size_t i = 0; i < COUNT_OF(judges); i++)
        if (strcmp(judges[i].key, key) == 0)
            return judges[i].judge(j, expected);
    return wrong(j, key,
                 "is not known; there are state, reason, message, outputs, tasks, "
                 "order, attempts and duration");
}

int simulate_expect(const json_t *expect, const json_t *result, struct buf *out,
                    struct ff_err *err)
{
    const struct judge j = {.result = result, .out = out, .err = err};
    const char *key;
    json_t *value;

    if (!json_is_object(expect) || json_object_size(expect) == 0)
        return ff_fail(err, FF_INVALID, 0,
                       "expect must be a map that says something, as {state: "
                       "succeeded}");
    json_object_foreach((json_t *)(uintptr_t)expect, key, value)
    {
        if (judge_key(&j, key, value) != FF_OK)
            return FF_INVALID;
    }
    return FF_OK;
}
