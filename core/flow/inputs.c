/* The values that a run is given, against what the workflow declares. */
#include "flow/json_schema.h"
#include "flow/problem.h"
#include "flow/spec.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const int json_types[] = {
    [FLOW_STRING] = JSON_STRING, [FLOW_INTEGER] = JSON_INTEGER,
    [FLOW_NUMBER] = JSON_REAL,   [FLOW_BOOLEAN] = JSON_TRUE,
    [FLOW_LIST] = JSON_ARRAY,    [FLOW_OBJECT] = JSON_OBJECT,
};

/* Values are there: jansson's own json_is_...() ask for NULL each time. */
static bool has_json_type(const json_t *value, json_type type)
{
    return json_typeof(value) == type;
}

static bool is_number(const json_t *value)
{
    return has_json_type(value, JSON_INTEGER) || has_json_type(value, JSON_REAL);
}

static bool has_type(enum flow_type type, const json_t *value)
{
    if (type == FLOW_NUMBER)
        return is_number(value);
    if (type == FLOW_BOOLEAN && has_json_type(value, JSON_FALSE))
        return true;
    return has_json_type(value, (json_type)json_types[type]);
}

static const char *type_of(const json_t *value)
{
    static const char *const words[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list",
        [JSON_STRING] = "a string",  [JSON_INTEGER] = "an integer",
        [JSON_REAL] = "a number",    [JSON_TRUE] = "a boolean",
        [JSON_FALSE] = "a boolean",  [JSON_NULL] = "null",
    };

    return words[json_typeof(value)];
}

static void shorten(const json_t *value, char out[64])
{
    char *text = json_text(value);

    snprintf(out, 64, "%.60s", text);
    mem_free(text);
}

static bool blame(struct spec_blame *b, int code, const char *hint)
{
    b->code = code;
    snprintf(b->hint, sizeof(b->hint), "%s", hint);
    return false;
}

/* The pattern and the text go in as values, so neither needs quoting. */
struct pattern_scope {
    json_t *text, *pattern;
};

static json_t *lookup_pattern(void *arg, const char *name)
{
    const struct pattern_scope *scope = arg;

    return strcmp(name, "pattern") == 0 ? scope->pattern : scope->text;
}

/* By the expression language's own matches(), whose time is in proportion to the text
 * whatever the pattern. */
static int matches(json_t *pattern, const char *text, struct spec_blame *b)
{
    static const char expression[] = "text.matches(pattern)";
    struct pattern_scope values = {.text = json_string(text), .pattern = pattern};
    const struct expr_scope scope = {.lookup = lookup_pattern, .arg = &values};
    struct expr_err err = {0};
    struct expr *e = expr_compile(expression, strlen(expression), &err);

    if (!e) /* it is ours, and right */
        mem_exhausted();

    json_t *result = expr_eval(e, &scope, &err);
    int found = result ? has_json_type(result, JSON_TRUE) : -1;

    if (!result && err.code == EXPR_E_NOMEM)
        mem_exhausted();
    if (!result)
        snprintf(b->msg, sizeof(b->msg), "pattern cannot be used: %.150s", err.msg);
    json_decref(result);
    expr_free(e);
    json_decref(values.text);
    json_decref(values.pattern);
    return found;
}

int spec_pattern(const char *pattern, const char *text, struct spec_blame *b)
{
    return matches(json_string(pattern), text, b);
}

int spec_input_pattern(const char *pattern, const char *text, struct spec_blame *b)
{
    return matches(json_sprintf("^(%s)$", pattern), text, b);
}

static bool is_choice(const struct flow_input *input, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(input->choices); i++) {
        const json_t *choice = json_array_get(input->choices, i);

        if (json_equal(choice, value))
            return true;
        /* A choice is of the input's type, and so is the value by now. */
        if (is_number(choice) && json_number_value(choice) == json_number_value(value))
            return true;
    }
    return false;
}

static const char *word_for(const struct flow_input *input)
{
    return input->is_output ? "output" : "input";
}

static bool in_range(const struct flow_input *input, const json_t *value,
                     struct spec_blame *b)
{
    double n = json_number_value(value);

    if (!is_number(value) || (n >= input->min && n <= input->max))
        return true;
    snprintf(b->msg, sizeof(b->msg), "input %s must be %s %.15g", input->name,
             n < input->min ? "at least" : "at most",
             n < input->min ? input->min : input->max);
    return blame(b, PROBLEM_INPUT_VALUE, "");
}

static bool matches_pattern(const struct flow_input *input, const json_t *value,
                            struct spec_blame *b)
{
    if (!input->pattern) /* only strings have one */
        return true;
    /* Unless there is more to say: then the next line says it instead. */
    snprintf(b->msg, sizeof(b->msg), "input %s must match %.100s", input->name,
             input->pattern);
    if (spec_input_pattern(input->pattern, json_string_value(value), b) == 1)
        return true;
    return blame(b, PROBLEM_INPUT_VALUE, "the whole text must match");
}

static bool keeps_schema(const struct flow_input *input, const json_t *value,
                         struct spec_blame *b)
{
    struct json_schema_fault fault;

    if (!input->schema || json_schema_accepts(input->schema, value, &fault))
        return true;
    snprintf(b->msg, sizeof(b->msg), "%s %.63s%.70s %.110s", word_for(input),
             input->name, fault.at, fault.msg);
    return blame(b, PROBLEM_INPUT_VALUE, "");
}

bool spec_input_accepts(const struct flow_input *input, const json_t *value,
                        struct spec_blame *b)
{
    char text[64];

    *b = (struct spec_blame){0};
    if (!has_type(input->type, value)) {
        snprintf(b->msg, sizeof(b->msg), "%s %s must be of type %s, not %s",
                 word_for(input), input->name, flow_type_names[input->type],
                 type_of(value));
        return blame(b, PROBLEM_INPUT_TYPE,
                     input->type == FLOW_STRING ? "quote it" : "");
    }
    if (input->choices && !is_choice(input, value)) {
        shorten(input->choices, text);
        snprintf(b->msg, sizeof(b->msg), "input %s must be one of %s", input->name,
                 text);
        return blame(b, PROBLEM_INPUT_VALUE, "");
    }
    return in_range(input, value, b) && matches_pattern(input, value, b) &&
           keeps_schema(input, value, b);
}

static json_t *number_from_text(enum flow_type type, const char *text)
{
    char *end;

    if (*text == '\0' || strchr(" \t\n\v\f\r", *text))
        return NULL;
    errno = 0;
    if (type == FLOW_INTEGER) {
        long long n = strtoll(text, &end, 10);

        return *end || errno ? NULL : json_integer(n);
    }
    if (strpbrk(text, "xXnNiIpP")) /* strtod takes hexadecimal, nan and inf */
        return NULL;

    double x = strtod(text, &end);

    return *end || !isfinite(x) ? NULL : json_real(x);
}

/* A word of the command line as the declared type; new reference, or NULL. */
static json_t *from_words(enum flow_type type, const char *text)
{
    struct ff_err err;

    if (type == FLOW_STRING)
        return json_string(text);
    if (type == FLOW_INTEGER || type == FLOW_NUMBER)
        return number_from_text(type, text);
    if (type == FLOW_BOOLEAN && strcmp(text, "true") == 0)
        return json_true();
    if (type == FLOW_BOOLEAN)
        return strcmp(text, "false") == 0 ? json_false() : NULL;
    return json_parse(text, strlen(text), &err);
}

static void report(struct flow_problems *problems, int code, const char *at,
                   const char *msg, const char *hint)
{
    struct flow_problem *p = flow_problem_add(problems, code, 0, 0, at, strlen(at));

    flow_problem_msg(p, "%s", msg);
    flow_problem_hint(p, "%s", hint);
}

static void report_unread(struct flow_problems *problems,
                          const struct flow_input *input, const char *text)
{
    static const char *const hints[] = {
        [FLOW_STRING] = "",
        [FLOW_INTEGER] = "write a whole number such as 12",
        [FLOW_NUMBER] = "write a number such as 0.5",
        [FLOW_BOOLEAN] = "write true or false",
        [FLOW_LIST] = "write a list as JSON: [\"a\", \"b\"]",
        [FLOW_OBJECT] = "write an object as JSON: {\"key\": \"value\"}",
    };
    char msg[200];

    snprintf(msg, sizeof(msg), "input %s cannot be read as %s: %.100s", input->name,
             flow_type_names[input->type], text);
    report(problems, PROBLEM_INPUT_TYPE, text, msg, hints[input->type]);
}

/* The checked value of a given one; new reference, or NULL with a problem. */
static json_t *take_given(const struct flow_input *input, json_t *given, bool from_text,
                          struct flow_problems *problems)
{
    struct spec_blame b;
    char at[64];
    json_t *value = NULL;

    if (from_text && has_json_type(given, JSON_STRING)) {
        value = from_words(input->type, json_string_value(given));
        if (!value) {
            report_unread(problems, input, json_string_value(given));
            return NULL;
        }
    } else if (has_json_type(given, JSON_NULL) && !input->required) {
        return input->fallback ? json_incref(input->fallback) : json_null();
    } else {
        value = json_incref(given);
    }
    if (spec_input_accepts(input, value, &b))
        return value;
    shorten(value, at);
    report(problems, b.code, at, b.msg, b.hint);
    json_decref(value);
    return NULL;
}

static json_t *take_absent(const struct flow_input *input,
                           struct flow_problems *problems)
{
    char msg[200];

    if (input->fallback)
        return json_incref(input->fallback);
    if (!input->required)
        return json_null();
    snprintf(msg, sizeof(msg), "input %s is required", input->name);
    report(problems, PROBLEM_INPUT_MISSING, input->name, msg,
           input->description ? input->description : "");
    return NULL;
}

const struct flow_input *spec_find_input(const struct flow *f, const char *name)
{
    for (uint32_t i = 0; i < f->n_inputs; i++)
        if (strcmp(f->inputs[i].name, name) == 0)
            return &f->inputs[i];
    return NULL;
}

const char *spec_nearest_input(const struct flow *f, const char *name)
{
    const char **names = mem_array((size_t)f->n_inputs + 1, sizeof(*names));
    const char *near;

    for (uint32_t i = 0; i < f->n_inputs; i++)
        names[i] = f->inputs[i].name;
    near = text_nearest(name, names);
    mem_free(names);
    return near;
}

static void refuse_unknown(const struct flow *f, json_t *given,
                           struct flow_problems *problems)
{
    for (void *at = json_object_iter(given); at;
         at = json_object_iter_next(given, at)) {
        const char *name = json_object_iter_key(at);

        if (spec_find_input(f, name))
            continue;

        struct flow_problem *p =
            flow_problem_add(problems, PROBLEM_INPUT_UNKNOWN, 0, 0, name, strlen(name));

        flow_problem_msg(p, "%s has no input %.100s", f->name, name);
        if (p)
            flow_problem_near(p, spec_nearest_input(f, name));
    }
}

static size_t bytes_of(const json_t *value)
{
    if (has_json_type(value, JSON_STRING))
        return json_string_length(value);

    MEM_AUTO char *text = json_text(value);

    return strlen(text);
}

static void refuse_size(struct flow_problems *problems, const char *name, size_t bytes,
                        size_t most)
{
    char msg[200];

    snprintf(msg, sizeof(msg), "%.100s: %zu bytes, of %zu MiB at most", name, bytes,
             most >> 20);
    report(problems, PROBLEM_INPUT_VALUE, name, msg,
           "give the path of a file, or an address where it can be fetched");
}

static void refuse_too_large(json_t *made, struct flow_problems *problems)
{
    size_t all = 0;

    for (void *at = json_object_iter(made); at; at = json_object_iter_next(made, at)) {
        const size_t bytes = bytes_of(json_object_iter_value(at));

        if (bytes > FLOW_MAX_INPUT)
            refuse_size(problems, json_object_iter_key(at), bytes, FLOW_MAX_INPUT);
        all += bytes;
    }
    if (all > FLOW_MAX_INPUTS)
        refuse_size(problems, "all inputs", all, FLOW_MAX_INPUTS);
}

json_t *flow_inputs(const struct flow *f, json_t *given, bool from_text,
                    struct flow_problems *problems)
{
    const size_t before = problems->n + problems->n_more;
    json_t *made = json_object();

    if (given && !has_json_type(given, JSON_OBJECT)) {
        report(problems, PROBLEM_INPUT_TYPE, type_of(given),
               "inputs must be an object of names and values", "");
        json_decref(made);
        return NULL;
    }
    for (uint32_t i = 0; i < f->n_inputs; i++) {
        const struct flow_input *input = &f->inputs[i];
        json_t *value = given ? json_object_get(given, input->name) : NULL;

        value = value ? take_given(input, value, from_text, problems)
                      : take_absent(input, problems);
        if (value)
            json_object_set_new_nocheck(made, input->name, value);
    }
    refuse_unknown(f, given, problems);
    refuse_too_large(made, problems);
    if (problems->n + problems->n_more == before)
        return made;
    json_decref(made);
    return NULL;
}
