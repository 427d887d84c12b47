/* local_priv.h - the runtime-local driver: what its files share.
 *
 * driver.c is the contract; link.c keeps the connection to the supervisor, launch.c
 * starts one, calls.c holds what was asked and not answered, outputs.c reads what
 * attempts left. All on the loop thread but outputs.c. */
#ifndef RUNTIME_LOCAL_PRIV_H
#define RUNTIME_LOCAL_PRIV_H

#include "protocol.h"
#include "wire.h"

#include <flowforge/runtime.h>

#include <stdbool.h>
#include <sys/types.h>

enum link_state {
    LINK_DOWN,      /* nobody needs the supervisor, or a retry waits */
    LINK_LAUNCHING, /* a supervisor was started and is not ready yet */
    LINK_GREETING,  /* connected; HELLO was sent */
    LINK_UP
};

/* Something asked of the supervisor; the frame is kept until it is answered, so
 * that it can be asked again on a new connection. */
struct request {
    struct request *next;
    struct ff_op *op; /* NULL: for ourselves */
    uint64_t seq;
    uint64_t lineage;        /* of the supervisor that may have seen it; 0: none */
    struct tracked *tracked; /* START: its attempt */
    struct rl_out frame;
    size_t sent; /* bytes of it, on this connection */
};

/* An attempt whose final event is still to come. */
struct tracked {
    struct tracked *next;
    uint32_t starts; /* requests START that are not answered */
    bool adopted;    /* known to have been started: asked for after a reconnect */
    char id[];
};

struct local {
    const struct ff_host *host;
    ff_run_event_fn *fn;
    void *arg;
    char *dir; /* absolute, without symbolic links */
    int dir_fd;
    char *program;
    char *cgroup; /* or NULL */
    int64_t idle_exit_us;
    uint64_t nofile; /* soft limit of descriptors when we were opened: that of tasks */

    enum link_state state;
    int fd; /* of the connection, or of the ready pipe while LAUNCHING */
    pid_t launched;
    struct ff_watch *watch;
    struct ff_timer *retry; /* DOWN: when to try again; else the time limit */
    struct ff_timer *flush; /* a send at the end of this pass of the loop */
    int64_t pause_us;
    bool want_write;
    pid_t supervisor;
    uint64_t lineage;
    struct rl_rx rx;
    struct rl_out hello;
    size_t hello_sent;

    struct request *first; /* in the order of asking, which is that of answers */
    struct request *last;
    uint64_t seq;
    struct tracked **buckets;
    size_t n_buckets; /* a power of two */
    size_t n_tracked;
};

/* link.c */
void link_need(struct local *local);                  /* something is to be sent */
void link_close(struct local *local);                 /* and nothing is tried again */
void link_lost(struct local *local, const char *why); /* and try again if needed */
void link_connect(struct local *local);

/* launch.c */
void launch(struct local *local);

/* calls.c */
struct request *call_new(struct local *local, uint32_t type, struct ff_op *op);
void call_send(struct local *local, struct request *request);
void call_fail(struct local *local, struct request *request, int code, const char *why);
void calls_answer(struct local *local, struct rl_frame *frame);
void calls_event(struct local *local, struct rl_frame *frame);
/* On a new connection. False: no memory to ask for the attempts that run, so that their
 * ends would never be told. */
bool calls_again(struct local *local, uint64_t lineage);
void calls_refuse(struct local *local, const char *why); /* those never offered */
bool calls_pending(const struct local *local);
void calls_done(struct local *local);
struct tracked *track(struct local *local, const char *id);
void untrack(struct local *local, const char *id);

/* outputs.c */
int local_output(void *runtime, const char *attempt_id, const char *name,
                 ff_bytes_fn *fn, void *arg, struct ff_err *err);
int local_take(void *runtime, const char *attempt_id, const char *name, const char *to,
               struct ff_err *err);
int local_outputs(void *runtime, const char *attempt_id, ff_bytes_fn *fn, void *arg,
                  struct ff_err *err);

#endif
