/* repeat: how often a task runs again that has succeeded, and until when. */
#include "flow/spec_kind.h"

#define DAY (86400 * UNITS_SECOND)

static const char *const on_max[] = {"fail", "succeed", NULL};
static const struct spec_range max_range = {1, FLOW_MAX_ITERATIONS, "from 1 to 10000"};
static const struct spec_range delay_range = {0, 30 * DAY, "at most 30d"};

static void read_until(struct spec *s, const struct spec_field *field,
                       const struct tree_node *node, void *slot)
{
    *(struct tmpl **)slot = spec_read_condition(s, field, PLACE_UNTIL, node);
}

static json_t *schema_until(const struct spec_field *field)
{
    return spec_condition.schema(field);
}

static const struct spec_type until_type = {
    .name = "condition",
    .is = "an expression that gives true or false",
    .read = read_until,
    .schema = schema_until};

#define SLOT(member) offsetof(struct flow_repeat, member)

static const struct spec_field fields[] = {
    {.key = "until",
     .type = &until_type,
     .offset = SLOT(until),
     .flags = SPEC_REQUIRED,
     .since = "0.2",
     .help = "judged after each iteration that succeeded, with its `outputs`; true: it "
             "was the last"},
    {.key = "max",
     .type = &spec_integer,
     .offset = SLOT(max),
     .arg = &max_range,
     .flags = SPEC_REQUIRED,
     .since = "0.2",
     .help = "how many iterations there are at most"},
    {.key = "delay",
     .type = &spec_duration,
     .offset = SLOT(delay_us),
     .arg = &delay_range,
     .fallback = "\"0s\"",
     .since = "0.2",
     .help = "the wait between two iterations"},
    {.key = "on_max",
     .type = &spec_choice,
     .offset = SLOT(on_max),
     .arg = on_max,
     .fallback = "\"fail\"",
     .since = "0.2",
     .help = "when until is still false after the last iteration: fail, or succeed "
             "with its outputs"},
};

const struct spec_object spec_repeat = {
    .name = "repeat",
    .example = "repeat: {until: outputs.state == 'done', max: 10}",
    .phrase = "repeat",
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .help = "A task that runs again and again, until a condition holds.",
};

static void read_repeat(struct spec *s, const struct spec_field *field,
                        const struct tree_node *node, void *slot)
{
    struct flow_repeat *repeat = spec_alloc(s, 1, sizeof(*repeat));

    (void)field;
    /* A wrong one is there all the same: uses of `iteration` are not wrong too. */
    *(const struct flow_repeat **)slot = repeat;
    spec_read(s, &spec_repeat, node, repeat, NULL);
}

static json_t *schema_repeat(const struct spec_field *field)
{
    (void)field;
    return spec_schema_ref(&spec_repeat);
}

const struct spec_type spec_repeat_type = {
    .name = "repeat", .is = "a map", .read = read_repeat, .schema = schema_repeat};

void spec_check_repeat(struct spec *s, const struct flow_work *work,
                       const struct tree_node *task)
{
    struct flow_problem *p;

    if (!work->repeat || !work->foreach)
        return;
    p = spec_problem(s, PROBLEM_EXCLUSIVE, spec_find(task, "repeat"));
    flow_problem_msg(p, "a task has repeat or a list of items, not both");
    flow_problem_hint(p, "put the one that repeats into a group: tasks:");
}
