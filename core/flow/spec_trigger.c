/* triggers: what starts runs by itself, once the workflow is applied: times, the ends
 * of other workflows, events, calls from outside. Read and checked here; who acts on it
 * is in core/schedule. */
#include "flow/spec.h"

#include "calendar/calendar.h"
#include <string.h>

#define DAY (86400 * UNITS_SECOND)

const char *const flow_trigger_names[] = {"cron",  "interval", "workflow",
                                          "event", "webhook",  NULL};
const char *const flow_overlap_names[] = {"skip", "queue", "cancel", "allow", NULL};
const char *const flow_verify_names[] = {"github", "standard", "token", NULL};
/* In the order of enum flow_trigger_on's bits. */
const char *const flow_trigger_on_names[] = {"succeeded", "failed", "cancelled", NULL};

/* --- the types of single keys --- */

static void read_expr(struct spec *s, const struct spec_field *field,
                      const struct tree_node *node, void *slot)
{
    struct cron cron;
    struct ff_err err = {0};
    struct flow_problem *p;

    if (!spec_want_constant(s, field, node))
        return;
    if (cron_parse(node->text, &cron, &err) == FF_OK) {
        *(const char **)slot = spec_copy(s, node);
        return;
    }
    p = spec_problem(s, PROBLEM_CRON, node);
    flow_problem_msg(p, "%s", err.msg);
    flow_problem_hint(p,
                      "as in \"30 6 * * mon-fri\": at half past six on working days");
}

static json_t *schema_expr(const struct spec_field *field)
{
    (void)field;
    return json_pack("{sssi}", "type", "string", "minLength", 1);
}

static const struct spec_type expr_type = {.name = "cron expression",
                                           .is = "a cron expression as text",
                                           .read = read_expr,
                                           .schema = schema_expr};

/* As secrets may be called, which is less than other names. */
static void read_secret(struct spec *s, const struct spec_field *field,
                        const struct tree_node *node, void *slot)
{
    struct flow_problem *p;

    if (!spec_want_constant(s, field, node))
        return;
    if (text_is_name(node->text, false)) {
        *(const char **)slot = spec_copy(s, node);
        return;
    }
    p = spec_problem(s, PROBLEM_NAME, node);
    flow_problem_msg(p, "%.64s is not the name of a secret", node->text);
    flow_problem_hint(p, "say its name, as `flowforge secret set NAME` has it, and not "
                         "what it is");
}

static json_t *schema_secret(const struct spec_field *field)
{
    (void)field;
    return json_pack("{ssss}", "type", "string", "pattern", "^[a-z_][a-z0-9_]{0,62}$");
}

static const struct spec_type secret_type = {.name = "name",
                                             .is = "the name of a secret",
                                             .read = read_secret,
                                             .schema = schema_secret};

static void read_zone(struct spec *s, const struct spec_field *field,
                      const struct tree_node *node, void *slot)
{
    struct flow_problem *p;

    if (!spec_want_constant(s, field, node))
        return;
    if (zone_name_is_valid(node->text)) {
        *(const char **)slot = spec_copy(s, node);
        return;
    }
    p = spec_problem(s, PROBLEM_TIMEZONE, node);
    flow_problem_msg(p, "%.64s is not the name of a time zone", node->text);
    flow_problem_hint(p, "names are UTC, Europe/Berlin, America/New_York ...");
}

static json_t *schema_zone(const struct spec_field *field)
{
    (void)field;
    return json_pack("{ssss}", "type", "string", "pattern", "^[A-Za-z0-9_+/-]{1,64}$");
}

static const struct spec_type zone_type = {.name = "time zone",
                                           .is = "the name of a time zone",
                                           .read = read_zone,
                                           .schema = schema_zone};

static bool take_end(const struct tree_node *node, uint32_t *bits)
{
    const int at = node->kind == TREE_TEXT
                       ? spec_choice_index(flow_trigger_on_names, node->text)
                       : -1;

    if (at >= 0)
        *bits |= 1U << at;
    return at >= 0;
}

static void read_ends(struct spec *s, const struct spec_field *field,
                      const struct tree_node *node, void *slot)
{
    const bool is_list = node->kind == TREE_LIST;
    uint32_t bits = 0;
    bool good = !is_list || node->n > 0;

    for (uint32_t i = 0; is_list && i < node->n; i++)
        good = take_end(&node->items[i].value, &bits) && good;
    if (!is_list)
        good = take_end(node, &bits);
    if (good)
        *(uint32_t *)slot = bits;
    else
        flow_problem_msg(spec_problem(s, PROBLEM_VALUE, node),
                         "%s names succeeded, failed or cancelled, or several of these",
                         field->key);
}

static json_t *schema_ends(const struct spec_field *field)
{
    json_t *word = spec_schema_enum(flow_trigger_on_names);

    (void)field;
    return json_pack("{s[O{sssosi}]}", "anyOf", word, "type", "array", "items", word,
                     "minItems", 1);
}

static const struct spec_type ends_type = {.name = "list of words",
                                           .is = "a list of ends",
                                           .read = read_ends,
                                           .schema = schema_ends};

static void read_event_if(struct spec *s, const struct spec_field *field,
                          const struct tree_node *node, void *slot)
{
    if (spec_read_condition(s, field, PLACE_TRIGGER, node))
        *(const char **)slot = spec_copy(s, node);
}

static json_t *schema_event_if(const struct spec_field *field)
{
    (void)field;
    return json_pack("{s[ss]}", "type", "string", "boolean");
}

static const struct spec_type event_if_type = {
    .name = "condition",
    .is = "an expression that gives true or false",
    .read = read_event_if,
    .schema = schema_event_if};

/* --- inputs: known, accepted, complete --- */

static void check_input(struct spec *s, const struct tree_pair *pair, json_t *value)
{
    const struct flow_input *input = spec_find_input(s->flow, pair->key.text);
    struct spec_blame blame = {0};
    struct flow_problem *p;

    if (!input) {
        p = spec_problem_key(s, PROBLEM_TRIGGER_INPUT, &pair->key);
        flow_problem_msg(p, "the workflow has no input %.64s", pair->key.text);
        flow_problem_near(p, spec_nearest_input(s->flow, pair->key.text));
        return;
    }
    if (spec_input_accepts(input, value, &blame))
        return;
    p = spec_problem(s, PROBLEM_TRIGGER_INPUT, &pair->value);
    flow_problem_msg(p, "%s", blame.msg);
    flow_problem_hint(p, "%s", blame.hint);
}

static void read_inputs(struct spec *s, const struct spec_field *field,
                        const struct tree_node *node, void *slot)
{
    if (!spec_want_map(s, field, node))
        return;
    json_t *given = spec_own_json(s, json_object());
    for (uint32_t i = 0; i < node->n; i++) {
        const struct tree_pair *pair = &node->items[i];
        /* A wrong one is there all the same: it is not missing too. */
        json_object_set_new(given, pair->key.text, json_null());
        if (!spec_all_constant(s, pair->key.text, &pair->value))
            continue;
        json_t *value = tree_json(&pair->value);
        check_input(s, pair, value);
        json_object_set_new(given, pair->key.text, value);
    }
    *(json_t **)slot = given;
}

static json_t *schema_inputs(const struct spec_field *field)
{
    (void)field;
    return spec_schema_names(json_true());
}

static const struct spec_type inputs_type = {.name = "map of constants",
                                             .is = "a map of names and values",
                                             .read = read_inputs,
                                             .schema = schema_inputs};

/* --- the tables --- */

#define SLOT(member) offsetof(struct flow_trigger, member)

static const struct spec_range catchup_range = {UNITS_SECOND, 31 * DAY,
                                                "from 1s to 31d"};
static const struct spec_range jitter_range = {0, DAY, "at most 1d"};
static const struct spec_range every_range = {UNITS_SECOND, 366 * DAY,
                                              "from 1s to 366d"};
static const struct spec_range offset_range = {0, 366 * DAY, "at most 366d"};

#define COMMON(overlap_default)                                                        \
    {.key = "id",                                                                      \
     .type = &spec_name,                                                               \
     .offset = SLOT(id),                                                               \
     .since = "0.2",                                                                   \
     .help =                                                                           \
         "its name within the workflow; when absent the kind, with _2, _3 ... for "    \
         "further ones"},                                                              \
        {.key = "description",                                                         \
         .type = &spec_text,                                                           \
         .offset = SLOT(description),                                                  \
         .arg = "",                                                                    \
         .since = "0.2",                                                               \
         .help = "for people"},                                                        \
        {.key = "inputs",                                                              \
         .type = &inputs_type,                                                         \
         .offset = SLOT(inputs),                                                       \
         .since = "0.2",                                                               \
         .help = "what its runs are started with"},                                    \
    {                                                                                  \
        .key = "overlap", .type = &spec_choice, .offset = SLOT(overlap),               \
        .arg = flow_overlap_names, .fallback = (overlap_default), .since = "0.2",      \
        .help = "while its run before is still open: skip, queue, cancel that one, "   \
                "or allow both"                                                        \
    }

#define TIMED                                                                          \
    {.key = "catchup",                                                                 \
     .type = &spec_duration,                                                           \
     .offset = SLOT(catchup_us),                                                       \
     .arg = &catchup_range,                                                            \
     .fallback = "\"1m\"",                                                             \
     .since = "0.2",                                                                   \
     .help = "how late it may be started; of several missed times the latest is"},     \
    {                                                                                  \
        .key = "jitter", .type = &spec_duration, .offset = SLOT(jitter_us),            \
        .arg = &jitter_range, .fallback = "\"0s\"", .since = "0.2",                    \
        .help = "it waits up to so long, always the same for the same time"            \
    }

#define EVENT_IF                                                                       \
    {                                                                                  \
        .key = "if", .type = &event_if_type, .offset = SLOT(condition),                \
        .since = "0.2", .help = "over event; when it is false nothing is started"      \
    }

static const struct spec_range debounce_range = {UNITS_SECOND, DAY, "from 1s to 1d"};
static const struct spec_range debounce_max_range = {UNITS_SECOND, 31 * DAY,
                                                     "from 1s to 31d"};

#define DEBOUNCE                                                                       \
    {.key = "debounce",                                                                \
     .type = &spec_duration,                                                           \
     .offset = SLOT(debounce_us),                                                      \
     .arg = &debounce_range,                                                           \
     .since = "0.2",                                                                   \
     .help = "a run starts when nothing more came for so long, for the last of them"}, \
    {                                                                                  \
        .key = "debounce_max", .type = &spec_duration,                                 \
        .offset = SLOT(debounce_max_us), .arg = &debounce_max_range, .since = "0.2",   \
        .help = "it starts so long after the first at the latest; ten times debounce " \
                "when absent"                                                          \
    }

static const struct spec_field cron_fields[] = {
    {.key = "expr",
     .type = &expr_type,
     .offset = SLOT(expr),
     .flags = SPEC_REQUIRED,
     .since = "0.2",
     .help = "minute, hour, day of the month, month, day of the week; or @daily"},
    {.key = "timezone",
     .type = &zone_type,
     .offset = SLOT(timezone),
     .fallback = "\"UTC\"",
     .since = "0.2",
     .help = "whose clock it follows"},
    TIMED,
    COMMON("\"skip\""),
};

static const struct spec_field interval_fields[] = {
    {.key = "every",
     .type = &spec_duration,
     .offset = SLOT(every_us),
     .arg = &every_range,
     .flags = SPEC_REQUIRED,
     .since = "0.2",
     .help = "at the multiples of this since 1970-01-01T00:00:00Z"},
    {.key = "offset",
     .type = &spec_duration,
     .offset = SLOT(offset_us),
     .arg = &offset_range,
     .fallback = "\"0s\"",
     .since = "0.2",
     .help = "so much later each time"},
    TIMED,
    COMMON("\"skip\""),
};

static const struct spec_field after_fields[] = {
    {.key = "name",
     .type = &spec_name,
     .offset = SLOT(name),
     .flags = SPEC_REQUIRED,
     .since = "0.2",
     .help = "the workflow whose runs are waited for"},
    {.key = "on",
     .type = &ends_type,
     .offset = SLOT(on),
     .fallback = "[\"succeeded\"]",
     .since = "0.2",
     .help = "which ends count: succeeded, failed, cancelled"},
    EVENT_IF,
    COMMON("\"allow\""),
};

static const struct spec_field event_fields[] = {
    {.key = "name",
     .type = &spec_name,
     .offset = SLOT(name),
     .flags = SPEC_REQUIRED,
     .since = "0.2",
     .help = "the event's name"},
    EVENT_IF,
    DEBOUNCE,
    COMMON("\"allow\""),
};

static const struct spec_field webhook_fields[] = {
    {.key = "path",
     .type = &spec_name,
     .offset = SLOT(name),
     .flags = SPEC_REQUIRED,
     .since = "0.2",
     .help = "the last part of the address that is called"},
    {.key = "secret",
     .type = &secret_type,
     .offset = SLOT(secret),
     .flags = SPEC_REQUIRED,
     .since = "0.2",
     .help = "the name of the secret that who calls must know"},
    {.key = "verify",
     .type = &spec_choice,
     .offset = SLOT(verify),
     .arg = flow_verify_names,
     .fallback = "\"github\"",
     .since = "0.2",
     .help = "how that is proved: github, standard or token"},
    EVENT_IF,
    DEBOUNCE,
    COMMON("\"allow\""),
};

#define OBJECT(object, title, words, rows, about)                                      \
    const struct spec_object object = {.name = (title),                                \
                                       .phrase = (words),                              \
                                       .fields = (rows),                               \
                                       .n_fields = COUNT_OF(rows),                     \
                                       .help = (about)}

OBJECT(spec_cron, "triggers.cron", "a cron trigger", cron_fields,
       "Starts a run at the times of a cron expression.");
OBJECT(spec_interval, "triggers.interval", "an interval trigger", interval_fields,
       "Starts a run again and again.");
OBJECT(spec_after, "triggers.workflow", "a workflow trigger", after_fields,
       "Starts a run when one of another workflow has ended.");
OBJECT(spec_event, "triggers.event", "an event trigger", event_fields,
       "Starts a run for each event of a name.");
OBJECT(spec_webhook, "triggers.webhook", "a webhook", webhook_fields,
       "Starts a run for each call from outside.");

static const struct spec_object *const kinds[] = {
    [FLOW_TRIGGER_CRON] = &spec_cron,       [FLOW_TRIGGER_INTERVAL] = &spec_interval,
    [FLOW_TRIGGER_WORKFLOW] = &spec_after,  [FLOW_TRIGGER_EVENT] = &spec_event,
    [FLOW_TRIGGER_WEBHOOK] = &spec_webhook,
};

/* --- one trigger, and all of them --- */

static bool id_is_taken(const struct flow *f, const char *id)
{
    for (uint32_t i = 0; i < f->n_triggers; i++)
        if (strcmp(f->triggers[i].id, id) == 0)
            return true;
    return false;
}

static bool give_id(struct spec *s, struct flow_trigger *t,
                    const struct tree_node *node)
{
    const char *kind = flow_trigger_names[t->kind];
    char id[32];
    struct flow_problem *p;

    if (t->id && !id_is_taken(s->flow, t->id))
        return true;
    if (t->id) {
        p = spec_problem(s, PROBLEM_TRIGGER_NAME, node);
        flow_problem_msg(p, "two triggers have the id %.63s", t->id);
        flow_problem_hint(p, "choose another id");
        return false;
    }
    snprintf(id, sizeof(id), "%s", kind);
    for (int n = 2; id_is_taken(s->flow, id); n++)
        snprintf(id, sizeof(id), "%s_%d", kind, n);
    t->id = arena_text(s->arena, id, strlen(id));
    return true;
}

/* Runs that a trigger starts have nobody who could be asked. */
static void check_complete(struct spec *s, const struct flow_trigger *t,
                           const struct tree_node *node)
{
    for (uint32_t i = 0; i < s->flow->n_inputs; i++) {
        const struct flow_input *input = &s->flow->inputs[i];
        if (!input->required || json_object_get(t->inputs, input->name))
            continue;
        struct flow_problem *p = spec_problem(s, PROBLEM_TRIGGER_INPUT_MISSING, node);
        flow_problem_msg(p, "the trigger does not give the required input %s",
                         input->name);
        flow_problem_hint(p, "add inputs: {%s: ...}, or give the input a default",
                          input->name);
    }
}

static void check_debounce(struct spec *s, struct flow_trigger *t,
                           const struct tree_node *node)
{
    const struct tree_node *max = spec_find(node, "debounce_max");

    if (max && !spec_find(node, "debounce"))
        flow_problem_msg(spec_problem(s, PROBLEM_EXCLUSIVE, max),
                         "debounce_max is for triggers with debounce only");
    else if (max && t->debounce_max_us < t->debounce_us)
        flow_problem_msg(spec_problem(s, PROBLEM_VALUE, max),
                         "debounce_max is less than debounce");
    if (!max)
        t->debounce_max_us = 10 * t->debounce_us;
}

static void add_trigger(struct spec *s, enum flow_trigger_kind kind,
                        const struct tree_node *node)
{
    const bool timed = kind == FLOW_TRIGGER_CRON || kind == FLOW_TRIGGER_INTERVAL;
    struct flow *f = s->flow;
    struct flow_trigger t = {
        .kind = kind,
        .overlap = timed ? FLOW_OVERLAP_SKIP : FLOW_OVERLAP_ALLOW,
        .catchup_us = 60 * UNITS_SECOND,
        .timezone = "UTC",
        .on = FLOW_TRIGGER_ON_SUCCEEDED,
    };

    if (kind == FLOW_TRIGGER_CRON && node->kind == TREE_TEXT)
        read_expr(s, &cron_fields[0], node, &t.expr);
    else if (!spec_read(s, kinds[kind], node, &t, NULL))
        return;
    if (f->n_triggers == FLOW_MAX_TRIGGERS) {
        flow_problem_msg(spec_problem(s, PROBLEM_LIMIT, node),
                         "a workflow has at most %d triggers", FLOW_MAX_TRIGGERS);
        return;
    }
    const struct tree_node *zone = spec_find(node, "timezone");
    if (zone) {
        t.zone_line = (int)zone->line;
        t.zone_column = (int)zone->column;
    }
    check_debounce(s, &t, node);
    check_complete(s, &t, node);
    if (!give_id(s, &t, node))
        return;
    if (!f->triggers)
        f->triggers = spec_alloc(s, FLOW_MAX_TRIGGERS, sizeof(*f->triggers));
    f->triggers[f->n_triggers++] = t;
}

static void read_kind(struct spec *s, const struct spec_field *field,
                      const struct tree_node *node, void *slot)
{
    const enum flow_trigger_kind kind = *(const enum flow_trigger_kind *)field->arg;

    (void)slot;
    if (node->kind != TREE_LIST)
        add_trigger(s, kind, node);
    for (uint32_t i = 0; node->kind == TREE_LIST && i < node->n; i++)
        if (node->items[i].value.kind != TREE_BROKEN)
            add_trigger(s, kind, &node->items[i].value);
}

static json_t *schema_kind(const struct spec_field *field)
{
    const enum flow_trigger_kind kind = *(const enum flow_trigger_kind *)field->arg;
    json_t *one = spec_schema_ref(kinds[kind]);

    if (kind == FLOW_TRIGGER_CRON)
        one = json_pack("{s[o{ss}]}", "anyOf", one, "type", "string");
    return json_pack("{s[O{ssso}]}", "anyOf", one, "type", "array", "items", one);
}

static const struct spec_type kind_type = {.name = "list of triggers",
                                           .is = "a trigger or a list of them",
                                           .read = read_kind,
                                           .schema = schema_kind};

static const enum flow_trigger_kind kind_args[] = {
    FLOW_TRIGGER_CRON, FLOW_TRIGGER_INTERVAL, FLOW_TRIGGER_WORKFLOW, FLOW_TRIGGER_EVENT,
    FLOW_TRIGGER_WEBHOOK};

#define KIND(word, number, about)                                                      \
    {                                                                                  \
        .key = (word), .type = &kind_type, .arg = &kind_args[number], .since = "0.2",  \
        .help = (about)                                                                \
    }

static const struct spec_field triggers_fields[] = {
    KIND("cron", FLOW_TRIGGER_CRON, "at the times of cron expressions"),
    KIND("interval", FLOW_TRIGGER_INTERVAL, "again and again after the same time"),
    KIND("workflow", FLOW_TRIGGER_WORKFLOW, "when runs of another workflow end"),
    KIND("event", FLOW_TRIGGER_EVENT, "for each event of a name"),
    KIND("webhook", FLOW_TRIGGER_WEBHOOK, "for each call from outside"),
};

const struct spec_object spec_triggers = {
    .name = "triggers",
    .phrase = "triggers",
    .example = "triggers: {cron: \"30 6 * * *\"}; what happens in a repository is told "
               "by `flowforge event`",
    .fields = triggers_fields,
    .n_fields = COUNT_OF(triggers_fields),
    .help = "What starts runs of the workflow once it is applied."};

static void read_triggers(struct spec *s, const struct spec_field *field,
                          const struct tree_node *node, void *slot)
{
    (void)field;
    (void)slot;
    if (s->saw_triggers)
        flow_problem_msg(spec_problem(s, PROBLEM_EXCLUSIVE, node),
                         "triggers and on are the same: write one of them");
    s->saw_triggers = true;
    spec_read(s, &spec_triggers, node, NULL, NULL);
}

static json_t *schema_triggers(const struct spec_field *field)
{
    (void)field;
    return spec_schema_ref(&spec_triggers);
}

const struct spec_type spec_triggers_type = {.name = "triggers",
                                             .is = "a map",
                                             .read = read_triggers,
                                             .schema = schema_triggers};
