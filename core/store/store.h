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
#include "store/readers.h"

#include <pthread.h>

struct store;
struct store_reader;

/* Opens sessions through the driver (one to write, and the two readers that are the
 * store's), brings the schema up to date. The instance stays
 * the caller's and must outlive the store. */
struct store *store_open(struct loop *l, struct driver_instance *instance,
                         struct ff_err *err);
/* Waits for what is in flight and calls back for it; what waits is FF_CANCELLED. Loop
 * thread, not from a callback. Takes NULL. */
void store_close(struct store *s);

/* --- commits (loop thread) --- */

/* What became of a batch:
 * - FF_OK: all of it is durable.
 * - FF_CONFLICT: nothing of it was written (others of its group were); reload and
 *   decide again; `failed` is the change.
 * - FF_IN_DOUBT: a conflict, maybe with an earlier try of its own that came late; or
 *   the store was closed while a driver could not say. Reload and decide again.
 * - FF_DENIED: the shard was lost, nothing was written, and nothing will be until
 *   store_set_fence: whoever has the shard now knows better.
 * - FF_CANCELLED: the store was closed first; nothing was written.
 * - FF_FATAL, FF_CORRUPT: the store is dead, stop the process. All that comes after
 *   gets the same answer.
 * - anything else: the batch itself is at fault (FF_INVALID and so on).
 * BUSY, UNAVAILABLE and FULL are tried again inside, with back-off, for as long as it
 * takes: store_health tells. A commit in doubt is settled inside by reading what the
 * guarded changes of each batch would have left; see doubt.c.
 * err is NULL with FF_OK. Called on the loop thread, never from inside store_commit. It
 * may call store_commit, but not store_close. */
typedef void store_done_fn(void *arg, int code, size_t failed,
                           const struct ff_err *err);

/* Takes over the contents of `b` (left empty and re-usable). fn may be NULL. */
void store_commit(struct store *s, struct batch *b, store_done_fn *fn, void *arg);

/* All the batches that were given but not yet committed: for back-pressure. */
size_t store_backlog_bytes(const struct store *s);

/* Hears of each step of a run that a batch of store_commit has made durable, or may
 * have, on the loop thread. One listener; NULL: none. It MUST NOT commit. */
typedef void store_step_fn(void *arg, struct tenant t, int64_t run);
void store_on_step(struct store *s, store_step_fn *fn, void *arg);

/* For who measures; loop thread. None may be NULL, or commit. */
struct store_watch {
    void *arg;
    /* The driver was asked to commit: n changes of all the batches that went together.
     * Where `code` says to try again, the same ones come again. */
    void (*commit)(void *arg, int code, size_t n_changes, size_t bytes,
                   int64_t took_us);
    /* What became of a batch, so long after it was given; it is borrowed. */
    void (*batch)(void *arg, int code, const struct batch *b, int64_t waited_us);
};
void store_set_watch(struct store *s, const struct store_watch *w); /* NULL: nobody */

/* Why commits do not get through at present (disk full, link down, dead); FF_OK when
 * they do. For readiness checks and to refuse new work. */
int store_health(const struct store *s, struct ff_err *err);

/* The fence of the shard that this process owns: checked by every group. A renewal
 * of the lease goes through here too, so that versions stay in step. */
struct store_fence {
    int64_t shard;
    int64_t version; /* of the shard row, kept up to date by the store */
    int64_t epoch;
    bool held;
};
void store_set_fence(struct store *s, const struct shard_row *row); /* NULL: none */
struct store_fence store_get_fence(const struct store *s);
/* Extends the lease of the held shard, ahead of all that waits; FF_DENIED: it was
 * lost. */
void store_renew(struct store *s, int64_t lease_until, store_done_fn *fn, void *arg);
/* The lease could not be renewed, and somebody else may have the shard: all that waits
 * or is tried again is FF_DENIED (FF_IN_DOUBT where it may have been written), as when
 * a commit has found it taken. What the driver has in hand comes to its own end. Not
 * from inside a callback of a commit. */
void store_lose_shard(struct store *s);

/* --- commits (blocking, for the command line and start-up; any thread but the loop
 * of a process that also uses store_commit) --- */

/* Not fenced. The batch stays as it is. Tries for ten seconds when another process is
 * writing, then FF_BUSY. FF_IN_DOUBT: a commit was in doubt, and what came of it could
 * not be read, or it may still come late. */
int store_commit_now(struct store *s, struct batch *b, size_t *failed,
                     struct ff_err *err);

/* --- shard ownership (blocking) --- */

/* Who wants a shard. NULL: nothing is said. */
struct store_claim {
    const char *owner, *endpoint, *address;
    const char *place; /* of a lease with the same one it is known that it is over */
    int64_t over;      /* so it is of one with this version of the row; or FF_ABSENT */
    int64_t lease_us;
};
/* Takes shard `shard` if it is free, released or its lease is over by the store's
 * clock; epoch grows. FF_BUSY when another owner holds it: *row then says who (text
 * in it lives until the next call). */
int store_acquire_shard(struct store *s, int64_t shard, const struct store_claim *claim,
                        struct shard_row *row, struct ff_err *err);
/* The same of a row that was read before, which becomes another one than it was, and
 * with it one beside it. FF_CONFLICT: either has changed meanwhile. */
struct store_reshape {
    const struct shard_row *row;     /* version FF_ABSENT: it is new */
    struct tenant_range range;       /* what it has from now on */
    int64_t epoch;                   /* at least this one: of whoever had any of that */
    bool mixed;                      /* another place may have begun any of that */
    const struct shard_row *other;   /* or NULL; gets a later epoch than either had */
    struct tenant_range other_range; /* what that one has; empty: it is nobody's */
};
int store_reshape_shard(struct store *s, const struct store_reshape *how,
                        const struct store_claim *claim, struct shard_row *row,
                        struct ff_err *err);
/* All of them, by their numbers; texts in the arena. */
struct store_shards {
    struct shard_row *items;
    size_t n, cap;
};
int store_read_shards(struct store *s, struct store_reader *r,
                      struct store_shards *shards, struct arena *arena,
                      struct ff_err *err);
/* Was it last had by this place? NULL: no. */
bool store_shard_is_of(const struct shard_row *row, const char *place);
/* Could it be taken with this claim? */
bool store_shard_is_free(const struct shard_row *row, const char *place,
                         int64_t now_us);
/* The held one, when nothing is in flight or waiting (else FF_BUSY). Loop thread. */
int store_release_shard(struct store *s, struct ff_err *err);
int store_read_shard(struct store *s, struct store_reader *r, int64_t shard,
                     struct shard_row *row, struct arena *arena,
                     struct ff_err *err); /* FF_NOT_FOUND */

/* Takes `n` numbers from the counter `name`; *first is the first. Blocking. */
int store_take_numbers(struct store *s, const char *name, int64_t n, int64_t *first,
                       struct ff_err *err);

/* The same for threads that need many, one after the other: commits are shared. Numbers
 * that nobody used in time are dropped. The name is borrowed; any thread, blocking. */
struct store_numbers {
    const char *name;
    pthread_mutex_t mutex; /* guards the rest */
    int64_t next, left, size;
    int64_t taken_us; /* by the clock that nobody sets */
};
void store_numbers_init(struct store_numbers *n, const char *name);
void store_numbers_done(struct store_numbers *n);
int store_number(struct store *s, struct store_numbers *from, int64_t n, int64_t *first,
                 struct ff_err *err);

int64_t store_now_us(struct store *s); /* the store's clock, blocking */
/* The same for who must not take another clock for it. */
int store_clock(struct store *s, struct store_reader *r, int64_t *now_us,
                struct ff_err *err);

/* --- reads (blocking; any one thread at a time per reader) --- */

/* A session of the driver to read with: what several threads read with the same one,
 * they read one after the other. Two belong to the store: of the lane that loads, and
 * of whoever calls (the command line, start-up, and all blocking commits). Who reads
 * beside them opens one of his own, or a pool of them (readers.h). */
struct store_reader;
extern struct store_reader store_reader_lane, store_reader_caller;
#define STORE_READER_LANE   (&store_reader_lane)
#define STORE_READER_CALLER (&store_reader_caller)

/* Any thread, blocking; it is of this store only, and MUST be closed before it. NULL
 * with a sentence. */
struct store_reader *store_reader_open(struct store *s, struct ff_err *err);
void store_reader_close(struct store_reader *r); /* takes NULL */
/* fn is called on any thread, also for nothing, when another process has committed to
 * the record, until the reader is closed. Blocking. FF_UNSUPPORTED: this store tells
 * nobody. */
int store_reader_watch(struct store_reader *r, const struct ff_record *record,
                       ff_call_fn *fn, void *arg, struct ff_err *err);

/* Calls fn with each row struct (borrowed) until it returns non-zero. fn MUST NOT read
 * with the same reader. */
typedef int store_row_fn(void *arg, const void *row);

/* Rows whose first n_equal key (or index) columns equal those of `like`. */
struct store_query {
    const struct ff_record *record;
    const char *index; /* NULL: primary key order */
    const void *like;  /* row struct: values of the leading columns */
    uint32_t n_equal;
    const void *after; /* row struct whose key was the last seen, or NULL */
    /* Of the column after the equal ones: at least this, and less than that; or NULL */
    const struct ff_value *from, *below;
    bool descending;
    uint32_t limit; /* 0: no limit (pages inside, each of which sees one moment) */
};
int store_scan(struct store *s, struct store_reader *reader,
               const struct store_query *q, store_row_fn *fn, void *arg,
               struct ff_err *err);

/* The first row of the query, its text in the arena; FF_NOT_FOUND. *row is written on
 * success only. */
int store_read_one(struct store *s, struct store_reader *reader,
                   const struct store_query *q, struct arena *arena, void *row,
                   struct ff_err *err);

/* What a read would see now: as long as it stays the same, every read gives what it
 * gave before, whoever commits. False: this cannot be told, so read. */
struct store_moment {
    uint64_t words[FF_MOMENT_WORDS];
};
bool store_moment(struct store *s, struct store_reader *r, struct store_moment *out);

/* Typed reads; rows are copied into `arena`. FF_NOT_FOUND when absent. */
int store_run_by_id(struct store *s, struct store_reader *r, struct tenant t,
                    const char *id, struct arena *arena, struct run_row *row,
                    struct ff_err *err);
/* An id, a unique prefix of one (8 characters or more), or "last". FF_INVALID: the word
 * is none of these, or several runs begin with it. */
int store_run_find(struct store *s, struct store_reader *r, struct tenant t,
                   const char *word, struct arena *arena, struct run_row *row,
                   struct ff_err *err);
int store_workflow(struct store *s, struct store_reader *r, struct tenant t,
                   struct span hash, struct arena *arena, struct workflow_row *row,
                   struct ff_err *err);
/* One that nobody has taken from yet is there with next 1, version FF_ABSENT. The name
 * is borrowed. */
int store_read_counter(struct store *s, struct store_reader *r, const char *name,
                       struct counter_row *row, struct ff_err *err);
/* The number of the run's last event; 0 when it has none. */
int store_last_seq(struct store *s, struct store_reader *r, struct tenant t,
                   int64_t run, int64_t *seq, struct ff_err *err);
int store_backup(struct store *s, const char *to, struct ff_err *err);
/* What it is and what it takes (flowforge/store.h); blocks, for as long as reading it
 * all. FF_UNSUPPORTED: the driver does not tell. */
int store_info(struct store *s, struct ff_store_info *info, ff_store_part_fn *fn,
               void *arg, struct ff_err *err);
/* The same of one that is not open, before anything in it is upgraded; no parts. */
int store_look(struct driver_instance *instance, struct ff_store_info *info,
               struct ff_err *err);

/* Rows that can be dropped at once (flowforge/store.h). Blocking; the others only where
 * it has them. */
bool store_has_spans(const struct store *s);
int store_spans(struct store *s, const struct ff_record *record, uint32_t column,
                ff_span_fn *fn, void *arg, struct ff_err *err);
int store_make_span(struct store *s, const struct ff_span *span, struct ff_err *err);
int store_drop_span(struct store *s, const struct ff_span *span, struct ff_err *err);

/* Copies the text of a row struct into the arena. */
void store_own_row(const struct ff_record *record, void *row, struct arena *arena);

#endif
