/* store/store.c - opening and closing: the sessions behind the door. Commits are in
 * committer.c, reads in reads.c, readers in reader.c, shards and counters in
 * shard.c. */
#include "store/store_priv.h"

int session_open(struct store *s, struct session *session, struct ff_err *err)
{
    const int code = driver_open_store(s->instance, &session->handle, err);

    if (code != FF_OK)
        return code;
    if (FAILPOINT_FAILS("store.setup.before"))
        return ff_fail(err, FF_UNAVAILABLE, 0, "a failpoint");
    return s->ops->setup(session->handle, &model_schema, err);
}

void session_close(const struct store *s, struct session *session)
{
    if (session->handle)
        s->ops->close(session->handle);
    pthread_mutex_destroy(&session->mutex);
}

struct store *store_open(struct loop *l, struct driver_instance *instance,
                         struct ff_err *err)
{
    struct store *s = mem_alloc(sizeof(*s));
    int code;

    s->loop = l;
    s->instance = instance;
    s->ops = driver_store_ops(instance);
    pthread_mutex_init(&s->writer.mutex, NULL);
    pthread_mutex_init(&s->lane.mutex, NULL);
    pthread_mutex_init(&s->caller.mutex, NULL);
    code = session_open(s, &s->writer, err);
    if (code == FF_OK)
        code = session_open(s, &s->lane, err);
    if (code == FF_OK)
        code = session_open(s, &s->caller, err);
    if (code == FF_OK)
        s->committer = committer_new(s);
    if (code == FF_OK)
        return s;
    store_close(s);
    return NULL;
}

/* The writer last: whoever closes last may have to tidy up, and it is the one that
 * knows how. */
void store_close(struct store *s)
{
    if (!s)
        return;
    committer_close(s->committer);
    session_close(s, &s->caller);
    session_close(s, &s->lane);
    session_close(s, &s->writer);
    arena_done(&s->shard_text);
    mem_free(s);
}

int store_clock(struct store *s, struct store_reader *r, int64_t *now_us,
                struct ff_err *err)
{
    struct session *session = store_session(s, r);
    int code;

    pthread_mutex_lock(&session->mutex);
    code = s->ops->now(session->handle, now_us, err);
    pthread_mutex_unlock(&session->mutex);
    return code;
}

int64_t store_now_us(struct store *s)
{
    struct ff_err err;
    int64_t now_us = 0;

    if (store_clock(s, STORE_READER_CALLER, &now_us, &err) == FF_OK)
        return now_us;
    log_warn("store: its clock: %s", err.msg);
    return loop_wall_us(s->loop);
}

static int tell_info(const struct ff_store_ops *ops, void *handle,
                     struct ff_store_info *info, ff_store_part_fn *fn, void *arg,
                     struct ff_err *err)
{
    *info = (struct ff_store_info){
        .struct_size = sizeof(*info), .bytes = -1, .free_bytes = -1};
    return ops->info ? ops->info(handle, info, fn, arg, err)
                     : ff_fail(err, FF_UNSUPPORTED, 0,
                               "the driver of this store does not tell what is in it");
}

int store_info(struct store *s, struct ff_store_info *info, ff_store_part_fn *fn,
               void *arg, struct ff_err *err)
{
    pthread_mutex_lock(&s->caller.mutex);
    const int code = tell_info(s->ops, s->caller.handle, info, fn, arg, err);
    pthread_mutex_unlock(&s->caller.mutex);
    return code;
}

int store_look(struct driver_instance *instance, struct ff_store_info *info,
               struct ff_err *err)
{
    const struct ff_store_ops *ops = driver_store_ops(instance);
    void *handle = NULL;
    int code = driver_open_store(instance, &handle, err);

    if (code == FF_OK)
        code = tell_info(ops, handle, info, NULL, NULL, err);
    if (handle)
        ops->close(handle);
    return code;
}

int store_backup(struct store *s, const char *to, struct ff_err *err)
{
    int code;

    if (!s->ops->backup)
        return ff_fail(err, FF_UNSUPPORTED, 0,
                       "this store makes no backups by itself; use its own tools");
    pthread_mutex_lock(&s->caller.mutex);
    FAILPOINT("store.backup.before");
    code = s->ops->backup(s->caller.handle, to, err);
    FAILPOINT("store.backup.after");
    pthread_mutex_unlock(&s->caller.mutex);
    return code;
}

bool store_has_spans(const struct store *s)
{
    return s->ops->spans && s->ops->make_span && s->ops->drop_span;
}

int store_spans(struct store *s, const struct ff_record *record, uint32_t column,
                ff_span_fn *fn, void *arg, struct ff_err *err)
{
    pthread_mutex_lock(&s->caller.mutex);
    const int code = s->ops->spans(s->caller.handle, record, column, fn, arg, err);
    pthread_mutex_unlock(&s->caller.mutex);
    return code;
}

int store_make_span(struct store *s, const struct ff_span *span, struct ff_err *err)
{
    pthread_mutex_lock(&s->caller.mutex);
    const int code = s->ops->make_span(s->caller.handle, span, err);
    pthread_mutex_unlock(&s->caller.mutex);
    return code;
}

int store_drop_span(struct store *s, const struct ff_span *span, struct ff_err *err)
{
    pthread_mutex_lock(&s->caller.mutex);
    const int code = s->ops->drop_span(s->caller.handle, span, err);
    pthread_mutex_unlock(&s->caller.mutex);
    return code;
}
