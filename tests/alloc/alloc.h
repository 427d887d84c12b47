/* tests/alloc/alloc.h - what the harness of failing allocations shares. scenario.c has
 * the table, child.c runs one command in a forked process, judge.c says whether what it
 * left is right, main.c counts. */
#ifndef TESTS_ALLOC_H
#define TESTS_ALLOC_H

#include "base/base.h"

#define ARGS_MAX     16
#define SETTINGS_MAX 4

enum kind {
    READS, /* changes nothing: on a prepared store, again and again */
    RUNS,  /* makes or ends a run: on a store of its own each time */
};

struct scenario {
    const char *name;
    enum kind kind;
    bool varies;     /* it may say less and go on: a driver that cannot be loaded */
    bool processes;  /* tasks are processes: attempts may be lost and come again */
    bool asks;       /* RUNS: where it fails, the run may go on as if never asked */
    bool supervised; /* not the command's allocations fail but its supervisor's */
    int result;      /* exit code when nothing fails */
    int run_result;  /* RUNS: of `resume` to the end of the run */
    const char *flow;
    const char *before[2][ARGS_MAX]; /* commands without faults; @ is the folder */
    const char *args[ARGS_MAX];
    int (*direct)(void);                /* instead of args: what is called; exit code */
    const char *settings[SETTINGS_MAX]; /* "FLOWFORGE_ENGINE_STORE=store-lmdb" */
};
extern const struct scenario scenarios[];
extern const size_t n_scenarios;
/* control.c: each must be found wrong. */
extern const struct scenario controls[];
extern const size_t n_controls;

/* --- runtime.c --- */

/* What the runtime driver keeps for its requests, without a supervisor. */
int runtime_calls(void);

/* --- drivers.c --- */

int auth_jwt_calls(void);
int auth_dev_calls(void);
int blob_s3_calls(void);

/* --- child.c --- */

struct ended {
    int code;   /* of the exit; -1: see signal */
    int signal; /* SIGALRM: it hung */
    struct buf out, err;
};

/* Runs the command in a child, in `dir`, whose data directory is dir/data. at 0:
 * nothing fails; else the gate is armed. */
void child_run(const char *dir, const char *const *args, long at, bool on,
               struct ended *e);
/* The same with a function in the place of a command. */
void child_call(const char *dir, int (*direct)(void), long at, bool on,
                struct ended *e);
void ended_done(struct ended *e);
extern bool child_loud;                   /* its standard error is ours */
extern const char *const *child_settings; /* variables more, up to SETTINGS_MAX */

/* --- judge.c --- */

/* A sentence for what is wrong with how a faulted command ended; NULL: nothing. */
const char *judge_supervisor(const char *dir);
const char *judge_end(const struct scenario *s, const struct ended *e);
/* What the store must be whoever died when: whole, and nothing half applied. */
const char *judge_store(const char *dir);
/* What came of the run in `dir`; mem_free it. NULL: there is none to be seen. */
char *judge_look(const struct scenario *s, const char *dir);
/* Goes on without faults: the run, if it came to be, ends as it does without any;
 * `unasked` is how it ends when nothing is asked of it, or NULL. */
const char *judge_recovery(const struct scenario *s, const char *dir,
                           const struct ended *e, const char *expected,
                           const char *unasked);

#endif
