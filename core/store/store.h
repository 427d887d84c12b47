/* store/store.h - the only door to a store driver: group commits and typed reads.
 *
 * Commits go through the committer: while one is in flight, batches wait and go
 * together as the next; when idle a batch is committed at once. No timer, no knob.
 * Every group carries a CHECK of the shard's row, so that an owner who lost its
 * shard writes nothing. Reads block and belong on lanes or in the command line. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "driver/driver.h"
#include "loop/loop.h"
#include "model/model.h"

struct store;

/* Opens sessions through the driver (one to write, one to read on a lane, one to
 * read on the caller's thread), brings the schema up to date. The instance stays
 * the caller's and must outlive the store. */
struct store *store_open(struct loop *l, struct driver_instance *instance,
                         struct ff_err *err);
void store_close(struct store *s); /* waits for what is in flight; takes NULL */

/* --- commits (loop thread) --- */

/* code FF_OK: all of it is durable. FF_CONFLICT: nothing of this batch was written
 * (others of its group were); reload and decide again; `failed` is the change.
 * BUSY and UNAVAILABLE are retried inside with back-off and reported only on
 * close (FF_CANCELLED). FF_IN_DOUBT is resolved inside by reading the marker
 * that every group writes. FATAL, CORRUPT: the store is dead, stop the process.
 * The callback runs on the loop thread, never from inside store_commit - except
 * when the commit ran inline because the store was idle and lately fast: then it
 * comes by the next turn of the loop. */
typedef void store_done_fn(void *arg, int code, size_t failed, const struct ff_err *err);

/* Takes over the contents of `b` (left empty and re-usable). */
void store_commit(struct store *s, struct batch *b, store_done_fn *fn, void *arg);

/* All the batches that were given but not yet committed: for back-pressure. */
size_t store_backlog_bytes(const struct store *s);

/* The fence of the shard that this process owns: checked by every group. A renewal
 * of the lease goes through here too, so that versions stay in step. */
struct store_fence {
    int64_t shard;
    int64_t version; /* of the shard row, kept up to date by the store */
    bool held;
};
void store_set_fence(struct store *s, const struct shard_row *row); /* NULL: none */
/* Extends the lease of the held shard; FF_CONFLICT: it was lost. */
void store_renew(struct store *s, int64_t lease_until, store_done_fn *fn, void *arg);

/* --- commits (blocking, for the command line and start-up; any thread but the loop
 * of a process that also uses store_commit) --- */
int store_commit_now(struct store *s, struct batch *b, size_t *failed,
                     struct ff_err *err);

/* --- shard ownership (blocking) --- */

/* Takes shard `shard` if it is free, released or its lease is over by the store's
 * clock; epoch grows. FF_BUSY when another owner holds it: *row then says who (text
 * in it lives until the next call). */
int store_acquire_shard(struct store *s, int64_t shard, const char *owner,
                        const char *endpoint, int64_t lease_us, struct shard_row *row,
                        struct ff_err *err);
int store_release_shard(struct store *s, struct ff_err *err); /* the held one */
int store_read_shard(struct store *s, int64_t shard, struct shard_row *row,
                     struct arena *arena, struct ff_err *err); /* FF_NOT_FOUND */

/* Takes `n` numbers from the counter `name`; *first is the first. Blocking. */
int store_take_numbers(struct store *s, const char *name, int64_t n, int64_t *first,
                       struct ff_err *err);

int64_t store_now_us(struct store *s); /* the store's clock, blocking */

/* --- reads (blocking; any one thread at a time per reader) --- */

/* Which session to read with: lanes and the command line each have their own. */
enum store_reader { STORE_READER_LANE, STORE_READER_CALLER };

/* Calls fn with each row struct (borrowed) until it returns non-zero. */
typedef int store_row_fn(void *arg, const void *row);

/* Rows whose first n_equal key (or index) columns equal those of `like`. */
struct store_query {
    const struct ff_record *record;
    const char *index; /* NULL: primary key order */
    const void *like;  /* row struct: values of the leading columns */
    uint32_t n_equal;
    const void *after; /* row struct whose key was the last seen, or NULL */
    bool descending;
    uint32_t limit; /* 0: no limit (pages inside) */
};
int store_scan(struct store *s, enum store_reader reader, const struct store_query *q,
               store_row_fn *fn, void *arg, struct ff_err *err);

/* Typed reads; rows are copied into `arena`. FF_NOT_FOUND when absent. */
int store_run_by_id(struct store *s, enum store_reader r, struct tenant t,
                    const char *id, struct arena *arena, struct run_row *row,
                    struct ff_err *err);
/* An id, a unique prefix of one (8 characters or more), or "last". */
int store_run_find(struct store *s, enum store_reader r, struct tenant t,
                   const char *word, struct arena *arena, struct run_row *row,
                   struct ff_err *err);
int store_workflow(struct store *s, enum store_reader r, struct tenant t,
                   struct span hash, struct arena *arena, struct workflow_row *row,
                   struct ff_err *err);
int store_backup(struct store *s, const char *to, struct ff_err *err);

/* Copies the text of a row struct into the arena. */
void store_own_row(const struct ff_record *record, void *row, struct arena *arena);

#endif
