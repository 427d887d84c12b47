/* schedule.c - a schedule in memory: from its row, and back to it. */
#include "schedule/schedule_priv.h"

#include <string.h>

/* --- what waits --- */

static int read_waiting(struct schedule *s, struct ff_err *err)
{
    if (!s->row.waiting.s)
        return FF_OK;
    json_t *list = json_parse(s->row.waiting.s, s->row.waiting.len, err);
    if (!list)
        return err->code;
    const size_t n = json_array_size(list);
    for (size_t i = 0; i < n && i < SCHEDULE_WAITING_MAX; i++) {
        const struct schedule_wait w = {
            .nominal_us = json_integer_value(json_array_get(list, i))};
        ARRAY_ADD(&s->waiting, w);
    }
    json_decref(list);
    return FF_OK;
}

bool schedule_holds(const struct schedule *s)
{
    return s->row.held_at > 0;
}

void schedule_set_event(struct schedule *s, int64_t nominal_us, struct span event)
{
    if (schedule_holds(s) && s->row.held_at == nominal_us && event.s) {
        mem_free(s->held);
        s->held = mem_text_len(event.s, event.len);
    }
    for (size_t i = 0; i < s->waiting.n; i++) {
        struct schedule_wait *w = &s->waiting.items[i];
        if (w->nominal_us != nominal_us || !event.s)
            continue;
        mem_free(w->event);
        w->event = mem_text_len(event.s, event.len);
    }
}

void schedule_numbers_text(const int64_t *numbers, size_t n, struct buf *out)
{
    struct jsonw w = {.out = out};

    jsonw_open(&w, '[');
    for (size_t i = 0; i < n; i++)
        jsonw_int(&w, numbers[i]);
    jsonw_close(&w, ']');
}

/* --- times --- */

bool schedule_is_timed(const struct schedule *s)
{
    return s->spec.kind == FLOW_TRIGGER_CRON || s->spec.kind == FLOW_TRIGGER_INTERVAL;
}

bool schedule_next(const struct schedule *s, int64_t after_us, int64_t *next_us)
{
    return schedule_is_timed(s) &&
           recurrence_next(&s->spec.recurrence, after_us, next_us);
}

/* A time waits for its jitter, but never until the next one: they keep their order. */
static int64_t jitter_us(const struct schedule *s, int64_t at_us)
{
    int64_t max_us = s->spec.jitter_us;
    int64_t next_us;

    if (max_us == 0)
        return 0;
    if (schedule_next(s, at_us, &next_us) && next_us - at_us < max_us)
        max_us = next_us - at_us;
    return recurrence_jitter_us(s->row.name.s, at_us, max_us);
}

/* When what it holds begins. */
static int64_t held_until(const struct schedule *s)
{
    const int64_t quiet_us = s->row.held_at + s->spec.debounce_us;
    const int64_t most_us = s->row.held_since + s->spec.debounce_max_us;

    return quiet_us < most_us ? quiet_us : most_us;
}

void schedule_find_next(struct schedule *s)
{
    s->due_us = INT64_MAX;
    s->next_us = MODEL_NULL;
    if (s->row.paused_at == MODEL_NULL && schedule_holds(s)) {
        s->due_us = s->next_us = held_until(s);
        return;
    }
    if (s->row.paused_at != MODEL_NULL ||
        !schedule_next(s, s->row.last_at, &s->next_us))
        return;
    s->due_us = s->next_us + jitter_us(s, s->next_us);
}

/* --- a schedule --- */

static void own_row(struct schedule *s, const struct schedule_row *row)
{
    struct span *texts[] = {&s->row.name,    &s->row.workflow, &s->row.kind,
                            &s->row.spec,    &s->row.hash,     &s->row.dir,
                            &s->row.waiting, &s->row.last_run};

    s->row = *row;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        if (texts[i]->s)
            texts[i]->s = arena_text(&s->arena, texts[i]->s, texts[i]->len);
}

struct schedule *schedule_new(const struct schedule_row *row, schedule_zone_fn *zone,
                              void *arg, struct ff_err *err)
{
    struct schedule *s = mem_alloc(sizeof(*s));

    own_row(s, row);
    s->parsed = json_parse(row->spec.s, row->spec.len, err);
    if (!s->parsed || schedule_spec_read(s, zone, arg, err) != FF_OK ||
        read_waiting(s, err) != FF_OK) {
        schedule_free(s);
        return NULL;
    }
    schedule_find_next(s);
    return s;
}

void schedule_free(struct schedule *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->waiting.n; i++)
        mem_free(s->waiting.items[i].event);
    ARRAY_DONE(&s->waiting);
    mem_free(s->held);
    tmpl_free(s->spec.condition);
    json_decref(s->parsed);
    arena_done(&s->arena);
    mem_free(s);
}

void schedule_name(const char *workflow, const char *id,
                   char out[SCHEDULE_NAME_MAX + 1])
{
    snprintf(out, SCHEDULE_NAME_MAX + 1, "%s.%s", workflow, id);
}

static void waiting_text(const struct schedule *s, struct buf *out)
{
    int64_t times[SCHEDULE_WAITING_MAX];

    for (size_t i = 0; i < s->waiting.n; i++)
        times[i] = s->waiting.items[i].nominal_us;
    schedule_numbers_text(times, s->waiting.n, out);
}

void schedule_seal(struct schedule *s, struct schedule_step *st)
{
    const uint64_t set =
        COLUMN_BIT(COL_SCHEDULE_LAST_AT) | COLUMN_BIT(COL_SCHEDULE_NEXT_AT) |
        COLUMN_BIT(COL_SCHEDULE_ACTIVE_RUN) | COLUMN_BIT(COL_SCHEDULE_WAITING) |
        COLUMN_BIT(COL_SCHEDULE_LAST_RUN) | COLUMN_BIT(COL_SCHEDULE_HELD_AT) |
        COLUMN_BIT(COL_SCHEDULE_HELD_SINCE);
    struct buf waiting = {0};

    if (!s->touched)
        return;
    s->touched = false;
    struct schedule_row row = s->row;
    waiting_text(s, &waiting);
    row.next_at = s->next_us;
    row.waiting = s->waiting.n > 0 ? span_of(buf_text(&waiting)) : (struct span){0};
    batch_patch(&st->batch, &record_schedule, &row, set, s->row.version);
    s->row.version++;
    buf_done(&waiting);
}
