#include "support.h"

#include <stdlib.h>

const char support_vars[] =
    "{\"v\": {\"i\": 7, \"d\": 2.5, \"s\": \"text\", \"yes\": true, \"none\": null,"
    "  \"list\": [1, 2, 3], \"map\": {\"a\": 1, \"b-c\": 2}, \"code\": \"${{ v.i }}\"},"
    " \"tasks\": {\"extract\": {\"status\": \"succeeded\","
    "   \"outputs\": {\"path\": \"/a\", \"items\": [{\"id\": 1}, {\"id\": 2}]}},"
    "   \"skipped\": {\"status\": \"skipped\", \"outputs\": null}},"
    " \"item\": \"x\"}";

static json_t *lookup(void *arg, const char *name)
{
    return json_object_get(arg, name);
}

static json_t *eval_in(const char *text, struct expr_scope *scope, struct expr_err *err)
{
    struct expr *e = expr_compile(text, strlen(text), err);
    json_t *value;

    if (e == NULL)
        return NULL;
    scope->lookup = lookup;
    /* 2026-01-02T03:04:05.000006Z */
    scope->now_us = INT64_C(1767323045000006);
    value = expr_eval(e, scope, err);
    expr_free(e);
    return value;
}

json_t *support_eval(const char *text, uint64_t max_steps, size_t max_bytes,
                     struct expr_err *err)
{
    struct expr_scope scope = {.max_steps = max_steps, .max_bytes = max_bytes};
    json_t *value;

    scope.arg = json_loads(support_vars, 0, NULL);
    assert_non_null(scope.arg);
    value = eval_in(text, &scope, err);
    json_decref(scope.arg);
    return value;
}

json_t *support_eval_with(const char *text, json_t *v, struct expr_err *err)
{
    struct expr_scope scope = {.arg = json_pack("{s:O}", "v", v)};
    json_t *value = eval_in(text, &scope, err);

    json_decref(scope.arg);
    return value;
}

static char *dump(const json_t *v)
{
    return json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
}

void support_check(const struct support_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct expr_err err = {0};
        json_t *wanted = json_loads(cases[i].wanted, JSON_DECODE_ANY, NULL);
        json_t *got = support_eval(cases[i].text, 0, 0, &err);
        char *wanted_text, *got_text;

        if (wanted == NULL)
            fail_msg("not JSON: %s", cases[i].wanted);
        if (got == NULL)
            fail_msg("%s: %s", cases[i].text, err.msg);
        wanted_text = dump(wanted);
        got_text = dump(got);
        if (strcmp(wanted_text, got_text) != 0)
            fail_msg("%s gave %s, not %s", cases[i].text, got_text, wanted_text);
        free(wanted_text);
        free(got_text);
        json_decref(wanted);
        json_decref(got);
    }
}

void support_check_failures(const struct support_failure *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct expr_err err = {0};
        json_t *got = support_eval(cases[i].text, 0, 0, &err);

        if (got != NULL)
            fail_msg("%s did not fail", cases[i].text);
        if (err.code != cases[i].code || strstr(err.msg, cases[i].msg) == NULL)
            fail_msg("%s failed with code %d, %s", cases[i].text, err.code, err.msg);
        if (err.offset + err.length > strlen(cases[i].text))
            fail_msg("%s: the place %zu+%zu is outside", cases[i].text, err.offset,
                     err.length);
    }
}
