/* store/reader.c - sessions to read with: the two of the store, and those that others
 * open. */
#include "store/store_priv.h"

struct store_reader store_reader_lane, store_reader_caller;

struct session *store_session(struct store *s, struct store_reader *reader)
{
    if (reader == STORE_READER_LANE)
        return &s->lane;
    return reader == STORE_READER_CALLER ? &s->caller : &reader->session;
}

struct store_reader *store_reader_open(struct store *s, struct ff_err *err)
{
    struct store_reader *r = mem_alloc(sizeof(*r));

    r->store = s;
    pthread_mutex_init(&r->session.mutex, NULL);
    if (session_open(s, &r->session, err) == FF_OK)
        return r;
    store_reader_close(r);
    return NULL;
}

int store_reader_watch(struct store_reader *r, const struct ff_record *record,
                       ff_call_fn *fn, void *arg, struct ff_err *err)
{
    int code;

    if (!r->store->ops->watch)
        return ff_fail(err, FF_UNSUPPORTED, 0, "this store tells of no commits");
    pthread_mutex_lock(&r->session.mutex);
    code = r->store->ops->watch(r->session.handle, record, fn, arg, err);
    pthread_mutex_unlock(&r->session.mutex);
    return code;
}

void store_reader_close(struct store_reader *r)
{
    if (!r)
        return;
    session_close(r->store, &r->session);
    mem_free(r);
}
