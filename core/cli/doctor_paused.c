/* doctor_paused.c - what was paused by people and may have been forgotten: queues, runs
 * and their tasks, schedules. Nothing of it is wrong. */
#include "cli/doctor.h"
#include "cli/pause_view.h"
#include "cli/queue_view.h"

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

struct open_runs {
    struct {
        struct open_run_row *items;
        size_t n, cap;
    } rows;
};

static int add_open(void *arg, const void *row)
{
    struct open_runs *open = arg;

    ARRAY_ADD(&open->rows, *(const struct open_run_row *)row);
    return 0;
}

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

static int runs(struct doctor *d)
{
    const struct open_run_row all = {.shard = 0};
    struct open_runs open = {0};
    int code = store_scan(
        node_store(d->s->node), STORE_READER_CALLER,
        &(struct store_query){.record = &record_open_run, .like = &all, .n_equal = 1},
        add_open, &open, &d->err);

    for (size_t i = 0; code == FF_OK && i < open.rows.n; i++) {
        const struct run_row like = {.tenant = open.rows.items[i].tenant,
                                     .run = open.rows.items[i].run};
        code = store_scan(
            node_store(d->s->node), STORE_READER_CALLER,
            &(struct store_query){.record = &record_run, .like = &like, .n_equal = 2},
            say_run, d, &d->err);
    }
    ARRAY_DONE(&open.rows);
    return code;
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
        code = runs(d);
    if (code == FF_OK)
        code = schedules(d);
    if (code == FF_OK && d->paused == 0)
        doctor_says(d, "no queue, run, task or schedule is paused");
    return code;
}
