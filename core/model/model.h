/* model/model.h - every record that FlowForge stores, described once.
 *
 * One table of columns per record (records.c) is the single source of DDL, SQL,
 * row mapping, JSON and command-line columns. A row struct mirrors its table:
 * text is a struct span, everything else an int64_t.
 *
 * Keys start with the tenant. The exceptions are the engine's own tables, which
 * no tenant ever sees: counter, shard, open_run, inbox. */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "base/base.h"
#include "model/span.h"
#include <flowforge/store.h>

#define MODEL_SCHEMA_VERSION 3
/* The lowest version whose programs may work beside this one. It stays when a version
 * adds records and columns that older programs can leave as they are, and rises to the
 * version itself when they would misread rows: a new name of an enum is such a thing,
 * since they do not read rows that have it. */
#define MODEL_SCHEMA_MIN 3

/* Who may see what: the first argument of every function that reads or writes
 * a tenant's rows. */
struct tenant {
    int64_t no;
};
#define TENANT_DEFAULT  ((struct tenant){1})
#define PROJECT_DEFAULT 1

/* An int column that holds nothing. */
#define MODEL_NULL INT64_MIN

/* Of a row that may have been written before there was a column for it. */
int64_t model_project(int64_t stored);

/* Names as people see them; the order is stored nowhere, the names are. */
enum run_state {
    RUN_PENDING,
    RUN_RUNNING,
    RUN_CANCELLING,
    RUN_SUCCEEDED,
    RUN_FAILED,
    RUN_CANCELLED
};
enum task_state {
    TASK_WAITING,  /* for its needs; has no row yet */
    TASK_QUEUED,   /* for a slot; has no row on its first attempt */
    TASK_RUNNING,  /* granted a slot: being started or running */
    TASK_RETRYING, /* waiting for its next attempt, due at due_at */
    TASK_SUCCEEDED,
    TASK_FAILED,
    TASK_SKIPPED,
    TASK_CANCELLED,
    TASK_SUSPENDED, /* waits for time, people or events, as its reason says; due_at is
                     * when that is over at the latest, or null */
    N_TASK_STATES
};
extern const char *const run_state_names[]; /* end with NULL */
extern const char *const task_state_names[];
bool run_state_final(int64_t state);
struct run_row;
bool run_is_child(const struct run_row *row);
bool task_state_final(int64_t state);

struct run_row {
    int64_t tenant, run; /* key */
    int64_t version;
    struct span id; /* UUIDv7, unique */
    int64_t project;
    struct span workflow; /* name */
    struct span hash;     /* of the workflow row it is pinned to */
    struct span kind;     /* "dag" */
    int64_t state;        /* enum run_state */
    struct span reason;   /* one word: timeout, cancelled, task_failed ... or null */
    struct span message;  /* a sentence for people, or null */
    struct span inputs;   /* JSON object, defaults filled in */
    struct span dir;      /* working directory of its tasks */
    struct span outputs;  /* JSON object, once it is final; or null */
    int64_t cancel;       /* 0 no, 1 gracefully, 2 kill */
    int64_t created_at, started_at, finished_at; /* last two MODEL_NULL until then */
    struct span labels;   /* JSON object of texts, for filters; or null */
    struct span schedule; /* that started it, or null */
    int64_t nominal_at;   /* the time that it stands for, or MODEL_NULL */
    struct span event;    /* JSON: what the schedule was told, or null */
    /* Of a run that a task of another one is; null in all others. */
    int64_t parent_run, parent_node, parent_attempt; /* whose task, and which attempt */
    struct span entry;  /* the group of the file that it is, "deploy.inner"; or null */
    int64_t depth;      /* how many runs are around it */
    struct span scope;  /* JSON object: what its expressions see from outside */
    struct span pins;   /* JSON object: which texts its `uses` mean; or null */
    struct span reset;  /* JSON: what is to begin again, until its owner has begun it;
                         * or null */
    int64_t priority;   /* -100..100; higher ones start first; or MODEL_NULL: 0 */
    int64_t no_cache;   /* 1: its tasks run though a cache has their outputs; or
                         * MODEL_NULL */
    int64_t root;       /* of a run inside others: the outermost; null in all others */
    struct span paused; /* JSON object: what of it starts nothing new, see
                         * engine/dag_pause.c; or null */
};

/* One row per run that is not final, so that owners find their work without an
 * index on a column that changes. */
struct open_run_row {
    int64_t shard, tenant, run; /* key */
    int64_t version;
};

struct workflow_row {
    int64_t tenant;
    struct span hash; /* key: SHA-256 of the source text */
    int64_t version;
    struct span name;
    struct span source; /* the file as it was given */
    struct span path;   /* where it came from, or null */
    int64_t created_at;
};

/* What a list of tasks needs to know of a large file, a part at a time, see
 * flow/outline.h; written with the row of the file, by whoever knows how, and as little
 * changed. */
#define OUTLINE_OF_FILE   "." /* no group has this path */
#define OUTLINE_ENTRY_MAX 200 /* bytes: short enough for every store */
struct workflow_outline_row {
    int64_t tenant;
    struct span hash;  /* of the workflow row */
    struct span entry; /* path of a group in the file, or OUTLINE_OF_FILE */
    int64_t part;      /* key; from 0 on */
    int64_t version;
    struct span body; /* JSON */
};

/* What was registered under a name: `number` grows by one with each that differs from
 * the one before. The highest is what the name means. */
struct workflow_version_row {
    int64_t tenant;
    struct span name;
    int64_t number; /* key */
    int64_t version;
    struct span hash;  /* of the workflow row */
    struct span label; /* `version:` of the file, or null */
    struct span dir;   /* where its scripts and data stand: its runs work there */
    int64_t created_at;
    int64_t project; /* of all versions of a name; see model_project */
};

/* A word for one version of a name. It may be moved to another one. */
struct workflow_label_row {
    int64_t tenant;
    struct span name, label; /* key */
    int64_t version;
    struct span hash;
    int64_t at; /* when it was given or moved */
};

/* Which run a task's attempt is, so that there is never a second one. */
struct child_run_row {
    int64_t tenant, parent, node, attempt; /* key */
    int64_t version;
    int64_t run;
};

/* The state of one task, or one item of a foreach. Inserted when it is first
 * granted, skipped or expanded; patched after that. */
struct task_row {
    int64_t tenant, run, node; /* key; see NODE_OF */
    int64_t version;
    struct span task;   /* name in the file */
    int64_t item;       /* index in its foreach, or MODEL_NULL */
    int64_t state;      /* enum task_state */
    int64_t attempt;    /* 1 for the first; 0 when none was needed. It is the fence:
                         * a result counts only for the attempt that stands here */
    int64_t lost;       /* how many of them were lost */
    int64_t exit_code;  /* MODEL_NULL until an attempt exited */
    struct span reason; /* exit_code, timeout, lost, upstream_failed, if_false ... */
    struct span message;
    struct span outputs; /* JSON object or null */
    int64_t items;       /* of an expanded foreach: how many; else MODEL_NULL */
    int64_t due_at;      /* retrying: when */
    int64_t queued_at, started_at, finished_at;
    int64_t attempt_base; /* the attempts of before it began again, or before this
                           * iteration, which do not count
                           * for its retry; MODEL_NULL: none */
    int64_t iteration;    /* of a task that repeats: from 1; else MODEL_NULL */
    struct span awaits; /* JSON: name and key of the event that it waits for; or null */
    int64_t deadline_at; /* of a task with total_timeout: when it is over */
};

/* node = task index in the file << 32 | item + 1; item part 0 is the task itself. */
#define NODE_OF(task_index, item)                                                      \
    (((int64_t)(task_index) << 32) | ((int64_t)(item) + 1))
#define NODE_TASK(node) ((int64_t)(node) >> 32)
#define NODE_ITEM(node) (((int64_t)(node)&INT64_C(0xffffffff)) - 1) /* -1: none */

/* The history: what one step of a run did, as a JSON array of events. */
struct event_row {
    int64_t tenant, run, seq; /* key; seq from 1 without gaps */
    int64_t version;
    int64_t at;
    struct span body;
    /* Among all runs, in the order of commits (store/positions.c); MODEL_NULL: another
     * process than the owner wrote it, or a release before 2. */
    int64_t position;
};

/* Where the output of one attempt is; written with its result, only if it wrote. */
struct log_row {
    int64_t tenant, run, node, attempt; /* key */
    int64_t version;
    int64_t chunks; /* files 000001.log ... in the attempt's log directory */
    int64_t bytes;
    int64_t dropped; /* the declared gap */
    int64_t at;
};

/* A message to the owner of a shard from another process, consumed in the commit
 * that carries out what it asks. */
struct inbox_row {
    int64_t shard, no; /* key; no from the counter "inbox" */
    int64_t version;
    int64_t tenant, run;
    struct span kind; /* cancel, kill, or a word for the run: see struct signal */
    struct span body; /* JSON or null */
    int64_t at;
};

/* A value that tasks need and nobody shall read; see core/secret. */
struct secret_row {
    int64_t tenant;
    struct span name; /* key */
    int64_t version;
    struct span key_id; /* which key opens it */
    struct span sealed; /* base64 of nonce, ciphertext and tag */
    int64_t created_at, updated_at;
};

/* Who runs the runs of a shard. The epoch grows with every change of owner, and
 * every commit of the owner checks the row: a paused owner can write nothing. */
struct shard_row {
    int64_t shard; /* key */
    int64_t version;
    int64_t epoch;
    struct span owner;    /* process, for people; null when released */
    struct span endpoint; /* where to knock: path of its socket */
    int64_t lease_until;  /* by the store's clock */
    /* Where hosts share the store; else null: */
    struct span place;   /* which data directory, since which start of the machine */
    struct span address; /* of its HTTP API */
    int64_t since;       /* by the store's clock */
    int64_t mixed;       /* 1: another place has had it, too, and may run attempts */
    int64_t low, high;   /* whose runs: range.h; both null: everybody's */
};

/* Written by whoever does not lead, in the commit that has something new for whoever
 * does, who watches it. */
struct knock_row {
    int64_t shard; /* key */
    int64_t version;
    int64_t at;
};

/* It may hold attempts: whoever leads next waits for it before he gives up what nobody
 * says to hold. */
struct executor_row {
    int64_t shard;  /* key */
    struct span id; /* key; it stays while its folder does */
    int64_t version;
    struct span name; /* for people */
    int64_t since;
};

/* Numbers are taken in blocks: next is the first one nobody has. */
struct counter_row {
    struct span name; /* key */
    int64_t version;
    int64_t next;
};

/* A trigger of a workflow that was applied: see core/schedule. */
struct schedule_row {
    int64_t tenant;
    struct span name; /* key: "WORKFLOW.TRIGGER" */
    int64_t version;
    struct span workflow;
    struct span kind; /* cron, interval, workflow, event, webhook */
    struct span spec; /* JSON: what the trigger says */
    struct span hash; /* of the workflow row that its runs are pinned to */
    int64_t pinned;   /* 1: stays with that hash when the workflow is applied anew */
    struct span dir;  /* where its runs work */
    int64_t created_at, changed_at;
    int64_t paused_at;    /* MODEL_NULL: it is not */
    int64_t last_at;      /* all times up to this one are decided */
    int64_t next_at;      /* the next one, for people; MODEL_NULL: none */
    int64_t active_run;   /* the run that others must not overlap, or MODEL_NULL */
    struct span waiting;  /* JSON list of times that wait for it, or null */
    struct span last_run; /* id of the run that it started last, or null */
    /* Of one with debounce: the time of the event that it holds, and of the first that
     * it held in a row; or MODEL_NULL. */
    int64_t held_at, held_since;
    int64_t project; /* of its workflow, and of its runs; see model_project */
};

enum schedule_run_state {
    SCHEDULE_RUN_STARTED,
    SCHEDULE_RUN_WAITING, /* for the run before, or for a later event */
    SCHEDULE_RUN_SKIPPED, /* that was still open */
    SCHEDULE_RUN_MISSED,  /* nobody was there in time */
    SCHEDULE_RUN_FAILED   /* it could not be started: message says why */
};
extern const char *const schedule_run_state_names[]; /* end with NULL */

/* What became of one time of a schedule: the key lets no time be started twice. */
struct schedule_run_row {
    int64_t tenant;
    struct span schedule;
    int64_t nominal_at; /* key */
    int64_t version;
    int64_t state;       /* enum schedule_run_state */
    struct span cause;   /* time, event, workflow, manual, backfill */
    int64_t run;         /* MODEL_NULL: none */
    struct span run_id;  /* or null */
    struct span reason;  /* one word: overlap, queue_full, replaced, late ... or null */
    struct span message; /* a sentence, or null */
    struct span event;   /* JSON, of one that waits; or null */
    int64_t decided_at;
};

enum backfill_state { BACKFILL_RUNNING, BACKFILL_DONE, BACKFILL_STOPPED };
extern const char *const backfill_state_names[]; /* end with NULL */

/* Times of the past that are run after all. */
struct backfill_row {
    int64_t tenant;
    struct span schedule;
    int64_t no; /* key; from the counter "backfill" */
    int64_t version;
    int64_t state;             /* enum backfill_state */
    int64_t from_at, below_at; /* the range */
    int64_t last_at;           /* times up to this one are started */
    int64_t max_parallel;
    struct span active; /* JSON list of numbers of runs, or null */
    int64_t n_started;
    int64_t created_at, finished_at; /* the last MODEL_NULL until then */
};

/* Something that schedules may wait for has happened; deleted in the commit that starts
 * what waits for it. */
struct occurrence_row {
    int64_t tenant;
    struct span id; /* key: of the run that ended, or of the event */
    int64_t version;
    struct span kind; /* workflow, event, webhook */
    struct span name; /* of the workflow or event; of a webhook the schedule's */
    int64_t run;      /* that ended, or MODEL_NULL */
    struct span body; /* JSON of the event, or null */
    int64_t at;
    int64_t project; /* of that run, or MODEL_NULL */
};

/* A run names a blob: put in the batch that writes the output which is it, deleted with
 * the run. So does the cache, as if it were a run. A blob that no row names may go. */
#define ARTIFACT_OF_CACHE 0 /* no run has this number */
struct artifact_row {
    int64_t tenant, run;
    struct span hash; /* key */
    int64_t version;
    int64_t size;
    int64_t at;
};

extern const struct ff_record record_run, record_open_run, record_workflow, record_task,
    record_event, record_log, record_inbox, record_shard, record_knock, record_executor,
    record_counter, record_workflow_version, record_workflow_label, record_secret,
    record_schedule, record_schedule_run, record_backfill, record_occurrence,
    record_child_run, record_artifact, record_workflow_outline;
extern const struct ff_schema model_schema;

/* Column numbers by record, for patches and queries: COL_RUN_STATE ... in the
 * order of the struct's fields. */
#include "model/columns.h"

#include "model/cache_rows.h"
#include "model/limit_rows.h"
#include "model/queue_rows.h"
#include "model/range.h"
#include "model/signal_rows.h"

/* Row struct -> values and back. `values` has n_columns places. Reading borrows
 * text from the values. */
void model_to_values(const struct ff_record *record, const void *row,
                     struct ff_value *values);
void model_from_values(const struct ff_record *record, const struct ff_value *values,
                       void *row);
size_t model_row_size(const struct ff_record *record);

/* A row as a JSON object: enums by name, times in RFC 3339, JSON columns as JSON,
 * null columns left out. */
void model_row_json(struct jsonw *w, const struct ff_record *record, const void *row);
/* Only the columns in `set`, as keys of an object that is open; the caller may add. */
void model_row_keys(struct jsonw *w, const struct ff_record *record, const void *row,
                    uint64_t set);

/* Values and rows for another process of FlowForge, exactly: enums by name, times as
 * numbers, JSON as the text that it is (row_wire.c). Reading borrows text from `json`.
 * False: it is none of this column. */
void model_wire_value(struct jsonw *w, const struct ff_column *column,
                      const struct ff_value *value);
bool model_wire_read(const struct ff_column *column, const json_t *json,
                     struct ff_value *value);
/* As an object, but for the columns in `hidden` and those that are null. What a newer
 * program has more is passed over; without a column that is never null, unless it is
 * hidden, it is no row. */
void model_wire_row(struct jsonw *w, const struct ff_record *record, const void *row,
                    uint64_t hidden);
bool model_wire_read_row(const struct ff_record *record, const json_t *object,
                         uint64_t hidden, struct ff_value *values);

/* Statements, from the same table: CREATE TABLE and CREATE INDEX as SQLite takes
 * them; plugins generate their own from the schema that setup() hands them. */
void model_schema_sql(struct buf *out);

/* A batch: changes that become durable together. Text is copied into it, so rows
 * may live on the stack. Not thread-safe; handed from thread to thread whole. */
struct batch {
    struct arena arena;
    struct ff_change *items;
    size_t n, cap;
    size_t bytes; /* estimate of what it writes, for the cap on group commits */
};
void batch_put(struct batch *b, const struct ff_record *record, const void *row,
               int64_t expect);
/* set: bit i writes column i. The key comes from the row. */
void batch_patch(struct batch *b, const struct ff_record *record, const void *row,
                 uint64_t set, int64_t expect);
void batch_delete(struct batch *b, const struct ff_record *record, const void *row,
                  int64_t expect);
void batch_check(struct batch *b, const struct ff_record *record, const void *row,
                 int64_t expect);
/* Another text for a column that change `i` writes. */
void batch_set_text(struct batch *b, size_t i, uint32_t column, struct span text);
void batch_reset(struct batch *b);
void batch_done(struct batch *b);

#endif
