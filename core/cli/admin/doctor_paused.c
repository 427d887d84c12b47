/* doctor_paused.c - what was paused by people and may have been forgotten: queues, runs
 * and their tasks, schedules. Nothing of it is wrong. */
#include "cli/admin/doctor.h"
#include "cli/read/pause_view.h"
#include "cli/read/queue_view.h"

static int queues(struct doctor *d)
{
    struct queue_views v;
    const int code = queue_views_read(&v, d->s, &d->err);

    for (size_t i = 0; i < v.n; i++) {
        struct buf text = {0};
        queue_view_add(&text, &v.items[i]);
        doctor_says(d, "%s; `flowforge unpause --queue %s`", buf_text(&text),
                    v.items[i].name);
        buf_done(&text);
        d->paused++;
    }
    queue_views_done(&v);
    return code;
}

/* --- runs --- */

static int say_run(void *arg, const void *row)
{
    struct doctor *d = arg;
    const struct run_row *run = row;
    struct buf text = {0};

    pause_view_add(&text, run);
    if (text.len > 0) {
        doctor_says(d, "run %.*s: %s", (int)run->id.len, run->id.s, buf_text(&text));
        d->paused++;
    }
    buf_done(&text);
    return 1;
}

static int look_at_run(struct doctor *d, const struct open_run_row *open)
{
    const struct run_row like = {.tenant = open->tenant, .run = open->run};

    return doctor_scan(d, &record_run, &like, 2, say_run, d);
}

/* --- schedules --- */

static int say_schedule(void *arg, const void *row)
{
    struct doctor *d = arg;
    const struct schedule_row *schedule = row;
    char since[UNITS_TEXT];

    if (schedule->paused_at == MODEL_NULL)
        return 0;
    units_time_text(schedule->paused_at, since);
    doctor_says(d, "schedule %.*s since %s", (int)schedule->name.len, schedule->name.s,
                since);
    d->paused++;
    return 0;
}

static int schedules(struct doctor *d)
{
    const struct schedule_row like = {.tenant = TENANT_DEFAULT.no};

    return store_scan(
        node_store(d->s->node), STORE_READER_CALLER,
        &(struct store_query){.record = &record_schedule, .like = &like, .n_equal = 1},
        say_schedule, d, &d->err);
}

int doctor_paused(struct doctor *d)
{
    int code = queues(d);

    if (code == FF_OK)
        code = doctor_each_open_run(d, look_at_run);
    if (code == FF_OK)
        code = schedules(d);
    if (code == FF_OK && d->paused == 0)
        doctor_says(d, "no queue, run, task or schedule is paused");
    return code;
}
