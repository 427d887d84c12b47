/* retry: and resources:. */
#include "flow/spec.h"
#include <string.h>

#define DAY (86400 * UNITS_SECOND)

/* One attempt unless the file asks for more; three when it has a retry: that does not
 * say how many. */
#define RETRY_PLAIN                                                                    \
    .delay_us = UNITS_SECOND, .max_delay_us = 3600 * UNITS_SECOND,                     \
    .backoff = FLOW_EXPONENTIAL, .factor = 2,                                          \
    .on = FLOW_ON_FAILED | FLOW_ON_TIMEOUT | FLOW_ON_LOST | FLOW_ON_OOM |              \
          FLOW_ON_EVICTED

const struct flow_retry spec_retry_none = {.max_attempts = 1, RETRY_PLAIN};
static const struct flow_retry retry_given = {
    .max_attempts = 3, .given = true, RETRY_PLAIN};

static const char *const backoffs[] = {"constant", "linear", "exponential", NULL};
/* In the order of enum flow_retry_on's bits. */
static const char *const reasons[] = {"failed",  "timeout",   "lost", "oom",
                                      "evicted", "heartbeat", NULL};

static bool want_list(struct spec *s, const struct spec_field *field,
                      const struct tree_node *node)
{
    if (node->kind == TREE_LIST && node->n > 0)
        return true;
    if (node->kind == TREE_LIST)
        flow_problem_msg(spec_problem(s, PROBLEM_VALUE, node),
                         "%s must name at least one; remove it otherwise", field->key);
    else
        spec_wrong_type(s, field->key, field->type->is, node);
    return false;
}

static void read_reasons(struct spec *s, const struct spec_field *field,
                         const struct tree_node *node, void *slot)
{
    uint32_t bits = 0;

    if (!want_list(s, field, node))
        return;
    for (uint32_t i = 0; i < node->n; i++) {
        const struct tree_node *item = &node->items[i].value;
        int at = item->kind == TREE_TEXT ? spec_choice_index(reasons, item->text) : -1;

        if (at >= 0) {
            bits |= 1U << at;
            continue;
        }

        if (item->kind == TREE_BROKEN)
            continue;

        struct flow_problem *p = spec_problem(s, PROBLEM_VALUE, item);

        flow_problem_msg(p, "%s names failed, timeout, heartbeat, lost, oom or evicted",
                         field->key);
        if (item->kind == TREE_TEXT)
            flow_problem_nearest(p, item->text, reasons);
    }
    *(uint32_t *)slot = bits;
}

static json_t *schema_reasons(const struct spec_field *field)
{
    (void)field;
    return json_pack("{sssosi}", "type", "array", "items", spec_schema_enum(reasons),
                     "minItems", 1);
}

static const struct spec_type reasons_type = {.name = "list of words",
                                              .is = "a list of reasons",
                                              .read = read_reasons,
                                              .schema = schema_reasons};

static void read_exit_codes(struct spec *s, const struct spec_field *field,
                            const struct tree_node *node, void *slot)
{
    uint8_t *bits;

    if (!want_list(s, field, node))
        return;
    bits = spec_alloc(s, 32, 1);
    for (uint32_t i = 0; i < node->n; i++) {
        const struct tree_node *item = &node->items[i].value;

        if (item->kind == TREE_INT && item->integer >= 1 && item->integer <= 255)
            bits[item->integer / 8] |= (uint8_t)(1U << (item->integer % 8));
        else if (item->kind != TREE_BROKEN)
            flow_problem_msg(spec_problem(s, PROBLEM_VALUE, item),
                             "an exit code is a whole number from 1 to 255");
    }
    *(uint8_t **)slot = bits;
}

static json_t *schema_exit_codes(const struct spec_field *field)
{
    (void)field;
    return json_pack("{sss{sssisi}si}", "type", "array", "items", "type", "integer",
                     "minimum", 1, "maximum", 255, "minItems", 1);
}

static const struct spec_type exit_codes_type = {.name = "list of integers",
                                                 .is = "a list of exit codes",
                                                 .read = read_exit_codes,
                                                 .schema = schema_exit_codes};

static void read_retry_if(struct spec *s, const struct spec_field *field,
                          const struct tree_node *node, void *slot)
{
    const enum spec_place place =
        s->task == SPEC_NO_TASK ? PLACE_SHARED_RETRY : PLACE_RETRY;

    *(struct tmpl **)slot = spec_read_condition(s, field, place, node);
}

static json_t *schema_retry_if(const struct spec_field *field)
{
    return spec_condition.schema(field);
}

static const struct spec_type retry_if_type = {
    .name = "condition",
    .is = "an expression that gives true or false",
    .read = read_retry_if,
    .schema = schema_retry_if};

static const struct spec_range attempts_range = {1, FLOW_MAX_ATTEMPTS,
                                                 "from 1 to 1000"};
static const struct spec_range delay_range = {0, 30 * DAY, "at most 30d"};
static const struct spec_real_range factor_range = {1, 100, "from 1 to 100"};
static const struct spec_real_range jitter_range = {0, 1, "from 0 to 1"};

#define SLOT(member) offsetof(struct flow_retry, member)

static const struct spec_field retry_fields[] = {
    {.key = "max_attempts",
     .type = &spec_integer,
     .offset = SLOT(max_attempts),
     .arg = &attempts_range,
     .fallback = "3",
     .since = "0.1",
     .help = "how often the task is tried in all, the first time included"},
    {.key = "delay",
     .type = &spec_duration,
     .offset = SLOT(delay_us),
     .arg = &delay_range,
     .fallback = "\"1s\"",
     .since = "0.1",
     .help = "the wait before the second attempt"},
    {.key = "backoff",
     .type = &spec_choice,
     .offset = SLOT(backoff),
     .arg = backoffs,
     .fallback = "\"exponential\"",
     .since = "0.1",
     .help = "how the wait grows: constant, linear (delay, twice, three times...) or "
             "exponential (times factor each time)"},
    {.key = "factor",
     .type = &spec_number,
     .offset = SLOT(factor),
     .arg = &factor_range,
     .fallback = "2",
     .since = "0.1",
     .help = "what an exponential wait is multiplied with each time"},
    {.key = "max_delay",
     .type = &spec_duration,
     .offset = SLOT(max_delay_us),
     .arg = &delay_range,
     .fallback = "\"1h\"",
     .since = "0.1",
     .help = "no wait is longer than this"},
    {.key = "jitter",
     .type = &spec_number,
     .offset = SLOT(jitter),
     .arg = &jitter_range,
     .fallback = "0",
     .since = "0.1",
     .help = "the share of each wait that is random, so that many tasks do not come "
             "back at once"},
    {.key = "on",
     .type = &reasons_type,
     .offset = SLOT(on),
     .fallback = "[\"failed\", \"timeout\", \"lost\", \"oom\", \"evicted\"]",
     .since = "0.1",
     .help = "which ends of an attempt lead to another"},
    {.key = "exit_codes",
     .type = &exit_codes_type,
     .offset = SLOT(exit_codes),
     .since = "0.1",
     .help = "which exit codes lead to another attempt after failed; all when absent"},
    {.key = "if",
     .type = &retry_if_type,
     .offset = SLOT(condition),
     .since = "0.2",
     .help =
         "judged after `on` and `exit_codes` when an attempt has ended badly; false: "
         "no further attempt"},
};

const struct spec_object spec_retry = {
    .name = "retry",
    .example = "retry: {max_attempts: 3}",
    .phrase = "retry",
    .fields = retry_fields,
    .n_fields = COUNT_OF(retry_fields),
    .help = "How often and when a task is tried again.",
};

static void read_retry(struct spec *s, const struct spec_field *field,
                       const struct tree_node *node, void *slot)
{
    struct flow_retry retry = retry_given;
    const struct tree_node *max_delay = spec_find(node, "max_delay");

    (void)field;
    if (!spec_read(s, &spec_retry, node, &retry, NULL))
        return;
    if (max_delay && retry.max_delay_us < retry.delay_us)
        flow_problem_msg(spec_problem(s, PROBLEM_VALUE, max_delay),
                         "max_delay must not be shorter than delay");
    else if (retry.max_delay_us < retry.delay_us)
        retry.max_delay_us = retry.delay_us;
    *(struct flow_retry *)slot = retry;
}

static json_t *schema_retry(const struct spec_field *field)
{
    (void)field;
    return spec_schema_ref(&spec_retry);
}

const struct spec_type spec_retry_type = {
    .name = "retry", .is = "a map", .read = read_retry, .schema = schema_retry};

static const struct spec_range memory_range = {INT64_C(1) << 20, INT64_C(1) << 50,
                                               "from 1MiB to 1PiB"};

static const struct spec_field resources_fields[] = {
    {.key = "cpu",
     .type = &spec_cpu,
     .offset = offsetof(struct spec_draft, policy.cpu_milli),
     .since = "0.1",
     .help = "cores that an attempt may use"},
    {.key = "memory",
     .type = &spec_size,
     .offset = offsetof(struct spec_draft, policy.memory_bytes),
     .arg = &memory_range,
     .since = "0.1",
     .help = "memory that an attempt may use"},
    {.key = "gpu", .flags = SPEC_LATER},
};

const struct spec_object spec_resources = {
    .name = "resources",
    .phrase = "resources",
    .fields = resources_fields,
    .n_fields = COUNT_OF(resources_fields),
    .help = "What an attempt may use of its machine.",
};
