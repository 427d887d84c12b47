/* node/node.h - one process of FlowForge: configuration, drivers, store, and when it
 * owns the shard, control and executor wired together.
 *
 * On one host any number of processes may use the same data directory. One of them is
 * the owner: it holds owner.lock (released by the kernel when it dies), the shard's
 * epoch, and listens on owner.sock. The others read by themselves and knock there. */
#ifndef NODE_NODE_H
#define NODE_NODE_H

#include "config/config.h"
#include "control/control.h"
#include "exec/exec.h"
#include "flow/flow.h"
#include "loop/loop.h"
#include "node/change.h"
#include "node/schedule.h"
#include "secret/secret.h"
#include "store/store.h"

struct node;

/* The settings of the core: section "engine" of the configuration. */
struct node_settings {
    const char *data_dir;  /* default: $XDG_DATA_HOME/flowforge or ~/.local/share/... */
    const char *files_dir; /* of runs: what hosts that share the store share as well;
                            * default: data_dir */
    const char *store, *queue, *runtime, *blob; /* driver names */
    /* Filters in front of them, comma separated, the outermost first; or NULL. */
    const char *store_filters, *queue_filters, *runtime_filters, *blob_filters;
    const char *driver_dir;
    int64_t slots;          /* default: 2 x the number of processors */
    const char *limits;     /* places of semaphores: "gpu=2, db=8" */
    const char *pass_env;   /* more variables for tasks, comma separated */
    const char *sdk;        /* folder of the Python package, or NULL: found */
    const char *http_allow; /* private addresses that tasks with http may ask */
    int64_t log_max_bytes;  /* per attempt */
    int64_t artifact_max_bytes;
    int64_t blob_grace_us;                  /* what was put since is not deleted */
    int64_t keep_us, keep_runs, keep_bytes; /* retention; 0: for ever */
    int64_t retention_every_us;             /* while a process leads */
    int64_t leaders;                        /* of servers that share a store */
    int64_t log_level;                      /* 0 error, 1 warn, 2 info, 3 debug */
    int64_t log_format;
};
enum node_log_formats { NODE_LOG_TEXT, NODE_LOG_JSON };
enum node_leaders { NODE_LEADERS_ONE, NODE_LEADERS_ALL };
extern const struct ff_opt node_options[]; /* for `config show` and --help */

/* Section "auth", as far as it is not the auth driver's. */
struct node_auth {
    const char *encryption_key;      /* or NULL: the file */
    int64_t token_us;                /* how long a session may live */
    int64_t task_token_us;           /* how long the token of a task is good */
    const char *executor_token_file; /* or NULL: there are none */
};
extern const struct ff_opt node_auth_options[];

/* The defaults that depend on this user and installation, for who lists settings. */
void node_defaults(struct config *c);

/* Fills settings, makes the data directory (0700), loads the store driver, opens the
 * store. Nothing runs yet. The loop and config stay the caller's. */
struct node *node_open(struct loop *l, struct config *c, struct ff_err *err);
/* The same where only the store could not be opened: then *why has a code and says so,
 * node_store is NULL, and nothing may be asked but node_settings and to open queue and
 * blobs. Settings that are wrong and memory that runs out are an error here, too. */
struct node *node_open_partly(struct loop *l, struct config *c, struct ff_err *why,
                              struct ff_err *err);
/* Over a store that is given, and not one that the settings name; there is no data
 * directory. For who only reads what another process has. */
struct node *node_open_over(struct loop *l, struct config *c, struct driver *store,
                            struct ff_err *err);
/* What the store of these settings is, before anything in it is upgraded. Makes the
 * data directory, and an empty store where there is none. */
int node_look(struct loop *l, struct config *c, struct ff_store_info *info,
              struct ff_err *err);
void node_close(struct node *n); /* gives up ownership first; takes NULL */

/* Attempts are carried out by this driver, which is linked in, instead of the one that
 * the settings name. Before node_own. is_mute: as in exec.h. */
void node_use_runtime(struct node *n, struct driver *runtime,
                      bool (*is_mute)(const char *attempt_id));
/* The same where attempts run on other hosts, which engine.runtime says by this word:
 * see `elsewhere` in exec.h. */
#define NODE_ELSEWHERE "remote"
void node_use_executors(struct node *n, struct driver *runtime);
/* Which of them may hold attempts of this process is kept as rows, which whoever leads
 * next reads. Loop thread, while the node owns. The first is as store_commit; the other
 * two block. */
void node_note_executor(struct node *n, const char *id, const char *name,
                        store_done_fn *done, void *arg);
void node_forget_executor(struct node *n, const char *id);
typedef void node_executor_fn(void *arg, const char *id, const char *name);
/* Those of all processes that lead or led; one may be told of more than once. */
int node_each_executor(struct node *n, node_executor_fn *fn, void *arg,
                       struct ff_err *err);
/* All that there were have come back, or are waited for no more: the rows of processes
 * that lead nobody go. */
int node_sweep_executors(struct node *n, struct ff_err *err);
/* The hash of the tenant of an attempt that runs or begins (model/range.h); below 0: it
 * is not known. */
int64_t node_tenant_hash(const struct node *n, const char *attempt_id);
/* Is whoever has this hash led here? Below 0: is everybody? */
bool node_leads_hash(const struct node *n, int64_t hash);
bool node_leads_somebody(const struct node *n);
/* How many, tenants above all, wait only for a place with these labels; see
 * sched_wanted. changed: it may be another number, in the loop. Before node_own. */
int64_t node_wanted(const struct node *n, const char *labels);
void node_on_wanted(struct node *n, ff_call_fn *changed, void *arg);
/* They have room for so many attempts, none at first; no more start at once, and not
 * more than engine.slots either, beside so many that wait for labels which no free
 * place has. Loop thread, also before the node owns. */
void node_set_places(struct node *n, int64_t n_places, int64_t n_stuck);
/* So many of these are of executors with these labels, and this attempt is at one. */
void node_set_pool(struct node *n, const char *labels, int64_t n_places);
void node_placed(struct node *n, const char *attempt_id, const char *labels);
/* What tasks of any host get of its environment, and names given beside it: a list that
 * ends with NULL, whose first text is to be freed before the list is. */
char **node_pass_env(const char *more);
/* Is "NAME=value" among these names, of which one that ends with * takes a prefix? */
bool node_passes_env(char *const *names, const char *pair);
/* The folder of the Python package, by free(); or NULL: there is none. */
char *node_find_sdk(const char *given, const char *driver_dir);
/* What carries out tasks with http; mem_free it. */
char *node_http_program(void);
/* Tasks are given words that stand for their secrets; none that is stored is read. */
void node_use_no_secrets(struct node *n);

/* Somebody makes spans of what becomes of attempts, which get TRACEPARENT. Before
 * node_own. */
void node_trace(struct node *n);
const struct node_settings *node_settings(const struct node *n);
struct store *node_store(struct node *n);
/* Do other processes see the same rows, also after this one has ended? */
bool node_store_is_shared(const struct node *n);
char *node_socket_path(const struct node *n); /* of the owner; mem_free it */

/* Where secrets are and what opens them. */
struct secret_place node_secrets(const struct node *n, struct store_reader *reader);

/* Becomes the owner and starts to lead every open run. FF_BUSY: somebody else is;
 * *endpoint (mem_free it) is where. Blocking for a few milliseconds. */
int node_own(struct node *n, const struct control_listener *listener, char **endpoint,
             struct ff_err *err);
/* Gives the shard up. Attempts go on. Runs the loop until what is in flight is durable,
 * so it must not be called from a callback of the loop. */
void node_disown(struct node *n);
bool node_is_owner(const struct node *n);
/* It gives up only to lead others than before, at once: what it tells the listener by
 * FF_DENIED is no loss. */
bool node_is_reshaping(const struct node *n);

/* --- who leads, where hosts share the store (lease.c) --- */

/* Do they? Then the owner holds a lease. When it has lost that, the listener's `fatal`
 * is told FF_DENIED: node_disown, and follow; the process may go on. */
bool node_is_leased(const struct node *n);
struct node_leader {
    bool leads;                    /* somebody does; else the rest tells of nobody */
    bool here;                     /* this process */
    char owner[128], address[256]; /* PID@HOST; of its HTTP API, or "" */
    int64_t shard, epoch, since_us;
    struct tenant_range range; /* whose runs */
    int64_t lease_left_us;     /* MODEL_NULL: it has no lease */
};
typedef void node_leader_fn(void *arg, const struct node_leader *leader);
/* As it was last seen, where this process leads or follows: itself, else the first that
 * leads anybody. */
void node_leader(const struct node *n, struct node_leader *out);
/* One for each shard; none where hosts do not share the store. */
void node_each_leader(const struct node *n, node_leader_fn *fn, void *arg);
int node_read_leaders(struct node *n, struct store_reader *r, node_leader_fn *fn,
                      void *arg, struct ff_err *err); /* blocking */
bool node_is_led(const struct node *n); /* does somebody lead the runs of everybody? */
bool node_leads_all(const struct node *n); /* does this process? */
bool node_leads_tenant(const struct node *n, struct tenant t);
/* A server: it leads whatever there is, where others only lead what has the tenant of
 * the command line in it; and where engine.leaders says so it leads beside others, each
 * the runs of some tenants. Before node_own. */
void node_join(struct node *n);
/* While another process leads: may_lead is called once, on the loop thread, when the
 * shard could be had (try node_own, and follow again if it fails). It is looked at
 * after `pause_us`, and then whenever it changes. Of a store that hosts share. */
int node_follow(struct node *n, int64_t pause_us, ff_call_fn *may_lead, void *arg,
                struct ff_err *err);
void node_follow_no_more(struct node *n);
/* Has the store answered what was last asked about the lease, or may it do so yet? True
 * where nothing is asked. */
bool node_store_answers(const struct node *n);
/* Where users reach this process, for others to say; before node_own. */
void node_set_address(struct node *n, const char *url);

struct control *node_control(struct node *n); /* NULL unless owner */
struct exec *node_exec(struct node *n);       /* NULL unless owner */
/* The owner: others may have left new runs, requests or schedules. */
void node_wake(struct node *n);
/* The owner: is there anything to stay for, beside open runs? */
bool node_is_needed(const struct node *n);

/* What follows comes in two forms: a plan, for lanes (change.h), and the same at once,
 * blocking, for the command line. */

/* Stores a new run: workflow source, checked inputs (object with defaults filled in,
 * see flow_inputs). Blocking. The owner must be woken after it (control_wake here, or
 * POST /api/v1/wake at the owner's socket). id: its UUIDv7. */
struct node_submit {
    const char *source;
    size_t source_len;
    const char *path; /* of the file, for people, or NULL */
    const char *dir;  /* absolute working directory */
    const char *workflow, *hash;
    json_t *inputs;
    int64_t priority; /* -100..100 */
    bool no_cache;
    json_t *labels;          /* object of texts, or NULL */
    int64_t project;         /* 0: the default one */
    const char *traceparent; /* of who asks for it (W3C Trace Context), or NULL */
    /* Of that source, for its `uses`, and where the file stands, for those beside it;
     * NULL: it uses no workflow, and no file. */
    const struct flow *flow;
    const char *beside;
    /* Takes over what this run of the same text and inputs has done, but for `from`,
     * see reuse.c, and its pins; or NULL. */
    const struct run_row *reuse;
    const char *from;
    struct flow_problems *problems; /* gets what is wrong with its `uses`; or NULL */
};
/* `made` is the plan's from one try to the next. */
struct node_submitted {
    char id[ID_TEXT];
    int64_t run;
};
int node_plan_submit(const struct node_plan *p, struct tenant t,
                     const struct node_submit *what, struct node_submitted *made,
                     struct ff_err *err);
int node_submit(struct node *n, struct tenant t, const struct node_submit *what,
                char id[ID_TEXT], int64_t *run, struct ff_err *err);

/* What is wrong with the files that a workflow uses, and those with theirs, without a
 * store: what is used by its name is not looked at. */
void node_check_uses(const struct flow *flow, const char *dir,
                     struct flow_problems *problems);

/* The same of what it needs of this machine: files of its scripts in `dir`, and the
 * time zones of its triggers, where this machine has any. */
void node_check_machine(const struct flow *flow, const char *dir,
                        struct flow_problems *problems);

/* --- workflows by name (blocking) --- */

/* Makes a workflow known under its name: its text becomes the newest version, unless it
 * is that already. FF_CONFLICT: its `version:` is another text, or its webhook's path
 * is taken by another project. What else the file asks for while it is applied goes
 * into the same commit (see apply.c). */
struct node_apply {
    const char *source;
    size_t source_len;
    const char *path;        /* of the file, or NULL */
    const char *dir;         /* absolute: where its runs work */
    const struct flow *flow; /* of that source */
    /* Of a name that is new, 0: the default one. A name that is known stays where it
     * is: FF_CONFLICT where another one is said. */
    int64_t project;
};
struct node_applied {
    int64_t number;
    bool is_new;
    int64_t project;
};
int node_plan_apply(const struct node_plan *p, struct tenant t,
                    const struct node_apply *what, struct node_applied *applied,
                    struct ff_err *err);
int node_apply(struct node *n, struct tenant t, const struct node_apply *what,
               struct node_applied *applied, struct ff_err *err);

/* "NAME", "NAME@latest", "NAME@LABEL" or "NAME@sha256:PREFIX" (6 digits or more).
 * FF_NOT_FOUND with what there is; FF_INVALID when the word is none of these. */
int node_workflow_find(struct node *n, struct store_reader *r, struct tenant t,
                       const char *word, struct arena *arena,
                       struct workflow_version_row *row, struct ff_err *err);
/* Could the word be one that node_workflow_find takes? */
bool node_is_workflow_word(const char *word);

/* Gives a version the label, or moves it there; *moved_from (in the arena): the hash it
 * had, or the null span. `hash`: its beginning, as above, "sha256:" may be left out. */
struct node_label {
    const char *workflow, *label, *hash;
};
int node_plan_label(const struct node_plan *p, struct tenant t,
                    const struct node_label *want, struct arena *arena,
                    struct span *moved_from, struct ff_err *err);
int node_workflow_label(struct node *n, struct tenant t, const struct node_label *want,
                        struct arena *arena, struct span *moved_from,
                        struct ff_err *err);

/* Forgets the name with its versions and labels; runs keep the text they are pinned
 * to. */
int node_plan_forget(const struct node_plan *p, struct tenant t, const char *name,
                     struct ff_err *err);
int node_workflow_delete(struct node *n, struct tenant t, const char *name,
                         struct ff_err *err);

/* Tells a run something (engine.h, struct signal): an inbox row. The owner must be
 * woken after it; without one the next owner takes it first. `run` may be as it was
 * read before the first try. FF_CONFLICT: it is over. */
int node_plan_message(const struct node_plan *p, struct tenant t,
                      const struct run_row *run, const char *word, const json_t *body,
                      struct ff_err *err);
int node_leave_signal(struct node *n, struct tenant t, const struct run_row *run,
                      const char *word, const json_t *body, struct ff_err *err);

/* What has happened, or what a run is told. */
struct node_event {
    const char *name;
    const char *key;    /* or NULL */
    const json_t *data; /* or NULL */
};

/* For the first task that waits for it, of the run or of one inside it; kept until
 * then. FF_INVALID: too many are kept. The owner must be woken after it. */
int node_plan_signal(const struct node_plan *p, struct tenant t,
                     const struct run_row *run, const struct node_event *signal,
                     struct ff_err *err);
int node_signal(struct node *n, struct tenant t, const struct run_row *run,
                const struct node_event *signal, struct ff_err *err);

/* For all schedules that it triggers and all tasks that wait for it now; kept for
 * nobody else. The owner must be woken after it. */
struct node_event_told {
    int64_t schedules, runs, tasks;
};
int node_plan_event(const struct node_plan *p, struct tenant t,
                    const struct node_event *e, struct node_event_told *told,
                    struct ff_err *err);
int node_event(struct node *n, struct tenant t, const struct node_event *e,
               struct node_event_told *told, struct ff_err *err);

/* A webhook is called: all schedules that have one, whatever their paths, so that it
 * takes as long for any path; it is each one's own secret that lets the caller in. s
 * lives for the call only. Then a row for each that he may call: it is told so once,
 * unless it is paused by then. */
typedef void node_webhook_fn(void *arg, const struct schedule *s);
int node_webhooks(const struct node_plan *p, struct tenant t, node_webhook_fn *fn,
                  void *arg, struct ff_err *err);
void node_plan_call(const struct node_plan *p, struct tenant t, const char *schedule,
                    const json_t *data);

/* Asks for a cancel without being the owner and without one there: an inbox row, which
 * the next owner carries out first. */
int node_plan_cancel(const struct node_plan *p, struct tenant t,
                     const struct run_row *run, enum cancel_mode mode,
                     struct ff_err *err);
int node_leave_cancel(struct node *n, struct tenant t, const struct run_row *run,
                      enum cancel_mode mode, struct ff_err *err);

/* Places of the semaphore `name`: a row, which wins over the settings. The owner must
 * be woken after it. node_delete_limit: FF_NOT_FOUND. */
#define NODE_LIMIT_MAX 100000
bool node_limit_size_parse(const char *text, int64_t *size);
int node_plan_limit(const struct node_plan *p, struct tenant t, const char *name,
                    int64_t size, struct ff_err *err);
int node_plan_forget_limit(const struct node_plan *p, struct tenant t, const char *name,
                           struct ff_err *err);
int node_set_limit(struct node *n, struct tenant t, const char *name, int64_t size,
                   struct ff_err *err);
int node_delete_limit(struct node *n, struct tenant t, const char *name,
                      struct ff_err *err);
/* As configured. */
const struct control_size *node_sizes(const struct node *n, size_t *count);

/* Lets no task of the queue `name` start, or lets them start again: a row; the owner
 * must be woken after it. Paused twice, it is paused since the first time. To end a
 * pause that is none: FF_NOT_FOUND. FF_INVALID: it is no name of a queue. */
int node_plan_pause_queue(const struct node_plan *p, struct tenant t, const char *name,
                          const char *by, struct ff_err *err);
int node_plan_unpause_queue(const struct node_plan *p, struct tenant t,
                            const char *name, struct ff_err *err);
int node_pause_queue(struct node *n, struct tenant t, const char *name, const char *by,
                     struct ff_err *err);
int node_unpause_queue(struct node *n, struct tenant t, const char *name,
                       struct ff_err *err);

/* Has tasks of a run begin again: opens it when it is over, else leaves a request for
 * whoever leads it, who must be woken. A plan reads the run anew for each try. Tasks
 * that begin again go on counting their attempts; the others keep their results.
 * FF_CONFLICT: nothing of it failed, or it is at a point where this cannot be;
 * FF_NOT_FOUND: there is no such task. */
struct node_reset {
    enum { NODE_RESET_FAILED, NODE_RESET_TASK, NODE_RESET_ALL } how;
    const char *task; /* of NODE_RESET_TASK: it, and all behind it */
    bool no_cache;    /* for all of the run from now on */
};
int node_plan_reset(const struct node_plan *p, struct tenant t,
                    const struct run_row *run, const struct node_reset *what,
                    struct ff_err *err);
int node_reset(struct node *n, struct tenant t, const struct run_row *run,
               const struct node_reset *what, struct ff_err *err);
/* What became of a request that was left: the events after `seq`, which is the last one
 * that there was before. NONE: nobody has taken it yet, or the run
 * was over before that. */
struct node_answer {
    enum { NODE_ANSWER_NONE, NODE_ANSWER_TAKEN, NODE_ANSWER_REFUSED } what;
    char reason[64]; /* of a refusal: one word */
};
int node_reset_seq(struct node *n, struct store_reader *r, const struct run_row *run,
                   int64_t *seq, struct ff_err *err);
int node_reset_answer(struct node *n, struct store_reader *r, const struct run_row *run,
                      int64_t seq, struct node_answer *answer, struct ff_err *err);

/* --- what tasks with `cache` gave (cache.c; blocking) --- */

/* Deletes the entries of a workflow and task, those of one task without its items; NULL
 * stands for all. */
int node_clear_cache(struct node *n, struct tenant t, const char *workflow,
                     const char *task, int64_t *n_deleted, struct ff_err *err);

/* Plans that for as many as one commit may have; `more`: there may be others. The plan
 * is to be the first in the batch. */
int node_plan_clear_cache(const struct node_plan *p, struct tenant t,
                          const char *workflow, const char *task, int64_t *n_deleted,
                          bool *more, struct ff_err *err);

/* The queue of the settings, opened once more: not that of the owner. Loop thread;
 * driver_instance_free it before the node is closed. NULL with a sentence. */
struct driver_instance *node_open_queue(struct node *n, struct ff_err *err);

/* A session with the blobs, for the thread that asks; blobs_close it before the node is
 * closed. NULL with a sentence. */
struct blobs *node_open_blobs(struct node *n, struct ff_err *err);

/* --- what rows name stays (hold.c; blocking) --- */

struct node_hold {
    int holds, deleting; /* locks; -1: none */
};
/* From then on nobody deletes values, files and blobs that rows name, until they are
 * released or this process ends. One at a time: others wait. */
int node_hold_files(const struct node *n, struct node_hold *h, struct ff_err *err);
void node_release_files(struct node_hold *h);

/* Deletes final runs beyond the retention settings, which are for each tenant, with
 * their logs and values, and blobs that no run names.
 * Returns how many runs went. Blocking. */
int node_retention(struct node *n, int64_t *n_runs, struct ff_err *err);

/* The owner: does so from now on on a lane, until it gives the shard up: when runs have
 * ended, at most every engine.retention_every; `at_once`: now, too. */
void node_keep(struct node *n, bool at_once);

#endif
