/* test_file.c - see test_file.h. */
#include "cli/author/test_file.h"

#include <string.h>

bool test_file_is(const char *path)
{
    const size_t len = strlen(path), n = strlen(TEST_SUFFIX);

    return len > n && strcmp(path + len - n, TEST_SUFFIX) == 0;
}

/* --- one case --- */

static const char *const case_keys[] = {"name",  "description", "inputs",
                                        "mocks", "expect",      "seed",
                                        "until", "start",       "slots"};

static int check_keys(const json_t *one, const char *const *keys, size_t n,
                      const char *what, struct ff_err *err)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)one, key, value)
    {
        size_t i = 0;
        while (i < n && strcmp(keys[i], key) != 0)
            i++;
        if (i < n)
            continue;
        struct buf known = {0};
        for (size_t k = 0; k < n; k++)
            buf_printf(&known, "%s%s", k ? ", " : "", keys[k]);
        ff_fail(err, FF_INVALID, 0, "%s has no key %.40s; it has %.150s", what, key,
                buf_text(&known));
        buf_done(&known);
        return FF_INVALID;
    }
    return FF_OK;
}

static int read_numbers(const json_t *one, struct rehearsal *r, struct ff_err *err)
{
    const json_t *seed = json_object_get(one, "seed");
    const json_t *slots = json_object_get(one, "slots");
    const json_t *until = json_object_get(one, "until");
    const json_t *start = json_object_get(one, "start");
    const char *begin = start ? json_string_value(start) : REHEARSE_START;

    r->seed = seed ? json_integer_value(seed) : 1;
    r->slots = slots ? json_integer_value(slots) : REHEARSE_SLOTS;
    r->until_us = REHEARSE_UNTIL;
    if ((seed && !json_is_integer(seed)) || r->seed < 0)
        return ff_fail(err, FF_INVALID, 0, "seed must be a number of 0 or more");
    if ((slots && !json_is_integer(slots)) || r->slots < 1 || r->slots > 10000)
        return ff_fail(err, FF_INVALID, 0, "slots must be a number from 1 to 10000");
    if (until && (!json_is_string(until) ||
                  !units_duration(json_string_value(until), &r->until_us)))
        return ff_fail(err, FF_INVALID, 0, "until must be a duration, as 30d");
    if (!begin || !units_time(begin, &r->start_us))
        return ff_fail(err, FF_INVALID, 0, "start must be a time, as " REHEARSE_START);
    return FF_OK;
}

static int read_inputs(const json_t *one, struct rehearsal *r, struct ff_err *err)
{
    struct flow_problems problems = {0};
    json_t *given = json_object_get(one, "inputs");

    if (given && !json_is_object(given))
        return ff_fail(err, FF_INVALID, 0, "inputs must be a map");
    r->inputs = flow_inputs(r->file->flow, given, false, &problems);
    if (!r->inputs)
        ff_fail(err, FF_INVALID, 0, "inputs: %.60s: %.160s", problems.items[0].at,
                problems.items[0].msg);
    flow_problems_done(&problems);
    return r->inputs ? FF_OK : FF_INVALID;
}

int test_file_case(const struct test_file *t, size_t i, struct test_case_spec *spec,
                   struct ff_err *err)
{
    const json_t *one = json_array_get(json_object_get(t->tests, "cases"), i);
    const char *name = json_string_value(json_object_get(one, "name"));
    struct rehearsal *r = &spec->rehearsal;

    *spec = (struct test_case_spec){.expect = json_object_get(one, "expect")};
    snprintf(spec->number, sizeof(spec->number), "case %zu", i + 1);
    spec->name = name ? name : spec->number;
    *r = (struct rehearsal){.file = &t->flow, .mocks = json_object_get(one, "mocks")};
    if (!json_is_object(one))
        return ff_fail(err, FF_INVALID, 0, "a case must be a map");
    int code = check_keys(one, case_keys, COUNT_OF(case_keys), "a case", err);
    if (code == FF_OK)
        code = read_numbers(one, r, err);
    if (code == FF_OK)
        code = read_inputs(one, r, err);
    if (code == FF_OK)
        code = simulate_check_mocks(r->mocks, t->flow.flow, err);
    if (code == FF_OK && !json_is_object(spec->expect))
        code = ff_fail(err, FF_INVALID, 0,
                       "it has no expect: a map, as {state: succeeded}");
    return code;
}

void test_case_done(struct test_case_spec *spec)
{
    json_decref(spec->rehearsal.inputs);
    spec->rehearsal.inputs = NULL;
}

/* --- one file --- */

static char *workflow_of(const char *path, const json_t *tests)
{
    const char *named = json_string_value(json_object_get(tests, "workflow"));
    const char *slash = strrchr(path, '/');
    struct buf b = {0};

    if (named && named[0] != '/')
        buf_printf(&b, "%.*s%s", slash ? (int)(slash - path) + 1 : 0, path, named);
    else if (named)
        buf_add_text(&b, named);
    else
        buf_printf(&b, "%.*s.yaml", (int)(strlen(path) - strlen(TEST_SUFFIX)), path);
    return buf_take(&b);
}

static void find_fault(struct test_file *t, struct buf *why)
{
    static const char *const keys[] = {"workflow", "cases", "description"};
    const json_t *cases = json_object_get(t->tests, "cases");
    struct ff_err err = {0};

    if (!json_is_object(t->tests) || !json_is_array(cases) ||
        json_array_size(cases) == 0) {
        buf_add_text(why, "cases must be a list of at least one case\n");
        return;
    }
    if (check_keys(t->tests, keys, COUNT_OF(keys), "a file of tests", &err) != FF_OK) {
        buf_printf(why, "%s\n", err.msg);
        return;
    }
    t->workflow = workflow_of(t->path, t->tests);
    if (flow_file_read(&t->flow, t->workflow) == CLI_OK)
        return;
    flow_file_add_problems(t->workflow, &t->flow.problems, why);
    if (why->len == 0)
        buf_printf(why, "%s cannot be read\n", t->workflow);
}

bool test_file_read(struct test_file *t, const char *path, struct buf *why)
{
    int code;

    *t = (struct test_file){.path = path};
    t->tests = rehearse_yaml(path, &code);
    if (!t->tests)
        buf_add_text(why, "it cannot be read as YAML\n");
    else
        find_fault(t, why);
    t->n_cases = json_array_size(json_object_get(t->tests, "cases"));
    return why->len == 0;
}

bool test_file_check(const char *path, size_t *n_cases, struct buf *why)
{
    struct test_file t;

    if (test_file_read(&t, path, why))
        for (size_t i = 0; i < t.n_cases; i++) {
            struct test_case_spec spec;
            struct ff_err err = {0};
            if (test_file_case(&t, i, &spec, &err) != FF_OK)
                buf_printf(why, "%s: %s\n", spec.name, err.msg);
            test_case_done(&spec);
        }
    *n_cases = t.n_cases;
    test_file_done(&t);
    return why->len == 0;
}

void test_file_done(struct test_file *t)
{
    flow_file_done(&t->flow);
    mem_free(t->workflow);
    json_decref(t->tests);
    *t = (struct test_file){0};
}
