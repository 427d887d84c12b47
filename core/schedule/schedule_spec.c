/* schedule_spec.c - what a trigger says, from the workflow file to the row's JSON and
 * back. Who reads the JSON believes nothing of it: it may be of another version. */
#include "schedule/schedule_priv.h"

#include <string.h>

static void set_text(json_t *o, const char *key, const char *text)
{
    if (text)
        json_object_set_new(o, key, json_string(text));
}

static void set_time(json_t *o, const char *key, int64_t us)
{
    json_object_set_new(o, key, json_integer(us));
}

static void add_kind(json_t *o, const struct flow_trigger *t)
{
    const bool timed = t->kind == FLOW_TRIGGER_CRON || t->kind == FLOW_TRIGGER_INTERVAL;

    if (timed) {
        set_time(o, "catchup_us", t->catchup_us);
        set_time(o, "jitter_us", t->jitter_us);
    } else {
        set_text(o, "name", t->name);
        set_text(o, "if", t->condition);
        set_text(o, "secret", t->secret);
        if (t->kind == FLOW_TRIGGER_WEBHOOK)
            set_text(o, "verify", flow_verify_names[t->verify]);
        if (t->debounce_us > 0) {
            set_time(o, "debounce_us", t->debounce_us);
            set_time(o, "debounce_max_us", t->debounce_max_us);
        }
    }
    if (t->kind == FLOW_TRIGGER_CRON) {
        set_text(o, "expr", t->expr);
        set_text(o, "timezone", t->timezone);
    }
    if (t->kind == FLOW_TRIGGER_INTERVAL) {
        set_time(o, "every_us", t->every_us);
        set_time(o, "offset_us", t->offset_us);
    }
    if (t->kind == FLOW_TRIGGER_WORKFLOW)
        json_object_set_new(o, "on", json_integer(t->on));
}

char *schedule_spec_text(const struct flow_trigger *t, const json_t *inputs,
                         const json_t *pins, const json_t *labels)
{
    json_t *o = json_object();

    set_text(o, "kind", flow_trigger_names[t->kind]);
    set_text(o, "overlap", flow_overlap_names[t->overlap]);
    set_text(o, "description", t->description);
    add_kind(o, t);
    json_object_set_new(o, "inputs", json_deep_copy(inputs));
    if (json_object_size(pins) > 0)
        json_object_set_new(o, "pins", json_deep_copy(pins));
    if (json_object_size(labels) > 0)
        json_object_set_new(o, "labels", json_deep_copy(labels));
    char *text = json_text(o);
    json_decref(o);
    return text;
}

/* --- reading --- */

struct reading {
    json_t *object;
    struct schedule_spec *spec;
    schedule_zone_fn *zone;
    void *arg;
    struct ff_err *err;
};

static int find_word(const char *const *words, const char *word)
{
    for (int i = 0; word && words[i]; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    return -1;
}

static const char *text_of(const struct reading *r, const char *key)
{
    return json_string_value(json_object_get(r->object, key));
}

static int64_t number_of(const struct reading *r, const char *key, int64_t min,
                         int64_t max)
{
    const json_t *value = json_object_get(r->object, key);
    const int64_t n = json_integer_value(value);

    return n < min ? min : n > max ? max : n;
}

static int damaged(const struct reading *r, const char *what)
{
    return ff_fail(r->err, FF_CORRUPT, 0, "what it says makes no sense: %s", what);
}

#define YEARS_US (INT64_C(36525) * 86400 * UNITS_SECOND)

static int read_cron(struct reading *r)
{
    struct schedule_spec *spec = r->spec;

    spec->expr = text_of(r, "expr");
    spec->timezone = text_of(r, "timezone");
    if (!spec->expr || !spec->timezone)
        return damaged(r, "no expression or no time zone");
    if (cron_parse(spec->expr, &spec->recurrence.cron, r->err) != FF_OK)
        return r->err->code;
    spec->recurrence.kind = RECUR_CRON;
    spec->recurrence.zone = r->zone(r->arg, spec->timezone, r->err);
    return spec->recurrence.zone ? FF_OK : r->err->code;
}

static int read_interval(struct reading *r)
{
    struct recurrence *recurrence = &r->spec->recurrence;

    recurrence->kind = RECUR_INTERVAL;
    recurrence->every_us = number_of(r, "every_us", 0, YEARS_US);
    recurrence->offset_us = number_of(r, "offset_us", 0, YEARS_US);
    return recurrence->every_us >= UNITS_SECOND ? FF_OK : damaged(r, "no interval");
}

static int read_named(struct reading *r)
{
    struct schedule_spec *spec = r->spec;
    const char *condition = text_of(r, "if");
    struct expr_err why = {0};

    spec->name = text_of(r, "name");
    spec->on = (uint32_t)number_of(r, "on", 0, 7);
    spec->debounce_us = number_of(r, "debounce_us", 0, YEARS_US);
    spec->debounce_max_us = number_of(r, "debounce_max_us", 0, YEARS_US);
    if (!spec->name)
        return damaged(r, "no name");
    if (!condition)
        return FF_OK;
    spec->condition = tmpl_compile_condition(condition, strlen(condition), &why);
    return spec->condition ? FF_OK : damaged(r, why.msg);
}

/* One of an older version has no secret: nobody may call it. */
static int read_webhook(struct reading *r)
{
    const int verify = find_word(flow_verify_names, text_of(r, "verify"));

    r->spec->secret = verify >= 0 ? text_of(r, "secret") : NULL;
    r->spec->verify = verify >= 0 ? (enum flow_verify)verify : FLOW_VERIFY_GITHUB;
    return read_named(r);
}

static int (*const readers[])(struct reading *) = {
    [FLOW_TRIGGER_CRON] = read_cron,       [FLOW_TRIGGER_INTERVAL] = read_interval,
    [FLOW_TRIGGER_WORKFLOW] = read_named,  [FLOW_TRIGGER_EVENT] = read_named,
    [FLOW_TRIGGER_WEBHOOK] = read_webhook,
};

/* NULL: there is none. */
static const char *object_text(struct schedule *s, const char *key)
{
    const json_t *object = json_object_get(s->parsed, key);
    MEM_AUTO char *text = json_is_object(object) ? json_text(object) : NULL;

    return text ? arena_text(&s->arena, text, strlen(text)) : NULL;
}

int schedule_spec_read(struct schedule *s, schedule_zone_fn *zone, void *arg,
                       struct ff_err *err)
{
    struct reading r = {
        .object = s->parsed, .spec = &s->spec, .zone = zone, .arg = arg, .err = err};
    const int kind = find_word(flow_trigger_names, text_of(&r, "kind"));
    const int overlap = find_word(flow_overlap_names, text_of(&r, "overlap"));

    if (kind < 0 || overlap < 0)
        return damaged(&r, "an unknown kind of trigger, maybe of a newer version");
    s->spec.kind = (enum flow_trigger_kind)kind;
    s->spec.overlap = (enum flow_overlap)overlap;
    s->spec.catchup_us = number_of(&r, "catchup_us", UNITS_SECOND, YEARS_US);
    s->spec.jitter_us = number_of(&r, "jitter_us", 0, YEARS_US);
    s->spec.pins = object_text(s, "pins");
    s->spec.labels = object_text(s, "labels");
    MEM_AUTO char *inputs = json_text(json_object_get(s->parsed, "inputs"));
    if (!json_is_object(json_object_get(s->parsed, "inputs")))
        return damaged(&r, "no inputs");
    s->spec.inputs = arena_text(&s->arena, inputs, strlen(inputs));
    return readers[kind](&r);
}
