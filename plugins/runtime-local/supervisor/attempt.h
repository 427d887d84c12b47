/* attempt.h - one attempt from start to release: its states and what leads from
 * one to the next.
 *
 *   RUNNING -> (TERMINATING -> KILLING ->) FINISHED -> ENDED -> released
 *
 * TERMINATING: SIGTERM was sent, the grace runs. KILLING: SIGKILL is repeated until
 * nothing of the tree is left. FINISHED: its outcome waits for the journal. ENDED:
 * the outcome is written and may be told. SWEEPING stands for RUNNING in a former
 * supervisor whose processes are being killed. */
#ifndef SUPERVISOR_ATTEMPT_H
#define SUPERVISOR_ATTEMPT_H

#include "live.h"
#include "loop.h"
#include "names.h"
#include "outcome.h"
#include "spool.h"

#include <flowforge/runtime.h>

#include <sys/types.h>

struct client;
struct journal;
struct sup;

enum phase { SWEEPING, RUNNING, TERMINATING, KILLING, FINISHED, ENDED };

struct attempt {
    struct attempt *next_by_id;
    struct attempt *next_by_pid;
    struct attempt *row_next;
    struct attempt *row_prev;
    struct attempt *next; /* in the list of those that exited or finished */
    struct sup *sup;
    struct client *client; /* who gets its event, or NULL */
    enum phase phase;
    bool reaped;        /* the main process is no more */
    bool released;      /* nobody wants its outcome any more */
    bool has_work;      /* it has a directory of its own to work in */
    bool unreported;    /* ended, and there was no room to tell its client */
    pid_t pid;          /* of the main process, its group and session; 0: none */
    int64_t born_ticks; /* since boot, as the processes' start times */
    int64_t grace_us;   /* of its timeout */
    int64_t expires_us; /* monotonic; 0: never */
    int64_t kill_us;    /* TERMINATING: end of the grace; KILLING: its start */
    unsigned passes;    /* of SIGKILL */
    struct timer timer;
    struct spool *spool;   /* until FINISHED */
    struct limits *limits; /* until FINISHED; NULL: none */
    uint64_t serial;       /* its name in the journal */
    uint32_t slot;         /* in the live table, until ENDED; LIVE_NONE */
    struct outcome outcome;
    char id[]; /* NUL-terminated */
};

/* What a START asks for. Strings are borrowed for the call. */
struct start {
    const char *id;
    const char *dir;
    const char *log_dir;
    int64_t log_max_bytes;
    int64_t timeout_us;
    int64_t grace_us;
    int64_t cpu_milli;
    int64_t memory_bytes;
    char **argv; /* argv[-1] and one place after the NULL are free for use */
    char **env;  /* one place before the NULL is free for use */
    const void *input;
    size_t input_len;
    const char *const *masks; /* ends with NULL, or NULL */
};

/* Starts it, or finds it started before. From then on `client` gets its event; of
 * one that is ENDED the caller sends it. */
int attempt_start(struct sup *sup, struct client *client, const struct start *start,
                  struct ff_err *err);

void attempt_cancel(struct attempt *attempt, int64_t grace_us);

/* The main process was waited for. Called once all exits of a round were seen. */
void attempt_exited(struct attempt *attempt);

/* Children that are no main processes ended; who is left is known again. */
void attempt_look(struct attempt *attempt);

/* Ended: forgets it and deletes its directories. Otherwise once it has ended. */
void attempt_release(struct attempt *attempt);

/* Makes one that did not run here: out of the journal, or left by a former
 * supervisor. NULL without memory. */
struct attempt *attempt_revive(struct sup *sup, const char *id, enum phase phase);

/* Records that one of which nothing is known was lost, so that it is never taken for
 * one that did not begin. NULL: there is no room to. */
struct attempt *attempt_note_lost(struct sup *sup, const char *id);

/* Ends it with this outcome, which goes to the journal with the round's others. */
void attempt_finish(struct attempt *attempt);

/* Puts every outcome that is still needed into the journal: see journal_keep_fn. */
void attempts_keep(void *sup, struct journal *journal);

/* Writes FINISHED outcomes to the journal, tells the clients, and has the journal
 * flushed. Ends the process when the journal fails. */
void attempts_record(struct sup *sup);

/* Once, before the first. False with errno. */
bool attempts_record_begin(struct sup *sup);

#endif
