/* A scripted store driver, and a loop to run the store room on. The driver answers
 * commits from a script and remembers what it was asked. */
#ifndef SUPPORT_H
#define SUPPORT_H

#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What the driver answers to one commit. */
struct answer {
    int code;
    size_t failed;
    bool written;     /* with IN_DOUBT: it was */
    bool on_conflict; /* conflict only if a change of this run is among them */
    int64_t run;
};

/* What it was asked: one commit. */
struct asked {
    size_t n;
    bool fenced;
    int64_t fence_version;
    int64_t runs[64]; /* key of each change of record run, in order */
    size_t n_runs;
    size_t n_renewals;
    bool on_loop;
};

struct fake {
    struct loop *loop;
    struct driver_instance *instance;
    struct store *store;

    struct answer script[64]; /* then always FF_OK */
    size_t n_script, at;
    struct asked asked[256]; /* by number, modulo */
    atomic_size_t n_asked;   /* set after the entry was written */
    int64_t shard_version;   /* of the one shard row; 0: none */
    int64_t lease_until;     /* as the last renewal left it */
    int64_t rows[1024];      /* versions by run number */
    int64_t foreign;         /* run whose row somebody else wrote; 0: none */
    int64_t delay_us;        /* of each commit, by the loop's clock */
    size_t n_unread;         /* reads that fail from now on */
    size_t n_open;
    int64_t positions[16]; /* of the steps that it was given; 0: none */
    size_t n_positions;
};

/* Opens a store on the fake. One at a time. */
void fake_open(struct fake *f);
void fake_close(struct fake *f);
void fake_answer(struct fake *f, struct answer a);

/* A batch with one insert of the run `no` (version 1 afterwards). */
void batch_of_run(struct batch *b, int64_t no);

/* A commit whose result is kept. */
struct result {
    struct fake *fake;
    bool done;
    int code;
    size_t failed;
    char msg[256];
    size_t stop_after; /* results counted in the fake; 0: never */
};
void on_done(void *result, int code, size_t failed, const struct ff_err *err);
void commit_run(struct fake *f, int64_t no, struct result *r);

/* Runs the loop until n results have come in since the fake was opened. */
void run_until(struct fake *f, size_t n);

/* Runs the loop until one more result has come in. */
void run_for_one(struct fake *f);

/* Commits one run after the other until the store counts as fast, and one of them was
 * made on the loop thread. Gives how many; what was asked is forgotten. */
size_t warm_up(struct fake *f);

#endif
