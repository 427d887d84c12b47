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

#define FLOW "flow.yaml"
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
