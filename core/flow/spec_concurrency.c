/* concurrency: of a workflow: how many of its runs, or of those with one key, may be
 * under way at once, and what becomes of one too many. */
#include "flow/spec.h"

static const struct spec_value_rule key_rule = {.place = PLACE_RUN_KEY,
                                                .keep_text = true};
static const struct spec_range limit_range = {1, FLOW_MAX_CONCURRENCY,
                                              "from 1 to 1000"};
/* In the order of enum flow_overflow. */
static const char *const overflows[] = {"queue", "cancel_oldest", "cancel_newest",
                                        "fail", NULL};

#define SLOT(member) offsetof(struct flow_concurrency, member)

static const struct spec_field concurrency_fields[] = {
    {.key = "key",
     .type = &spec_value_pointer,
     .offset = SLOT(key),
     .arg = &key_rule,
     .flags = SPEC_REQUIRED,
     .since = "0.2",
     .help = "runs with the same one count together, of whichever workflow"},
    {.key = "limit",
     .type = &spec_integer,
     .offset = SLOT(limit),
     .arg = &limit_range,
     .fallback = "1",
     .since = "0.2",
     .help = "how many of them may be under way"},
    {.key = "overflow",
     .type = &spec_choice,
     .offset = SLOT(overflow),
     .arg = overflows,
     .fallback = "\"queue\"",
     .since = "0.2",
     .help =
         "what becomes of one too many: queue, cancel_oldest, cancel_newest or fail"},
};

const struct spec_object spec_concurrency = {
    .name = "concurrency",
    .example = "concurrency: {key: deploy, limit: 1}",
    .phrase = "concurrency",
    .fields = concurrency_fields,
    .n_fields = COUNT_OF(concurrency_fields),
    .help = "How many runs may be under way at once.",
};

static void read_concurrency(struct spec *s, const struct spec_field *field,
                             const struct tree_node *node, void *slot)
{
    struct flow_concurrency *made = spec_alloc(s, 1, sizeof(*made));

    (void)field;
    made->limit = 1;
    if (spec_read(s, &spec_concurrency, node, made, NULL))
        *(struct flow_concurrency **)slot = made;
}

static json_t *schema_concurrency(const struct spec_field *field)
{
    (void)field;
    return spec_schema_ref(&spec_concurrency);
}

const struct spec_type spec_concurrency_type = {.name = "concurrency",
                                                .is = "a map",
                                                .read = read_concurrency,
                                                .schema = schema_concurrency};
