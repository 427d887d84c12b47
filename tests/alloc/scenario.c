/* tests/alloc/scenario.c - the table of what is done while an allocation fails. */
#include "alloc.h"

/* Tasks that need no process: the whole engine, and nobody else. */
static const char chain[] =
    "flowforge: 1\nname: chain\n"
    "tasks:\n"
    "  a: {noop: true}\n"
    "  b: {noop: true, needs: [a]}\n"
    "  c: {noop: true, needs: [a]}\n"
    "  d: {noop: true, needs: [b, c], if: \"${{ 1 + 1 == 2 }}\"}\n";
static const char fan[] =
    "flowforge: 1\nname: fan\n"
    "inputs:\n"
    "  n: {type: integer, default: 3}\n"
    "tasks:\n"
    "  each: {noop: true, foreach: \"${{ range(inputs.n) }}\", max_parallel: 2}\n"
    "  last: {noop: true, needs: [each]}\n"
    "outputs:\n"
    "  twice: \"${{ inputs.n * 2 }}\"\n";
static const char handled[] = "flowforge: 1\nname: handled\n"
                              "tasks:\n"
                              "  a: {run: \"exit 3\"}\n"
                              "  b: {noop: true, needs: [a]}\n"
                              "on_failure:\n"
                              "  tidy: {noop: true}\n"
                              "finally:\n"
                              "  bye: {noop: true}\n";
static const char process[] =
    "flowforge: 1\nname: process\n"
    "tasks:\n"
    "  a:\n"
    "    run: \"printf 42; printf '{\\\"x\\\": 7}' > $FF_OUT/made\"\n"
    "    outputs: {said: {from: stdout}, made: {as: json}}\n"
    "  b: {run: \"printf ${V}\", needs: [a], env: {V: \"${{ tasks.a.outputs.said "
    "}}\"},\n"
    "      outputs: {again: {from: stdout}}}\n"
    "outputs:\n"
    "  x: \"${{ tasks.a.outputs.made.x }}\"\n"
    "  said: \"${{ tasks.b.outputs.again }}\"\n";
static const char retried[] =
    "flowforge: 1\nname: retried\n"
    "tasks:\n"
    "  a: {run: \"[ $FF_ATTEMPT -gt 1 ]\", retry: {max_attempts: 9, delay: 1ms}}\n";
static const char wrong[] = "flowforge: 1\nname: wrong\n"
                            "tasks:\n"
                            "  a: {run: \"true\", needs: [nobody], tmeout: 3}\n"
                            "  b: {run: \"${{ x }}\", if: \"1 +\"}\n";

static const char handed[] =
    "flowforge: 1\nname: handed\n"
    "tasks:\n"
    "  a: {run: \"printf 7 > $FF_ARTIFACTS/seven\", artifacts: {out: {seven: seven}}}\n"
    "  b:\n"
    "    run: \"printf $(cat $FF_ARTIFACTS/given)\"\n"
    "    needs: [a]\n"
    "    artifacts: {in: {given: \"${{ tasks.a.artifacts.seven }}\"}}\n"
    "    outputs: {said: {from: stdout}}\n"
    "outputs:\n"
    "  said: \"${{ tasks.b.outputs.said }}\"\n";
static const char cached[] = "flowforge: 1\nname: cached\n"
                             "tasks:\n"
                             "  a: {run: \"printf 7\", cache: {key: k, ttl: 1h}, "
                             "outputs: {said: {from: stdout}}}\n"
                             "outputs:\n"
                             "  said: \"${{ tasks.a.outputs.said }}\"\n";
static const char limited[] = "flowforge: 1\nname: limited\n"
                              "tasks:\n"
                              "  each:\n"
                              "    run: \"true\"\n"
                              "    foreach: [1, 2, 3]\n"
                              "    mutex: one\n";
static const char grouped[] =
    "flowforge: 1\nname: grouped\n"
    "tasks:\n"
    "  each:\n"
    "    foreach: [1, 2]\n"
    "    tasks:\n"
    "      a: {noop: true}\n"
    "      b: {transform: {n: \"${{ 1 + 1 }}\"}, needs: [a]}\n"
    "  last: {noop: true, needs: [each]}\n";

#define FLOW "flow.yaml"
#define LMDB                                                                           \
    .settings = {                                                                      \
        "FLOWFORGE_ENGINE_STORE=store-lmdb",                                           \
    }
#define MADE                                                                           \
    .before = {                                                                        \
        {"run", FLOW, "-q"},                                                           \
    }
#define OPEN                                                                           \
    .before = {                                                                        \
        {"run", FLOW, "-q", "@half"},                                                  \
    }

const struct scenario scenarios[] = {
    {.name = "version", .args = {"version"}},
    {.name = "help", .args = {"help", "run"}},
    {.name = "validate", .flow = process, .args = {"validate", FLOW}},
    {.name = "refuse", .flow = wrong, .result = 3, .args = {"validate", FLOW}},
    {.name = "schema", .args = {"schema"}},
    {.name = "config",
     .varies = true,
     .args = {"config", "show", "--set", "engine.slots=3"}},
    {.name = "drivers", .varies = true, .args = {"driver", "list"}},
    {.name = "list", .flow = chain, MADE, .args = {"list", "-o", "json"}},
    {.name = "get", .flow = chain, MADE, .args = {"get", "last", "-o", "json"}},
    {.name = "task", .flow = fan, MADE, .args = {"get", "last", "each", "-o", "json"}},
    {.name = "history", .flow = chain, MADE, .args = {"history", "last"}},
    {.name = "canonical",
     .flow = fan,
     MADE,
     .args = {"history", "last", "--canonical"}},
    {.name = "logs", .flow = process, MADE, .args = {"logs", "last"}},
    {.name = "backup", .flow = chain, MADE, .args = {"backup", "copy.db"}},
    {.name = "run", .kind = RUNS, .flow = chain, .args = {"run", FLOW}},
    {.name = "run-quiet", .kind = RUNS, .flow = chain, .args = {"run", FLOW, "-q"}},
    {.name = "foreach",
     .kind = RUNS,
     .flow = fan,
     .args = {"run", FLOW, "-i", "n=5", "-o", "json"}},
    {.name = "process",
     .kind = RUNS,
     .processes = true,
     .flow = process,
     .args = {"run", FLOW, "-q"}},
    {.name = "retry",
     .kind = RUNS,
     .processes = true,
     .flow = retried,
     .args = {"run", FLOW, "-q"}},
    {.name = "handlers",
     .kind = RUNS,
     .processes = true,
     .result = 1,
     .run_result = 1,
     .flow = handled,
     .args = {"run", FLOW, "-q"}},
    /* In memory: nothing can be gone on with, but nothing may crash or leak. */
    {.name = "run-memory",
     .varies = true,
     .flow = fan,
     .args = {"run", FLOW, "--set", "engine.store=store-memory"}},
    {.name = "supervisor",
     .kind = RUNS,
     .processes = true,
     .supervised = true,
     .flow = process,
     .args = {"run", FLOW, "-q", "--set", "runtime-local.supervisor=./supervisor"}},
    {.name = "runtime", .direct = runtime_calls},
    {.name = "auth-jwt", .direct = auth_jwt_calls},
    {.name = "auth-dev", .direct = auth_dev_calls},
    {.name = "blob-s3", .direct = blob_s3_calls},
    {.name = "lmdb-list", .flow = chain, MADE, LMDB, .args = {"list", "-o", "json"}},
    {.name = "lmdb-run", .kind = RUNS, .flow = chain, LMDB, .args = {"run", FLOW}},
    {.name = "lmdb-recovery",
     .kind = RUNS,
     .flow = chain,
     OPEN,
     LMDB,
     .args = {"resume"}},
    /* Faults that the contracts allow are not asked for: the filters themselves. */
    {.name = "filters",
     .kind = RUNS,
     .processes = true,
     .flow = retried,
     .settings = {"FLOWFORGE_ENGINE_STORE_FILTERS="
                  "store-trace,store-metrics,store-delay,store-fault",
                  "FLOWFORGE_ENGINE_QUEUE_FILTERS=queue-fault",
                  "FLOWFORGE_ENGINE_RUNTIME_FILTERS=runtime-fault"},
     .args = {"run", FLOW, "-q"}},
    {.name = "artifacts",
     .kind = RUNS,
     .processes = true,
     .flow = handed,
     .args = {"run", FLOW, "-q"}},
    {.name = "cache",
     .kind = RUNS,
     .processes = true,
     .flow = cached,
     MADE,
     .args = {"run", FLOW, "-q"}},
    {.name = "limits",
     .kind = RUNS,
     .processes = true,
     .flow = limited,
     .args = {"run", FLOW, "-q"}},
    {.name = "groups", .kind = RUNS, .flow = grouped, .args = {"run", FLOW, "-q"}},
    {.name = "sim", .flow = chain, .args = {"sim", FLOW}},
    {.name = "lint", .flow = process, .result = 3, .args = {"lint", FLOW}},
    {.name = "graph", .flow = grouped, .args = {"graph", FLOW}},
    {.name = "doctor", .flow = chain, MADE, .args = {"doctor", "slots"}},
    {.name = "audit",
     .before = {{"member", "set", "mia", "admin"}},
     .args = {"audit", "verify"}},
    {.name = "keys",
     .before = {{"key", "create", "ci", "--role", "viewer"}},
     .args = {"key", "list"}},
    {.name = "recovery", .kind = RUNS, .flow = chain, OPEN, .args = {"resume"}},
    {.name = "cancel",
     .kind = RUNS,
     .asks = true,
     .run_result = 5,
     .flow = chain,
     OPEN,
     .args = {"cancel", "last", "--wait"}},
};
const size_t n_scenarios = COUNT_OF(scenarios);
