/* flow/flow.h - the workflow file: from YAML text to a checked, immutable plan.
 *
 * Pure: no clock, no randomness, no I/O. Everything that can be known from the file
 * alone is checked here, all errors in one go; at run time only values can surprise.
 * Language: docs/workflow-reference.md; expressions: docs/expressions.md. */
#ifndef FLOW_FLOW_H
#define FLOW_FLOW_H

#include "base/base.h"
#include "expr/expr.h"
#include "flow/outline.h"

/* Limits on a file; each error says the limit. */
#define FLOW_MAX_BYTES     (64u << 20)
#define FLOW_MAX_DEPTH     32
#define FLOW_MAX_TASKS     200000
#define FLOW_MAX_NAMES     1000 /* in one inputs:, outputs: or env: (with shared ones) */
#define FLOW_MAX_WAIT_US   (INT64_C(3653) * 86400 * UNITS_SECOND) /* ten years */
#define FLOW_MAX_INPUT     ((size_t)16 << 20) /* bytes of one: text, or JSON */
#define FLOW_MAX_INPUTS    ((size_t)64 << 20) /* of those of a run together */
#define FLOW_MAX_TRANSFORM 1048576            /* bytes of its outputs as JSON */
#define FLOW_MAX_ITEMS     1000000 /* of one foreach, checked when it expands */
#define FLOW_MAX_MATCHES                                                               \
    20000000                       /* combinations of a matrix times its other entries \
                                    */
#define FLOW_MAX_ATTEMPTS     1000 /* of one iteration */
#define FLOW_MAX_ITERATIONS   10000
#define FLOW_MAX_SEMAPHORES   16   /* of one task */
#define FLOW_MAX_PLACES_TAKEN 1000 /* by one attempt of one limit */
#define FLOW_MAX_LIMIT_NAME   200  /* for ids; short enough for every store */
#define FLOW_MAX_CONCURRENCY  1000
#define FLOW_MAX_CACHE_KEY    1024  /* bytes */
#define FLOW_MAX_RATE         10000 /* starts in the time of a rate */
#define FLOW_MAX_GROUP_DEPTH  8     /* groups inside each other */
#define FLOW_MAX_CODE                                                                  \
    131071 /* bytes of run: and script.code: Linux takes no more                       \
            * in one argument (MAX_ARG_STRLEN) */
#define FLOW_MAX_TRIGGERS 100
#define FLOW_MAX_ERRORS   100 /* reported of one file; the rest is counted */

/* One thing wrong with a file. Lines and columns from 1. */
struct flow_problem {
    int line, column;
    char at[64];    /* the text at fault, shortened */
    char msg[256];  /* one sentence */
    char hint[160]; /* remedy or nearest valid name, or "" */
    int code; /* stable: FF021 is 21; the table is in docs/workflow-reference.md */
};
struct flow_problems {
    struct flow_problem *items;
    size_t n, cap;
    size_t n_more; /* beyond FLOW_MAX_ERRORS */
};
void flow_problems_done(struct flow_problems *p);

enum flow_type {
    FLOW_STRING,
    FLOW_INTEGER,
    FLOW_NUMBER,
    FLOW_BOOLEAN,
    FLOW_LIST,
    FLOW_OBJECT
};
extern const char *const flow_type_names[];

struct flow_input {
    const char *name;
    enum flow_type type;
    const char *description; /* or NULL */
    json_t *fallback;        /* default, or NULL */
    bool required;           /* no default and not optional */
    json_t *choices;         /* `enum:` list, or NULL */
    double min, max;         /* of numbers; -inf, inf when not given */
    const char *pattern;     /* of matches(): a string must match it whole; or NULL */
    json_t *schema;          /* of lists and objects: JSON Schema, or NULL */
    bool is_output;          /* it says what a run gives, in flow_run_output */
};

/* A value of the file that may contain ${{ }}: one of tmpl, constant, nested and
 * secret. */
struct flow_value {
    struct tmpl *tmpl; /* NULL: constant */
    json_t *constant;  /* NULL when tmpl */
    int line, column;
    struct flow_nested
        *nested;        /* a list or map with ${{ }} somewhere inside, or NULL */
    const char *secret; /* the name of one: only where an attempt is given it */
};

/* One of `outputs:` of the workflow or of a group. */
struct flow_run_output {
    const char *name;
    struct flow_value value;
    const struct flow_input *declared; /* its type, or NULL: it may be anything */
};

/* Names of items are NULL in a list. */
struct flow_nested {
    bool is_map;
    uint32_t n;
    struct flow_pair *items;
};

struct flow_pair {
    const char *name;
    struct flow_value value;
};

enum flow_output_from { FLOW_FROM_FILE, FLOW_FROM_STDOUT, FLOW_FROM_SDK };
enum flow_output_as { FLOW_AS_TEXT, FLOW_AS_JSON, FLOW_AS_FILE, FLOW_AS_ARTIFACT };

struct flow_output {
    const char *name;
    enum flow_output_from from;
    enum flow_output_as as; /* FILE: value {path, size, sha256} of a kept file;
                             * ARTIFACT: {type, sha256, size} of a blob */
    bool optional;          /* a missing one is null instead of a failure */
    const char *ending;     /* of a kept file, "pdf"; or NULL */
    const char *file;       /* in $FF_OUT: the name, with the ending if it has one; of
                             * an artifact its path in $FF_ARTIFACTS */
};

/* What a task is given as a file or folder. */
struct flow_artifact {
    const char *name;
    const char *path; /* in $FF_ARTIFACTS */
    struct flow_value from;
    bool optional;
};
struct flow_artifacts {
    uint32_t n;
    struct flow_artifact *items;
};

enum flow_backoff { FLOW_CONSTANT, FLOW_LINEAR, FLOW_EXPONENTIAL };

/* Reasons that retry.on may name, as a bit set. */
enum flow_retry_on {
    FLOW_ON_FAILED = 1,
    FLOW_ON_TIMEOUT = 2,
    FLOW_ON_LOST = 4,
    FLOW_ON_OOM = 8,
    FLOW_ON_EVICTED = 16,
    FLOW_ON_HEARTBEAT = 32 /* those ends are timeouts, too */
};

struct flow_retry {
    int64_t max_attempts; /* counts the first */
    int64_t delay_us, max_delay_us;
    enum flow_backoff backoff;
    double factor, jitter; /* jitter 0..1: the share of a delay that is random */
    uint32_t on;
    uint8_t *exit_codes;    /* 32 bytes, one bit a code; NULL: all but 0 */
    bool given;             /* the file has a retry: (losses then count as attempts) */
    struct tmpl *condition; /* retry.if, or NULL */
};

/* What a task does; each has a row in the tables of core/flow/spec_kind.c and, where
 * the engine carries it out itself, of core/engine/dag_unit.c. */
enum flow_kind {
    FLOW_RUN,
    FLOW_COMMAND,
    FLOW_SCRIPT,
    FLOW_NOOP,
    FLOW_SWITCH,
    FLOW_SLEEP,
    FLOW_WAIT_UNTIL,
    FLOW_TRANSFORM,
    FLOW_GROUP,
    FLOW_USES,
    FLOW_HTTP,
    FLOW_APPROVE,
    FLOW_WAIT_EVENT,
    FLOW_N_KINDS
};
enum flow_lang { FLOW_SH, FLOW_PYTHON, FLOW_NODE };

/* Which part of the file a task stands in. */
enum flow_part {
    FLOW_MAIN,
    FLOW_ON_SUCCESS,
    FLOW_ON_FAILURE,
    FLOW_ON_CANCEL,
    FLOW_FINALLY,
    FLOW_COMPENSATE, /* what undoes main tasks; not in the order in which it runs */
    FLOW_N_PARTS
};

/* What `needs` may ask of a task that has ended. */
enum flow_ask {
    FLOW_ASK_OK, /* what a list of names asks: succeeded, or skipped by its own `if`, or
                  * failed with continue_on_error */
    FLOW_ASK_SUCCEEDED,
    FLOW_ASK_FAILED,
    FLOW_ASK_SKIPPED,
    FLOW_ASK_DONE, /* ended, however */
    FLOW_ASK_CANCELLED,
    FLOW_ASK_CASE /* it is a switch and took this case; not among the names */
};
extern const char *const flow_ask_names[];

#define FLOW_FORMULA_DEPTH 32 /* brackets and ! inside each other */
/* What waits for its operator: at each depth the left sides of an || and of an &&, and
 * then the last name. */
#define FLOW_FORMULA_STACK (2 * FLOW_FORMULA_DEPTH + 3)

enum flow_formula_op { FLOW_ASK, FLOW_NOT, FLOW_AND, FLOW_OR };

/* needs: as a formula, in postfix order. All that it names is in flow_task.needs too.
 */
struct flow_formula {
    uint32_t n;
    struct flow_term {
        enum flow_formula_op op;
        enum flow_ask ask; /* of FLOW_ASK */
        uint32_t task;
        const char *word; /* of FLOW_ASK_CASE */
    } * terms;
};

/* The first case that is true is taken. */
struct flow_switch {
    uint32_t n;
    struct flow_case {
        const char *name;
        struct tmpl *when; /* NULL: always; the last one only */
    } * cases;
};

/* A decision of a person. */
enum flow_on_timeout { FLOW_TIMEOUT_REJECT, FLOW_TIMEOUT_SKIP };
struct flow_approve {
    struct flow_value message;
    const char *approvers;     /* "user ada, group ops", for people; or NULL */
    struct flow_input *inputs; /* what an approval is given with */
    uint32_t n_inputs;
    int64_t timeout_us; /* 0: none */
    enum flow_on_timeout on_timeout;
};

/* Of a task that undoes another one. */
struct flow_undo {
    uint32_t of;   /* the task that it undoes */
    uint32_t rank; /* of that: higher than those of what it needs */
};

enum flow_on_max { FLOW_MAX_FAIL, FLOW_MAX_SUCCEED };
/* A task that runs again when it has succeeded. */
struct flow_repeat {
    struct tmpl *until;
    int64_t max, delay_us;
    enum flow_on_max on_max;
};

/* An event that has to come from outside. */
enum flow_on_no_event { FLOW_NO_EVENT_FAIL, FLOW_NO_EVENT_SKIP, FLOW_NO_EVENT_SUCCEED };
struct flow_await {
    const char *name;
    struct flow_value *key; /* or NULL: any */
    struct tmpl *condition; /* over event; or NULL */
    int64_t timeout_us;     /* 0: none */
    enum flow_on_no_event on_timeout;
};
/* Of an event: what it is, and how large its data may be. */
#define FLOW_EVENT_KEY_MAX  256
#define FLOW_EVENT_DATA_MAX ((size_t)64 * 1024)

/* What a task does. Tasks that say the same share one. */
struct flow_work {
    const char *description;      /* or NULL */
    struct tmpl *condition;       /* `if:`, or NULL */
    struct flow_formula *formula; /* needs: with more than names, or NULL */
    const char *text;             /* run: shell text; script: code; else NULL */
    const char *file; /* script.file, relative to the workflow's folder, or NULL */
    const char *interpreter;  /* script: program to run it with, or NULL: by lang */
    struct flow_value *argv;  /* command */
    struct flow_pair *env;    /* workflow's env first, then the task's own */
    struct flow_value *input; /* stdin, or NULL */
    struct flow_value *dir;   /* working_dir, or NULL: the workflow file's folder */
    const struct flow_switch *choice; /* switch */
    struct flow_output *outputs;
    const struct flow_artifacts *artifacts; /* that it is given, or NULL */
    const char *uses;                       /* the workflow that it is, or NULL */
    struct flow_pair *with;                 /* what that is started with */
    uint32_t n_with;
    const struct flow *group;         /* tasks: of a group; its owner is the file */
    struct flow_value *foreach;       /* list or map, or what makes a matrix; or NULL */
    const struct flow_repeat *repeat; /* or NULL; never with foreach */
    struct flow_undo *undo;           /* in FLOW_COMPENSATE, else NULL; its foreach is
                                       * that of the task that it undoes */
    int64_t max_parallel;             /* of its items; 0: no limit of its own */
    uint32_t n_argv;
    uint32_t n_env;
    uint32_t n_outputs;
    enum flow_kind kind;
    enum flow_lang lang;
    bool fail_fast;
    bool matrix;            /* foreach is a map of axes, include and exclude */
    bool needs_all;         /* a skipped need skips this task too */
    bool continue_on_error; /* its failure counts as satisfied, and not for the run */
    bool compensated;       /* some task of FLOW_COMPENSATE undoes it */
    union {                 /* by kind */
        struct flow_value *wait; /* sleep, wait_until */
        const struct flow_approve *approve;
        const struct flow_await *await; /* wait_event */
        struct flow_value *values;      /* transform, by the place of their output */
        struct flow_http *http;
    };
};

extern const char *const flow_http_methods[];

struct flow_pairs {
    struct flow_pair *items;
    uint32_t n;
};

/* One request. */
struct flow_http {
    struct flow_value *url;
    struct flow_pairs headers, query;
    struct flow_value *body, *json; /* at most one of them, or NULL */
    json_t *expect;                 /* list of statuses, or NULL: 200 to 299 */
    int64_t follow, max_bytes;
    int method; /* of flow_http_methods */
    bool allow_private;
};

enum flow_limit_kind { FLOW_SEMAPHORE, FLOW_MUTEX, FLOW_RATE };

/* One thing that a task may have only so much of, across all runs of the tenant. */
struct flow_limit {
    struct flow_value *name; /* without the kind */
    enum flow_limit_kind kind;
    int64_t amount;
    int64_t size;   /* 0: set outside of the file */
    int64_t per_us; /* of a rate */
};
struct flow_limits {
    bool all_constant; /* no name has an expression */
    uint32_t n;
    struct flow_limit items[];
};

enum flow_cache_scope { FLOW_CACHE_TASK, FLOW_CACHE_KEY };

/* Outputs of an earlier success instead of another attempt. */
struct flow_cache {
    struct flow_value *key;
    int64_t ttl_us;
    enum flow_cache_scope scope;
    char definition[SHA256_TEXT]; /* of what the task does, as far as scope wants it */
};

/* Where a task runs, how long and how often. Tasks that say the same share one. */
struct flow_policy {
    struct flow_retry retry;
    int64_t timeout_us, queue_timeout_us, grace_us; /* 0: none; grace has a default */
    int64_t heartbeat_us;                           /* longest silence, 0: any */
    int64_t total_timeout_us;                       /* over all attempts, 0: none */
    int64_t cpu_milli, memory_bytes;                /* resources:, 0: none */
    const char *queue;                              /* "default" */
    const char *node_selector; /* labels of an executor, see base/labels.h; or NULL */
    const struct flow_limits *limits; /* or NULL */
    const struct flow_cache *cache;   /* or NULL */
    int64_t priority;                 /* -100..100, 0 */
};

/* Kept small: a file may have 200,000 of them, and most differ in little else. */
struct flow_task {
    const char *name;
    const struct flow_work *work;
    const struct flow_policy *policy;
    uint32_t *needs;     /* task indexes, in file order. Handlers need the one before */
    uint32_t *needed_by; /* the other direction */
    uint32_t n_needs;
    uint32_t n_needed_by;
    int line;
    uint32_t column : 28; /* of a file of FLOW_MAX_BYTES */
    uint32_t part : 3;    /* enum flow_part */
    /* Its condition names tasks.X.status: then failed needs do not skip the task by
     * themselves. */
    uint32_t condition_judges_needs : 1;
};

/* What starts runs by itself, once the workflow is applied. */
enum flow_trigger_kind {
    FLOW_TRIGGER_CRON,
    FLOW_TRIGGER_INTERVAL,
    FLOW_TRIGGER_WORKFLOW,
    FLOW_TRIGGER_EVENT,
    FLOW_TRIGGER_WEBHOOK
};
enum flow_overlap {
    FLOW_OVERLAP_SKIP,
    FLOW_OVERLAP_QUEUE,
    FLOW_OVERLAP_CANCEL,
    FLOW_OVERLAP_ALLOW
};
enum flow_trigger_on {
    FLOW_TRIGGER_ON_SUCCEEDED = 1,
    FLOW_TRIGGER_ON_FAILED = 2,
    FLOW_TRIGGER_ON_CANCELLED = 4
};
extern const char *const flow_trigger_names[]; /* end with NULL */
extern const char *const flow_overlap_names[];
extern const char *const flow_trigger_on_names[]; /* by the position of the bit */

/* How who calls a webhook proves that he knows its secret. */
enum flow_verify { FLOW_VERIFY_GITHUB, FLOW_VERIFY_STANDARD, FLOW_VERIFY_TOKEN };
extern const char *const flow_verify_names[]; /* end with NULL */

struct flow_trigger {
    const char *id; /* within the workflow */
    const char *description;
    enum flow_trigger_kind kind;
    enum flow_overlap overlap;
    json_t *inputs;              /* as given, or NULL */
    const char *expr, *timezone; /* of cron; the zone's file is not looked for here */
    int zone_line, zone_column;  /* of timezone; 0: it is not said */
    int64_t every_us, offset_us; /* of an interval */
    int64_t catchup_us, jitter_us;
    int64_t debounce_us, debounce_max_us; /* of events; 0: none */
    const char *name;   /* of the workflow, the event, the webhook's path */
    const char *secret; /* of a webhook: its name */
    enum flow_verify verify;
    const char *condition; /* text of if: over `event`, or NULL */
    uint32_t on;           /* enum flow_trigger_on, as a bit set */
};

enum flow_overflow {
    FLOW_QUEUE,
    FLOW_CANCEL_OLDEST,
    FLOW_CANCEL_NEWEST,
    FLOW_OVERFLOW_FAIL
};

/* How many runs with one key may be under way. */
struct flow_concurrency {
    struct flow_value *key;
    int64_t limit;
    enum flow_overflow overflow;
};

struct flow {
    const char *name;
    const char *description;
    const char *version;    /* a label for people, or NULL */
    json_t *labels;         /* object of texts, which every run of it has; or NULL */
    char hash[SHA256_TEXT]; /* of the source text */
    struct flow_input *inputs;
    uint32_t n_inputs;
    json_t *vars;            /* constants by name, maybe none */
    struct flow_task *tasks; /* main tasks in file order, then handlers by part */
    uint32_t n_tasks;
    uint32_t n_main;
    uint32_t part_first[FLOW_N_PARTS], part_count[FLOW_N_PARTS];
    struct flow_run_output *outputs; /* outputs: of the whole run */
    uint32_t n_outputs;
    struct flow_trigger *triggers;
    uint32_t n_triggers;
    int64_t timeout_us;                   /* whole run, 0: none */
    int64_t parallelism;                  /* tasks of one run at once, 0: no limit */
    struct flow_concurrency *concurrency; /* or NULL */
    int64_t refs;                         /* see flow_ref */
    struct arena arena;                   /* owns all of it */
    uint32_t *by_name;                    /* task indexes in the order of their names */
    /* Of a group; NULL of a file. */
    struct flow *owner;    /* the file: holds all of it */
    const char *entry;     /* its path in the file: "deploy.inner" */
    const char **captures; /* tasks outside that its expressions use */
    uint32_t n_captures;
    /* Of a file: what is used of tasks with uses, which only their workflows tell. */
    struct flow_asked {
        const char *task, *output;
        int task_line, task_column; /* of the task that is asked */
        int line, column;
    } * asked;
    uint32_t n_asked;
};

#define FLOW_USES_WORKFLOW "workflow:"
bool flow_uses_file(const char *uses); /* a file beside it, not a stored one */

/* Problems of a task with `uses`, once it is known which workflow that is: those of its
 * inputs and outputs; `file` is the one that the task stands in. */
void flow_uses_check(const struct flow *file, const struct flow_task *t,
                     const struct flow *used, struct flow_problems *all);
/* Or why it cannot be known. */
enum flow_uses_fault { FLOW_USES_ABSENT, FLOW_USES_BROKEN, FLOW_USES_UNREACHED };
void flow_uses_refuse(struct flow_problems *all, const struct flow_task *t,
                      enum flow_uses_fault fault, const char *why, const char *remedy);

/* Problems with what stands around a file: a time zone that is not there; the file of a
 * script, with what is wrong with it ("": it is not there). */
void flow_refuse_zone(struct flow_problems *all, const struct flow_trigger *t,
                      const char *why);
void flow_refuse_script(struct flow_problems *all, const struct flow_task *t,
                        const char *why);

/* The group at this path, or the file itself for NULL; no reference of its own. NULL:
 * there is none. */
struct flow *flow_enter(struct flow *f, const char *entry, size_t len);

/* NULL when there is any problem; then `problems` has at least one. `text` is not
 * kept. Warnings (deprecated spelling, likely mistakes) are not problems. */
struct flow *flow_parse(const char *text, size_t len, struct flow_problems *problems);
struct flow *flow_ref(struct flow *f); /* one more owner; one thread */
void flow_unref(struct flow *f);       /* takes NULL */

/* Task index by name, or -1. */
int64_t flow_task_index(const struct flow *f, const char *name);

/* [A-Za-z0-9_][A-Za-z0-9._-]*, at most 63 bytes, and not FLOW_LATEST: what a version of
 * a workflow may be called. */
bool flow_is_version(const char *text);
#define FLOW_LATEST "latest"

/* A label of a run: NULL, or what is wrong with it. */
const char *flow_label_fault(const char *name, const char *value);
#define FLOW_MAX_LABELS      64
#define FLOW_MAX_LABEL_VALUE 255

/* Inputs as given (object, or NULL) -> object with defaults, checked by type.
 * Strings from a command line (`from_text`) are read as the declared type. All
 * problems in one go (line 0). New reference or NULL. */
json_t *flow_inputs(const struct flow *f, json_t *given, bool from_text,
                    struct flow_problems *problems);

/* Whether what a run gave is what the output declares; else FF_INVALID, with a remedy.
 */
int flow_output_check(const struct flow_run_output *o, const json_t *value,
                      struct ff_err *err);

/* What sleep: gave: text with a unit, or seconds. At most FLOW_MAX_WAIT_US. */
int flow_wait_us(const json_t *value, int64_t *us, struct ff_err *err);
/* What wait_until: gave: RFC 3339 with an offset. At most FLOW_MAX_WAIT_US from now. */
int flow_until_us(const json_t *value, int64_t now_us, int64_t *at_us,
                  struct ff_err *err);

/* The same for what an approval is given with. */
json_t *flow_approve_inputs(const struct flow_approve *a, json_t *given, bool from_text,
                            struct flow_problems *problems);

/* The JSON Schema (2020-12) of the file format. New reference. */
json_t *flow_schema(void);

/* The value of a YAML text that is no workflow but stands beside one (mocks, tests), in
 * the same subset of YAML. New reference or NULL with problems. */
json_t *flow_yaml(const char *text, size_t len, struct flow_problems *problems);

/* What the file means, in one spelling, whatever its order and comments: for comparing
 * two. New reference; NULL when it is not YAML. */
json_t *flow_meaning(const char *text, size_t len);

/* A flow_value in a scope. New reference or NULL with err. */
json_t *flow_value_eval(const struct flow_value *v, const struct expr_scope *scope,
                        struct expr_err *err);

#endif
