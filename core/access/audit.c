/* audit.c - who did what: rows that are written in the batch of what was done, and
 * never changed. */
#include "access/access_priv.h"

int access_audit_add(const struct access_call *c, const struct access_entry *e,
                     struct batch *b, struct ff_err *err)
{
    struct audit_row row = {
        .tenant = e->where.tenant.no,
        .at = c->now_us,
        .who = span_of(c->who->subject),
        .via = span_of(principal_vias[c->who->kind]),
        .origin = span_of(c->origin),
        .request = span_of(c->request),
        .project = e->where.project == PROJECT_ALL ? MODEL_NULL : e->where.project,
        .action = span_of(e->action),
        .object = span_of(e->object),
        .decision = e->decision,
        .detail = span_of(e->detail),
    };

    if (store_number(c->store, c->numbers, 1, &row.no, err) != FF_OK)
        return err->code;

    const struct audit_open_row open = {.tenant = row.tenant, .no = row.no};

    batch_put(b, &record_audit, &row, FF_ABSENT);
    batch_put(b, &record_audit_open, &open, FF_ABSENT);
    return FF_OK;
}

int access_audit(struct store *s, struct store_reader *r, struct tenant t,
                 const struct access_page *page, store_row_fn *fn, void *arg,
                 struct ff_err *err)
{
    const struct audit_row like = {.tenant = t.no};
    const struct audit_row after = {.tenant = t.no, .no = page->before};
    const struct store_query q = {.record = &record_audit,
                                  .like = &like,
                                  .n_equal = 1,
                                  .after = page->before > 0 ? &after : NULL,
                                  .descending = true,
                                  .limit = page->limit};

    return store_scan(s, r, &q, fn, arg, err);
}
