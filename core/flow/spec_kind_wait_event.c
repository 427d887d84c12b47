/* wait_event: something has to happen outside. Its table, and what its outputs are. */
#include "flow/spec_kind.h"
#include <string.h>

static const char *const without[] = {SPEC_KIND_ATTEMPT_KEYS, "outputs", "retry",
                                      "repeat", NULL};

const struct spec_kind spec_kind_wait_event = {.key = "wait_event", .without = without};

static const char *const timeouts[] = {"fail", "skip", "succeed", NULL};

static const struct spec_value_rule key_rule = {.place = PLACE_ATTEMPT,
                                                .keep_text = true};

static void read_if(struct spec *s, const struct spec_field *field,
                    const struct tree_node *node, void *slot)
{
    *(struct tmpl **)slot = spec_read_condition(s, field, PLACE_AWAIT, node);
}

static json_t *schema_if(const struct spec_field *field)
{
    return spec_condition.schema(field);
}

static const struct spec_type if_type = {.name = "condition",
                                         .is = "an expression that gives true or false",
                                         .read = read_if,
                                         .schema = schema_if};

#define SLOT(member) offsetof(struct flow_await, member)

static const struct spec_field wait_event_fields[] = {
    {.key = "name",
     .type = &spec_name,
     .offset = SLOT(name),
     .flags = SPEC_REQUIRED,
     .since = "0.2",
     .help = "of the event, as `flowforge signal` and `flowforge event` say it"},
    {.key = "key",
     .type = &spec_value_pointer,
     .offset = SLOT(key),
     .arg = &key_rule,
     .since = "0.2",
     .help = "which of the events of this name: only those with the same key; any when "
             "absent"},
    {.key = "if",
     .type = &if_type,
     .offset = SLOT(condition),
     .since = "0.2",
     .help = "an expression over event, its data; others are not taken"},
    {.key = "timeout",
     .type = &spec_duration,
     .offset = SLOT(timeout_us),
     .arg = &spec_timeout_range,
     .since = "0.2",
     .help = "how long it waits; no limit when absent"},
    {.key = "on_timeout",
     .type = &spec_choice,
     .offset = SLOT(on_timeout),
     .arg = timeouts,
     .fallback = "\"fail\"",
     .since = "0.2",
     .help = "fail, skip, or succeed: with the output event null"},
};

const struct spec_object spec_wait_event = {
    .name = "wait_event",
    .example = "wait_event: {name: payment}",
    .phrase = "wait_event",
    .fields = wait_event_fields,
    .n_fields = COUNT_OF(wait_event_fields),
    .help = "An event that has to come from outside.",
};

static void read_wait_event(struct spec *s, const struct spec_field *field,
                            const struct tree_node *node, void *slot)
{
    struct flow_work *work = &((struct spec_draft *)slot)->work;
    struct flow_await *made;

    (void)field;
    if (work->kind != FLOW_WAIT_EVENT)
        return;
    made = spec_alloc(s, 1, sizeof(*made));
    work->await = made;
    if (!spec_read(s, &spec_wait_event, node, made, NULL))
        return;
    work->outputs = spec_alloc(s, 1, sizeof(*work->outputs));
    work->outputs[work->n_outputs++] = spec_own_output(s, "event");
}

static json_t *schema_wait_event(const struct spec_field *field)
{
    (void)field;
    return spec_schema_ref(&spec_wait_event);
}

const struct spec_type spec_wait_event_type = {.name = "wait_event",
                                               .is = "a map",
                                               .read = read_wait_event,
                                               .schema = schema_wait_event};
