/* journal.h - DIR/exits.journal: how attempts ended, written before it is told.
 *
 * The file has two halves of equal size, filled with zeros when made, so that a
 * flush writes data only. Records are appended to one half. When it is full, what
 * is still needed goes to the start of the other half together with the records
 * that did not fit, in one write and one flush; the half with the highest whole
 * generation counts. So there is never a moment without a good half. */
#ifndef SUPERVISOR_JOURNAL_H
#define SUPERVISOR_JOURNAL_H

#include "flusher.h"
#include "outcome.h"

#include <stdbool.h>
#include <stdint.h>

/* Less than this of records that nobody waits for is left for the next commit. */
#define JOURNAL_LAZY_BYTES ((size_t)64 << 10)

struct journal {
    int dir_fd;
    int fd;
    size_t half_bytes;
    int half;            /* the one in use: 0 or 1 */
    size_t used;         /* bytes of it */
    uint64_t generation; /* of it */
    uint32_t salt;       /* of its records' checksums */
    uint64_t last_serial;
    size_t reserved;       /* bytes that the attempts known now may need */
    bool made;             /* there was none when it was opened */
    bool fresh;            /* opened, and not committed to yet */
    int failed;            /* an errno; there is no way on */
    struct rl_out pending; /* records for the next commit */
    bool unflushed;        /* something was written that no flush has begun for */
    struct flusher flusher;
    uint64_t flushes;
};

/* Called with each outcome that was not forgotten. */
typedef void journal_fn(void *arg, uint64_t serial, const char *id,
                        const struct outcome *outcome);

/* Adds every outcome that must be kept, by journal_put. */
typedef void journal_keep_fn(void *arg, struct journal *journal);

/* False with errno; EBADMSG when both halves are damaged. The first commit afterwards
 * writes a half anew. */
bool journal_open(struct journal *journal, int dir_fd, journal_fn *fn, void *arg);

/* Makes sure that this attempt's outcome will fit, growing the file if needed, or
 * says that it cannot: later nothing may fail. */
bool journal_reserve(struct journal *journal, const char *id, journal_keep_fn *keep,
                     void *arg);
void journal_hold(struct journal *journal, const char *id); /* for one read from it */
void journal_unreserve(struct journal *journal, const char *id);

/* A name for the next outcome. */
uint64_t journal_serial(struct journal *journal);

void journal_put(struct journal *journal, uint64_t serial, const char *id,
                 const struct outcome *outcome);
void journal_forget(struct journal *journal, uint64_t serial);

/* Makes what was put durable. 0, or an errno after which nothing is known and the
 * supervisor must end. `keep` is called when the half is full. */
int journal_commit(struct journal *journal, journal_keep_fn *keep, void *arg);

/* Writes what was put: found by whoever opens the file later, unless the machine fails
 * meanwhile. Errors as above. */
int journal_write(struct journal *journal, journal_keep_fn *keep, void *arg);

/* Has the flusher, which was started, make durable what was written, unless it is busy
 * or there is nothing. */
void journal_flush(struct journal *journal);

#endif
