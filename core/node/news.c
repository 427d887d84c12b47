/* news.c - what a commit means for whoever leads: which runs were made by it, and with
 * which rows, or that more has changed than that. */
#include "node/node_priv.h"

#include "model/access_rows.h"

/* Rows of which nobody who leads hears anything, and the one of which he hears. */
static const struct ff_record *const quiet[] = {
    &record_run,      &record_event,      &record_workflow,
    &record_audit,    &record_audit_open, &record_idempotency,
    &record_open_run, &record_counter,    &record_workflow_outline,
};

static bool is_quiet(const struct ff_change *change)
{
    if (change->kind != FF_PUT)
        return false;
    for (size_t i = 0; i < COUNT_OF(quiet); i++)
        if (change->record == quiet[i])
            return true;
    return false;
}

/* Has a run more of a history than that it was made, or was it there before? */
static bool goes_on(const struct ff_change *change)
{
    return (change->record == &record_event && change->values[COL_EVENT_SEQ].i != 1) ||
           (change->record == &record_run && change->expect != FF_ABSENT);
}

/* As the commit will have left it. */
static const struct run_row *copy_row(struct arena *arena,
                                      const struct ff_change *change)
{
    struct run_row *row = arena_alloc(arena, sizeof(*row));

    model_from_values(&record_run, change->values, row);
    store_own_row(&record_run, row, arena);
    row->version = 1;
    return row;
}

/* The row of a run stands before the one of open_run. */
static void note_opened(struct node_news *news, const struct ff_change *run,
                        const struct ff_value *open)
{
    struct node_opened opened = {.tenant = {open[COL_OPEN_RUN_TENANT].i},
                                 .run = open[COL_OPEN_RUN_RUN].i};

    if (run && run->values[COL_RUN_TENANT].i == opened.tenant.no &&
        run->values[COL_RUN_RUN].i == opened.run)
        opened.row = copy_row(&news->arena, run);
    ARRAY_ADD(news, opened);
}

static void forget(struct node_news *news)
{
    news->n = 0;
    news->all = false;
    arena_reset(&news->arena);
}

/* A run that is put is a new one; what changes one that there is patches it. Whoever
 * leads elsewhere reads its row. */
void node_note_news(const struct node *n, const struct batch *b, struct node_news *news)
{
    const struct ff_change *run = NULL;
    bool told = node_is_owner(n);

    forget(news);
    for (size_t i = 0; i < b->n; i++) {
        const struct ff_change *change = &b->items[i];

        news->all = news->all || !is_quiet(change);
        told = told && !goes_on(change);
        if (change->record == &record_run)
            run = told ? change : NULL;
        if (change->record == &record_open_run && !news->all)
            note_opened(news, run, change->values);
    }
    for (size_t i = 0; i < news->n && !told; i++)
        news->items[i].row = NULL;
}

void node_wake_for(struct node *n, const struct node_news *news)
{
    if (news->all) {
        node_wake(n);
        return;
    }
    for (size_t i = 0; i < news->n; i++) {
        const struct node_opened *opened = &news->items[i];

        if (!range_has(n->range, opened->tenant))
            continue;
        control_opened(n->control, opened->tenant, opened->run, opened->row);
        trigger_run_opened(n->trigger, opened->tenant, opened->run);
    }
}

void node_news_done(struct node_news *news)
{
    ARRAY_DONE(news);
    arena_done(&news->arena);
}
