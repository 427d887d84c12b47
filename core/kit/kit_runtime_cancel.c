/* kit/kit_runtime_cancel.c - ending what runs, by cancel or by timeout: SIGTERM, the
 * grace, SIGKILL, to all of its processes. */
#include "kit/kit_runtime.h"

#include <signal.h>

#define SHORT_US INT64_C(300000)

/* A shell goes on only between commands; it sleeps in short ones. */
#define FOR_EVER "while :; do sleep 0.05; done"
#define DEAF     "trap '' TERM; "

/* Each tells its number before the attempt is cancelled. */
static void whole_tree(struct kit *k)
{
    static const char *const names[] = {"main", "child", "deaf", "own", "orphan"};
    struct kitr *r = kitr_open(k);
    int64_t pids[COUNT_OF(names)];

    kitr_sh(r, "a",
            "tell() { echo $1 $2 >$D/tell; }\n"
            "sh -c 'echo child $$ >$D/tell; exec sleep 1000' &\n"
            "sh -c 'trap \"\" TERM; echo deaf $$ >$D/tell; " FOR_EVER "' &\n"
            "setsid sh -c 'echo own $$ >$D/tell; exec sleep 1000' &\n"
            "(setsid sh -c 'trap \"\" TERM; echo orphan $$ >$D/tell; " FOR_EVER
            "' >/dev/null 2>&1 &)\n"
            "tell main $$; wait");
    for (size_t i = 0; i < COUNT_OF(names); i++)
        pids[i] = kitr_hear(r, names[i]);
    kitr_cancel(r, "a", SHORT_US);
    const struct ff_run_event *end = kitr_end(r, "a");

    kit_expect_int(k, end->state, FF_RUN_EXITED, "the state of a cancelled attempt");
    kit_expect_int(k, end->reason, FF_REASON_CANCELLED, "its reason");
    for (size_t i = 0; i < COUNT_OF(names); i++)
        kitr_expect_gone(r, pids[i], names[i]);
    kitr_close(r);
}

static void tidies_up(struct kit *k)
{
    struct kitr *r = kitr_open(k);
    struct buf out = {0};
    struct kitr_job job;

    kitr_job(&job, r, "a",
             "trap 'echo bye; exit 9' TERM; " KITR_TELL("begun 1") FOR_EVER);
    kitr_start(r, &job.spec);
    kitr_hear(r, "begun");
    kitr_cancel(r, "a", KITR_GRACE_US);
    const struct ff_run_event *end = kitr_end(r, "a");

    kitr_expect_exit(r, end, 9);
    kit_expect_int(k, end->reason, FF_REASON_CANCELLED, "the reason");
    kitr_log(r, job.log_dir, "stdout", &out);
    kit_expect_text(k, buf_text(&out), "bye\n", "what it wrote after SIGTERM");
    buf_done(&out);
    kitr_close(r);
}

static void grace(struct kit *k)
{
    struct kitr *r = kitr_open(k);

    kitr_sh(r, "a", DEAF KITR_TELL("begun 1") FOR_EVER);
    kitr_hear(r, "begun");
    const int64_t from_us = loop_wall_us(r->loop);

    kitr_cancel(r, "a", SHORT_US);
    const struct ff_run_event *end = kitr_end(r, "a");

    kitr_expect_exit(r, end, 128 + SIGKILL);
    kit_expect_int(k, end->signal, SIGKILL, "the signal");
    kit_expect_int(k, end->reason, FF_REASON_CANCELLED, "the reason");
    /* A little less is the clocks' affair. */
    kit_expect(k, loop_wall_us(r->loop) - from_us >= SHORT_US - SHORT_US / 10,
               "SIGKILL came %lld us after a cancel with a grace of %lld us",
               (long long)(loop_wall_us(r->loop) - from_us), (long long)SHORT_US);
    kitr_close(r);
}

static void second_call(struct kit *k)
{
    struct kitr *r = kitr_open(k);

    kitr_sh(r, "a", DEAF KITR_TELL("begun 1") FOR_EVER);
    kitr_hear(r, "begun");
    kitr_cancel(r, "a", KITR_GRACE_US);
    kitr_cancel(r, "a", SHORT_US);
    kit_expect_int(k, kitr_end(r, "a")->signal, SIGKILL,
                   "the signal after the shorter grace");
    kitr_close(r);
}

static void no_grace(struct kit *k)
{
    struct kitr *r = kitr_open(k);

    kitr_sh(r, "a", "trap 'exit 3' TERM; " KITR_TELL("begun 1") FOR_EVER);
    kitr_hear(r, "begun");
    kitr_cancel(r, "a", 0);
    kit_expect_int(k, kitr_end(r, "a")->signal, SIGKILL, "the signal without grace");
    kitr_close(r);
}

static void nobody(struct kit *k)
{
    struct kitr *r = kitr_open(k);
    struct kitr_op op;

    kitr_begin_cancel(r, &op, "nobody", 0);
    kit_expect_code(k, kitr_wait_op(&op), FF_NOT_FOUND, &op.err,
                    "cancelling what was never started");
    kitr_expect_exit(r, kitr_run_sh(r, "a", "exit 1"), 1);
    kitr_close(r);
}

static void ended(struct kit *k)
{
    struct kitr *r = kitr_open(k);
    struct kitr_op op;

    kitr_expect_exit(r, kitr_run_sh(r, "a", "exit 2"), 2);
    kitr_begin_cancel(r, &op, "a", 0);
    kitr_wait_op(&op); /* with whatever code */
    kitr_quiet(r);
    kit_expect_int(k, kitr_n_final(r, "a"), 1,
                   "final events of one cancelled too late");
    kitr_adopt(r, "a");
    kitr_expect_exit(r, kitr_end(r, "a"), 2);
    kit_expect_int(k, kitr_end(r, "a")->reason, FF_REASON_NONE, "its reason");
    kitr_close(r);
}

/* Only the one that is meant. */
static void others_go_on(struct kit *k)
{
    struct kitr *r = kitr_open(k);

    kitr_sh(r, "a/1", KITR_TELL("first $$") "exec sleep 1000");
    kitr_sh(r, "a/10", KITR_TELL("second $$") KITR_WAIT_GO "exit 3");
    kitr_hear(r, "first");
    kitr_hear(r, "second");
    kitr_cancel(r, "a/1", KITR_GRACE_US);
    kit_expect_int(k, kitr_end(r, "a/1")->signal, SIGTERM, "the signal of a/1");
    kitr_go(r);
    kitr_expect_exit(r, kitr_end(r, "a/10"), 3);
    kit_expect_int(k, kitr_end(r, "a/10")->reason, FF_REASON_NONE,
                   "the reason of a/10");
    kitr_close(r);
}

static void at_once(struct kit *k)
{
    struct kitr *r = kitr_open(k);
    struct kitr_job job;
    struct kitr_op ops[2];

    kitr_job(&job, r, "a", "exec sleep 1000");
    kitr_begin_start(r, &ops[0], &job.spec);
    kitr_begin_cancel(r, &ops[1], "a", 0);
    kit_expect_code(k, kitr_wait_op(&ops[0]), FF_OK, &ops[0].err, "start");
    if (kitr_wait_op(&ops[1]) != FF_OK) /* it was there before the start */
        kitr_cancel(r, "a", 0);
    kit_expect_int(k, kitr_end(r, "a")->reason, FF_REASON_CANCELLED,
                   "the reason of one cancelled right after its start");
    kitr_close(r);
}

static void timeout(struct kit *k)
{
    struct kitr *r = kitr_open(k);
    struct kitr_job job;

    kitr_job(&job, r, "a", "exec sleep 1000");
    job.spec.timeout_us = SHORT_US;
    kitr_start(r, &job.spec);
    const struct ff_run_event *end = kitr_end(r, "a");

    kit_expect_int(k, end->state, FF_RUN_EXITED, "the state after a timeout");
    kit_expect_int(k, end->reason, FF_REASON_TIMEOUT, "its reason");
    kit_expect_int(k, end->signal, SIGTERM, "the signal, within the grace");
    kit_expect(k, end->ended_us - end->started_us >= SHORT_US - SHORT_US / 10,
               "a timeout of %lld us came after %lld us", (long long)SHORT_US,
               (long long)(end->ended_us - end->started_us));
    kitr_job(&job, r, "in-time", "exit 4");
    job.spec.timeout_us = INT64_C(3600) * 1000000;
    kitr_start(r, &job.spec);
    kitr_expect_exit(r, kitr_end(r, "in-time"), 4);
    kitr_close(r);
}

static void timeout_grace(struct kit *k)
{
    struct kitr *r = kitr_open(k);
    struct kitr_job job;

    kitr_job(&job, r, "a",
             DEAF "(setsid sh -c 'trap \"\" TERM; echo orphan $$ >$D/tell; " FOR_EVER
                  "' >/dev/null 2>&1 &); " FOR_EVER);
    job.spec.timeout_us = SHORT_US;
    job.spec.grace_us = SHORT_US;
    kitr_start(r, &job.spec);
    const int64_t pid = kitr_hear(r, "orphan");
    const struct ff_run_event *end = kitr_end(r, "a");

    kit_expect_int(k, end->reason, FF_REASON_TIMEOUT, "the reason");
    kit_expect_int(k, end->signal, SIGKILL, "the signal after the grace");
    kitr_expect_gone(r, pid, "an orphan of it");
    kitr_close(r);
}

const struct kit_check kit_runtime_cancel_checks[] = {
    {"cancel/whole-tree",
     "cancel ends all processes, those that hide and are deaf, too.", .run = whole_tree,
     .caps = FF_RUNTIME_LOCAL_FILES},
    {"cancel/tidies-up", "SIGTERM comes first, and there is time to act on it.",
     .run = tidies_up, .caps = FF_RUNTIME_LOCAL_FILES},
    {"cancel/grace", "SIGKILL comes after grace_us, and not before.", .run = grace,
     .caps = FF_RUNTIME_LOCAL_FILES},
    {"cancel/second", "A second cancel shortens the grace.", .run = second_call,
     .caps = FF_RUNTIME_LOCAL_FILES},
    {"cancel/no-grace", "Without a grace SIGKILL comes at once.", .run = no_grace,
     .caps = FF_RUNTIME_LOCAL_FILES},
    {"cancel/nobody", "cancel of an attempt that is not there is FF_NOT_FOUND.",
     .run = nobody},
    {"cancel/ended", "cancel of an attempt that has ended changes nothing.",
     .run = ended},
    {"cancel/others-go-on", "cancel ends this one attempt.", .run = others_go_on,
     .caps = FF_RUNTIME_LOCAL_FILES},
    {"cancel/at-once",
     "An attempt can be cancelled as soon as its start was asked for.", .run = at_once},
    {"timeout/reason", "After timeout_us the attempt is ended, and the reason says so.",
     .run = timeout},
    {"timeout/grace", "... with all its processes, and SIGKILL after grace_us.",
     .run = timeout_grace, .caps = FF_RUNTIME_LOCAL_FILES},
    {0},
};
