/* fuzz_mocks.c - "MOCKS NUL EXPECTATION", both YAML, about one workflow. Mocks that are
 * let through say of every attempt how it goes, the same each time, within what a
 * runtime can do; an expectation is judged or refused with a sentence. */
#include "fuzz.h"
#include "simulate/simulate_priv.h"

static const char workflow[] =
    "flowforge: 1\nname: rehearsed\n"
    "tasks:\n"
    "  fetch: {foreach: \"${{ [1, 2, 3, 4] }}\", run: 'true', retry: {max_attempts: "
    "3},\n"
    "    outputs: {n: json, text: {from: stdout}, late: {from: sdk}}}\n"
    "  ask: {approve: {message: go?}}\n"
    "  told: {wait_event: {name: paid}}\n"
    "  city:\n"
    "    needs: [fetch]\n"
    "    foreach: [1, 2]\n"
    "    tasks:\n"
    "      load: {run: 'true', outputs: {rows: json}}\n";

static const char came[] =
    "{\"state\": \"failed\", \"reason\": \"task_failed\", \"message\": \"m\",\n"
    "\"outputs\": {\"n\": 1}, \"duration\": 12.5, \"over\": true,\n"
    "\"tasks\": {\"fetch\": {\"state\": \"succeeded\", \"attempts\": 4},\n"
    "  \"fetch.1\": {\"state\": \"failed\", \"attempts\": 3, \"exit_code\": 2,\n"
    "  \"reason\": \"exit\", \"message\": \"it said no\", \"outputs\": {\"n\": [1, "
    "2]}}},\n"
    "\"order\": [\"fetch.1\", \"fetch.2\", \"city.0/load\"],\n"
    "\"timeline\": [{\"at\": 0, \"type\": \"run.started\"},\n"
    "  {\"at\": 1.5, \"type\": \"task.started\", \"task\": \"fetch\", \"item\": 1}],\n"
    "\"waits_for\": []}";

static const char *const paths[] = {"fetch",   "fetch.3",      "ask",
                                    "told",    "city.1/load",  "city.1",
                                    "unknown", "city.0/load.2"};
static const char *const files[] = {"n", "text", "late", ".flowforge-spool.jsonl"};

static struct flow *flow;
static json_t *result;

static void make_once(void)
{
    struct flow_problems problems = {0};
    struct ff_err err = {0};

    if (flow)
        return;
    flow = flow_parse(workflow, strlen(workflow), &problems);
    FUZZ_CHECK(flow);
    result = json_parse(came, strlen(came), &err);
    FUZZ_CHECK(result);
}

static json_t *read_yaml(const char *text, size_t len)
{
    struct flow_problems problems = {0};
    json_t *value = flow_yaml(text, len, &problems);

    FUZZ_CHECK(value || problems.n > 0);
    flow_problems_done(&problems);
    return value;
}

static void check_attempt(const struct mocks *m, const char *path, int64_t attempt)
{
    struct mock mock, again;

    mock_of(m, path, attempt, &mock);
    mock_of(m, path, attempt, &again);
    FUZZ_CHECK(mock.outcome <= MOCK_HANGS && mock.outcome == again.outcome);
    FUZZ_CHECK(mock.exit_code >= 0 && mock.exit_code <= 255);
    FUZZ_CHECK(mock.exit_code == again.exit_code);
    FUZZ_CHECK(mock.duration_us >= 0 && mock.duration_us == again.duration_us);
    FUZZ_CHECK(json_equal(mock.outputs, again.outputs));
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        struct buf one = {0}, same = {0};

        FUZZ_CHECK(mock_file(&mock, files[i], &one) ==
                   mock_file(&again, files[i], &same));
        FUZZ_CHECK(one.len == same.len);
        buf_done(&one);
        buf_done(&same);
    }
    mock_done(&mock);
    mock_done(&again);
}

static void check_mocks(const json_t *mocks)
{
    struct ff_err err = {0};

    if (simulate_check_mocks(mocks, flow, &err) != FF_OK) {
        FUZZ_CHECK(err.code == FF_INVALID && err.msg[0]);
        return;
    }
    const struct mocks m = {flow, json_object_get(mocks, "tasks"), 7};

    for (size_t i = 0; i < COUNT_OF(paths); i++)
        for (int64_t attempt = 1; attempt <= 3; attempt++)
            check_attempt(&m, paths[i], attempt);
}

static void check_expectation(const json_t *expect)
{
    struct buf out = {0};
    struct ff_err err = {0};
    const int code = simulate_expect(expect, result, &out, &err);

    FUZZ_CHECK(code == FF_OK || (code == FF_INVALID && err.msg[0]));
    FUZZ_CHECK(out.len == 0 || out.data[out.len - 1] == '\n');
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, data + size};
    size_t n_mocks, n_expect;
    MEM_AUTO char *mocks_text = fuzz_piece(&in, 0, &n_mocks);
    MEM_AUTO char *expect_text = fuzz_piece(&in, 0, &n_expect);

    make_once();
    json_t *mocks = read_yaml(mocks_text, n_mocks);
    json_t *expect = read_yaml(expect_text, n_expect);

    if (mocks)
        check_mocks(mocks);
    if (json_is_object(expect)) /* whoever reads the file has looked */
        check_expectation(expect);
    json_decref(mocks);
    json_decref(expect);
    return 0;
}
