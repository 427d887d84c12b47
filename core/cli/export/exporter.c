/* exporter.c - which runs are to be told, and when: on the loop. What blocks is done on
 * a lane of its own, one request at a time. */
#include "cli/export/export_priv.h"

#include "store/store.h"

#define WAITING_MAX  10000 /* runs */
#define PAGE_RUNS    256
#define DELAY_US     UNITS_SECOND
#define DELAY_MAX_US (30 * UNITS_SECOND)
#define LEAVE_US     (5 * UNITS_SECOND)

struct exporter {
    struct loop *loop;
    struct node *node;
    struct export_way way;
    struct store_readers *readers;
    struct export_page page; /* the lane's while it works */
    struct export_sent sent; /* so is this */
    struct {                 /* a ring */
        struct export_run items[WAITING_MAX];
        size_t first, n;
    } waiting;
    size_t n_taken; /* of these, by the page, and not all told */
    struct exporter_counts counts;
    struct loop_timer *again;
    int64_t delay_us; /* before the next try; 0: the last one was answered */
    const char *away; /* who did not answer */
    bool works, leaves, stands_still;
    bool in_end; /* the loop runs for nothing else */
};

struct exporter *exporter_new(struct loop *l, struct node *n,
                              const struct export_settings *settings,
                              const char *version, struct ff_err *err)
{
    const struct store_readers_setup setup = {
        .name = "traces", .n_lanes = 1, .n_waiting = 1};
    struct exporter *e = mem_alloc(sizeof(*e));

    e->loop = l;
    e->node = n;
    export_way_new(settings, &e->way);
    e->page =
        (struct export_page){.store = node_store(n),
                             .sender = {.service = settings->service_name,
                                        .version = version,
                                        .attributes = settings->resource_attributes}};
    e->readers = store_readers_open(node_store(n), &setup, err);
    if (e->readers)
        return e;
    export_way_done(&e->way);
    mem_free(e);
    return NULL;
}

struct exporter_counts exporter_counts(const struct exporter *e)
{
    struct exporter_counts counts = {0};

    if (e) {
        counts = e->counts;
        counts.n_waiting = (int64_t)(e->waiting.n + e->n_taken);
    }
    return counts;
}

/* --- one request after the other --- */

static void go_on(struct exporter *e);

static void work(void *arg, struct store_reader *r)
{
    struct exporter *e = arg;

    e->sent = (struct export_sent){.outcome = EXPORT_SENT};
    if (e->page.n_spans == 0) {
        export_page_clear(&e->page);
        export_page_fill(&e->page, r);
    }
    if (e->page.n_spans > 0) {
        export_send(&e->way, &e->page, &e->sent);
    } else if (e->page.unread.code != FF_OK) {
        e->sent.outcome = EXPORT_UNREAD;
        e->sent.err = e->page.unread;
    }
}

static void try_again(void *arg)
{
    go_on(arg);
}

/* The first time is told, and that it is over; not each try between. */
static void wait(struct exporter *e)
{
    const int64_t asked_s = e->sent.retry_after_s;
    int64_t delay_us =
        asked_s > DELAY_MAX_US / UNITS_SECOND ? DELAY_MAX_US : asked_s * UNITS_SECOND;

    const bool unread = e->sent.outcome == EXPORT_UNREAD;

    if (e->delay_us == 0) {
        e->away = unread ? "the store" : "the collector";
        log_warn("traces: %s, and is asked again: %s",
                 unread ? "the store cannot be read" : "the collector takes no spans",
                 e->sent.err.msg);
    }
    e->delay_us = e->delay_us == 0 ? DELAY_US : e->delay_us * 2;
    if (e->delay_us > DELAY_MAX_US)
        e->delay_us = DELAY_MAX_US;
    if (delay_us < e->delay_us)
        delay_us = e->delay_us;
    loop_timer_add(e->loop, delay_us, try_again, e, &e->again);
}

static void take_answer(struct exporter *e)
{
    const int64_t n_spans = (int64_t)e->page.n_spans;

    if (e->sent.outcome == EXPORT_REJECTED) {
        log_warn("traces: the collector refused %lld spans: %s", (long long)n_spans,
                 e->sent.err.msg);
        e->sent.n_rejected = n_spans;
    }
    if (e->delay_us > 0)
        log_info("traces: %s answers again", e->away);
    e->delay_us = 0;
    e->counts.n_rejected += e->sent.n_rejected;
    e->counts.n_sent += n_spans - e->sent.n_rejected;
    export_page_clear(&e->page);
}

static void worked(void *arg)
{
    struct exporter *e = arg;
    const bool again =
        e->sent.outcome == EXPORT_AGAIN || e->sent.outcome == EXPORT_UNREAD;

    e->works = false;
    if (again && !e->leaves) {
        wait(e);
        return;
    }
    if (again)
        e->stands_still = true;
    else
        take_answer(e);
    go_on(e);
}

static void take_waiting(struct exporter *e)
{
    struct export_page *p = &e->page;

    p->runs.n = p->runs.next = 0;
    while (p->runs.n < PAGE_RUNS && e->waiting.n > 0) {
        ARRAY_ADD(&p->runs, e->waiting.items[e->waiting.first]);
        e->waiting.first = (e->waiting.first + 1) % WAITING_MAX;
        e->waiting.n--;
    }
    e->n_taken = p->runs.n;
}

static bool has_work(struct exporter *e)
{
    if (e->stands_still)
        return false;
    if (e->page.n_spans == 0 && export_page_is_over(&e->page))
        take_waiting(e);
    return e->page.n_spans > 0 || !export_page_is_over(&e->page);
}

static void go_on(struct exporter *e)
{
    struct ff_err err;

    if (e->works || e->again)
        return;
    if (has_work(e) && store_readers_do(e->readers, work, worked, e, &err) == FF_OK) {
        e->works = true;
        return;
    }
    if (e->in_end)
        loop_stop(e->loop, 0); /* which may not have begun: then it does not */
}

void exporter_ended(struct exporter *e, const struct run_row *run)
{
    if (!e || !run_state_final(run->state))
        return;
    if (e->waiting.n == WAITING_MAX) {
        if (e->counts.n_passed_over++ == 0)
            log_warn("traces: %d runs wait to be told to the collector: others are "
                     "passed over",
                     WAITING_MAX);
        return;
    }
    e->waiting.items[(e->waiting.first + e->waiting.n++) % WAITING_MAX] =
        (struct export_run){{run->tenant}, run->run};
    go_on(e);
}

/* --- its end --- */

static void stop_loop(void *arg)
{
    loop_stop(arg, 0);
}

static void send_rest(struct exporter *e)
{
    struct loop_timer *stuck = NULL;

    e->in_end = true;
    loop_timer_add(e->loop, LEAVE_US, stop_loop, e->loop, &stuck);
    go_on(e);
    loop_run(e->loop);
    loop_timer_del(stuck);
    e->in_end = false;
}

void exporter_hurry(struct exporter *e)
{
    if (!e)
        return;
    e->leaves = e->stands_still = true;
    atomic_store(&e->way.abandon, true);
    if (e->in_end)
        loop_stop(e->loop, 0);
}

void exporter_free(struct exporter *e)
{
    if (!e)
        return;
    e->leaves = true;
    loop_timer_del(e->again);
    e->again = NULL;
    if (!e->stands_still)
        send_rest(e);
    exporter_hurry(e);
    store_readers_close(e->readers);

    const size_t n = e->waiting.n + (e->page.runs.n - e->page.runs.next) +
                     (e->page.n_spans > 0 || e->page.at.trace);

    if (n > 0)
        log_warn("traces: what came of %zu runs or more was not told to the collector",
                 n);
    export_page_done(&e->page);
    export_way_done(&e->way);
    mem_free(e);
}
