/* Names that the file gives to tasks, inputs and outputs: one rule for all, so that
 * each may stand in an expression as it is (a-b would be a subtraction there). */
#include "flow/spec.h"
#include <string.h>

/* ASCII, whatever the locale. '_' for what no name may have. */
static char mended(char c, bool dashes)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
        return c;
    return dashes && c == '-' ? c : '_';
}

bool spec_mend_name(const char *name, bool dashes, char out[SPEC_KEY_MAX])
{
    size_t n = 0;

    if (name[0] >= '0' && name[0] <= '9')
        out[n++] = '_';
    for (; *name && n < SPEC_KEY_MAX - 1; name++)
        out[n++] = mended(*name, dashes);
    out[n] = '\0';
    return text_is_name(out, dashes);
}

bool spec_check_name(struct spec *s, const struct tree_key *key, const char *what)
{
    struct flow_problem *p;
    char better[SPEC_KEY_MAX];

    if (text_is_name(key->text, false))
        return true;
    p = spec_problem_key(s, PROBLEM_NAME, key);
    if (key->n >= SPEC_KEY_MAX)
        flow_problem_msg(p, "the name of %s has at most 63 characters", what);
    else
        flow_problem_msg(p, "the name of %s is made of a-z, 0-9 and _, no digit first",
                         what);
    if (spec_mend_name(key->text, false, better))
        flow_problem_near(p, better);
    return false;
}

bool spec_check_count(struct spec *s, const char *key, const struct tree_node *node,
                      size_t n)
{
    if (n <= FLOW_MAX_NAMES)
        return true;
    flow_problem_msg(spec_problem(s, PROBLEM_LIMIT, node),
                     "%s has %zu names; %d are the limit", key, n, FLOW_MAX_NAMES);
    return false;
}

json_t *spec_schema_names(json_t *values)
{
    return json_pack("{sss{ss}so}", "type", "object", "propertyNames", "pattern",
                     SPEC_NAME_PATTERN, "additionalProperties", values);
}

json_t *spec_schema_any_values(const struct spec_field *field)
{
    (void)field;
    return spec_schema_names(json_true());
}

json_t *spec_schema_ref(const struct spec_object *object)
{
    char ref[64];

    snprintf(ref, sizeof(ref), "#/$defs/%s", object->name);
    return json_pack("{ss}", "$ref", ref);
}
