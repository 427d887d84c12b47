/* cli/executor/executor_priv.h - the inside of the executor.
 *
 * executor.c is the program: what it begins and ends with; link.c speaks with one
 * server: registers, pulls commands, tells what has happened; links.c has all of them,
 * and says how many of the free places are whose; hosted.c the
 * attempts that are here, and the runtime that runs them; env.c their environment;
 * rights.c keeps what is for servers out of this process;
 * ship.c sends what they write; files.c brings what they are given, and sends what they
 * hand on; tasks.c lets them speak to the server;
 * health.c tells who asks how it is. */
#ifndef CLI_EXECUTOR_EXECUTOR_PRIV_H
#define CLI_EXECUTOR_EXECUTOR_PRIV_H

#include "blob/blob.h"
#include "cli/executor/ask.h"
#include "cli/executor/executor.h"
#include "fleet/fleet.h"
#include "http/http.h"

#define ID_TEXT_SIZE 33
#define N_SHIPPERS   4
#define N_FORWARDERS 4
#define N_CARRIERS   4

struct executor;

/* What one request said of free places. */
struct link_said {
    uint64_t request; /* its number; 0: there is none */
    int64_t credit;   /* without the starts that have come since */
};

/* One server. Each that leads has a session with us, as each leads the runs of other
 * tenants. */
struct link {
    struct executor *ex;
    char *url;
    char session[ID_TEXT_SIZE], controller[ID_TEXT_SIZE]; /* "": not registered */
    bool ever;                                            /* it has registered once */
    bool registering;
    bool left; /* it was told that nothing is left, or that is on its way */
    int64_t lease_us;
    uint64_t request, ack;
    int64_t wanted;  /* how many would use a place of ours, beside those they have */
    size_t n_failed; /* registrations, one after the other */
    struct link_said heard, pulled, told; /* of the newest request that was answered,
                                           * and of those that are on their way */
    int64_t share;                        /* of the free places */
    uint64_t turn; /* of its last start: who waits longest is first among equals */
    struct lane *pull_lane, *tell_lane;
    struct asker *pull_asker, *tell_asker;
    bool telling, tell_again;
    bool slow; /* it has not answered what it was told last for a while */
    struct loop_timer *retry, *tell_retry, *tell_slow;
};

enum hosted_state {
    HOSTED_STARTING,
    HOSTED_RUNNING,
    HOSTED_ENDED,
    HOSTED_UNBORN /* it was not started; told, it is forgotten */
};

/* Where sending the chunks of a log has come to. */
struct ship_mark {
    int64_t chunk, offset;
    bool known; /* the server has all before it, and nothing behind it in this chunk */
    bool fresh; /* nor of the chunks behind this one */
};

struct hosted {
    struct executor *ex;
    struct link *link;   /* whose it is; NULL: none that we know of has said so */
    int64_t tenant_hash; /* as its start said; below 0: it did not */
    char *id, *dir, *log_dir;
    enum hosted_state state;
    bool dropped; /* nobody waits for it: it ends, and is forgotten */
    bool started; /* and that is told */
    uint64_t seq; /* of the command that started it; 0: of another session */
    struct ff_run_event end;
    char *message;
    enum fleet_word unborn; /* what is told of one that is */
    int watch;              /* of inotify; -1: none */
    struct list queue;      /* ex->ships: there is something to send */
    bool shipping, again;   /* a lane sends; something came meanwhile */
    struct ship_mark mark;
    bool shipped; /* everything, after its end */
    bool told;    /* its end, to this controller */

    bool has_files;           /* its folder has FLEET_FILES, once it runs */
    char *artifacts, *script; /* where they lie when its files are here; or NULL */
    struct fleet_spec *spec;  /* until they are, and it starts; or NULL */
    bool fetching;            /* a lane does */
    bool cancelled;           /* before it began */
    struct loop_timer *fetch_again;
    size_t n_sent;    /* of what it hands on, begun with this controller */
    atomic_bool halt; /* the lane is to let go of it */
};

struct carrier {
    struct lane *lane;
    struct asker *asker;
    size_t n_jobs;
};

struct shipper {
    struct executor *ex;
    struct lane *lane;
    struct asker *asker;
    bool busy;
};

struct forwarder {
    struct lane *lane;
    struct asker *asker;
};

struct executor {
    struct cli *c;
    struct config *config;
    struct executor_settings settings;
    const char *token_file; /* the configuration's */
    struct fleet_tokens tokens;
    struct {
        struct fleet_tokens *items; /* requests that are on their way still show them */
        size_t n, cap;
    } old_tokens;
    struct loop *loop;
    struct signals *signals;
    char *dir;
    int lock_fd;
    char id[ID_TEXT_SIZE];
    char name[FLEET_NAME_MAX + 1];
    struct buf labels; /* as labels_read writes them */
    char *endpoint;    /* of the API, for tasks */
    char *sdk, *http_program;
    char **pass_env;
    int exit_code;
    bool leaving; /* takes no more */
    bool shared;  /* several servers have led at once */
    bool gone;    /* the loop has been told to end */
    atomic_bool given_up;

    struct driver_instance *driver;
    void *runtime;
    const struct ff_runtime_ops *ops;
    struct map hosted; /* by id */
    size_t n_asked;    /* of the runtime, which has not answered yet */
    int inotify;
    struct loop_watch *inotify_watch;
    struct map by_watch;     /* hosted, by watch + 1 */
    struct lane *sweep_lane; /* removes folders */

    struct link *links;
    size_t n_links;
    uint64_t turns;
    struct loop_timer *ship_retry;
    struct loop_timer *rest; /* the runtime had no room: no place is free for a while */

    struct carrier carriers[N_CARRIERS];
    struct shipper shippers[N_SHIPPERS];
    struct list ships;

    struct health *health; /* NULL: nobody can ask */
    uint64_t n_sessions, n_starts, n_ends;

    struct http_server *http;
    struct forwarder forwarders[N_FORWARDERS];
    size_t next_forwarder;
};

/* --- executor.c --- */

void executor_end(struct executor *ex, int exit_code);
/* Where it leaves, and nothing is left: it does. */
void executor_check_left(struct executor *ex);

/* --- hosted.c --- */

int hosted_open(struct executor *ex, struct ff_err *err);
/* Takes over what an earlier process left; then links_register. */
void hosted_adopt(struct executor *ex);
void hosted_finish(struct executor *ex); /* what is under way comes to its end */
void hosted_close(struct executor *ex);
/* Those that have a place; of one server, or with NULL all. */
int64_t hosted_running(const struct executor *ex, const struct link *l);
/* What a server asks for. Of an attempt that is another's by now: nothing. */
void hosted_start(struct link *l, const char *id, const json_t *command, uint64_t seq);
void hosted_cancel(const struct link *l, const char *id, int64_t grace_us);
void hosted_drop(const struct link *l, const char *id);
/* It is this server's. again: who leads there knows nothing of what was sent before. */
void hosted_bind(struct hosted *h, struct link *l, bool again);
/* A lane has let go of it, or its end was told: what waited for that is done. */
void hosted_settle(struct hosted *h);
/* Its files are here, err NULL; or they cannot be, and this is told of it. It may be
 * gone then. */
void hosted_go_on(struct hosted *h, const struct ff_err *err, enum fleet_word word);

/* --- rights.c --- */

/* Of env what settings of this program may come from; by mem_free, the texts are env's.
 */
char **rights_own_env(char *const *env);
/* CLI_CONFIG where a file that it was given, and so its tasks too, holds a secret of
 * servers; has printed which, and what to do. */
int rights_refuse(const struct executor *ex);
/* After settings were read, before anything begins: the environment has nothing any
 * more but what tasks are given of it and what this program needs. */
void rights_forget(const struct executor *ex);

/* --- env.c --- */

/* The whole environment: that of the attempt, and what is of this host. Ends with NULL;
 * in the arena. */
/* artifacts: its $FF_ARTIFACTS, or NULL. */
const char *const *env_here(const struct executor *ex, struct arena *arena,
                            const char *const *given, const char *artifacts);

/* --- links.c --- */

int links_open(struct executor *ex, struct ff_err *err);
void links_close(struct executor *ex);
void links_free(struct executor *ex); /* when nothing comes back to the loop any more */
void links_register(struct executor *ex);
bool links_any_session(const struct executor *ex);
/* Places are free, or are not any more: each server is told of its own, and this one,
 * if any, in any case. */
void links_share(struct executor *ex, struct link *tell);
void links_tell_all(struct executor *ex);
/* Takes nothing for a moment: the runtime has no room, whatever the places say. */
void links_rest(struct executor *ex);
/* A session has ended: what was that server's may be another's by now. */
void links_lost(struct link *lost);
/* Says that nothing is left here, to those who hear it, and ends the process. */
void links_leave(struct executor *ex);

/* --- link.c --- */

int link_open(struct link *l, struct executor *ex, const char *url, struct ff_err *err);
void link_close(struct link *l);
void link_register(struct link *l);
void link_tell(struct link *l); /* soon: what there is to tell */
void link_leave(struct link *l);
bool link_is_up(const struct link *l); /* it has a session; NULL: no */
/* How many free places it may believe to be its own; of one that hangs: none. */
int64_t link_credit(const struct link *l);
/* A request to this server, but for method and what is asked. */
struct ask link_ask(const struct link *l);
/* Another try may do: of a body that was too slow, or a server that knows nobody yet.
 */
bool link_may_pass(long status);

/* --- ship.c --- */

int ship_open(struct executor *ex, struct ff_err *err);
void ship_later(struct hosted *h);
void ship_retry_later(struct executor *ex);
/* Its files are with the server of this session, or could not be sent. */
void ship_sent(struct hosted *h, const char *session, bool ok);
void ship_close(struct executor *ex);

/* --- files.c --- */

int files_open(struct executor *ex, struct ff_err *err);
/* Then hosted_go_on. Of one that was dropped or cancelled meanwhile: gives up. */
void files_fetch(struct hosted *h);
/* What the attempt hands on, after all else; then ship_sent. */
void files_send(struct hosted *h);
bool files_are_here(const struct hosted *h);
void files_close(struct executor *ex);

/* --- tasks.c --- */

int tasks_open(struct executor *ex, struct ff_err *err);
void tasks_close(struct executor *ex);

/* --- health.c --- */

int health_open(struct executor *ex, struct ff_err *err); /* where settings say so */
void health_close(struct executor *ex);

#endif
