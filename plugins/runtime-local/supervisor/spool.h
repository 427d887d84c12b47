/* spool.h - one attempt's standard output and error, from two pipes into numbered
 * log files in the format of docs/logs.md. No buffer is kept per attempt: what a
 * read brings is formatted and written at once. */
#ifndef SUPERVISOR_SPOOL_H
#define SUPERVISOR_SPOOL_H

#include "loop.h"
#include "mask.h"

#include <stdbool.h>
#include <stdint.h>

struct stream {
    struct source source; /* fd -1: at its end */
    struct spool *spool;
    const char *name;
};

struct spool {
    struct spool *next; /* for its owner */
    struct loop *loop;
    char *dir; /* NULL: output is read and thrown away */
    struct stream streams[2];
    int fd; /* the current chunk, or -1 */
    uint32_t chunks;
    int64_t chunk_bytes;
    int64_t max_bytes; /* of output; 0: no cap */
    int64_t retry_us;  /* after a failed write: when to try again */
    int64_t file_bytes;
    uint64_t kept;
    uint64_t dropped;
    uint64_t gap; /* dropped since the last record, not declared yet */
    int gap_errno;
    uint64_t over;     /* dropped over max_bytes */
    struct mask *mask; /* or NULL */
};

/* write_fds are the ends for the child; the caller closes them. False with errno:
 * no descriptors left. */
bool spool_open(struct spool *spool, struct loop *loop, int write_fds[2]);

/* Tells where chunks go; the directory is made when the first byte comes. masks: texts
 * that must not stand in them, ends with NULL, or NULL. False without memory. */
bool spool_into(struct spool *spool, const char *dir, int64_t max_bytes,
                const char *const *masks);

/* From now on the loop reads. False with errno. */
bool spool_watch(struct spool *spool);

/* Reads what is left without waiting for a writer that lives on, declares what
 * was dropped, closes everything. */
void spool_finish(struct spool *spool);

/* Closes and frees what spool_open and spool_into made; writes nothing. */
void spool_drop(struct spool *spool);

#endif
