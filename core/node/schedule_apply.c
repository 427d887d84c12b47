/* schedule_apply.c - the part of an apply that makes schedules of triggers: new ones
 * begin now, those that are there keep their past, and those that the file does not
 * have any more go. One that is pinned stays as it is. */
#include "node/apply.h"
#include "node/pins.h"
#include "node/schedule_priv.h"

#include <string.h>

struct applying {
    struct apply *apply;
    struct {
        struct schedule_row *items;
        size_t n, cap;
    } old;        /* of this workflow, in the apply's arena */
    json_t *pins; /* what `uses` of the file means now */
    struct counter_row made;
    int64_t n_new;
    struct ff_err *err;
};

static void take_old(void *arg, const struct schedule_row *row)
{
    struct applying *a = arg;
    struct schedule_row copy = *row;

    store_own_row(&record_schedule, &copy, &a->apply->arena);
    ARRAY_ADD(&a->old, copy);
}

static struct schedule_row *find_old(struct applying *a, const char *name)
{
    for (size_t i = 0; i < a->old.n; i++)
        if (span_is(a->old.items[i].name, name))
            return &a->old.items[i];
    return NULL;
}

/* --- the newest time that a name has had --- */

static int take_time(void *arg, const void *row)
{
    *(int64_t *)arg = ((const struct schedule_run_row *)row)->nominal_at;
    return 1;
}

/* All times until now are over for a new schedule, and those that one of its name had
 * before, should the clock have been set back since. */
static int first_after(struct applying *a, const char *name, int64_t *at_us)
{
    const struct schedule_run_row like = {.tenant = a->apply->tenant.no,
                                          .schedule = span_of(name)};
    const struct store_query q = {.record = &record_schedule_run,
                                  .like = &like,
                                  .n_equal = 2,
                                  .descending = true,
                                  .limit = 1};
    int64_t last_us = INT64_MIN;
    const int code = store_scan(a->apply->plan->node->store, a->apply->plan->reader, &q,
                                take_time, &last_us, a->err);

    *at_us = last_us > a->apply->now_us ? last_us : a->apply->now_us;
    return code;
}

/* --- one trigger --- */

/* Everything that a schedule needs to be led, as its owner will read it. */
static int find_next(struct applying *a, struct schedule_row *row)
{
    struct schedule *s = schedule_new(row, zones_find, a->apply->plan->zones, a->err);

    if (!s)
        return a->err->code;
    row->next_at = s->next_us;
    schedule_free(s);
    return FF_OK;
}

static int change(struct applying *a, struct schedule_row *old,
                  const struct schedule_row *made)
{
    const uint64_t set = COLUMN_BIT(COL_SCHEDULE_KIND) | COLUMN_BIT(COL_SCHEDULE_SPEC) |
                         COLUMN_BIT(COL_SCHEDULE_HASH) | COLUMN_BIT(COL_SCHEDULE_DIR) |
                         COLUMN_BIT(COL_SCHEDULE_CHANGED_AT) |
                         COLUMN_BIT(COL_SCHEDULE_LAST_AT) |
                         COLUMN_BIT(COL_SCHEDULE_NEXT_AT);
    const bool same_spec = span_eq(old->spec, made->spec);
    struct schedule_row row = *old;

    if (old->pinned ||
        (same_spec && span_eq(old->hash, made->hash) && span_eq(old->dir, made->dir)))
        return FF_OK;
    row.kind = made->kind;
    row.spec = made->spec;
    row.hash = made->hash;
    row.dir = made->dir;
    row.changed_at = made->changed_at;
    /* Times that the new rule would have had in the past never come. */
    if (!same_spec && row.last_at < made->changed_at)
        row.last_at = made->changed_at;
    if (find_next(a, &row) != FF_OK)
        return a->err->code;
    batch_patch(a->apply->plan->batch, &record_schedule, &row, set, old->version);
    return FF_OK;
}

static int add(struct applying *a, struct schedule_row *row)
{
    int code = first_after(a, row->name.s, &row->last_at);

    if (code == FF_OK)
        code = find_next(a, row);
    if (code == FF_OK)
        batch_put(a->apply->plan->batch, &record_schedule, row, FF_ABSENT);
    a->n_new++;
    return code;
}

static int add_trigger(struct applying *a, const struct flow_trigger *t)
{
    struct apply *apply = a->apply;
    const struct flow *f = apply->what->flow;
    struct flow_problems problems = {0};
    char name[SCHEDULE_NAME_MAX + 1];

    json_t *inputs = flow_inputs(f, t->inputs, false, &problems);
    if (!inputs) {
        ff_fail(a->err, FF_INVALID, 0, "trigger %s: %s", t->id, problems.items[0].msg);
        flow_problems_done(&problems);
        return a->err->code;
    }
    MEM_AUTO char *spec = schedule_spec_text(t, inputs, a->pins, f->labels);
    json_decref(inputs);
    schedule_name(f->name, t->id, name);
    struct schedule_row made = {
        .tenant = apply->tenant.no,
        .name = span_of(name),
        .workflow = span_of(f->name),
        .kind = span_of(flow_trigger_names[t->kind]),
        .spec = span_of(spec),
        .hash = span_of(f->hash),
        .dir = span_of(apply->what->dir),
        .created_at = apply->now_us,
        .changed_at = apply->now_us,
        .paused_at = MODEL_NULL,
        .next_at = MODEL_NULL,
        .active_run = MODEL_NULL,
        .held_at = MODEL_NULL,
        .held_since = MODEL_NULL,
        .project = apply->applied->project,
    };
    struct schedule_row *old = find_old(a, name);
    if (!old)
        return add(a, &made);
    const int code = change(a, old, &made);
    old->tenant = 0; /* it is in the file */
    return code;
}

/* Runs that nobody submits have nobody who would settle it for each of them. */
static int pin_uses(struct applying *a)
{
    struct apply *apply = a->apply;
    struct pins pins = {.plan = apply->plan,
                        .tenant = apply->tenant,
                        .project = apply->applied->project};
    const int code = node_pin(&pins, apply->what->flow, NULL, a->err);

    a->pins = pins.pins;
    return code;
}

/* Who knows the secret of a path calls all of them there, and what he says is not for
 * another project. */
struct taking {
    const struct apply *apply;
    const char *path;
    bool taken;
};

static void look_at_path(void *arg, const struct schedule_row *row)
{
    struct taking *t = arg;
    struct ff_err ignored;

    if (!span_is(row->kind, flow_trigger_names[FLOW_TRIGGER_WEBHOOK]) ||
        model_project(row->project) == t->apply->applied->project)
        return;
    json_t *spec = json_parse(row->spec.s, row->spec.len, &ignored);
    const char *path = json_string_value(json_object_get(spec, "name"));

    t->taken = t->taken || (path && strcmp(path, t->path) == 0);
    json_decref(spec);
}

static int check_path(struct applying *a, const struct flow_trigger *t)
{
    struct taking taking = {.apply = a->apply, .path = t->name};
    int code = FF_OK;

    if (t->kind == FLOW_TRIGGER_WEBHOOK)
        code = node_schedules(a->apply->plan->node, a->apply->plan->reader,
                              a->apply->tenant, NULL, look_at_path, &taking, a->err);
    if (code != FF_OK || !taking.taken)
        return code;
    return ff_fail(a->err, FF_CONFLICT, 0,
                   "trigger %s: the webhook %s is another project's", t->id, t->name);
}

/* Before all else, so that it is said where in the file the name stands. */
static int check_zones(struct applying *a)
{
    const struct flow *f = a->apply->what->flow;
    struct flow_problems problems = {0};
    int code = node_check_zones(f, a->apply->plan->zones, &problems);

    if (code != FF_OK)
        code = node_fail_problems(code, f, &problems, a->err);
    flow_problems_done(&problems);
    return code;
}

/* The file does not have it any more. */
static int take_away(struct applying *a, const struct schedule_row *old)
{
    struct apply *apply = a->apply;
    int64_t n_stopped;

    node_skip_waiting(apply->plan->batch, old, apply->now_us);
    batch_delete(apply->plan->batch, &record_schedule, old, old->version);
    return node_stop_backfills(apply->plan, apply->tenant, old->name.s, &n_stopped,
                               a->err);
}

/* What the file is compared with. */
static int read_old(struct applying *a)
{
    struct apply *apply = a->apply;
    int code = node_schedules_made(apply->plan, &a->made, a->err);

    if (code == FF_OK)
        code = node_schedules(apply->plan->node, apply->plan->reader, apply->tenant,
                              apply->what->flow->name, take_old, a, a->err);
    return code == FF_NOT_FOUND ? FF_OK : code;
}

static void count_made(struct applying *a)
{
    const int64_t version = a->made.version;

    a->made.next += a->n_new;
    if (a->n_new > 0)
        batch_put(a->apply->plan->batch, &record_counter, &a->made, version);
    else
        node_check_made(a->apply->plan->batch, &a->made);
}

int node_apply_schedules(struct apply *apply, struct ff_err *err)
{
    const struct flow *f = apply->what->flow;
    const size_t n_before = apply->plan->batch->n;
    struct applying a = {.apply = apply, .err = err};
    int code = read_old(&a);

    if (code != FF_OK)
        return code;
    code = check_zones(&a);
    if (code == FF_OK && f->n_triggers > 0)
        code = pin_uses(&a);
    for (uint32_t i = 0; code == FF_OK && i < f->n_triggers; i++) {
        code = check_path(&a, &f->triggers[i]);
        if (code == FF_OK)
            code = add_trigger(&a, &f->triggers[i]);
    }
    for (size_t i = 0; code == FF_OK && i < a.old.n; i++)
        if (a.old.items[i].tenant != 0 && !a.old.items[i].pinned)
            code = take_away(&a, &a.old.items[i]);
    if (apply->plan->batch->n > n_before)
        count_made(&a);
    ARRAY_DONE(&a.old);
    json_decref(a.pins);
    return code;
}

/* --- forgetting --- */

static void forget_one(void *arg, const struct schedule_row *row)
{
    struct forget *f = arg;

    node_skip_waiting(f->plan->batch, row, loop_wall_us(f->plan->node->loop));
    batch_delete(f->plan->batch, &record_schedule, row, row->version);
}

int node_forget_schedules(struct forget *f, struct ff_err *err)
{
    struct counter_row made;
    int64_t n_stopped;
    int code = node_schedules_made(f->plan, &made, err);

    if (code == FF_OK)
        code = node_schedules(f->plan->node, f->plan->reader, f->tenant, f->name,
                              forget_one, f, err);
    if (code != FF_OK)
        return code == FF_NOT_FOUND ? FF_OK : code;
    node_check_made(f->plan->batch, &made);
    return node_stop_backfills(f->plan, f->tenant, f->name, &n_stopped, err);
}
