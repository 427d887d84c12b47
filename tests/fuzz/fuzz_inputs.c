/* fuzz_inputs.c - "DECLARATION NUL VALUE": an input as a workflow declares it, in JSON,
 * with its schema, and the value that a run is given for it, as JSON and as text. What
 * is taken is whole: taken once more it is the same. */
#include "flow/flow.h"
#include "fuzz.h"

static struct flow *declare(const char *declaration)
{
    struct flow_problems problems = {0};
    struct buf text = {0};

    buf_printf(
        &text,
        "{\"flowforge\": 1, \"name\": \"f\", \"inputs\": {\"x\": %s}, \"tasks\": "
        "{\"a\": {\"noop\": true}}}",
        declaration);
    struct flow *f = flow_parse(buf_text(&text), text.len, &problems);

    FUZZ_CHECK(f || problems.n > 0);
    flow_problems_done(&problems);
    buf_done(&text);
    return f;
}

static json_t *take(const struct flow *f, json_t *given, bool from_text)
{
    struct flow_problems problems = {0};
    json_t *taken = flow_inputs(f, given, from_text, &problems);

    FUZZ_CHECK((taken != NULL) == (problems.n == 0));
    for (size_t i = 0; i < problems.n; i++)
        FUZZ_CHECK(problems.items[i].msg[0] && problems.items[i].code > 0);
    flow_problems_done(&problems);
    return taken;
}

static void check(const struct flow *f, json_t *value, bool from_text)
{
    json_t *given = json_pack("{s:o}", "x", value);
    json_t *taken = take(f, given, from_text);
    json_t *again = taken ? take(f, taken, false) : NULL;

    FUZZ_CHECK(!taken || (again && json_equal(taken, again)));
    json_decref(again);
    json_decref(taken);
    json_decref(given);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, data + size};
    size_t n_declaration, len;
    MEM_AUTO char *declaration = fuzz_piece(&in, 0, &n_declaration);
    MEM_AUTO char *text = fuzz_piece(&in, 0, &len);
    struct ff_err err = {0};
    struct flow *f = declare(declaration);
    json_t *value = f ? json_parse(text, len, &err) : NULL;

    if (value)
        check(f, value, false);
    if (f && text_utf8_error(text, len) == len)
        check(f, json_string(text), true);
    flow_unref(f);
    return 0;
}
