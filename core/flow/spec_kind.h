/* flow/spec_kind.h - the kinds of tasks: what a task does. Each is the key of a task,
 * of which there is exactly one, and a row in one table. core/engine/dag_kind.h says
 * how to add one. */
#ifndef FLOW_SPEC_KIND_H
#define FLOW_SPEC_KIND_H

#include "flow/spec.h"

struct spec_kind {
    const char *key;
    const char *const *without; /* keys that mean nothing beside it, NULL at the end */
};

/* In the order of enum flow_kind. */
extern const struct spec_kind *const spec_kinds[FLOW_N_KINDS];

extern const struct spec_kind spec_kind_run, spec_kind_command, spec_kind_script,
    spec_kind_noop, spec_kind_switch, spec_kind_sleep, spec_kind_wait_until,
    spec_kind_transform, spec_kind_group, spec_kind_uses, spec_kind_http,
    spec_kind_approve, spec_kind_wait_event;

/* The values of kinds: a spec_draft. */
extern const struct spec_type spec_sleep_type, spec_until_type, spec_transform_type,
    spec_http_type, spec_approve_type, spec_wait_event_type;

/* An output that a kind has by itself. */
struct flow_output spec_own_output(struct spec *s, const char *name);

/* Keys of attempts, for `without` of kinds that are none. */
#define SPEC_KIND_ATTEMPT_KEYS                                                         \
    "stdin", "working_dir", "timeout", "queue_timeout", "total_timeout", "grace",      \
        "queue", "priority", "resources", "semaphores", "mutex", "rate",               \
        "heartbeat_timeout", "cache", "artifacts", "node_selector"

/* Before the keys are read: the first kind that stands in the map of a task, whatever
 * is wrong with it. The types of kinds read their value only for this one, so that what
 * they keep in flow_work is always that of work->kind. FLOW_N_KINDS: there is none. */
enum flow_kind spec_kind_find(const struct tree_node *task);

/* After: says what is wrong with there being none, or two, or keys that it has no use
 * for. suspect: something is wrong already that may be the reason. */
void spec_kind_check(struct spec *s, const struct tree_node *task,
                     const struct tree_key *name, enum flow_kind kind, bool suspect);

/* "run, command, script or noop" */
void spec_kind_list(char *out, size_t cap);

void spec_kind_schema(json_t *schema);

#endif
