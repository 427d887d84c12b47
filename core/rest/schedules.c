/* schedules.c - schedules: made by applying workflows, paused, triggered, deleted. */
#include "rest/rest_priv.h"

#include <string.h>

static void add(struct jsonw *w, const struct schedule_row *row)
{
    jsonw_open(w, '{');
    rest_add_row(w, &shape_schedule, row);
    jsonw_close(w, '}');
}

static int list_one(void *arg, const void *row)
{
    const struct schedule_row *schedule = row;
    struct rest_page *p = arg;

    if (!rest_page_step(p, true, schedule->name.s, schedule->name.len))
        return 1;
    add(&p->w, schedule);
    return 0;
}

int rest_schedules_list(struct rest_call *c, struct ff_err *err)
{
    struct schedule_row after = {.tenant = c->who.tenant.no};
    struct store_query q = {.record = &record_schedule, .like = &after, .n_equal = 1};
    struct rest_page p;
    int code = rest_page_begin(c, &p, err);

    if (code == FF_OK && p.after.len > 0) {
        after.name = (struct span){.s = p.after.data, .len = p.after.len};
        q.after = &after;
    }
    if (code == FF_OK)
        code = store_scan(c->store, c->reader, &q, list_one, &p, err);
    return rest_page_end(&p, code);
}

/* --- one: WORKFLOW.TRIGGER, and not all of a workflow --- */

struct one {
    struct rest_call *c;
    bool found;
};

static int take_one(void *arg, const void *row)
{
    const struct schedule_row *schedule = row;
    struct one *one = arg;
    struct jsonw w = {.out = &one->c->out};

    rest_set_version(one->c, schedule->version);
    add(&w, schedule);
    one->found = true;
    return 1;
}

static int fail_missing(const struct rest_call *c, struct ff_err *err)
{
    return ff_fail(err, FF_NOT_FOUND, 0, "there is no schedule %.127s",
                   rest_path(c, "schedule"));
}

int rest_schedule_get(struct rest_call *c, struct ff_err *err)
{
    const struct schedule_row like = {.tenant = c->who.tenant.no,
                                      .name = span_of(rest_path(c, "schedule"))};
    const struct store_query q = {
        .record = &record_schedule, .like = &like, .n_equal = 2, .limit = 1};
    struct one one = {.c = c};

    if (store_scan(c->store, c->reader, &q, take_one, &one, err) != FF_OK)
        return err->code;
    return one.found ? FF_OK : fail_missing(c, err);
}

static int note(struct rest_call *c, const char *action, struct ff_err *err)
{
    char object[160];

    snprintf(object, sizeof(object), "schedule/%.140s", rest_path(c, "schedule"));
    return rest_audit(c, action, object, err);
}

static int change(struct rest_call *c, enum node_schedule_action action,
                  const char *word, struct ff_err *err)
{
    const char *name = rest_path(c, "schedule");
    int64_t n = 0;

    if (!strchr(name, '.'))
        return fail_missing(c, err);

    const int code =
        node_plan_schedule_do(&c->plan, c->who.tenant, name, action, &n, err);

    if (code == FF_NOT_FOUND || code == FF_INVALID)
        return fail_missing(c, err);
    return code == FF_OK ? note(c, word, err) : code;
}

int rest_schedule_pause(struct rest_call *c, struct ff_err *err)
{
    return change(c, NODE_SCHEDULE_PAUSE, "schedule.pause", err);
}

int rest_schedule_resume(struct rest_call *c, struct ff_err *err)
{
    return change(c, NODE_SCHEDULE_RESUME, "schedule.resume", err);
}

int rest_schedule_pin(struct rest_call *c, struct ff_err *err)
{
    return change(c, NODE_SCHEDULE_PIN, "schedule.pin", err);
}

int rest_schedule_unpin(struct rest_call *c, struct ff_err *err)
{
    return change(c, NODE_SCHEDULE_UNPIN, "schedule.unpin", err);
}

int rest_schedule_delete(struct rest_call *c, struct ff_err *err)
{
    return change(c, NODE_SCHEDULE_DELETE, "schedule.delete", err);
}

int rest_schedule_trigger(struct rest_call *c, struct ff_err *err)
{
    const char *name = rest_path(c, "schedule");
    struct jsonw w = {.out = &c->out};

    if (!strchr(name, '.'))
        return fail_missing(c, err);

    const int code = node_plan_trigger(&c->plan, c->who.tenant, name, c->made.id, err);

    if (code == FF_NOT_FOUND || code == FF_INVALID)
        return fail_missing(c, err);
    if (code != FF_OK)
        return code;
    rest_set_location(c, "/runs/%s", c->made.id);
    jsonw_open(&w, '{');
    jsonw_key(&w, "id");
    jsonw_text(&w, c->made.id);
    jsonw_close(&w, '}');
    return note(c, "schedule.trigger", err);
}
