/* values.c - values that are too large for rows: those of a step are made durable on a
 * lane before its batch goes to the store, so that no row names what is not there; and
 * those of a row that was read are read in. What a step decides knows nothing of it. */
#include "control/control_priv.h"

#include <string.h>

/* A column that may be too large, of a change or of a run inside. */
struct part {
    enum control_column column;
    struct span text;
    struct span *inside; /* NULL: of change `change` */
    size_t change;
    uint32_t at;
    char *kept;
};

struct put {
    struct live *live;
    char id[ID_TEXT];
    struct {
        struct part *items;
        size_t n, cap;
    } parts;
    size_t n_changes, n_inside; /* that were looked at */
    int code;
    struct ff_err err;
};

static const struct {
    const struct ff_record *record;
    uint32_t at;
    enum control_column column;
} columns[] = {
    {&record_task, COL_TASK_OUTPUTS, CONTROL_TASK_OUTPUTS},
    {&record_run, COL_RUN_OUTPUTS, CONTROL_RUN_OWN},
};

/* --- what is too large --- */

static void find_in_change(struct put *p, size_t i)
{
    const struct ff_change *change = &p->live->step.batch.items[i];
    const size_t most = p->live->control->setup.inline_max;

    if (change->kind != FF_PUT && change->kind != FF_PATCH)
        return;
    for (size_t k = 0; k < COUNT_OF(columns); k++) {
        if (change->record != columns[k].record)
            continue; /* it may have fewer columns */
        const struct ff_value *value = &change->values[columns[k].at];
        const struct part part = {.column = columns[k].column,
                                  .text = {.s = value->s, .len = value->len},
                                  .change = i,
                                  .at = columns[k].at};

        if (value->type && value->len > most)
            ARRAY_ADD(&p->parts, part);
    }
}

static void find_inside(struct put *p, struct run_row *child)
{
    struct span *const given[] = {&child->inputs, &child->scope};

    for (size_t i = 0; i < COUNT_OF(given); i++) {
        const struct part part = {
            .column = CONTROL_RUN_INSIDE, .text = *given[i], .inside = given[i]};
        if (given[i]->len > p->live->control->setup.inline_max)
            ARRAY_ADD(&p->parts, part);
    }
}

static void find_parts(struct put *p)
{
    struct live *l = p->live;

    p->n_changes = l->step.batch.n;
    p->n_inside = l->step.children.n;
    for (size_t i = l->n_put; i < p->n_changes; i++)
        find_in_change(p, i);
    for (size_t i = l->n_put_inside; i < p->n_inside; i++)
        find_inside(p, &l->step.children.items[i]);
}

/* --- writing it --- */

static void put_on_lane(void *arg)
{
    struct put *p = arg;
    const struct control_setup *setup = &p->live->control->setup;

    for (size_t i = 0; p->code == FF_OK && i < p->parts.n; i++) {
        struct part *part = &p->parts.items[i];
        p->code = setup->keep(setup->resolve_arg, p->id, part->column, part->text,
                              &part->kept, &p->err);
    }
}

static void take_parts(struct put *p)
{
    struct live *l = p->live;
    struct batch *b = &l->step.batch;

    for (size_t i = 0; i < p->parts.n; i++) {
        const struct part *part = &p->parts.items[i];
        const struct span kept = span_of(part->kept);
        if (!part->kept)
            continue;
        if (part->inside)
            *part->inside = (struct span){.s = arena_text(&b->arena, kept.s, kept.len),
                                          .len = kept.len};
        else
            batch_set_text(b, part->change, part->at, kept);
    }
    l->n_put = p->n_changes;
    l->n_put_inside = p->n_inside;
}

static void put_done(void *arg)
{
    struct put *p = arg;
    struct live *l = p->live;
    struct control *c = l->control;

    l->busy = false;
    c->n_busy--;
    if (p->code == FF_OK) {
        take_parts(p);
        c->n_putting--;
        list_add_tail(&c->stepped, &l->stepped);
    } else {
        log_warn("run %lld: values are not written yet: %s", (long long)l->no,
                 p->err.msg);
        list_add_tail(&c->unput, &l->stepped);
        control_arm_again(c);
    }
    for (size_t i = 0; i < p->parts.n; i++)
        mem_free(p->parts.items[i].kept);
    ARRAY_DONE(&p->parts);
    mem_free(p);
    FAILPOINT("control.values.put");
    control_post_pump(c);
}

static void put(const struct put *found)
{
    struct live *l = found->live;
    struct put *p = mem_alloc(sizeof(*p));

    *p = *found;
    snprintf(p->id, sizeof(p->id), "%.*s", (int)l->run->row.id.len, l->run->row.id.s);
    l->busy = true; /* the step stays as it is meanwhile */
    l->control->n_busy++;
    l->control->n_putting++;
    lane_do(l->control->lane, put_on_lane, put_done, p);
}

bool control_put_values(struct live *l)
{
    struct put p = {.live = l};

    if (!l->control->setup.keep)
        return true;
    /* Most steps are told by the size of all that they write. */
    if (l->step.children.n == 0 && l->step.batch.bytes <= l->control->setup.inline_max)
        return true;
    find_parts(&p);
    if (p.parts.n == 0)
        return true;
    put(&p);
    return false;
}

void control_put_again(struct control *c)
{
    struct list *link;

    while ((link = list_first(&c->unput))) {
        list_del(link);
        c->n_putting--; /* it is counted again as it is tried */
        list_add_tail(&c->stepped, link);
    }
}

/* --- reading it --- */

json_t *control_open_column(struct control *c, struct span id, struct span column,
                            struct ff_err *err)
{
    const struct control_setup *setup = &c->setup;
    char text[ID_TEXT];

    snprintf(text, sizeof(text), "%.*s", (int)id.len, id.s);
    return setup->resolve_run
               ? setup->resolve_run(setup->resolve_arg, text, column, err)
               : json_parse(column.s, column.len, err);
}

bool control_may_refer(struct span column)
{
    return column.s && memmem(column.s, column.len, "\"$values\"", 9);
}

/* Small ones are plain: only what may be by reference is looked at. */
static int open_one(struct control *c, const struct run_row *row, struct span *column,
                    struct arena *arena, struct ff_err *err)
{
    if (!control_may_refer(*column))
        return FF_OK;
    json_t *value = control_open_column(c, row->id, *column, err);
    if (!value)
        return err->code;
    MEM_AUTO char *text = json_text(value);
    column->len = strlen(text);
    column->s = arena_text(arena, text, column->len);
    json_decref(value);
    return FF_OK;
}

int control_open_row(struct control *c, struct run_row *row, struct arena *arena,
                     struct ff_err *err)
{
    const int code = open_one(c, row, &row->inputs, arena, err);

    return code == FF_OK ? open_one(c, row, &row->scope, arena, err) : code;
}
