/* concurrency.c - runs that ask before they begin: the answers of core/sched's admit as
 * inputs, and the place that a run holds as a row, from the batch in which it begins to
 * the one in which it ends. */
#include "control/control_priv.h"

#include <string.h>

static struct slot_row row_of(const struct live *l)
{
    return (struct slot_row){
        .tenant = l->tenant.no,
        .name = span_of(l->admit_name),
        .place = l->admit_place,
        .run = l->no,
        .taken_at = l->step.now_us,
    };
}

static void delete_row(struct live *l)
{
    const struct slot_row row = row_of(l);

    batch_delete(&l->step.batch, &record_slot, &row, FF_ANY_VERSION);
    l->admit_place = -1;
}

/* After a restart, or when it was loaded again, it asks again; a place that it holds is
 * still its own. */
void control_admit(struct live *l, const struct effect *e)
{
    struct buf name = {0};
    const int32_t priority =
        l->run->row.priority == MODEL_NULL ? 0 : (int32_t)l->run->row.priority;

    buf_printf(&name, "%s%s", CONTROL_CONCURRENCY, e->key);
    if (l->admit_place >= 0 && strcmp(l->admit_name, buf_text(&name)) != 0)
        delete_row(l);
    mem_free(l->admit_name);
    l->admit_name = buf_take(&name);
    admit_leave(l->admit);
    l->admit =
        admit_join(l->control->admit, &(struct admit_want){
                                          .tenant = l->tenant.no,
                                          .key = e->key,
                                          .limit = e->count,
                                          .overflow = (enum admit_overflow)e->overflow,
                                          .priority = priority,
                                          .order = l->no,
                                          .owner = l,
                                      });
    if (l->admit_place >= 0)
        admit_holds(l->admit, l->admit_place);
}

static struct queued input_of(const struct admit_answer *answer)
{
    struct queued q = {.in = {.type = INPUT_ADMIT}};

    switch (answer->verdict) {
    case ADMITTED:
        q.in.admission = ADMISSION_GO;
        q.place = answer->place;
        break;
    case WAITS:
        q.in.admission = ADMISSION_WAIT;
        break;
    case DENIED:
        q.in.admission =
            answer->overflow == ADMIT_FAIL ? ADMISSION_FAIL : ADMISSION_CANCEL;
        break;
    case OUSTED:
        q.in = (struct input){
            .type = INPUT_CANCEL, .cancel = CANCEL_GRACEFUL, .ousted = true};
        break;
    }
    return q;
}

/* As with slots: not before it is known what runs of the owner before hold. */
void control_give_admissions(struct control *c)
{
    struct admit_answer answer;

    if (!c->began || c->n_first > 0)
        return;
    while (admit_next(c->admit, &answer)) {
        const struct queued q = input_of(&answer);
        control_queue(answer.owner, &q);
    }
}

/* The step that let it begin has the row, unless the run is over with it. */
void control_admitted(struct live *l, const struct queued *q)
{
    const int64_t state = l->run->row.state;

    if (q->in.admission != ADMISSION_GO || l->admit_place >= 0 ||
        state == RUN_PENDING || run_state_final(state))
        return;
    l->admit_place = q->place;
    const struct slot_row row = row_of(l);
    batch_put(&l->step.batch, &record_slot, &row, FF_ABSENT);
}

/* Whoever told it: for a newer one no other needs to be cancelled then. */
void control_admit_stopping(struct live *l)
{
    if (l->run->row.state == RUN_CANCELLING)
        admit_stopping(l->admit);
}

void control_admit_ended(struct live *l)
{
    if (l->admit_place >= 0)
        delete_row(l);
}

void control_admit_loaded(struct live *l, const char *name, int64_t place)
{
    mem_free(l->admit_name);
    l->admit_name = mem_text(name);
    l->admit_place = place;
}
