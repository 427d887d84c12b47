/* The JSON Schema (2020-12) of the format, made from the tables. Every spelling of a
 * key that the reader takes is in it; what the schema cannot say (names that must
 * exist, the text of expressions) only the reader checks. */
#include "flow/spec.h"
#include <string.h>

const struct spec_object *const spec_objects[] = {
    &spec_workflow,    &spec_defaults,     &spec_input,       &spec_task,
    &spec_http,        &spec_script,       &spec_approve,     &spec_wait_event,
    &spec_output,      &spec_retry,        &spec_repeat,      &spec_compensate,
    &spec_resources,   &spec_rate,         &spec_concurrency, &spec_cache,
    &spec_triggers,    &spec_cron,         &spec_interval,    &spec_after,
    &spec_event,       &spec_webhook,      &spec_case,        &spec_artifacts,
    &spec_artifact_in, &spec_artifact_out, &spec_run_output,  NULL};

static json_t *field_schema(const struct spec_field *field)
{
    json_t *schema = field->type->schema(field);
    struct ff_err err;

    json_object_set_new(schema, "description", json_string(field->help));
    if (field->fallback)
        json_object_set_new(schema, "default",
                            json_parse(field->fallback, strlen(field->fallback), &err));
    return schema;
}

/* The two other spellings, for editors marked as not the best. */
static void add_spellings(json_t *properties, const struct spec_field *field)
{
    bool (*const spell[])(const char *, char[SPEC_KEY_MAX]) = {spec_kebab, spec_camel};
    char key[SPEC_KEY_MAX];

    for (size_t i = 0; i < COUNT_OF(spell); i++) {
        if (!spell[i](field->key, key))
            continue;

        json_t *schema = field_schema(field);

        json_object_set_new(schema, "deprecated", json_true());
        json_object_set_new(properties, key, schema);
    }
}

static json_t *object_schema(const struct spec_object *object)
{
    json_t *properties = json_object();
    json_t *required = json_array();

    for (size_t i = 0; i < object->n_fields; i++) {
        const struct spec_field *field = &object->fields[i];

        if (field->flags & SPEC_LATER)
            continue;
        json_object_set_new(properties, field->key, field_schema(field));
        if (field->flags & SPEC_REQUIRED)
            json_array_append_new(required, json_string(field->key));
    }
    for (size_t i = 0; i < object->n_fields; i++)
        if (!(object->fields[i].flags & SPEC_LATER))
            add_spellings(properties, &object->fields[i]);

    json_t *schema = json_pack("{ssssso}", "description", object->help, "type",
                               "object", "properties", properties);

    if (json_array_size(required) > 0)
        json_object_set(schema, "required", required);
    json_decref(required);
    json_object_set_new(schema, "additionalProperties", json_false());
    if (object->finish_schema)
        object->finish_schema(schema);
    return schema;
}

json_t *flow_schema(void)
{
    json_t *schema =
        json_pack("{ssss}", "$schema", "https://json-schema.org/draft/2020-12/schema",
                  "title", "FlowForge workflow");
    json_t *top = object_schema(&spec_workflow);
    json_t *others = json_object();

    json_object_update(schema, top);
    json_decref(top);
    for (size_t i = 1; spec_objects[i]; i++)
        json_object_set_new(others, spec_objects[i]->name,
                            object_schema(spec_objects[i]));
    json_object_set_new(schema, "$defs", others);
    return schema;
}
