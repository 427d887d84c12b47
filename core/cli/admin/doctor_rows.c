/* doctor_rows.c - how the checks of `flowforge doctor` read rows. */
#include "cli/admin/doctor.h"

struct open_runs {
    struct {
        struct open_run_row *items;
        size_t n, cap;
    } rows;
};

int doctor_scan(struct doctor *d, const struct ff_record *record, const void *like,
                uint32_t n_equal, store_row_fn *fn, void *arg)
{
    const struct store_query q = {.record = record, .like = like, .n_equal = n_equal};

    return store_scan(node_store(d->s->node), STORE_READER_CALLER, &q, fn, arg,
                      &d->err);
}

static int add_open(void *arg, const void *row)
{
    struct open_runs *open = arg;

    ARRAY_ADD(&open->rows, *(const struct open_run_row *)row);
    return 0;
}

int doctor_each_open_run(struct doctor *d, doctor_run_fn *fn)
{
    const struct open_run_row all = {.shard = 0};
    struct open_runs open = {0};
    int code = doctor_scan(d, &record_open_run, &all, 1, add_open, &open);

    for (size_t i = 0; code == FF_OK && i < open.rows.n; i++)
        code = fn(d, &open.rows.items[i]);
    ARRAY_DONE(&open.rows);
    return code;
}
