/* fuzz_template.c - scalars with ${{ }} in them, and conditions. Text without a part is
 * itself; an error points into the text. */
#include "expr/expr.h"
#include "fuzz.h"

static json_t *names;

static json_t *lookup(void *arg, const char *name)
{
    return json_object_get(arg, name);
}

static void check_err(const struct expr_err *err, size_t size)
{
    FUZZ_CHECK(err->code != EXPR_OK && err->msg[0]);
    FUZZ_CHECK(err->offset <= size && err->length <= size - err->offset);
}

static json_t *run(const char *text, size_t size, bool condition)
{
    const struct expr_scope scope = {
        .lookup = lookup, .arg = names, .max_steps = 20000, .max_bytes = 65536};
    struct expr_err err = {0};
    struct tmpl *t = condition ? tmpl_compile_condition(text, size, &err)
                               : tmpl_compile(text, size, &err);
    json_t *value = t ? tmpl_eval(t, &scope, &err) : NULL;

    if (!value)
        check_err(&err, size);
    tmpl_free(t);
    return value;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MEM_AUTO char *text = fuzz_text(data, size);

    if (!names)
        names = json_pack("{s:s, s:i, s:[i,i], s:s}", "a", "text", "n", 3, "list", 1, 2,
                          "hidden", "${{ n }}");
    json_t *value = run(text, size, false);

    if (value && tmpl_is_plain(text) && strlen(text) == size)
        FUZZ_CHECK(json_is_string(value) &&
                   strcmp(json_string_value(value), text) == 0);
    json_t *same = run(text, size, false);

    FUZZ_CHECK((value != NULL) == (same != NULL));
    FUZZ_CHECK(!value || json_equal(value, same));
    json_t *condition = run(text, size, true);
    bool truth;

    if (condition)
        expr_truth(condition, &truth);
    json_decref(condition);
    json_decref(value);
    json_decref(same);
    return 0;
}
