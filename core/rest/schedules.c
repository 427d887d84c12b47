/* schedules.c - schedules: made by applying workflows, paused, triggered, deleted. */
#include "rest/rest_priv.h"

#include <string.h>

static void add(struct jsonw *w, const struct schedule_row *row, const json_t *projects)
{
    jsonw_open(w, '{');
    rest_add_row(w, &shape_schedule, row);
    rest_add_project(w, projects, model_project(row->project));
    jsonw_close(w, '}');
}

struct listing {
    struct rest_page page;
    int64_t project; /* of this one only, or PROJECT_ALL */
    json_t *projects;
};

static int list_one(void *arg, const void *row)
{
    const struct schedule_row *schedule = row;
    const int64_t project = model_project(schedule->project);
    struct listing *l = arg;
    const bool wanted = rest_sees(l->page.c, project) &&
                        (l->project == PROJECT_ALL || project == l->project);

    if (!rest_page_step(&l->page, wanted, schedule->name.s, schedule->name.len))
        return 1;
    if (wanted)
        add(&l->page.w, schedule, l->projects);
    return 0;
}

int rest_schedules_list(struct rest_call *c, struct ff_err *err)
{
    struct schedule_row after = {.tenant = c->who.tenant.no};
    struct store_query q = {.record = &record_schedule, .like = &after, .n_equal = 1};
    struct listing l = {0};

    if (rest_ask_project(c, &l.project, err) != FF_OK)
        return err->code;
    l.projects = rest_project_names(c, err);
    if (!l.projects)
        return err->code;

    int code = rest_page_begin(c, &l.page, err);

    if (code == FF_OK && l.page.after.len > 0) {
        after.name = (struct span){.s = l.page.after.data, .len = l.page.after.len};
        q.after = &after;
    }
    if (code == FF_OK)
        code = store_scan(c->store, c->reader, &q, list_one, &l, err);
    json_decref(l.projects);
    return rest_page_end(&l.page, code);
}

/* --- one: WORKFLOW.TRIGGER, and not all of a workflow --- */

struct one {
    struct arena *arena;
    struct schedule_row row;
    bool found;
};

static int take_one(void *arg, const void *row)
{
    struct one *one = arg;

    one->row = *(const struct schedule_row *)row;
    store_own_row(&record_schedule, &one->row, one->arena);
    one->found = true;
    return 1;
}

static int fail_missing(const struct rest_call *c, struct ff_err *err)
{
    return ff_fail(err, FF_NOT_FOUND, 0, "there is no schedule %.127s",
                   rest_path(c, "schedule"));
}

static int find(struct rest_call *c, struct one *one, struct ff_err *err)
{
    const struct schedule_row like = {.tenant = c->who.tenant.no,
                                      .name = span_of(rest_path(c, "schedule"))};
    const struct store_query q = {
        .record = &record_schedule, .like = &like, .n_equal = 2, .limit = 1};

    *one = (struct one){.arena = &c->arena};
    if (store_scan(c->store, c->reader, &q, take_one, one, err) != FF_OK)
        return err->code;

    const int code =
        one->found ? rest_judge(c, model_project(one->row.project), err) : FF_NOT_FOUND;

    if (code == FF_NOT_FOUND)
        return fail_missing(c, err);
    return code == FF_OK
               ? rest_match(c, &record_schedule, &one->row, one->row.version, err)
               : code;
}

int rest_judge_schedule(struct rest_call *c, struct ff_err *err)
{
    struct one one;

    return find(c, &one, err);
}

int rest_schedule_get(struct rest_call *c, struct ff_err *err)
{
    struct jsonw w = {.out = &c->out};
    json_t *projects;
    struct one one;

    if (find(c, &one, err) != FF_OK)
        return err->code;
    projects = rest_project_names(c, err);
    if (!projects)
        return err->code;
    rest_set_version(c, one.row.version);
    add(&w, &one.row, projects);
    json_decref(projects);
    return FF_OK;
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

    if (rest_judge_schedule(c, err) != FF_OK)
        return err->code;

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

    if (rest_judge_schedule(c, err) != FF_OK)
        return err->code;

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
