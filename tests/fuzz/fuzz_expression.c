/* fuzz_expression.c - expressions: compiled and evaluated twice with the same answer;
 * in brackets, or as the one part of a template, they mean the same. */
#include "expr/expr.h"
#include "fuzz.h"

/* 2026-01-02T03:04:05.678900Z */
#define NOW_US    INT64_C(1767323045678900)
#define MAX_STEPS 20000
#define MAX_BYTES ((size_t)64 * 1024)

static json_t *names;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    names =
        json_pack("{s:[i,i,i,s,n], s:{s:s,s:i,s:{s:[f,b]}}, s:s, s:I, s:f, s:b, s:n}",
                  "list", 3, 1, 2, "x", "map", "a", "b", "n", 7, "deep", "k", 1.5, 1,
                  "text", "h\xc3\xa9llo, w\xc3\xb6rld 2026-01-02T03:04:05Z", "n",
                  (json_int_t)INT64_MAX, "x", 0.1, "yes", 1, "nothing");
    FUZZ_CHECK(names);
    return 0;
}

static json_t *lookup(void *arg, const char *name)
{
    return json_object_get(arg, name);
}

struct answer {
    bool compiled;
    json_t *value;
    struct expr_err err;
};

static const struct expr_scope *scope(void)
{
    static struct expr_scope s = {.lookup = lookup,
                                  .now_us = NOW_US,
                                  .max_steps = MAX_STEPS,
                                  .max_bytes = MAX_BYTES};

    s.arg = names;
    return &s;
}

static void check_err(const struct expr_err *err, size_t size)
{
    FUZZ_CHECK(err->code != EXPR_OK && err->code != EXPR_E_NOMEM && err->msg[0]);
    FUZZ_CHECK(err->offset <= size && err->length <= size - err->offset);
}

static void see_ref(void *arg, const char *const *path, size_t n, size_t offset,
                    size_t length)
{
    const size_t size = *(const size_t *)arg;

    FUZZ_CHECK(n > 0 && path[0][0]);
    FUZZ_CHECK(offset <= size && length <= size - offset);
}

static struct answer run(const char *text, size_t size)
{
    struct answer a = {0};
    struct expr *e = expr_compile(text, size, &a.err);

    a.compiled = e != NULL;
    if (e) {
        expr_refs(e, see_ref, &size);
        a.value = expr_eval(e, scope(), &a.err);
    }
    if (!a.value)
        check_err(&a.err, size);
    expr_free(e);
    return a;
}

static struct answer run_template(const char *text, size_t size)
{
    struct answer a = {0};
    struct tmpl *t = tmpl_compile(text, size, &a.err);

    a.compiled = t != NULL;
    if (t)
        a.value = tmpl_eval(t, scope(), &a.err);
    if (!a.value)
        check_err(&a.err, size);
    tmpl_free(t);
    return a;
}

/* One more pair of brackets may be over a ceiling, and nothing else. */
static void check_same(const struct answer *a, const struct answer *b)
{
    if ((!a->value && a->err.code == EXPR_E_LIMIT) ||
        (!b->value && b->err.code == EXPR_E_LIMIT))
        return;
    FUZZ_CHECK(a->compiled == b->compiled);
    FUZZ_CHECK((a->value != NULL) == (b->value != NULL));
    if (a->value)
        FUZZ_CHECK(json_equal(a->value, b->value));
    else
        FUZZ_CHECK(a->err.code == b->err.code);
}

static void compare_wrapped(const char *before, const char *text, size_t size,
                            const char *after, const struct answer *a, bool template)
{
    struct buf b = {0};

    buf_add_text(&b, before);
    buf_add(&b, text, size);
    buf_add_text(&b, after);
    struct answer other =
        template ? run_template(buf_text(&b), b.len) : run(buf_text(&b), b.len);

    check_same(a, &other);
    json_decref(other.value);
    buf_done(&b);
}

static void check_value(const struct answer *a)
{
    struct ff_err err;
    MEM_AUTO char *text = expr_to_text(a->value, NULL);

    if (!text)
        return; /* too deep */
    if (json_is_string(a->value) || json_is_null(a->value))
        return;
    json_t *again = json_parse(text, strlen(text), &err);

    /* Of NaN and the infinities JSON has none. */
    if (again && !json_is_real(a->value))
        FUZZ_CHECK(json_typeof(again) == json_typeof(a->value));
    json_decref(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MEM_AUTO char *text = fuzz_text(data, size);

    if (!names)
        LLVMFuzzerInitialize(NULL, NULL);
    struct answer a = run(text, size);
    struct answer same = run(text, size);

    check_same(&a, &same);
    json_decref(same.value);
    if (a.value)
        check_value(&a);
    if (a.compiled) {
        compare_wrapped("(", text, size, "\n)", &a, false);
        compare_wrapped("${{", text, size, "\n}}", &a, true);
    }
    json_decref(a.value);
    return 0;
}
