/* check_total.c - tasks with total_timeout (I43), as the commits show them: how long
 * they may take in all is written once, when they are ready; nothing of them begins
 * after it, what runs is stopped, and nothing is ended by it sooner. */
#include "sim.h"

#include <string.h>

/* Where nothing fails each step takes a moment only. */
#define SLACK (10 * UNITS_SECOND)
#define MS    (UNITS_SECOND / 1000)
/* Before an attempt in place of one that was lost, where there is no retry. */
#define WAIT_UNASKED (10 * UNITS_SECOND)

static const struct flow_policy *policy_of(const struct mirror_run *r,
                                           const struct mirror_task *t)
{
    return r->flow->tasks[NODE_TASK(t->row.node)].policy;
}

#define check(holds, ...) check_task(r, t, holds, __VA_ARGS__)

static void FF_PRINTF(4, 5)
    check_task(const struct mirror_run *r, const struct mirror_task *t, bool holds,
               const char *fmt, ...)
{
    char why[160];
    va_list ap;

    if (holds)
        return;
    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    sim_check(false, "I43: run %lld: %s.%lld: %s", (long long)r->no,
              r->flow->tasks[NODE_TASK(t->row.node)].name,
              (long long)NODE_ITEM(t->row.node), why);
}

/* A step that begins others is written when they have numbers, which a busy lane takes.
 */
static bool steps_are_quick(void)
{
    return !sim.faults && sim.now > sim.healed_at + SLACK &&
           (sim.o.inner == 0 || sim.o.lane_us <= 1000);
}

static bool is_over(const struct mirror_task *t, int64_t at)
{
    return at + 2 * sim.o.skew_us + MS >= t->row.deadline_at;
}

/* --- what a row says of it --- */

static void check_begun(const struct mirror_run *r, const struct mirror_task *t)
{
    const int64_t most = policy_of(r, t)->total_timeout_us;
    const int64_t at = SIM_EPOCH_US + sim.now + most;

    check(most > 0, "it has an end, and nobody asked for it");
    check(t->row.deadline_at <= at + 2 * sim.o.skew_us,
          "it has %lld ms more than it may have",
          (long long)((t->row.deadline_at - at) / MS));
    check(!steps_are_quick() || t->row.deadline_at + SLACK + 2 * sim.o.skew_us >= at,
          "it has %lld ms less than it may have",
          (long long)((at - t->row.deadline_at) / MS));
}

bool total_note(const struct mirror_run *r, const struct mirror_task *before,
                const struct mirror_task *t, uint64_t set)
{
    if (before->row.state == TASK_WAITING && t->row.state == TASK_WAITING &&
        before->row.deadline_at != t->row.deadline_at) {
        if (t->row.deadline_at != MODEL_NULL)
            check_begun(r, t);
        else
            sim_seen(SEEN_TOTAL_ANEW);
        return true;
    }
    if (before->row.state != TASK_RUNNING || t->row.state != TASK_RUNNING ||
        set != COLUMN_BIT(COL_TASK_REASON) || strcmp(t->reason, "total_timeout") != 0)
        return false;
    check(t->row.deadline_at != MODEL_NULL && is_over(t, SIM_EPOCH_US + sim.now) &&
              strcmp(before->reason, "total_timeout") != 0,
          "it is stopped, and has time yet");
    sim_seen(SEEN_TOTAL_STOPPED);
    return true;
}

/* --- edges --- */

static void check_end(const struct mirror_run *r, const struct mirror_task *before,
                      const struct mirror_task *t)
{
    const struct flow_task *ft = &r->flow->tasks[NODE_TASK(t->row.node)];
    const struct flow_retry *retry = &ft->policy->retry;

    if (strcmp(before->reason, "total_timeout") == 0 ||
        is_over(t, t->row.finished_at)) {
        sim_seen(before->row.state == TASK_RUNNING ? SEEN_TOTAL_RUNNING
                                                   : SEEN_TOTAL_WAITING);
        return;
    }
    /* Or what would follow is too late: no wait of flow_gen.c is longer. */
    const int64_t longest = retry->given ? retry->max_delay_us : WAIT_UNASKED;
    const int64_t repeat = ft->work->repeat ? ft->work->repeat->delay_us : 0;
    check(before->row.state == TASK_RUNNING, "it is over before its time");
    check(is_over(t, t->row.finished_at + 2 * longest + repeat),
          "it is not tried again, and there is time");
    sim_seen(SEEN_TOTAL_NO_MORE);
}

static void check_stopped(const struct mirror_run *r, const struct mirror_task *t)
{
    char id[160];

    mirror_attempt_id(r, t, id, sizeof(id));
    const int64_t ended = runtime_sim_ended(id);
    check(sim.faults || t->row.deadline_at < SIM_EPOCH_US + sim.healed_at + SLACK ||
              ended <= t->row.deadline_at + policy_of(r, t)->grace_us + SLACK +
                           2 * sim.o.skew_us,
          "it ran for %lld ms too long",
          (long long)((ended - t->row.deadline_at) / MS));
}

void total_edge(const struct mirror_run *r, const struct mirror_task *before,
                const struct mirror_task *t)
{
    const bool is_timeout = strcmp(t->reason, "total_timeout") == 0;

    if (policy_of(r, t)->total_timeout_us == 0 || t->row.items != MODEL_NULL) {
        check(!is_timeout && t->row.deadline_at == MODEL_NULL,
              "it may take as long as it likes");
        return;
    }
    check(t->row.deadline_at == before->row.deadline_at, "its end is moved by %lld ms",
          (long long)((t->row.deadline_at - before->row.deadline_at) / MS));
    if (t->row.deadline_at == MODEL_NULL) {
        check(t->row.state == TASK_SKIPPED || t->row.attempt == before->row.attempt,
              "it begins, and has no end");
        return;
    }
    if (t->row.state == TASK_RUNNING)
        check(t->row.started_at < t->row.deadline_at, "it begins when it is over");
    if (t->row.state == TASK_RETRYING)
        check(t->row.due_at < t->row.deadline_at, "it is to begin when it is over");
    if (t->row.state == TASK_FAILED && is_timeout)
        check_end(r, before, t);
    if (before->row.state == TASK_RUNNING &&
        is_attempt(&r->flow->tasks[NODE_TASK(t->row.node)]))
        check_stopped(r, t);
}
