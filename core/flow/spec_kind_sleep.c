/* sleep and wait_until: constants are judged when the file is read, what expressions
 * give when the task begins. */
#include "flow/spec_kind.h"
#include <string.h>

static const char *const without[] = {SPEC_KIND_ATTEMPT_KEYS, "outputs", "retry",
                                      "repeat", NULL};

const struct spec_kind spec_kind_sleep = {.key = "sleep", .without = without};
const struct spec_kind spec_kind_wait_until = {.key = "wait_until", .without = without};

/* By the functions that judge them at run time, too. */
static bool is_good(struct spec *s, const struct spec_field *field,
                    const struct tree_node *node, const json_t *value)
{
    const bool sleeps = strcmp(field->key, "sleep") == 0;
    struct ff_err err = {0};
    int64_t us;

    if ((sleeps ? flow_wait_us(value, &us, &err)
                : flow_until_us(value, INT64_MAX, &us, &err)) == FF_OK)
        return true;
    flow_problem_msg(spec_problem(s, PROBLEM_WAIT, node), "%s", err.msg);
    return false;
}

static void read_wait(struct spec *s, const struct spec_field *field,
                      const struct tree_node *node, void *slot)
{
    const struct spec_value_rule rule = {.place = PLACE_ATTEMPT};
    struct spec_draft *draft = slot;
    struct flow_value value;

    if (strcmp(spec_kinds[draft->work.kind]->key, field->key) != 0 ||
        !spec_read_value(s, &rule, node, &value))
        return;
    if (value.constant && !is_good(s, field, node, value.constant))
        return;
    draft->work.wait = spec_alloc(s, 1, sizeof(*draft->work.wait));
    *draft->work.wait = value;
}

static json_t *schema_sleep(const struct spec_field *field)
{
    (void)field;
    return json_pack("{s[{ss}{sssi}]}", "anyOf", "type", "string", "type", "number",
                     "minimum", 0);
}

static json_t *schema_until(const struct spec_field *field)
{
    (void)field;
    return json_pack("{ss}", "type", "string");
}

const struct spec_type spec_sleep_type = {
    .name = "duration or value",
    .is = "a duration such as 30s, a number of seconds or an expression",
    .read = read_wait,
    .schema = schema_sleep};
const struct spec_type spec_until_type = {
    .name = "time or value",
    .is = "a time such as 2026-11-30T08:00:00Z or an expression",
    .read = read_wait,
    .schema = schema_until};
