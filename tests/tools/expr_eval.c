/*
 * Evaluates expressions for the differential test: one JSON object a line on stdin,
 * {"expr": text, "vars": {name: value}}, one answer a line on stdout, {"ok": value} or
 * {"error": message, "code": number, "offset": number, "hint": text}. With "template"
 * instead of "expr" the text is a template. Not a part of the product.
 */
#include "expr/expr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 2026-01-02T03:04:05.678900Z */
#define NOW_US INT64_C(1767323045678900)

static json_t *lookup(void *arg, const char *name)
{
    return json_object_get(arg, name);
}

static json_t *eval_expr(const char *text, const struct expr_scope *scope,
                         struct expr_err *err)
{
    struct expr *e = expr_compile(text, strlen(text), err);
    json_t *v = e != NULL ? expr_eval(e, scope, err) : NULL;

    expr_free(e);
    return v;
}

static json_t *eval_template(const char *text, const struct expr_scope *scope,
                             struct expr_err *err)
{
    struct tmpl *t = tmpl_compile(text, strlen(text), err);
    json_t *v = t != NULL ? tmpl_eval(t, scope, err) : NULL;

    tmpl_free(t);
    return v;
}

static json_t *answer(json_t *request)
{
    const char *text = json_string_value(json_object_get(request, "expr"));
    const char *template = json_string_value(json_object_get(request, "template"));
    const struct expr_scope scope = {
        .lookup = lookup, .arg = json_object_get(request, "vars"), .now_us = NOW_US};
    struct expr_err err = {.code = EXPR_E_SYNTAX};
    json_t *v = NULL;

    if (text != NULL)
        v = eval_expr(text, &scope, &err);
    else if (template != NULL)
        v = eval_template(template, &scope, &err);
    if (v != NULL)
        return json_pack("{s:o}", "ok", v);
    return json_pack("{s:s, s:i, s:I, s:s}", "error", err.msg, "code", err.code,
                     "offset", (json_int_t)err.offset, "hint", err.hint);
}

int main(void)
{
    char *line = NULL;
    size_t size = 0;

    while (getline(&line, &size, stdin) > 0) {
        json_t *request = json_loads(line, 0, NULL);
        if (request == NULL) {
            fprintf(stderr, "expr_eval: not JSON: %.80s\n", line);
            free(line);
            return 2;
        }
        json_t *reply = answer(request);
        json_dumpf(reply, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(reply);
        json_decref(request);
    }
    free(line);
    return 0;
}
