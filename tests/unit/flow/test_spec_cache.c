/* cache: what is read of it, what its fingerprint covers, and what is refused where. */
#include "flow/spec.h"
#include "support_cmocka.h"
#include "support_spec.h"
#include <string.h>

#define A TOP "tasks:\n  a:\n    run: x\n    "

static const struct flow_cache *cache_of(const struct flow *f, const char *task)
{
    return f->tasks[flow_task_index(f, task)].policy->cache;
}

static void keys_times_and_scopes_are_read(void **state)
{
    struct flow *f = read_good(
        TOP "inputs: {i: {type: string}}\n"
            "tasks:\n"
            "  a: {run: x, cache: {key: 'v-${{ inputs.i }}', ttl: 24h, scope: key}}\n"
            "  b: {run: x, cache: {key: 5}}\n"
            "  c: {run: x, foreach: [1], cache: {key: '${{ item }}-${{ index }}'}}\n"
            "  d: {uses: 'workflow:x', cache: {key: k}}\n"
            "  e: {tasks: {i: {run: x}}, cache: {key: k}}\n"
            "  f: {http: {url: 'https://example.org'}, cache: {key: k}}\n"
            "  g: {run: x}\n");

    (void)state;
    assert_int_equal(cache_of(f, "a")->ttl_us, INT64_C(86400) * UNITS_SECOND);
    assert_int_equal(cache_of(f, "a")->scope, FLOW_CACHE_KEY);
    assert_non_null(cache_of(f, "a")->key->tmpl);
    assert_int_equal(cache_of(f, "b")->ttl_us, INT64_C(7) * 86400 * UNITS_SECOND);
    assert_int_equal(cache_of(f, "b")->scope, FLOW_CACHE_TASK);
    assert_int_equal(strlen(cache_of(f, "b")->definition), SHA256_TEXT - 1);
    assert_null(cache_of(f, "g"));
    flow_unref(f);
}

static void spelling_and_order_of_other_keys_do_not_matter(void **state)
{
    struct flow *f = read_good(
        TOP "tasks:\n"
            "  a: {run: x, cache: {key: k}, queueTimeout: 5s, max-parallel: 2, "
            "foreach: [1]}\n"
            "  b: {queue_timeout: 9s, cache: {key: l}, run: x}\n"
            "  c: {run: x, working_dir: y, cache: {key: l}}\n");

    (void)state;
    assert_string_equal(cache_of(f, "a")->definition, cache_of(f, "b")->definition);
    assert_string_not_equal(cache_of(f, "b")->definition, cache_of(f, "c")->definition);
    flow_unref(f);
}

/* Which artifacts a task hands on is told apart, whatever else is the same. */
static void artifacts_are_part_of_what_is_the_same(void **state)
{
    struct flow *f = read_good(
        TOP "tasks:\n"
            "  a: {run: x, cache: {key: k, scope: key}}\n"
            "  b: {run: x, cache: {key: k, scope: key}, artifacts: {out: {m: m}}}\n"
            "  c: {run: x, cache: {key: k, scope: key}, artifacts: {out: {m: n}}}\n"
            "  d:\n    needs: b\n    run: x\n    cache: {key: k, scope: key}\n"
            "    artifacts: {in: {m: '${{ tasks.b.artifacts.m }}'}}\n");
    const struct flow_task *t = f->tasks;

    (void)state;
    for (int i = 0; i < 3; i++)
        for (int k = i + 1; k < 3; k++)
            assert_string_not_equal(t[i].policy->cache->definition,
                                    t[k].policy->cache->definition);
    assert_string_equal(t[3].policy->cache->definition, t[0].policy->cache->definition);
    flow_unref(f);
}

static const struct refusal refusals[] = {
    {A "cache: k\n", PROBLEM_TYPE, 6, 12, "k", "cache must be a map", NULL},
    {A "cache: {ttl: 1h}\n", PROBLEM_MISSING, 6, 12, "key", "needs the key key", NULL},
    {A "cache: {key: ''}\n", PROBLEM_TYPE, 6, 18, "", "key must be", NULL},
    {A "cache: {key: [a]}\n", PROBLEM_TYPE, 6, 18, "", "key must be", NULL},
    {A "cache: {key: {a: b}}\n", PROBLEM_TYPE, 6, 18, "", "key must be", NULL},
    {A "cache: {key: k, ttl: 0s}\n", PROBLEM_VALUE, 6, 26, "0s", "from 1ms to 365d",
     NULL},
    {A "cache: {key: k, scope: run}\n", PROBLEM_VALUE, 6, 28, "run", "task", NULL},
    {A "cache: {key: '${{ attempt }}'}\n", PROBLEM_NOT_HERE, 6, 23, "attempt",
     "the same for all attempts", NULL},
    {A "cache: {key: '${{ item }}'}\n", PROBLEM_NOT_HERE, 6, 23, "item", "foreach",
     NULL},
    {A "cache: {key: '${{ secrets.token }}'}\n", PROBLEM_SECRET, 6, 23, "secrets.token",
     "whole value", NULL},
    {A "cache: {key: '${{ nope }}'}\n", PROBLEM_UNKNOWN_ROOT, 6, 23, "nope", NULL,
     NULL},
    {A "outputs: {o: {as: file}, p: file}\n    cache: {key: k}\n", PROBLEM_CACHE, 7, 12,
     "", "the file of output o is kept", "as an artifact"},
    {TOP "tasks: {a: {noop: true, cache: {key: k}}}\n", PROBLEM_EXCLUSIVE, 3, 32, "",
     "cache means nothing", NULL},
    {TOP "tasks: {a: {sleep: 1s, cache: {key: k}}}\n", PROBLEM_EXCLUSIVE, 3, 31, "",
     "cache means nothing", NULL},
};

static void wrong_caches_are_refused_where_they_stand(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++)
        check_refusal(&refusals[i]);
}

static void keys_are_as_long_as_their_limit(void **state)
{
    char text[2048];
    char key[FLOW_MAX_CACHE_KEY + 2];
    struct flow_problems problems;

    (void)state;
    memset(key, 'x', sizeof(key));
    key[FLOW_MAX_CACHE_KEY] = '\0';
    snprintf(text, sizeof(text), A "cache: {key: %s}\n", key);
    flow_unref(read_good(text));
    key[FLOW_MAX_CACHE_KEY] = 'x';
    key[FLOW_MAX_CACHE_KEY + 1] = '\0';
    snprintf(text, sizeof(text), A "cache: {key: %s}\n", key);
    problems = read_bad(text);
    assert_int_equal(problems.items[0].code, PROBLEM_VALUE);
    flow_problems_done(&problems);
    snprintf(text, sizeof(text), A "cache: {key: '${{ run.id }}%s'}\n", key);
    flow_unref(read_good(text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(artifacts_are_part_of_what_is_the_same),
        cmocka_unit_test(keys_times_and_scopes_are_read),
        cmocka_unit_test(keys_are_as_long_as_their_limit),
        cmocka_unit_test(wrong_caches_are_refused_where_they_stand),
        cmocka_unit_test(spelling_and_order_of_other_keys_do_not_matter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
