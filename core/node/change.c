/* change.c - see change.h. Large inputs of runs are kept as files before the commit
 * that makes the runs (given.c), whoever planned them. */
#include "node/node_priv.h"

#define TRIES       20
#define BACKLOG_MAX ((size_t)64 << 20) /* bytes that wait for the disk */

struct change {
    struct node *node;
    struct store_readers *pool;
    node_plan_fn *plan;
    node_changed_fn *done;
    void *arg;
    struct batch batch;
    struct node_given *given; /* of the batch, until it is committed */
    struct node_given *lost;  /* of the try before, until that is settled */
    int tries;
    bool doubted;
    struct node_news news; /* of the batch */
    int planned;           /* what the plan has said */
    bool keep;             /* though it has failed */
    bool alone;            /* it takes its turn with others */
    bool knocks;           /* the batch does */
    struct change *next;   /* of those that wait for their turn */
    struct ff_err err;
};

/* --- one try --- */

static bool is_to_commit(const struct change *c)
{
    return c->batch.n > 0 && (c->planned == FF_OK || c->keep);
}

/* Of what is not settled here the marker stays. */
static int settle_lost(struct change *c)
{
    struct ff_err err = {0};
    const int code = node_settle_given(c->node, c->lost, &err);

    c->lost = NULL;
    if (code != FF_OK)
        log_debug("what a run was to be given stays for now: %s", err.msg);
    return code;
}

static void plan_once(struct change *c, struct store_reader *reader)
{
    struct zones zones = {0};
    const struct node_plan p = {
        .node = c->node,
        .reader = reader,
        .batch = &c->batch,
        .zones = &zones,
        .tries = c->tries,
        .doubted = c->doubted,
        .keep = &c->keep,
        .alone = &c->alone,
    };

    batch_reset(&c->batch);
    c->keep = c->alone = false;
    c->err = (struct ff_err){0};
    /* One that may come late still has the folder that would be written again. */
    if (settle_lost(c) != FF_OK && c->doubted) {
        c->planned = node_fail_doubt(&c->err);
        return;
    }
    c->planned = c->plan(c->arg, &p, &c->err);
    zones_done(&zones);
    if (is_to_commit(c)) {
        struct ff_err err = {0};
        const int code = node_keep_given(c->node, &c->batch, &c->given, &err);

        if (code == FF_OK)
            return;
        c->planned = code;
        c->keep = false;
        c->err = err;
    }
    batch_reset(&c->batch);
}

static void settle_given(struct change *c, bool durable)
{
    if (durable)
        node_given_done(c->given, true);
    else
        c->lost = c->given;
    c->given = NULL;
}

static bool is_lost_race(int code)
{
    return code == FF_CONFLICT || code == FF_IN_DOUBT;
}

/* Should it be planned again? */
static bool is_to_try_again(struct change *c, int code)
{
    c->doubted = c->doubted || code == FF_IN_DOUBT;
    return is_lost_race(code) && ++c->tries < TRIES;
}

/* It tells of the last try only. */
static bool is_passing(int code)
{
    return code == FF_BUSY || code == FF_UNAVAILABLE || code == FF_FULL ||
           code == FF_NO_MEMORY || code == FF_CANCELLED;
}

/* What is answered after a commit that ended so, if the plan came to one; c->err says
 * why. */
static int answer_of(struct change *c, int code)
{
    const bool has_lost = c->planned == FF_OK && is_lost_race(code);

    if (c->planned != FF_OK)
        code = c->planned;
    if (c->doubted && (has_lost || is_passing(code)))
        return node_fail_doubt(&c->err);
    if (has_lost)
        return ff_fail(&c->err, FF_BUSY, 0,
                       "others changed the same at the same time, %d times: try again",
                       c->tries);
    c->err.code = code;
    return code;
}

/* The plan's own word stays; who is denied something hears that in any case. */
static void note(struct change *c, int code, const struct ff_err *err)
{
    if (code == FF_OK)
        return;
    if (c->planned != FF_OK)
        log_warn("there is no row of what was denied: %s", err->msg);
    else
        c->err = *err;
}

/* --- what is new for whoever leads --- */

/* Is there any that another process leads? */
static bool is_news_elsewhere(const struct change *c)
{
    const struct node *n = c->node;

    if (!node_is_leased(n) || node_leads_all(n))
        return false;
    if (!node_is_owner(n) || c->news.all)
        return c->news.all || c->news.n > 0;
    for (size_t i = 0; i < c->news.n; i++)
        if (!range_has(n->range, c->news.items[i].tenant))
            return true;
    return false;
}

/* Whoever leads elsewhere hears of it by the commit itself. */
static void tell_news(struct change *c)
{
    node_note_news(c->node, &c->batch, &c->news);
    c->knocks = is_to_commit(c) && is_news_elsewhere(c);
    if (c->knocks)
        node_knock(c->node, &c->batch);
}

/* It may have been on its way while this process gave tenants to another one, which
 * looked before it was there. */
static void tell_late(struct change *c)
{
    struct batch b = {0};

    if (node_is_owner(c->node))
        node_wake_for(c->node, &c->news);
    if (c->knocks || !is_news_elsewhere(c))
        return;
    node_knock(c->node, &b);
    store_commit(c->node->store, &b, NULL, NULL);
}

/* --- at once --- */

static int try_now(struct change *c)
{
    struct ff_err err = {0};

    plan_once(c, STORE_READER_CALLER);
    if (!is_to_commit(c))
        return c->planned;
    tell_news(c);
    const int code = store_commit_now(c->node->store, &c->batch, NULL, &err);
    settle_given(c, code == FF_OK);
    note(c, code, &err);
    return code;
}

int node_change_now(struct node *n, node_plan_fn *plan, void *arg, struct ff_err *err)
{
    struct change c = {.node = n, .plan = plan, .arg = arg};
    int code;

    do {
        code = try_now(&c);
    } while (is_to_commit(&c) && is_to_try_again(&c, code));
    settle_lost(&c);
    code = answer_of(&c, code);
    if (code != FF_OK)
        *err = c.err;
    node_news_done(&c.news);
    batch_done(&c.batch);
    return code;
}

/* --- beside the loop --- */

static void plan_on_lane(void *arg, struct store_reader *reader)
{
    plan_once(arg, reader);
}

static void free_change(void *arg)
{
    struct change *c = arg;

    node_given_done(c->lost, false);
    node_news_done(&c->news);
    batch_done(&c->batch);
    mem_free(c);
}

static void settle_on_lane(void *arg, struct store_reader *reader)
{
    (void)reader;
    settle_lost(arg);
}

static void pass_turn(struct change *c);

/* The batch was taken by the store if there was one. */
static void finish(struct change *c, int committed)
{
    struct store_readers *pool = c->pool;

    atomic_fetch_sub(&c->node->n_changes, 1);
    pass_turn(c);
    const int code = answer_of(c, committed);
    struct ff_err ignored;

    c->done(c->arg, code, code == FF_OK ? NULL : &c->err);
    if (!c->lost ||
        store_readers_do(pool, settle_on_lane, free_change, c, &ignored) != FF_OK)
        free_change(c);
    store_readers_release(pool);
}

static void on_planned(void *arg);

static void try_again(struct change *c)
{
    struct ff_err err = {0};
    const int refused = store_readers_do(c->pool, plan_on_lane, on_planned, c, &err);

    if (refused == FF_OK)
        return;
    note(c, refused, &err);
    finish(c, refused);
}

/* --- turns --- */

/* What it has planned meanwhile is of what was there before the others. */
static void pass_turn(struct change *c)
{
    struct node *n = c->node;
    struct change *next = n->turn.first;

    if (n->turn.now != c)
        return;
    n->turn.now = next;
    if (!next)
        return;
    n->turn.first = next->next;
    try_again(next);
}

/* False: it is called when it is its turn. */
static bool take_turn(struct change *c)
{
    struct node *n = c->node;

    if (!n->turn.now)
        n->turn.now = c;
    if (n->turn.now == c)
        return true;
    settle_given(c, false);
    c->next = NULL;
    if (n->turn.first)
        n->turn.last->next = c;
    else
        n->turn.first = c;
    n->turn.last = c;
    return false;
}

static void on_committed(void *arg, int code, size_t failed, const struct ff_err *err)
{
    struct change *c = arg;

    (void)failed;
    settle_given(c, code == FF_OK);
    note(c, code, err);
    if (code == FF_OK)
        tell_late(c);
    if (is_to_try_again(c, code))
        try_again(c);
    else
        finish(c,
               code == FF_DENIED ? FF_UNAVAILABLE : code); /* the shard, not the user */
}

static void on_planned(void *arg)
{
    struct change *c = arg;

    tell_news(c);
    if (!is_to_commit(c))
        finish(c, c->planned);
    else if (!c->alone || take_turn(c))
        store_commit(c->node->store, &c->batch, on_committed, c);
}

static int check_room(struct node *n, struct ff_err *err)
{
    const int code = store_health(n->store, err);

    if (code != FF_OK)
        return code;
    if (store_backlog_bytes(n->store) <= BACKLOG_MAX)
        return FF_OK;
    return ff_fail(err, FF_BUSY, 0,
                   "%zu MiB wait for the store to write them: try again in a moment",
                   store_backlog_bytes(n->store) >> 20);
}

int node_change(struct node *n, struct store_readers *pool, node_plan_fn *plan,
                void *arg, node_changed_fn *done, struct ff_err *err)
{
    if (check_room(n, err) != FF_OK)
        return err->code;
    struct change *c = mem_alloc(sizeof(*c));

    *c = (struct change){
        .node = n, .pool = pool, .plan = plan, .done = done, .arg = arg};
    atomic_fetch_add(&n->n_changes, 1); /* before it counts what is there */
    const int code = store_readers_do(pool, plan_on_lane, on_planned, c, err);

    if (code == FF_OK) {
        store_readers_hold(pool);
        return code;
    }
    atomic_fetch_sub(&n->n_changes, 1);
    mem_free(c);
    return code;
}
