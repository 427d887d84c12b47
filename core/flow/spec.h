/* flow/spec.h - the tables of the file format and what reads a tree by them. Private to
 * the room.
 *
 * Each object of the format (workflow, task, retry, ...) is one const table of fields.
 * The same table drives the reading, the remedy for a misspelt key, the JSON Schema and
 * the test that docs/workflow-reference.md is complete. To add a key, add a row. */
#ifndef FLOW_SPEC_H
#define FLOW_SPEC_H

#include "flow/flow.h"
#include "flow/problem.h"
#include "flow/tree.h"

struct spec;
struct spec_field;

/* How a value of one type is read, and described to people and to a JSON Schema. */
struct spec_type {
    const char *name; /* as the reference has it: "duration" */
    const char *is;   /* after "must be": "a duration such as 30s" */
    /* node is neither broken nor null unless takes_null. Writes *slot on success only.
     */
    void (*read)(struct spec *s, const struct spec_field *field,
                 const struct tree_node *node, void *slot);
    json_t *(*schema)(const struct spec_field *field);
    bool takes_null;
};

enum spec_flag {
    SPEC_REQUIRED = 1,
    SPEC_LATER = 2 /* known, but not supported by this version */
};

struct spec_field {
    const char *key;
    const struct spec_type *type; /* NULL with SPEC_LATER */
    size_t offset;                /* of the slot in the object's struct */
    const void *arg;              /* what the type wants: a range, choices, an object */
    unsigned flags;
    const char *fallback; /* the default as JSON, or NULL */
    const char *since;    /* the first version that has it */
    const char *help;
};

struct spec_object {
    const char *name;   /* its section in the reference and its name in the schema */
    const char *phrase; /* "a task": for messages */
    const struct spec_field *fields;
    size_t n_fields;
    const char *help;
    void (*finish_schema)(json_t *schema); /* rules over several keys; or NULL */
    const char *example;                   /* for whoever wrote no map; or NULL */
};

#define SPEC_MAX_FIELDS 63
#define SPEC_SEEN_BAD   (UINT64_C(1) << 63) /* a key was unknown or not supported yet */

extern const struct spec_object spec_workflow, spec_task, spec_input, spec_output,
    spec_retry, spec_http, spec_script, spec_approve, spec_wait_event, spec_resources,
    spec_defaults, spec_rate, spec_concurrency, spec_triggers, spec_cron, spec_interval,
    spec_after, spec_event, spec_webhook, spec_case, spec_repeat, spec_cache,
    spec_compensate, spec_artifacts, spec_artifact_in, spec_artifact_out,
    spec_run_output;
extern const struct spec_object
    *const spec_objects[]; /* all of them, NULL at the end */

/* Where an expression stands decides which names it may use. */
enum spec_place {
    PLACE_IF = 1,
    PLACE_FOREACH = 2,
    PLACE_ATTEMPT = 4, /* env, stdin, command, working_dir: evaluated per attempt */
    PLACE_SHARED_ENV = 8,
    PLACE_RUN_OUTPUT = 16,
    PLACE_RETRY = 32,        /* retry.if of a task */
    PLACE_SHARED_RETRY = 64, /* of defaults */
    PLACE_TRIGGER = 128,
    PLACE_SWITCH = 256,
    PLACE_RUN_KEY = 512, /* concurrency.key: before anything of the run has begun */
    PLACE_UNTIL = 1024,  /* repeat.until */
    PLACE_CACHE = 2048,  /* cache.key */
    PLACE_AWAIT = 4096   /* wait_event.if: when an event has come */
};

#define SPEC_NO_TASK UINT32_MAX

/* An expression whose names are checked when all tasks are known. */
struct spec_ref {
    const struct tmpl *tmpl;
    const struct tree_node *node;
    uint32_t task; /* or SPEC_NO_TASK */
    enum spec_place place;
};

struct spec_env {
    struct flow_pair *items;
    uint32_t n;
};

/* A task in the reading: the slots of its table are members of this. */
struct spec_draft {
    struct flow_task task;
    struct flow_work work;
    struct flow_policy policy;
};

/* Some of the last parts that were kept, for the next task that says the same. */
#define SPEC_RECENT 8
struct spec_recent {
    const void *items[SPEC_RECENT];
    unsigned next;
};

/* The reading of one file. */
struct spec {
    struct flow *flow;
    struct arena *arena; /* the file's */
    struct spec *outer;  /* of a group: the reading around it; else NULL */
    uint32_t inside;     /* of a group: its task there */
    int depth;           /* 0: the file */
    struct {
        struct flow_asked *items;
        size_t n, cap;
    } asked;      /* of the file only */
    size_t n_all; /* tasks of the file with its groups; of the file only */
    struct {
        struct spec **items;
        size_t n, cap;
    } groups;           /* read here, to be checked when all tasks are known */
    struct spec *group; /* the last of them */
    struct {
        const char **items;
        size_t n, cap;
    } captures; /* tasks outside that are used here */
    struct flow_owned *owned;
    struct tree *tree;
    struct flow_problems *problems;
    struct {
        struct flow_task *items;
        size_t n, cap;
    } tasks;
    struct {
        const struct tree_node **items; /* needs: of each task, or NULL */
        size_t n, cap;
    } needs;
    struct {
        struct spec_ref *items;
        size_t n, cap;
    } refs;
    struct map by_name;      /* text -> task index + 1 */
    struct spec_draft model; /* a task that says nothing */
    struct spec_recent works, policies;
    struct {
        struct spec_follow {
            uint32_t owner;
            const struct spec_field *field; /* arg: enum flow_ask */
            const struct tree_node *node;
            uint32_t last; /* handler of this owner, or SPEC_NO_TASK */
        } * items;
        size_t n, cap;
    } follows;                  /* handlers of tasks, to be read yet */
    struct spec_follow *follow; /* of the handler being read, or NULL */
    struct {
        struct spec_undo {
            uint32_t of;
            const struct tree_node *node;
        } * items;
        size_t n, cap;
    } undos; /* compensations, to be read yet */
    struct flow_limit limits[FLOW_MAX_SEMAPHORES + 2]; /* of the task being read */
    uint32_t n_limits;
    const struct flow_limits *last_limits;
    const char *last_selector;          /* NULL: none yet */
    struct spec_env env;                /* what all tasks share */
    const struct tree_node *task_needs; /* of the task being read */
    uint32_t task;                      /* its index, or SPEC_NO_TASK */
    enum flow_part part;
    bool in_list;  /* the task says its name itself, as id: */
    size_t n_env;  /* variables of all tasks together */
    bool *suspect; /* by task: a need of it is wrong */
    uint32_t
        *need_stamps; /* by task: 1 + whose needs have it already, of those linked */
    uint32_t *order;  /* each task after its needs; NULL: there are circles */
    bool too_many;    /* tasks; said once */
    bool saw_triggers;
};

/* spec.c */

/* Reads the keys of a map in the order of the table. `seen`, where not NULL, gets a bit
 * for each field that is there or was probably meant. False when it is not a map. */
bool spec_read(struct spec *s, const struct spec_object *object,
               const struct tree_node *node, void *into, uint64_t *seen);

/* The value of a key in any of its spellings, or NULL. */
const struct tree_node *spec_find(const struct tree_node *map, const char *key);

struct flow_problem *spec_problem(struct spec *s, int code,
                                  const struct tree_node *node);
struct flow_problem *spec_problem_key(struct spec *s, int code,
                                      const struct tree_key *key);
/* At a part of a scalar. */
struct flow_problem *spec_problem_in(struct spec *s, int code,
                                     const struct tree_node *node, size_t offset,
                                     size_t len);
void spec_wrong_type(struct spec *s, const char *key, const char *is,
                     const struct tree_node *node);

void *spec_alloc(struct spec *s, size_t n, size_t size); /* zeroed, the flow's */
const char *spec_copy(struct spec *s, const struct tree_node *node);

/* False with FF029 when the scalar holds ${{. */
bool spec_constant(struct spec *s, const char *key, const struct tree_node *node);
/* The same for all that is in a value: it would stay text. */
bool spec_all_constant(struct spec *s, const char *key, const struct tree_node *node);

/* False, with the problem of it, where the node is something else. */
bool spec_want_text(struct spec *s, const struct spec_field *field,
                    const struct tree_node *node);
bool spec_want_constant(struct spec *s, const struct spec_field *field,
                        const struct tree_node *node); /* text without ${{ */
bool spec_want_map(struct spec *s, const struct spec_field *field,
                   const struct tree_node *node);
bool spec_want_names(struct spec *s, const struct spec_field *field,
                     const struct tree_node *node); /* a map, not too large */

/* How else a key may be spelt: max-parallel and maxParallel for max_parallel. False
 * when there is no such spelling. */
#define SPEC_KEY_MAX 64
bool spec_kebab(const char *key, char out[SPEC_KEY_MAX]);
bool spec_camel(const char *key, char out[SPEC_KEY_MAX]);

/* spec_scalar.c: types, and the args they want */

struct spec_range {
    int64_t min, max;
    const char *text; /* "1 to 1000" */
};
struct spec_real_range {
    double min, max;
    const char *text;
};

extern const struct spec_type
    spec_text,     /* const char *; arg: NULL or "" for any text */
    spec_name,     /* const char *: [a-z_][a-z0-9_-]* */
    spec_boolean,  /* bool */
    spec_integer,  /* int64_t; struct spec_range */
    spec_number,   /* double; struct spec_real_range */
    spec_duration, /* int64_t, microseconds; struct spec_range */
    spec_choice,   /* enum; const char *const[], NULL at the end */
    spec_cpu,      /* int64_t, thousandths */
    spec_size,     /* int64_t, bytes */
    spec_yes;      /* no slot; only true is allowed */

/* The index of a word among choices, or -1. */
int spec_choice_index(const char *const *choices, const char *word);
/* Whether the file is one of another system; then that is its only problem. */
bool spec_is_foreign(struct spec *s, const struct tree_node *root);

/* The hint that names the choice which is probably meant. */
void spec_nearest_choice(struct flow_problem *p, const char *word,
                         const char *const *choices);

/* "sh, python or node" */
void spec_list_choices(const char *const *choices, char *out, size_t cap);

json_t *spec_schema_enum(const char *const *choices);

#define SPEC_DURATION_PATTERN "^(([0-9]+(d|h|ms|m|s))+|P[0-9DTHMS]+)$"

/* [a-z_][a-z0-9_]*: tasks, inputs, outputs. False with FF014. */
bool spec_check_name(struct spec *s, const struct tree_key *key, const char *what);

/* False with FF002 for more than FLOW_MAX_NAMES. */
bool spec_check_count(struct spec *s, const char *key, const struct tree_node *node,
                      size_t n);

/* The nearest well formed name: Load-Data gives load_data. False when there is none. */
bool spec_mend_name(const char *name, bool dashes, char out[SPEC_KEY_MAX]);

#define SPEC_NAME_PATTERN "^[a-z_][a-z0-9_]{0,62}$"

/* The schema of a map from such names to values. Takes over `values`. */
json_t *spec_schema_names(json_t *values);
/* To any values: for types whose values may be expressions. */
json_t *spec_schema_any_values(const struct spec_field *field);
json_t *spec_schema_ref(const struct spec_object *object); /* {"$ref": ...} */

/* spec_value.c */

extern const struct spec_type
    spec_value_pointer, /* struct flow_value *; arg: struct spec_value_rule */
    spec_condition,     /* struct tmpl * */
    spec_shared_env,    /* added to s->env; no slot */
    spec_task_env;      /* a spec_draft: s->env and its own */

/* spec_run_output.c */
extern const struct spec_type spec_run_outputs; /* a flow: outputs */

struct spec_value_rule {
    enum spec_place place;
    bool keep_text; /* 1.10 and True stay text as they are written */
    bool list;      /* a list, or an expression that gives one */
    bool secrets;   /* may be ${{ secrets.NAME }} as a whole */
};

/* spec_secret.c: the text is ${{ secrets.NAME }} and nothing else. */
bool spec_read_secret(struct spec *s, const struct tree_node *node,
                      struct flow_value *value);

bool spec_read_value(struct spec *s, const struct spec_value_rule *rule,
                     const struct tree_node *node, struct flow_value *value);
/* NULL with a problem. */
struct tmpl *spec_read_condition(struct spec *s, const struct spec_field *field,
                                 enum spec_place place, const struct tree_node *node);

/* spec_input.c, spec_output.c, spec_matrix.c, spec_retry.c, spec_code.c, spec_task.c,
 * spec_workflow.c
 */

extern const struct spec_type spec_shell, /* const char *: run */
    spec_command,                         /* a spec_draft: argv */
    spec_script_type,                     /* a spec_draft: text, file, lang... */
    spec_inputs_type,                     /* a flow: inputs */
    spec_vars_type,                       /* a flow: vars */
    spec_outputs_type,                    /* a spec_draft: outputs */
    spec_matrix_type,                     /* a spec_draft: foreach, matrix */
    spec_retry_type,                      /* struct flow_retry */
    spec_nested,        /* fields of another object with slots in the same struct */
    spec_triggers_type, /* no slot */
    spec_tasks_type,    /* no slot; arg: enum flow_part */
    spec_switch_type,   /* a spec_draft: choice, outputs */
    spec_follow_type;   /* no slot; arg: enum flow_ask */

extern const struct flow_retry spec_retry_none; /* of a task without retry: */
extern const struct spec_range spec_timeout_range, spec_grace_range,
    spec_parallel_range;

/* spec_limits.c: none has a slot; spec_take_limits makes a list of what they read. */
extern const struct spec_type spec_concurrency_type; /* struct flow_concurrency * */
extern const struct spec_type spec_semaphores_type, spec_mutex_type, spec_rate_type;
const struct flow_limits *spec_take_limits(struct spec *s); /* NULL: none */

/* spec_selector.c */
extern const struct spec_type spec_selector; /* const char *: labels, or NULL */

/* spec_cache.c */
extern const struct spec_type spec_cache_type; /* const struct flow_cache * */
/* When the task around it has been read. */
void spec_finish_cache(struct spec *s, const struct tree_node *task,
                       const struct flow_cache *cache, const struct flow_work *work);

/* One task of s->part by its table; adds it to s->tasks. */
void spec_add_task(struct spec *s, const struct tree_key *name,
                   const struct tree_node *node);

/* Its parts, for one that is not read by the table of tasks: a draft that says nothing
 * (false: there are too many tasks), and the task that was made of it. */
bool spec_begin_task(struct spec *s, struct spec_draft *draft,
                     const struct tree_key *name);
void spec_end_task(struct spec *s, struct spec_draft *draft);

/* A map or a list of them. */
void spec_read_tasks(struct spec *s, const struct spec_field *field,
                     const struct tree_node *node);

/* spec_follow.c: handlers of the tasks that have been read. */
void spec_add_followers(struct spec *s);
/* What the handler that is being read waits for. */
struct flow_formula *spec_follow_formula(struct spec *s);

/* spec_repeat.c */
extern const struct spec_type spec_repeat_type; /* const struct flow_repeat * */
void spec_check_repeat(struct spec *s, const struct flow_work *work,
                       const struct tree_node *task);

/* spec_compensate.c */
extern const struct spec_type spec_compensate_type; /* a spec_draft */
void spec_add_compensations(struct spec *s);  /* of all tasks that have been read */
void spec_rank_compensations(struct spec *s); /* when their order is known */

/* spec_label.c */
extern const struct spec_type spec_version_label, /* const char * */
    spec_labels;                                  /* json_t *: object of texts */

/* spec_kind_uses.c */
extern const struct spec_type spec_uses_type, spec_with_type; /* a spec_draft */

/* spec_kind_group.c */
extern const struct spec_type spec_group_type; /* a spec_draft: group */
void spec_read_group_outputs(struct spec *s, const struct spec_field *field,
                             const struct tree_node *node, struct flow_work *work);
void spec_finish_groups(struct spec *s);
/* The group uses a task that stands outside. */
void spec_capture(struct spec *g, const char *name);

/* flow.c: links and checks what was read; with the groups inside. */
void spec_finish(struct spec *s);

/* Says what is wrong with a value for an input, or returns true. */
struct spec_blame {
    int code;
    char msg[256];
    char hint[120];
};
bool spec_input_accepts(const struct flow_input *input, const json_t *value,
                        struct spec_blame *blame);
/* 1: matches as a whole; 0: does not; -1: the pattern is wrong, blame->msg says how. */
int spec_input_pattern(const char *pattern, const char *text, struct spec_blame *blame);
/* The same for a pattern that may match anywhere in the text. */
int spec_pattern(const char *pattern, const char *text, struct spec_blame *blame);
const char *spec_nearest_input(const struct flow *f, const char *name); /* or NULL */
const struct flow_input *spec_find_input(const struct flow *f, const char *name);

/* graph.c: needs become indexes; circles are found. */
void spec_link_needs(struct spec *s);

/* needs.c */
void spec_fill_needs(struct spec *s);

/* A name of needs and where it stands. */
struct spec_need {
    struct spec *s;
    uint32_t task; /* whose needs */
    const struct tree_node *node;
    size_t offset;
    const char *name;
};
uint32_t
spec_find_need(const struct spec_need *n); /* or SPEC_NO_TASK, with a problem */
/* False: it is among them already. */
bool spec_add_need(struct spec *s, uint32_t task, uint32_t need);

/* formula.c */
bool spec_is_formula(const struct tree_node *needs);
size_t spec_count_asked(const struct tree_node *needs); /* at most so many names */
/* Does `written`, an item of needs, ask for this task? */
bool spec_is_need(const char *written, const char *name);
void spec_link_formula(struct spec *s, uint32_t task, const struct tree_node *node);

/* The nearest main task's name, or NULL; for hints. */
const char *spec_nearest_task(const struct spec *s, const char *name);

/* ancestors.c */

/* Asked: has `before` ended when `task` starts, because of needs? */
struct spec_before {
    uint32_t task, before;
    const struct tree_node *node; /* of the reference, for the problem */
    size_t offset, length;
    bool holds;
};
void spec_answer_before(const struct spec *s, struct spec_before *asked, size_t n);

/* refs.c: every name in every expression. */
void spec_check_refs(struct spec *s);

/* flow.c: what flow_unref frees besides the arena. */
struct tmpl *spec_own_tmpl(struct spec *s, struct tmpl *tmpl);
json_t *spec_own_json(struct spec *s, json_t *value);

#endif
