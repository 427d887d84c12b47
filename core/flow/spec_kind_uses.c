/* uses: another workflow as a task, and with: what it is started with. Which text it is
 * is decided when the run is submitted: here only the word is looked at. */
#include "flow/spec_kind.h"
#include <string.h>

static const char *const without[] = {
    "env",           "stdin",   "working_dir",       "queue_timeout",
    "grace",         "queue",   "priority",          "resources",
    "timeout",       "outputs", "heartbeat_timeout", "artifacts",
    "node_selector", NULL};

const struct spec_kind spec_kind_uses = {.key = "uses", .without = without};

#define USES_MAX 200

static bool is_hash(const char *text)
{
    const size_t len = strlen(text);

    return len >= 6 && len < SHA256_TEXT && strspn(text, "0123456789abcdef") == len;
}

/* NAME, NAME@LABEL, NAME@latest, NAME@sha256:PREFIX */
static bool is_stored(const char *word)
{
    const char *at = strchr(word, '@');
    const size_t len = at ? (size_t)(at - word) : strlen(word);
    char name[SPEC_KEY_MAX];

    if (len >= sizeof(name))
        return false;
    snprintf(name, sizeof(name), "%.*s", (int)len, word);
    if (!text_is_name(name, true))
        return false;
    if (!at || strcmp(at + 1, FLOW_LATEST) == 0)
        return true;
    if (text_starts(at + 1, "sha256:"))
        return is_hash(at + 1 + strlen("sha256:"));
    return flow_is_version(at + 1);
}

bool flow_uses_file(const char *uses)
{
    return text_starts(uses, "./") || text_starts(uses, "../");
}

static void read_uses(struct spec *s, const struct spec_field *field,
                      const struct tree_node *node, void *slot)
{
    struct flow_work *work = &((struct spec_draft *)slot)->work;
    struct flow_problem *p;

    if (work->kind != FLOW_USES)
        return;
    if (!spec_want_constant(s, field, node))
        return;
    const bool named = text_starts(node->text, FLOW_USES_WORKFLOW) &&
                       is_stored(node->text + strlen(FLOW_USES_WORKFLOW));
    if (node->n <= USES_MAX && (named || flow_uses_file(node->text))) {
        work->uses = spec_copy(s, node);
        return;
    }
    p = spec_problem(s, PROBLEM_USES, node);
    flow_problem_msg(p, "uses is %s", field->type->is);
    if (is_stored(node->text))
        flow_problem_hint(p, "did you mean `workflow:%.63s`?", node->text);
    else
        flow_problem_hint(p, "such as workflow:etl, workflow:etl@1.4.0 or ./etl.yaml");
}

static json_t *schema_uses(const struct spec_field *field)
{
    (void)field;
    return json_pack("{sssssi}", "type", "string", "pattern",
                     "^(workflow:[a-z_][a-z0-9_-]*(@.+)?|\\.\\.?/.+)$", "maxLength",
                     USES_MAX);
}

const struct spec_type spec_uses_type = {
    .name = "workflow",
    .is = "workflow:NAME, workflow:NAME@LABEL, workflow:NAME@sha256:HASH or ./FILE",
    .read = read_uses,
    .schema = schema_uses};

static void read_with(struct spec *s, const struct spec_field *field,
                      const struct tree_node *node, void *slot)
{
    const struct spec_value_rule rule = {.place = PLACE_ATTEMPT};
    struct flow_work *work = &((struct spec_draft *)slot)->work;

    if (work->kind != FLOW_USES) {
        flow_problem_msg(spec_problem(s, PROBLEM_EXCLUSIVE, node),
                         "with is for tasks with uses only");
        return;
    }
    if (!spec_want_names(s, field, node))
        return;
    work->with = spec_alloc(s, node->n, sizeof(*work->with));
    for (uint32_t i = 0; i < node->n; i++) {
        const struct tree_key *key = &node->items[i].key;
        struct flow_pair *pair = &work->with[work->n_with];

        if (!spec_check_name(s, key, "an input") ||
            !spec_read_value(s, &rule, &node->items[i].value, &pair->value))
            continue;
        pair->name = arena_text(s->arena, key->text, key->n);
        work->n_with++;
    }
}

const struct spec_type spec_with_type = {.name = "map of values",
                                         .is = "a map of inputs and values",
                                         .read = read_with,
                                         .schema = spec_schema_any_values};
