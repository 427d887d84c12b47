/* A value against a schema. The first rule that it breaks is told, with the place in
 * the value. What a schema may hold, json_schema_read.c has looked at before. */
#include "flow/json_schema.h"
#include <math.h>
#include <string.h>

const char *const json_schema_types[] = {
    [SCHEMA_STRING] = "string", [SCHEMA_INTEGER] = "integer",
    [SCHEMA_NUMBER] = "number", [SCHEMA_BOOLEAN] = "boolean",
    [SCHEMA_ARRAY] = "array",   [SCHEMA_OBJECT] = "object",
    [SCHEMA_NULL] = "null",     NULL,
};

struct walk {
    const json_t *root; /* for $ref */
    struct json_schema_fault *fault;
    char at[96];
    size_t at_len; /* what the path would have, also where it no longer fits */
    size_t steps;
    int depth;
    bool gave_up; /* neither good nor bad: no try of another branch may hide it */
};

static bool check(struct walk *w, const json_t *schema, const json_t *value);

static bool FF_PRINTF(2, 3) fault(struct walk *w, const char *fmt, ...)
{
    va_list ap;

    if (w->gave_up) /* that is what there is to say */
        return false;
    va_start(ap, fmt);
    vsnprintf(w->fault->msg, sizeof(w->fault->msg), fmt, ap);
    va_end(ap);
    snprintf(w->fault->at, sizeof(w->fault->at), "%s", w->at);
    return false;
}

static bool give_up(struct walk *w, const char *why)
{
    fault(w, "%s", why);
    w->gave_up = true;
    return false;
}

static size_t FF_PRINTF(2, 3) enter(struct walk *w, const char *fmt, ...)
{
    const size_t before = w->at_len;
    va_list ap;

    if (before < sizeof(w->at)) {
        va_start(ap, fmt);
        w->at_len += (size_t)vsnprintf(w->at + before, sizeof(w->at) - before, fmt, ap);
        va_end(ap);
    }
    return before;
}

static void leave(struct walk *w, size_t before)
{
    w->at_len = before;
    if (before < sizeof(w->at))
        w->at[before] = '\0';
}

/* Without a word about why not. */
static bool fits(struct walk *w, const json_t *schema, const json_t *value)
{
    struct json_schema_fault *kept = w->fault;
    struct json_schema_fault unsaid = {0};

    if (w->gave_up)
        return false;
    w->fault = &unsaid;

    const bool good = check(w, schema, value);

    w->fault = kept;
    if (w->gave_up)
        *kept = unsaid;
    return good;
}

/* --- of any value --- */

static bool whole(double x)
{
    return x == floor(x);
}

static bool is_kind(const json_t *v, int kind)
{
    switch (kind) {
    case SCHEMA_STRING:
        return json_typeof(v) == JSON_STRING;
    case SCHEMA_INTEGER:
        return json_typeof(v) == JSON_INTEGER ||
               (json_typeof(v) == JSON_REAL && whole(json_real_value(v)));
    case SCHEMA_NUMBER:
        return json_typeof(v) == JSON_INTEGER || json_typeof(v) == JSON_REAL;
    case SCHEMA_BOOLEAN:
        return json_typeof(v) == JSON_TRUE || json_typeof(v) == JSON_FALSE;
    case SCHEMA_ARRAY:
        return json_typeof(v) == JSON_ARRAY;
    case SCHEMA_OBJECT:
        return json_typeof(v) == JSON_OBJECT;
    default:
        return json_typeof(v) == JSON_NULL;
    }
}

static bool has_type(const json_t *type, const json_t *value)
{
    return is_kind(value,
                   spec_choice_index(json_schema_types, json_string_value(type)));
}

static const char *type_of(const json_t *value)
{
    int kind = 0;

    while (!is_kind(value, kind))
        kind++;
    return json_schema_types[kind];
}

static bool of_type(struct walk *w, const json_t *schema, const json_t *arg,
                    const json_t *value)
{
    char list[96] = "";
    size_t n = 0;

    (void)schema;
    if (json_typeof(arg) == JSON_STRING) {
        if (has_type(arg, value))
            return true;
        return fault(w, "must be of type %s, not %s", json_string_value(arg),
                     type_of(value));
    }
    for (size_t i = 0; i < json_array_size(arg); i++) {
        const json_t *type = json_array_get(arg, i);

        if (has_type(type, value))
            return true;
        n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", i ? " or " : "",
                              json_string_value(type));
    }
    return fault(w, "must be of type %s, not %s", list, type_of(value));
}

static void shorten(const json_t *value, char out[96])
{
    char *text = json_text(value);

    snprintf(out, 96, "%.92s", text);
    mem_free(text);
}

static bool of_enum(struct walk *w, const json_t *schema, const json_t *arg,
                    const json_t *value)
{
    char text[96];

    (void)schema;
    for (size_t i = 0; i < json_array_size(arg); i++)
        if (json_schema_same(json_array_get(arg, i), (json_t *)value))
            return true;
    shorten(arg, text);
    return fault(w, "must be one of %s", text);
}

static bool of_const(struct walk *w, const json_t *schema, const json_t *arg,
                     const json_t *value)
{
    char text[96];

    (void)schema;
    if (json_schema_same((json_t *)arg, (json_t *)value))
        return true;
    shorten(arg, text);
    return fault(w, "must be %s", text);
}

/* --- numbers --- */

static bool in_bounds(struct walk *w, const json_t *schema, const json_t *value)
{
    static const struct {
        const char *key, *text;
        int sign;     /* 1: the value must not be less */
        bool touches; /* being equal is enough */
    } bounds[] = {
        {"minimum", "at least", 1, true},
        {"maximum", "at most", -1, true},
        {"exclusiveMinimum", "more than", 1, false},
        {"exclusiveMaximum", "less than", -1, false},
    };
    const double x = json_number_value(value);

    for (size_t i = 0; i < COUNT_OF(bounds); i++) {
        const json_t *arg = json_object_get(schema, bounds[i].key);

        if (!arg)
            continue;

        const double over = (x - json_number_value(arg)) * bounds[i].sign;

        if (over < 0 || (over == 0 && !bounds[i].touches))
            return fault(w, "must be %s %.15g", bounds[i].text, json_number_value(arg));
    }
    return true;
}

/* 0.3 is a multiple of 0.1, though not in binary: the last digits are forgiven. */
static bool is_multiple(const json_t *value, const json_t *of)
{
    if (json_typeof(value) == JSON_INTEGER && json_typeof(of) == JSON_INTEGER)
        return json_integer_value(value) % json_integer_value(of) == 0;

    const double q = json_number_value(value) / json_number_value(of);

    return isfinite(q) && fabs(q - round(q)) <= 1e-12 * fmax(1, fabs(q));
}

static bool of_number(struct walk *w, const json_t *schema, const json_t *value)
{
    const json_t *of = json_object_get(schema, "multipleOf");

    if (!in_bounds(w, schema, value))
        return false;
    if (of && !is_multiple(value, of))
        return fault(w, "must be a multiple of %.15g", json_number_value(of));
    return true;
}

/* --- sizes --- */

static bool in_size(struct walk *w, const json_t *schema, size_t size,
                    const char *least, const char *most, const char *what)
{
    const json_t *min = json_object_get(schema, least);
    const json_t *max = json_object_get(schema, most);

    if (min && size < (size_t)json_integer_value(min))
        return fault(w, "must have at least %lld %s, not %zu",
                     (long long)json_integer_value(min), what, size);
    if (max && size > (size_t)json_integer_value(max))
        return fault(w, "must have at most %lld %s, not %zu",
                     (long long)json_integer_value(max), what, size);
    return true;
}

/* --- strings --- */

static size_t characters(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += ((unsigned char)*text & 0xC0) != 0x80;
    return n;
}

static bool of_string(struct walk *w, const json_t *schema, const json_t *value)
{
    const char *text = json_string_value(value);
    const json_t *pattern = json_object_get(schema, "pattern");
    struct spec_blame blame;

    if (!in_size(w, schema, characters(text), "minLength", "maxLength", "characters"))
        return false;
    if (pattern && spec_pattern(json_string_value(pattern), text, &blame) != 1)
        return fault(w, "must match %.100s", json_string_value(pattern));
    return true;
}

/* --- lists --- */

static bool check_items(struct walk *w, const json_t *schema, const json_t *list)
{
    const json_t *first = json_object_get(schema, "prefixItems");
    const json_t *others = json_object_get(schema, "items");
    const size_t n_first = json_array_size(first);

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *of = i < n_first ? json_array_get(first, i) : others;

        if (!of)
            continue;

        const size_t before = enter(w, "[%zu]", i);
        const bool good = check(w, of, json_array_get(list, i));

        leave(w, before);
        if (!good)
            return false;
    }
    return true;
}

static bool of_array(struct walk *w, const json_t *schema, const json_t *list)
{
    if (!in_size(w, schema, json_array_size(list), "minItems", "maxItems", "items") ||
        !check_items(w, schema, list))
        return false;
    if (json_is_true(json_object_get(schema, "uniqueItems")) &&
        !json_schema_unique(list))
        return fault(w, "must not hold an item twice");
    return true;
}

/* --- objects --- */

static bool has_required(struct walk *w, const json_t *names, const json_t *object)
{
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));

        if (!json_object_get(object, name))
            return fault(w, "needs the key %.80s", name);
    }
    return true;
}

static bool check_dependent(struct walk *w, const json_t *rules, const json_t *object)
{
    json_t *all = (json_t *)rules;

    for (void *at = json_object_iter(all); at; at = json_object_iter_next(all, at))
        if (json_object_get(object, json_object_iter_key(at)) &&
            !has_required(w, json_object_iter_value(at), object))
            return false;
    return true;
}

static bool check_name(struct walk *w, const json_t *schema, const char *key)
{
    json_t *name = json_string(key);
    const bool good = fits(w, schema, name);

    json_decref(name);
    if (good)
        return true;
    return fault(w, "must not have a key %.60s", key);
}

static bool check_member(struct walk *w, const json_t *schema, const char *key,
                         const json_t *value)
{
    const json_t *names = json_object_get(schema, "propertyNames");
    const json_t *of = json_object_get(json_object_get(schema, "properties"), key);

    if (names && !check_name(w, names, key))
        return false;
    if (!of)
        of = json_object_get(schema, "additionalProperties");
    if (!of)
        return true;
    if (json_typeof(of) == JSON_FALSE)
        return fault(w, "must not have a key %.60s", key);

    const size_t before = enter(w, ".%.60s", key);
    const bool good = check(w, of, value);

    leave(w, before);
    return good;
}

static bool check_members(struct walk *w, const json_t *schema, json_t *object)
{
    for (void *at = json_object_iter(object); at;
         at = json_object_iter_next(object, at))
        if (!check_member(w, schema, json_object_iter_key(at),
                          json_object_iter_value(at)))
            return false;
    return true;
}

static bool of_object(struct walk *w, const json_t *schema, const json_t *object)
{
    return in_size(w, schema, json_object_size(object), "minProperties",
                   "maxProperties", "keys") &&
           has_required(w, json_object_get(schema, "required"), object) &&
           check_dependent(w, json_object_get(schema, "dependentRequired"), object) &&
           check_members(w, schema, (json_t *)object);
}

/* The rules that are for values of one type, and that others keep by being others. */
static bool of_its_type(struct walk *w, const json_t *schema, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_INTEGER:
    case JSON_REAL:
        return of_number(w, schema, value);
    case JSON_STRING:
        return of_string(w, schema, value);
    case JSON_ARRAY:
        return of_array(w, schema, value);
    case JSON_OBJECT:
        return of_object(w, schema, value);
    default:
        return true;
    }
}

/* --- schemas of schemas --- */

static bool of_all(struct walk *w, const json_t *schema, const json_t *arg,
                   const json_t *value)
{
    (void)schema;
    for (size_t i = 0; i < json_array_size(arg); i++)
        if (!check(w, json_array_get(arg, i), value))
            return false;
    return true;
}

static size_t count_good(struct walk *w, const json_t *schemas, const json_t *value,
                         size_t enough)
{
    size_t n = 0;

    for (size_t i = 0; i < json_array_size(schemas) && n < enough; i++)
        n += fits(w, json_array_get(schemas, i), value);
    return n;
}

static bool of_any(struct walk *w, const json_t *schema, const json_t *arg,
                   const json_t *value)
{
    (void)schema;
    if (count_good(w, arg, value, 1) == 1)
        return true;
    return fault(w, "must be as one of the %zu schemas of anyOf", json_array_size(arg));
}

static bool of_one(struct walk *w, const json_t *schema, const json_t *arg,
                   const json_t *value)
{
    const size_t n = count_good(w, arg, value, 2);

    (void)schema;
    if (n == 1)
        return true;
    return fault(w, "must be as exactly one of the %zu schemas of oneOf, not %s",
                 json_array_size(arg), n ? "as two" : "as none");
}

static bool of_not(struct walk *w, const json_t *schema, const json_t *arg,
                   const json_t *value)
{
    (void)schema;
    if (!fits(w, arg, value))
        return true;
    return fault(w, "must not be as the schema of not");
}

static bool of_if(struct walk *w, const json_t *schema, const json_t *arg,
                  const json_t *value)
{
    const bool holds = fits(w, arg, value);
    const json_t *then = json_object_get(schema, holds ? "then" : "else");

    return !then || check(w, then, value);
}

#define DEFS "#/$defs/"

static bool of_ref(struct walk *w, const json_t *schema, const json_t *arg,
                   const json_t *value)
{
    const char *name = json_string_value(arg) + strlen(DEFS);

    (void)schema;
    return check(w, json_object_get(json_object_get(w->root, "$defs"), name), value);
}

/* In the order in which they are told: what a value is comes before how it is. */
static const struct {
    const char *key;
    bool (*holds)(struct walk *w, const json_t *schema, const json_t *arg,
                  const json_t *value);
} rules[] = {
    {"$ref", of_ref},  {"type", of_type}, {"const", of_const},
    {"enum", of_enum}, {"allOf", of_all}, {"anyOf", of_any},
    {"oneOf", of_one}, {"not", of_not},   {"if", of_if},
};

static bool check_rules(struct walk *w, const json_t *schema, const json_t *value)
{
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        const json_t *arg = json_object_get(schema, rules[i].key);

        if (arg && !rules[i].holds(w, schema, arg, value))
            return false;
    }
    return of_its_type(w, schema, value);
}

static bool check(struct walk *w, const json_t *schema, const json_t *value)
{
    if (json_typeof(schema) == JSON_TRUE)
        return true;
    if (json_typeof(schema) == JSON_FALSE)
        return fault(w, "is not allowed");
    if (++w->steps > JSON_SCHEMA_MAX_STEPS)
        return give_up(w, "takes too long to check: simplify the schema");
    if (w->depth == JSON_SCHEMA_MAX_DEPTH)
        return give_up(w, "is nested too deeply, or its schema leads back to itself");
    w->depth++;

    const bool good = check_rules(w, schema, value);

    w->depth--;
    return good;
}

bool json_schema_accepts(const json_t *schema, const json_t *value,
                         struct json_schema_fault *out)
{
    struct walk w = {.root = schema, .fault = out};

    *out = (struct json_schema_fault){0};
    return check(&w, schema, value) && !w.gave_up;
}
