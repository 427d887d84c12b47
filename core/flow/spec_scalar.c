/* The types of single values: text, numbers, durations, sizes, choices. */
#include "flow/spec.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool want_text(struct spec *s, const struct spec_field *field,
                      const struct tree_node *node)
{
    struct flow_problem *p;

    if (node->kind == TREE_TEXT)
        return true;
    p = spec_problem(s, PROBLEM_TYPE, node);
    flow_problem_msg(p, "%s must be %s, not %s", field->key, field->type->is,
                     tree_kind_text(node));
    if (node->kind < TREE_LIST)
        flow_problem_hint(p, "quote it: \"%.60s\"", node->text);
    return false;
}

static void refuse_value(struct spec *s, const struct spec_field *field,
                         const struct tree_node *node, const char *allowed)
{
    flow_problem_msg(spec_problem(s, PROBLEM_VALUE, node), "%s must be %s", field->key,
                     allowed);
}

/* The arg of a text that people read only, which may hold anything. */
static bool is_free_text(const struct spec_field *field)
{
    return field->arg != NULL;
}

static void read_text(struct spec *s, const struct spec_field *field,
                      const struct tree_node *node, void *slot)
{
    if (!want_text(s, field, node))
        return;
    if (!is_free_text(field) && !spec_constant(s, field->key, node))
        return;
    if (!is_free_text(field) && node->n == 0) {
        refuse_value(s, field, node, "a text that is not empty");
        return;
    }
    *(const char **)slot = spec_copy(s, node);
}

static json_t *schema_text(const struct spec_field *field)
{
    if (is_free_text(field))
        return json_pack("{ss}", "type", "string");
    return json_pack("{sssi}", "type", "string", "minLength", 1);
}

const struct spec_type spec_text = {
    .name = "text", .is = "text", .read = read_text, .schema = schema_text};

static void read_name(struct spec *s, const struct spec_field *field,
                      const struct tree_node *node, void *slot)
{
    struct flow_problem *p;
    char mended[SPEC_KEY_MAX];

    if (!want_text(s, field, node) || !spec_constant(s, field->key, node))
        return;
    if (text_is_name(node->text, true)) {
        *(const char **)slot = spec_copy(s, node);
        return;
    }
    p = spec_problem(s, PROBLEM_NAME, node);
    flow_problem_msg(p, "%s must be %s", field->key, field->type->is);
    if (spec_mend_name(node->text, true, mended))
        flow_problem_near(p, mended);
}

static json_t *schema_name(const struct spec_field *field)
{
    (void)field;
    return json_pack("{ssss}", "type", "string", "pattern", "^[a-z_][a-z0-9_-]{0,62}$");
}

const struct spec_type spec_name = {
    .name = "name",
    .is = "a name: a-z, 0-9, _ and -, no digit or - first, at most 63 long",
    .read = read_name,
    .schema = schema_name};

static void read_boolean(struct spec *s, const struct spec_field *field,
                         const struct tree_node *node, void *slot)
{
    struct flow_problem *p;

    if (node->kind == TREE_BOOL) {
        *(bool *)slot = node->truth;
        return;
    }
    p = spec_problem(s, PROBLEM_TYPE, node);
    flow_problem_msg(p, "%s must be true or false, not %s", field->key,
                     tree_kind_text(node));
    if (node->kind == TREE_TEXT)
        flow_problem_hint(p, "only true and false, without quotes, are booleans");
}

static json_t *schema_boolean(const struct spec_field *field)
{
    (void)field;
    return json_pack("{ss}", "type", "boolean");
}

const struct spec_type spec_boolean = {.name = "boolean",
                                       .is = "true or false",
                                       .read = read_boolean,
                                       .schema = schema_boolean};

static void read_yes(struct spec *s, const struct spec_field *field,
                     const struct tree_node *node, void *slot)
{
    (void)slot;
    if (node->kind != TREE_BOOL)
        spec_wrong_type(s, field->key, field->type->is, node);
    else if (!node->truth)
        refuse_value(s, field, node, "true; remove it otherwise");
}

static json_t *schema_yes(const struct spec_field *field)
{
    (void)field;
    return json_pack("{sb}", "const", 1);
}

const struct spec_type spec_yes = {
    .name = "true", .is = "true", .read = read_yes, .schema = schema_yes};

static void read_integer(struct spec *s, const struct spec_field *field,
                         const struct tree_node *node, void *slot)
{
    const struct spec_range *range = field->arg;

    if (node->kind != TREE_INT)
        spec_wrong_type(s, field->key, field->type->is, node);
    else if (node->integer < range->min || node->integer > range->max)
        refuse_value(s, field, node, range->text);
    else
        *(int64_t *)slot = node->integer;
}

static json_t *schema_integer(const struct spec_field *field)
{
    const struct spec_range *range = field->arg;

    return json_pack("{sssIsI}", "type", "integer", "minimum", (json_int_t)range->min,
                     "maximum", (json_int_t)range->max);
}

const struct spec_type spec_integer = {.name = "integer",
                                       .is = "a whole number",
                                       .read = read_integer,
                                       .schema = schema_integer};

static void read_number(struct spec *s, const struct spec_field *field,
                        const struct tree_node *node, void *slot)
{
    const struct spec_real_range *range = field->arg;
    double value = node->kind == TREE_INT ? (double)node->integer : node->real;

    if (node->kind != TREE_INT && node->kind != TREE_REAL)
        spec_wrong_type(s, field->key, field->type->is, node);
    else if (value < range->min || value > range->max)
        refuse_value(s, field, node, range->text);
    else
        *(double *)slot = value;
}

static json_t *schema_number(const struct spec_field *field)
{
    const struct spec_real_range *range = field->arg;
    json_t *schema = json_pack("{ss}", "type", "number");

    if (isfinite(range->min))
        json_object_set_new(schema, "minimum", json_real(range->min));
    if (isfinite(range->max))
        json_object_set_new(schema, "maximum", json_real(range->max));
    return schema;
}

const struct spec_type spec_number = {
    .name = "number", .is = "a number", .read = read_number, .schema = schema_number};

static void read_duration(struct spec *s, const struct spec_field *field,
                          const struct tree_node *node, void *slot)
{
    const struct spec_range *range = field->arg;
    struct flow_problem *p;
    int64_t us;

    if (node->kind == TREE_INT || node->kind == TREE_REAL) {
        p = spec_problem(s, PROBLEM_TYPE, node);
        flow_problem_msg(p, "%s must be %s, not a bare number", field->key,
                         field->type->is);
        flow_problem_hint(p, "write the unit: %.20ss", node->text);
        return;
    }
    if (!want_text(s, field, node) || !spec_constant(s, field->key, node))
        return;
    if (!units_duration(node->text, &us)) {
        p = spec_problem(s, PROBLEM_VALUE, node);
        flow_problem_msg(p, "%s must be %s", field->key, field->type->is);
        flow_problem_hint(p, "units are ms, s, m, h and d, big ones first: 1h30m");
        return;
    }
    if (us < range->min || us > range->max)
        refuse_value(s, field, node, range->text);
    else
        *(int64_t *)slot = us;
}

static json_t *schema_duration(const struct spec_field *field)
{
    (void)field;
    return json_pack("{ssss}", "type", "string", "pattern", SPEC_DURATION_PATTERN);
}

const struct spec_type spec_duration = {.name = "duration",
                                        .is = "a duration such as 30s, 10m or 2h",
                                        .read = read_duration,
                                        .schema = schema_duration};

int spec_choice_index(const char *const *choices, const char *word)
{
    for (int i = 0; choices[i]; i++)
        if (strcmp(choices[i], word) == 0)
            return i;
    return -1;
}

void spec_list_choices(const char *const *choices, char *out, size_t cap)
{
    size_t n = 0;

    out[0] = '\0';
    for (; *choices && n < cap; choices++) {
        const char *before = n == 0 ? "" : choices[1] ? ", " : " or ";

        n += (size_t)snprintf(out + n, cap - n, "%s%s", before, *choices);
    }
}

/* Words for the same from elsewhere. */
void spec_nearest_choice(struct flow_problem *p, const char *word,
                         const char *const *choices)
{
    static const char *const same[][2] = {
        {"int", "integer"}, {"float", "number"},    {"double", "number"},
        {"str", "string"},  {"text", "string"},     {"bool", "boolean"},
        {"array", "list"},  {"map", "object"},      {"dict", "object"},
        {"bash", "sh"},     {"shell", "sh"},        {"python3", "python"},
        {"js", "node"},     {"javascript", "node"}, {"fixed", "constant"}};

    for (size_t i = 0; i < COUNT_OF(same); i++)
        if (strcmp(word, same[i][0]) == 0 &&
            spec_choice_index(choices, same[i][1]) >= 0)
            word = same[i][1];
    flow_problem_nearest(p, word, choices);
}

static void read_choice(struct spec *s, const struct spec_field *field,
                        const struct tree_node *node, void *slot)
{
    const char *const *choices = field->arg;
    int at = node->kind == TREE_TEXT ? spec_choice_index(choices, node->text) : -1;
    struct flow_problem *p;
    char list[160];

    if (at >= 0) {
        *(unsigned *)slot = (unsigned)at;
        return;
    }
    spec_list_choices(choices, list, sizeof(list));
    p = spec_problem(s, node->kind == TREE_TEXT ? PROBLEM_VALUE : PROBLEM_TYPE, node);
    flow_problem_msg(p, "%s must be %s", field->key, list);
    if (node->kind == TREE_TEXT)
        spec_nearest_choice(p, node->text, choices);
}

json_t *spec_schema_enum(const char *const *choices)
{
    json_t *words = json_array();

    for (; *choices; choices++)
        json_array_append_new(words, json_string(*choices));
    return json_pack("{so}", "enum", words);
}

static json_t *schema_choice(const struct spec_field *field)
{
    return spec_schema_enum(field->arg);
}

const struct spec_type spec_choice = {.name = "choice",
                                      .is = "one of the words that it knows",
                                      .read = read_choice,
                                      .schema = schema_choice};

#define CPU_MAX 1024

/* 2, 0.5 or "500m", as Kubernetes has it. */
static bool parse_cpu(const struct tree_node *node, int64_t *milli)
{
    double cores = -1;
    char *end = NULL;

    if (node->kind == TREE_INT)
        cores = (double)node->integer;
    else if (node->kind == TREE_REAL)
        cores = node->real;
    else if (node->text[0] >= '0' && node->text[0] <= '9')
        cores = (double)strtoll(node->text, &end, 10) / 1000;
    if (end && strcmp(end, "m") != 0)
        return false;
    if (!(cores >= 0.001 && cores <= CPU_MAX))
        return false;
    *milli = llround(cores * 1000);
    return true;
}

static void read_cpu(struct spec *s, const struct spec_field *field,
                     const struct tree_node *node, void *slot)
{
    if (node->kind >= TREE_LIST || node->kind == TREE_BOOL)
        spec_wrong_type(s, field->key, field->type->is, node);
    else if (spec_constant(s, field->key, node) && !parse_cpu(node, slot))
        refuse_value(s, field, node, "a number of cores from 0.001 to 1024, or 500m");
}

static json_t *schema_cpu(const struct spec_field *field)
{
    (void)field;
    return json_pack("{s[{sssfsi}{ssss}]}", "anyOf", "type", "number", "minimum", 0.001,
                     "maximum", CPU_MAX, "type", "string", "pattern", "^[0-9]+m$");
}

const struct spec_type spec_cpu = {.name = "cores",
                                   .is = "a number of cores such as 2, 0.5 or 500m",
                                   .read = read_cpu,
                                   .schema = schema_cpu};

static void read_size(struct spec *s, const struct spec_field *field,
                      const struct tree_node *node, void *slot)
{
    const struct spec_range *range = field->arg;
    int64_t bytes;

    if (node->kind != TREE_INT && node->kind != TREE_TEXT)
        spec_wrong_type(s, field->key, field->type->is, node);
    else if (!spec_constant(s, field->key, node))
        return;
    else if (!units_size(node->text, &bytes))
        refuse_value(s, field, node, field->type->is);
    else if (bytes < range->min || bytes > range->max)
        refuse_value(s, field, node, range->text);
    else
        *(int64_t *)slot = bytes;
}

static json_t *schema_size(const struct spec_field *field)
{
    const struct spec_range *range = field->arg;

    return json_pack("{s[{sssI}{ssss}]}", "anyOf", "type", "integer", "minimum",
                     (json_int_t)range->min, "type", "string", "pattern",
                     "^[0-9]+([kKMGTP]i?)?B?$");
}

const struct spec_type spec_size = {.name = "size",
                                    .is = "a size such as 512MiB or 2GiB",
                                    .read = read_size,
                                    .schema = schema_size};
