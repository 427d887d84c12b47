/* tests/unit/api/support_task.h - an executor that only remembers what it was told. */
#ifndef TESTS_API_SUPPORT_TASK_H
#define TESTS_API_SUPPORT_TASK_H

#include "api/api.h"
#include "support.h"

/* Touched on the loop thread; tests look while no request is on its way. */
struct fake_exec {
    const char *token;      /* the one that is good */
    const char *next_token; /* what a heartbeat hands out */
    int64_t interval_us;    /* that it wants; 0: any */
    bool fenced, cancel;
    int fail;           /* an ff_code that log, status, output and heartbeat return */
    struct buf log;     /* "level text\n" for each line */
    struct buf outputs; /* "name=json;" */
    struct buf status;  /* "STATUS progress message;" */
    int64_t last_time_us, last_seq;
    int n_authorized, n_logs;
    struct loop *loop;
    task_api_started_fn *started;
    void *started_arg;
};

extern struct fake_exec fake_exec;

/* For site_start_with; resets the executor. */
void mount_fake_exec(struct site *s);
void fake_exec_done(void);

#endif
