/* message.c - what runs are told: rows of the inbox, which whoever leads takes in the
 * order of their numbers. */
#include "node/node_priv.h"

static int take_state(void *arg, const void *row)
{
    struct run_row *run = arg;
    const struct run_row *now = row;

    run->version = now->version;
    run->state = now->state;
    return 1;
}

/* What the run is by now: it was not what it had been. */
static int look_again(const struct node_plan *p, struct run_row *run,
                      struct ff_err *err)
{
    const struct store_query one = {
        .record = &record_run, .like = run, .n_equal = 2, .limit = 1};
    int code;

    run->version = 0;
    code = store_scan(p->node->store, p->reader, &one, take_state, run, err);
    if (code == FF_OK && (run->version == 0 || run_state_final(run->state)))
        code = ff_fail(err, FF_CONFLICT, 0,
                       "the run has come to its end meanwhile: `flowforge get` tells");
    return code;
}

/* Only while the run is what the caller has seen: a message that came after its end
 * would hit what is opened under the same number later. */
static int put(const struct node_plan *p, struct tenant t, const struct run_row *run,
               const char *word, const json_t *body, struct ff_err *err)
{
    MEM_AUTO char *text = body ? json_text(body) : NULL;
    struct run_row seen = *run;
    int64_t no;
    int code = store_number(p->node->store, &p->node->inbox_numbers, 1, &no, err);

    if (code == FF_OK && (p->tries > 0 || seen.version == 0))
        code = look_again(p, &seen, err);
    if (code != FF_OK)
        return code;
    const struct inbox_row row = {
        .shard = NODE_SHARD,
        .no = no,
        .tenant = t.no,
        .run = run->run,
        .kind = span_of(word),
        .body = span_of(text),
        .at = loop_wall_us(p->node->loop),
    };
    batch_put(p->batch, &record_inbox, &row, FF_ABSENT);
    batch_check(p->batch, &record_run, &seen, seen.version);
    FAILPOINT("node.inbox.before");
    return FF_OK;
}

int node_fail_doubt(struct ff_err *err)
{
    return ff_fail(err, FF_IN_DOUBT, 0,
                   "the store cannot say whether this was done: look before you ask "
                   "for it again");
}

int node_plan_message(const struct node_plan *p, struct tenant t,
                      const struct run_row *run, const char *word, const json_t *body,
                      struct ff_err *err)
{
    return p->doubted ? node_fail_doubt(err) : put(p, t, run, word, body, err);
}

/* Twice is as good as once. */
int node_plan_cancel(const struct node_plan *p, struct tenant t,
                     const struct run_row *run, enum cancel_mode mode,
                     struct ff_err *err)
{
    return put(p, t, run, mode == CANCEL_KILL ? "kill" : "cancel", NULL, err);
}

/* --- at once --- */

struct message {
    struct tenant tenant;
    const struct run_row *run;
    const char *word;
    const json_t *body;
    enum cancel_mode mode;
};

static int plan_cancel(void *arg, const struct node_plan *p, struct ff_err *err)
{
    const struct message *m = arg;

    return node_plan_cancel(p, m->tenant, m->run, m->mode, err);
}

int node_leave_cancel(struct node *n, struct tenant t, const struct run_row *run,
                      enum cancel_mode mode, struct ff_err *err)
{
    struct message m = {.tenant = t, .run = run, .mode = mode};

    return node_change_now(n, plan_cancel, &m, err);
}

static int plan_message(void *arg, const struct node_plan *p, struct ff_err *err)
{
    const struct message *m = arg;

    return node_plan_message(p, m->tenant, m->run, m->word, m->body, err);
}

int node_leave_signal(struct node *n, struct tenant t, const struct run_row *run,
                      const char *word, const json_t *body, struct ff_err *err)
{
    struct message m = {.tenant = t, .run = run, .word = word, .body = body};

    return node_change_now(n, plan_message, &m, err);
}
