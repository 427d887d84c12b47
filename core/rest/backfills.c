/* backfills.c - ranges of times in the past that a schedule's runs are made up for. */
#include "rest/rest_priv.h"

#include <string.h>

/* --- the list --- */

static int list_one(void *arg, const void *row)
{
    const struct backfill_row *backfill = row;
    struct rest_page *p = arg;

    if (!rest_page_step(p, true, &backfill->no, sizeof(backfill->no)))
        return 1;
    jsonw_open(&p->w, '{');
    rest_add_row(&p->w, &shape_backfill, backfill);
    jsonw_close(&p->w, '}');
    return 0;
}

int rest_backfills_list(struct rest_call *c, struct ff_err *err)
{
    struct backfill_row after = {.tenant = c->who.tenant.no,
                                 .schedule = span_of(rest_path(c, "schedule"))};
    struct store_query q = {.record = &record_backfill, .like = &after, .n_equal = 2};
    struct rest_page p;

    if (rest_judge_schedule(c, err) != FF_OK)
        return err->code;

    int code = rest_page_begin(c, &p, err);

    if (code == FF_OK && p.after.len == sizeof(after.no)) {
        memcpy(&after.no, p.after.data, sizeof(after.no));
        q.after = &after;
    }
    if (code == FF_OK)
        code = store_scan(c->store, c->reader, &q, list_one, &p, err);
    return rest_page_end(&p, code);
}

/* --- to begin and to stop --- */

static int note(struct rest_call *c, const char *action, struct ff_err *err)
{
    char object[160];

    snprintf(object, sizeof(object), "schedule/%.140s", rest_path(c, "schedule"));
    return rest_audit(c, action, object, err);
}

static void add_count(struct jsonw *w, const char *key, int64_t n)
{
    jsonw_key(w, key);
    jsonw_int(w, n);
}

/* 200 where nothing was begun: it was to be counted only, or all times have runs. */
static int answer(struct rest_call *c, int64_t no, int64_t n_times, struct ff_err *err)
{
    struct jsonw w = {.out = &c->out};
    const bool begun = rest_has_changes(c);

    jsonw_open(&w, '{');
    if (begun)
        add_count(&w, "no", no);
    add_count(&w, "times", n_times);
    jsonw_close(&w, '}');
    if (begun)
        return note(c, "schedule.backfill", err);
    c->status = 200;
    return FF_OK;
}

int rest_backfill_create(struct rest_call *c, struct ff_err *err)
{
    struct node_backfill what = {.schedule = rest_path(c, "schedule"),
                                 .max_parallel = rest_int(c, "max_parallel", 1),
                                 .dry = rest_bool(c, "dry_run")};
    int64_t no;
    int64_t n_times;

    units_time(rest_text(c, "from"), &what.from_us);
    units_time(rest_text(c, "to"), &what.below_us);
    if (rest_judge_schedule(c, err) != FF_OK)
        return err->code;

    const int code =
        node_plan_backfill(&c->plan, c->who.tenant, &what, &no, &n_times, err);

    return code == FF_OK ? answer(c, no, n_times, err) : code;
}

int rest_backfills_stop(struct rest_call *c, struct ff_err *err)
{
    struct jsonw w = {.out = &c->out};
    int64_t n = 0;

    if (rest_judge_schedule(c, err) != FF_OK ||
        node_plan_stop_backfills(&c->plan, c->who.tenant, rest_path(c, "schedule"), &n,
                                 err) != FF_OK)
        return err->code;
    jsonw_open(&w, '{');
    add_count(&w, "stopped", n);
    jsonw_close(&w, '}');
    return n > 0 ? note(c, "schedule.stop_backfills", err) : FF_OK;
}
