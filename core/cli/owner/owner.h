/* cli/owner/owner.h - this process as the owner of the data directory: leads the open
 * runs and answers tasks and other processes on owner.sock. */
#ifndef CLI_OWNER_OWNER_H
#define CLI_OWNER_OWNER_H

#include "cli/frame/frame.h"

/* Loop thread; any may be NULL. */
struct owner_events {
    void *arg;
    void (*changed)(void *arg, const struct run_row *run);
    void (*progress)(void *arg, int64_t run, const char *path,
                     const struct exec_progress *said);
    void (*idle)(void *arg);
    void (*fatal)(void *arg, const struct ff_err *err);
    bool stays; /* for as long as it may: old runs go at its start already */
};

struct owner {
    struct cli_session *session;
    struct owner_events events;
    struct http_server *server;
    struct owner_api *api;
    struct task_api *tasks;
    bool led; /* it was the owner */
    int stuck_code;
    size_t n_followed; /* runs that others followed when it stopped */
};

/* FF_BUSY: another process is the owner. Stop it in either case. */
int owner_start(struct owner *o, struct cli_session *s,
                const struct owner_events *events, struct ff_err *err);
/* Gives the runs up; attempts go on. Runs the loop: not from a callback. A store that
 * does not take what is in flight is not waited for longer than a few seconds, also
 * when it is the loop thread that it does not let go: then the process ends here with
 * exit_code, as if it had been killed, which loses nothing. */
void owner_stop(struct owner *o, int exit_code);

/* The same for a process that goes on: it waits for what is in flight for as long as
 * the store takes, and may be started again. Not from a callback. */
void owner_step_down(struct owner *o);

/* After owner_stop, if it led: leads on in a process of the background what nobody else
 * would, and deletes what is kept too long. */
void owner_leave(struct cli *c, struct owner *o);

/* --- the background process (engine_spawn.c) --- */

enum engine_answer { ENGINE_LEADS, ENGINE_BUSY, ENGINE_FAILED };
/* Starts `flowforge engine` with the same settings and waits until it leads. */
enum engine_answer engine_spawn(struct cli *c, struct cli_session *s);
/* Open runs in the store; negative: they cannot be read. */
int64_t owner_count_open(struct cli_session *s);

#endif
