/* flow/json_schema.h - a subset of JSON Schema 2020-12: `schema:` of an input. Private
 * to the room.
 *
 * The subset is listed in docs/workflow-reference.md. What is not in it is refused when
 * the file is read, never passed over: a rule that is not kept is worse than none. */
#ifndef FLOW_JSON_SCHEMA_H
#define FLOW_JSON_SCHEMA_H

#include "flow/spec.h"

/* Values and schemas that one check may look at: a schema that refers to itself in
 * several places could take for ever. */
#define JSON_SCHEMA_MAX_STEPS 2000000
#define JSON_SCHEMA_MAX_DEPTH 100

struct json_schema_fault {
    char at[96];   /* ".items[0].price", or "" for the value itself */
    char msg[128]; /* "must be at least 0" */
};

/* The value is asked of a schema that json_schema_read has let through. */
bool json_schema_accepts(const json_t *schema, const json_t *value,
                         struct json_schema_fault *fault);

/* The keywords of the subset in the order of the reference; NULL past the end. */
const char *json_schema_keyword(size_t i);

/* A type of the field `schema` of an input: json_t *. */
extern const struct spec_type json_schema_type;

/* Equal as JSON Schema has it: 1 is 1.0. */
bool json_schema_same(json_t *a, json_t *b);

/* No two items of the list are the same. */
bool json_schema_unique(const json_t *list);

extern const char *const json_schema_types[]; /* by enum json_schema_kind; NULL ends */
enum json_schema_kind {
    SCHEMA_STRING,
    SCHEMA_INTEGER,
    SCHEMA_NUMBER,
    SCHEMA_BOOLEAN,
    SCHEMA_ARRAY,
    SCHEMA_OBJECT,
    SCHEMA_NULL
};

#endif
