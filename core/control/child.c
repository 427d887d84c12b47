/* child.c - runs that are tasks of other runs. One begins in the batch in which its
 * parent's task does; when it has ended, or its parent was loaded again, a lane reads
 * how it stands, and an end is the result of the parent's attempt. One way for both, so
 * that a crash between the two makes no difference. */
#include "control/control_priv.h"

#include <string.h>

/* --- numbers --- */

#define NUMBERS_BLOCK 64

struct take {
    struct control *control;
    int64_t n, first;
    int code;
    struct ff_err err;
};

static void take_on_lane(void *arg)
{
    struct take *t = arg;

    t->code =
        store_take_numbers(t->control->setup.store, "run", t->n, &t->first, &t->err);
}

static void take_done(void *arg)
{
    struct take *t = arg;
    struct control *c = t->control;

    c->n_lane--;
    c->numbers.taking = false;
    if (t->code == FF_OK) {
        /* What is left of the last block is a gap, which means nothing. */
        c->numbers.next = t->first;
        c->numbers.left = t->n;
    } else if (t->code == FF_FATAL) {
        control_fatal(c, &t->err);
    } else if (!c->draining) {
        log_warn("numbers for runs: %s", t->err.msg);
        control_arm_again(c);
    }
    mem_free(t);
    control_post_pump(c);
}

void control_take_numbers(struct control *c)
{
    if (c->numbers.taking || c->draining || c->dead)
        return;
    struct take *t = mem_alloc(sizeof(*t));
    t->control = c;
    t->n = c->numbers.wanted > NUMBERS_BLOCK ? c->numbers.wanted : NUMBERS_BLOCK;
    c->numbers.taking = true;
    c->n_lane++;
    lane_do(c->lane, take_on_lane, take_done, t);
}

bool control_name_children(struct live *l)
{
    struct control *c = l->control;
    const int64_t n = (int64_t)l->step.children.n;

    if (n > c->numbers.left) {
        c->numbers.wanted = n;
        control_take_numbers(c);
        return false;
    }
    for (int64_t i = 0; i < n; i++) {
        struct run_row *child = &l->step.children.items[i];
        /* Not both in the call: their order would be the compiler's choice. */
        const uint64_t random = loop_random(c->setup.loop);
        char id[ID_TEXT];
        id_make(child->created_at, random, loop_random(c->setup.loop), id);
        child->id.s = arena_text(&l->step.batch.arena, id, strlen(id));
        child->id.len = strlen(id);
        child->run = c->numbers.next++;
        c->numbers.left--;
        engine_child_create(child, c->setup.shard, &l->step.batch);
    }
    return true;
}

void control_load_children(struct live *l)
{
    struct control *c = l->control;

    for (size_t i = 0; i < l->step.children.n; i++) {
        const struct run_row *child = &l->step.children.items[i];
        if (!control_live(c, child->run))
            control_load(control_live_new(c, l->tenant, child->run));
    }
}

/* --- how one stands --- */

struct look {
    struct control *control;
    struct tenant tenant;
    int64_t parent, node, attempt;
    enum cancel_mode cancel;
    enum effect_pause pause;
    int64_t no;    /* the highest is what was said last */
    int64_t child; /* 0: there is none */
    int64_t state;
    struct result result;
    char reason[64];
    char *message;
    int code;
    struct ff_err err;
};

static int take_link(void *arg, const void *row)
{
    ((struct look *)arg)->child = ((const struct child_run_row *)row)->run;
    return 1;
}

/* Values that are lost make it a run whose rows make no sense. False: it is known what
 * becomes of it, or it has to be asked again. */
static bool take_outputs(struct look *look, const struct run_row *run)
{
    struct result *result = &look->result;

    result->outputs =
        control_open_column(look->control, run->id, run->outputs, &look->err);
    if (result->outputs)
        return true;
    if (look->err.code == FF_CORRUPT || look->err.code == FF_INVALID) {
        result->outcome = OUTCOME_FAILED;
        snprintf(look->reason, sizeof(look->reason), "%s", ENGINE_QUARANTINED);
        look->message = mem_text(look->err.msg);
    } else {
        look->code = look->err.code;
    }
    return false;
}

/* A child that was cancelled by itself has failed for its parent, which is not told to
 * stop; where the parent is, the engine makes it a cancel. */
static int take_child(void *arg, const void *row)
{
    struct look *look = arg;
    const struct run_row *run = row;
    struct result *result = &look->result;

    look->state = run->state;
    *result = (struct result){.outcome = OUTCOME_SUCCEEDED, .exit_code = MODEL_NULL};
    if (run->started_at != MODEL_NULL)
        result->started_at = run->started_at;
    if (run->finished_at != MODEL_NULL)
        result->ended_at = run->finished_at;
    if (run->outputs.s && !take_outputs(look, run))
        return 1;
    if (run->state == RUN_SUCCEEDED)
        return 1;
    result->outcome =
        span_is(run->reason, "timeout") ? OUTCOME_TIMEOUT : OUTCOME_FAILED;
    snprintf(look->reason, sizeof(look->reason), "%.*s",
             run->reason.s ? (int)run->reason.len : 6,
             run->reason.s ? run->reason.s : "failed");
    if (run->message.s)
        look->message = mem_text_len(run->message.s, run->message.len);
    return 1;
}

static void look_on_lane(void *arg)
{
    struct look *look = arg;
    struct store *s = look->control->setup.store;
    const struct child_run_row link = {.tenant = look->tenant.no,
                                       .parent = look->parent,
                                       .node = look->node,
                                       .attempt = look->attempt};

    look->code = store_scan(
        s, STORE_READER_LANE,
        &(struct store_query){
            .record = &record_child_run, .like = &link, .n_equal = 4, .limit = 1},
        take_link, look, &look->err);
    if (look->code != FF_OK || look->child == 0)
        return;
    const struct run_row run = {.tenant = look->tenant.no, .run = look->child};
    const int code =
        store_scan(s, STORE_READER_LANE,
                   &(struct store_query){
                       .record = &record_run, .like = &run, .n_equal = 2, .limit = 1},
                   take_child, look, &look->err);
    if (code != FF_OK)
        look->code = code;
}

static void hand_over(struct live *parent, const struct look *look)
{
    struct result result = look->result;

    result.reason = look->reason[0] ? look->reason : NULL;
    result.message = look->message;
    const struct queued q = {
        .in = {.type = INPUT_RESULT, .node = look->node, .attempt = look->attempt},
        .result = control_copy_result(&result),
        .inner = true,
    };
    control_queue(parent, &q);
}

static struct live *child_of(struct control *c, const struct look *look)
{
    struct live *child = control_live(c, look->child);

    if (!child) {
        child = control_live_new(c, look->tenant, look->child);
        control_load(child);
    }
    return child;
}

static void stop_child(struct control *c, const struct look *look)
{
    const struct queued q = {.in = {.type = INPUT_CANCEL, .cancel = look->cancel}};

    control_queue(child_of(c, look), &q);
}

/* Said again after each restart; one that is so already takes no notice. A look that
 * failed, and comes again, must not undo what was said after it. */
static void pause_child(struct control *c, const struct look *look)
{
    struct live *child = child_of(c, look);
    struct queued q = {.in = {.type = INPUT_SIGNAL}};

    if (look->no < child->paused_by)
        return;
    child->paused_by = look->no;
    q.signal = mem_alloc(sizeof(*q.signal));
    *q.signal =
        (struct signal){.word = mem_text(look->pause == PAUSE_ON ? "pause" : "unpause"),
                        .body = json_pack("{sb}", "outer", 1)};
    control_queue(child, &q);
}

/* Nobody else would ask again. */
static void look_later(struct control *c, struct look *look)
{
    log_warn("run %lld: how a run inside it stands: %s", (long long)look->parent,
             look->err.msg);
    ARRAY_ADD(&c->looks, look);
    control_arm_again(c);
}

static void free_look(struct look *look)
{
    json_decref(look->result.outputs);
    mem_free(look->message);
    mem_free(look);
}

static void look_done(void *arg)
{
    struct look *look = arg;
    struct control *c = look->control;
    struct live *parent = control_live(c, look->parent);

    c->n_lane--;
    if (parent && look->code != FF_OK && !c->draining) {
        look_later(c, look);
        return;
    }
    if (!parent || c->draining)
        log_debug("run %lld is not led here any more", (long long)look->parent);
    else if (look->child > 0 && run_state_final(look->state))
        hand_over(parent, look);
    else if (look->child > 0 && look->cancel != CANCEL_NONE)
        stop_child(c, look);
    else if (look->child > 0 && look->pause != PAUSE_AS_IT_IS)
        pause_child(c, look);
    free_look(look);
    control_post_pump(c);
}

static void look_on(struct look *look)
{
    look->code = FF_OK;
    look->control->n_lane++;
    lane_do(look->control->lane, look_on_lane, look_done, look);
}

void control_look(struct live *parent, const struct effect *e)
{
    struct control *c = parent->control;
    struct look *look = mem_alloc(sizeof(*look));

    *look = (struct look){.control = c,
                          .tenant = parent->tenant,
                          .parent = parent->no,
                          .node = e->node,
                          .attempt = e->attempt,
                          .cancel = e->cancel,
                          .pause = e->pause,
                          .no = ++c->n_looks};
    look_on(look);
}

static void on_again(void *arg)
{
    struct control *c = arg;
    struct looks looks = c->looks;

    c->looks = (struct looks){0};
    for (size_t i = 0; i < looks.n; i++)
        look_on(looks.items[i]);
    ARRAY_DONE(&looks);
    control_put_again(c);
    control_post_pump(c); /* which asks for numbers again where they are wanted */
}

void control_arm_again(struct control *c)
{
    if (!c->again && !c->draining)
        loop_timer_add(c->setup.loop, RETRY_US, on_again, c, &c->again);
}

void control_looks_free(struct control *c)
{
    for (size_t i = 0; i < c->looks.n; i++)
        free_look(c->looks.items[i]);
    ARRAY_DONE(&c->looks);
}

void control_tell_parent(struct control *c, const struct run_row *child)
{
    struct live *parent =
        run_is_child(child) ? control_live(c, child->parent_run) : NULL;

    const struct effect look = {.type = EFFECT_CHILD,
                                .node = child->parent_node,
                                .attempt = child->parent_attempt};

    if (parent && !c->draining)
        control_look(parent, &look);
}
