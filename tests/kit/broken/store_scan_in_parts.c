/* breaks: store/race/one-moment
 * over: store-memory
 *
 * A scan reads row by row, each at its own moment. */
#include "broken_store.h"

struct step {
    ff_row_fn *fn;
    void *arg;
    struct ff_value key;
    int n, stopped;
};

static int one(void *arg, const struct ff_value *row)
{
    struct step *s = arg;

    s->key = row[0];
    s->n++;
    s->stopped = s->fn(s->arg, row);
    return 1;
}

static int scan(void *store, const struct ff_query *theirs, ff_row_fn *fn, void *arg,
                struct ff_err *err)
{
    struct step s = {.fn = fn, .arg = arg, .n = 1};
    struct ff_query q = *theirs;
    int code = FF_OK;

    if (q.index >= 0 || q.after || q.n_equal || q.limit || q.record->n_key != 1 ||
        q.record->columns[0].type != FF_INT)
        return good->scan(store, theirs, fn, arg, err);
    q.limit = 1;
    while (code == FF_OK && s.n == 1 && !s.stopped) {
        s.n = 0;
        code = good->scan(store, &q, one, &s, err);
        q.after = &s.key;
    }
    return code;
}

BREAK(scan, scan)
