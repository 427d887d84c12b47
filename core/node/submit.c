/* submit.c - new runs and requests, as rows: whoever owns the shard finds them there.
 */
#include "node/pins.h"

#include <string.h>

#define NUMBERS_MAX 64
#define LEAVE_RACES 20 /* a run changes when it begins, is stopped, and ends */

int node_add_source(struct node *n, const struct workflow_row *row, struct batch *b,
                    struct ff_err *err)
{
    struct arena arena = {0};
    struct workflow_row old;
    const int code =
        store_workflow(n->store, STORE_READER_CALLER, (struct tenant){row->tenant},
                       row->hash, &arena, &old, err);

    arena_done(&arena);
    if (code != FF_NOT_FOUND)
        return code; /* there already: the same text has the same hash */
    batch_put(b, &record_workflow, row, FF_ANY_VERSION);
    return FF_OK;
}

/* Numbers are taken in growing blocks: one run costs one number, many runs cost few
 * commits. A block that is not used up leaves a gap, which means nothing. */
static int next_number(struct node *n, int64_t *run, struct ff_err *err)
{
    if (n->numbers_left == 0) {
        const int64_t block = n->numbers_block > 0 ? n->numbers_block : 1;
        const int code = store_take_numbers(n->store, "run", block, &n->next_run, err);
        if (code != FF_OK)
            return code;
        n->numbers_left = block;
        n->numbers_block = block < NUMBERS_MAX ? block * 2 : block;
    }
    n->numbers_left--;
    *run = n->next_run++;
    return FF_OK;
}

int node_submit(struct node *n, struct tenant t, const struct node_submit *what,
                char id[ID_TEXT], int64_t *run, struct ff_err *err)
{
    const int64_t now = loop_wall_us(n->loop);
    struct batch b = {0};
    size_t failed;

    *run = 0;
    /* Not both in the call: which is asked for first would be the compiler's choice,
     * and a simulated run would differ. */
    const uint64_t random = loop_random(n->loop);
    id_make(now, random, loop_random(n->loop), id);
    const struct workflow_row source = {
        .tenant = t.no,
        .hash = span_of(what->hash),
        .name = span_of(what->workflow),
        .source = {.s = what->source, .len = what->source_len},
        .path = span_of(what->path),
        .created_at = now,
    };
    int code = node_add_source(n, &source, &b, err);
    struct pins pins = {
        .node = n, .tenant = t, .batch = &b, .problems = what->problems};
    if (code == FF_OK && what->flow && !what->reuse)
        code = node_pin(&pins, what->flow, what->beside, err);
    if (code == FF_OK)
        code = next_number(n, run, err);
    FAILPOINT("node.submit.before");
    if (code == FF_OK) {
        MEM_AUTO char *inputs = json_text(what->inputs);
        MEM_AUTO char *labels =
            json_object_size(what->labels) > 0 ? json_text(what->labels) : NULL;
        MEM_AUTO char *pinned =
            json_object_size(pins.pins) > 0 ? json_text(pins.pins) : NULL;
        const struct run_row row = {
            .tenant = t.no,
            .run = *run,
            .id = span_of(id),
            .project = PROJECT_DEFAULT,
            .workflow = span_of(what->workflow),
            .hash = span_of(what->hash),
            .kind = span_of(engine_dag.name),
            .state = RUN_PENDING,
            .inputs = span_of(inputs),
            .dir = span_of(what->dir),
            .created_at = now,
            .started_at = MODEL_NULL,
            .finished_at = MODEL_NULL,
            .labels = span_of(labels),
            .nominal_at = MODEL_NULL,
            .parent_run = MODEL_NULL,
            .root = MODEL_NULL,
            .parent_node = MODEL_NULL,
            .parent_attempt = MODEL_NULL,
            .depth = MODEL_NULL,
            .pins = what->reuse ? what->reuse->pins : span_of(pinned),
            .priority = what->priority,
            .no_cache = what->no_cache ? 1 : MODEL_NULL,
        };
        engine_run_create(&row, NODE_SHARD, &b);
        if (what->reuse)
            code = node_reuse(n, what, *run, &b, err);
    }
    if (code == FF_OK)
        code = store_commit_now(n->store, &b, &failed, err);
    json_decref(pins.pins);
    FAILPOINT("node.submit.after");
    batch_done(&b);
    return code;
}

int node_leave_cancel(struct node *n, struct tenant t, const struct run_row *run,
                      enum cancel_mode mode, struct ff_err *err)
{
    return node_leave_signal(n, t, run, mode == CANCEL_KILL ? "kill" : "cancel", NULL,
                             err);
}

static int take_state(void *arg, const void *row)
{
    struct run_row *run = arg;
    const struct run_row *now = row;

    run->version = now->version;
    run->state = now->state;
    return 1;
}

/* What the run is by now: it was not what it had been. */
static int look_again(struct node *n, struct run_row *run, struct ff_err *err)
{
    const struct store_query one = {
        .record = &record_run, .like = run, .n_equal = 2, .limit = 1};
    int code;

    run->version = 0;
    code = store_scan(n->store, STORE_READER_CALLER, &one, take_state, run, err);
    if (code == FF_OK && (run->version == 0 || run_state_final(run->state)))
        code = ff_fail(err, FF_CONFLICT, 0,
                       "the run has come to its end meanwhile: `flowforge get` tells");
    return code;
}

/* Only while the run is what the caller has seen: a message that came after its end
 * would hit what is opened under the same number later. */
static int leave(struct node *n, const struct inbox_row *row, const struct run_row *run,
                 struct ff_err *err)
{
    struct run_row seen = *run;
    int code = FF_CONFLICT;

    for (int i = 0; code == FF_CONFLICT && i < LEAVE_RACES; i++) {
        struct batch b = {0};
        size_t failed;

        code = i > 0 || seen.version == 0 ? look_again(n, &seen, err) : FF_OK;
        if (code != FF_OK)
            return code;
        batch_put(&b, &record_inbox, row, FF_ABSENT);
        batch_check(&b, &record_run, &seen, seen.version);
        FAILPOINT("node.inbox.before");
        code = store_commit_now(n->store, &b, &failed, err);
        batch_done(&b);
    }
    return code;
}

int node_leave_signal(struct node *n, struct tenant t, const struct run_row *run,
                      const char *word, const json_t *body, struct ff_err *err)
{
    MEM_AUTO char *text = body ? json_text(body) : NULL;
    int64_t no;
    const int code = store_take_numbers(n->store, "inbox", 1, &no, err);

    if (code != FF_OK)
        return code;
    const struct inbox_row row = {
        .shard = NODE_SHARD,
        .no = no,
        .tenant = t.no,
        .run = run->run,
        .kind = span_of(word),
        .body = span_of(text),
        .at = loop_wall_us(n->loop),
    };
    return leave(n, &row, run, err);
}
