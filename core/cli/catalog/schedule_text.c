/* schedule_text.c - see schedule_text.h. */
#include "cli/catalog/schedule_text.h"

/* "90s" as "1m30s": what the file says, unlike how long something took. */
static void add_duration(int64_t us, struct buf *out)
{
    static const struct {
        int64_t us;
        const char *unit;
    } units[] = {{INT64_C(86400) * UNITS_SECOND, "d"},
                 {INT64_C(3600) * UNITS_SECOND, "h"},
                 {INT64_C(60) * UNITS_SECOND, "m"},
                 {UNITS_SECOND, "s"},
                 {1000, "ms"}};

    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (us >= units[i].us)
            buf_printf(out, "%lld%s", (long long)(us / units[i].us), units[i].unit);
        us %= units[i].us;
    }
}

void schedule_text_when(const struct schedule_row *row, struct buf *out)
{
    struct ff_err ignored;
    json_t *o = json_parse(row->spec.s, row->spec.len, &ignored);
    const char *zone = json_string_value(json_object_get(o, "timezone"));
    const char *expr = json_string_value(json_object_get(o, "expr"));
    const char *name = json_string_value(json_object_get(o, "name"));
    const json_t *every = json_object_get(o, "every_us");

    if (expr)
        buf_printf(out, "%s %s", expr, zone ? zone : "");
    else if (name)
        buf_add_text(out, name);
    if (every) {
        buf_add_text(out, "every ");
        add_duration(json_integer_value(every), out);
    }
    json_decref(o);
}

static bool is_timed(const struct schedule *s)
{
    return s->spec.kind == FLOW_TRIGGER_CRON || s->spec.kind == FLOW_TRIGGER_INTERVAL;
}

void schedule_text_rules(const struct schedule *s, struct buf *out)
{
    buf_printf(out, "rules  overlap %s", flow_overlap_names[s->spec.overlap]);
    if (is_timed(s)) {
        buf_add_text(out, ", catchup ");
        add_duration(s->spec.catchup_us, out);
    }
    if (s->spec.jitter_us > 0) {
        buf_add_text(out, ", jitter up to ");
        add_duration(s->spec.jitter_us, out);
    }
    buf_add_char(out, '\n');
}

int64_t schedule_text_after(const struct schedule *s, int64_t now_us)
{
    if (s->row.last_at > now_us)
        return s->row.last_at;
    return s->next_us != MODEL_NULL && s->next_us <= now_us && s->due_us > now_us
               ? s->next_us - 1
               : now_us;
}

void schedule_text_begins(const struct schedule *s, int64_t nominal_us, struct buf *out)
{
    char time[UNITS_TEXT];

    if (nominal_us != s->next_us || s->due_us == nominal_us || s->due_us == INT64_MAX)
        return;
    const struct zone *z = s->spec.recurrence.zone ? s->spec.recurrence.zone : zone_utc;
    zone_time_text(z, s->due_us, time);
    buf_printf(out, ", begins %s", time);
}

static int add_line(void *arg, const void *row)
{
    const struct backfill_row *b = row;
    struct buf *out = arg;
    char from[UNITS_TEXT], to[UNITS_TEXT];

    if (b->state != BACKFILL_RUNNING)
        return 0;
    cli_time_text(b->from_at, from);
    cli_time_text(b->below_at, to);
    buf_printf(out, "backfill %s to %s: %lld started, %lld at once\n", from, to,
               (long long)b->n_started, (long long)b->max_parallel);
    return 0;
}

int schedule_text_backfills(const struct cli_session *s, const struct schedule_row *row,
                            struct buf *out, struct ff_err *err)
{
    const struct backfill_row like = {.tenant = row->tenant, .schedule = row->name};
    const struct store_query backfills = {
        .record = &record_backfill, .like = &like, .n_equal = 2};

    return store_scan(node_store(s->node), STORE_READER_CALLER, &backfills, add_line,
                      out, err);
}

const char *schedule_text_waits(const struct schedule_row *row)
{
    return row->paused_at != MODEL_NULL ? "until its schedule is resumed"
                                        : "for the run before it";
}
