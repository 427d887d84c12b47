/* kit/kit_runtime_adopt.c - after the death of whoever started it: adopt finds every
 * attempt again. The process that dies is killed with SIGKILL. */
#include "kit/kit_runtime.h"

#include <string.h>

static void start_and_wait(struct kit *k, void *arg)
{
    struct kitr *r = kitr_open(k);

    kitr_sh(r, "a", arg);
    kit_tell(k, 1);
    kit_turn(k, kit_left_us(k));
}

/* A process that starts attempt a and is killed as soon as it is told to be known. */
static void start_by_one_who_dies(struct kit *k, char *script)
{
    struct kit_child c;
    int64_t number;

    kit_start(k, &c, start_and_wait, script);
    kit_let_go(&c);
    if (!kit_hear(&c, &number))
        kit_end(k, &c);
    kit_kill(&c);
}

static void running(struct kit *k)
{
    static char script[] = KITR_TELL("begun $$") KITR_WAIT_GO "echo after; exit 7";

    start_by_one_who_dies(k, script);
    struct kitr *r = kitr_open(k);

    kitr_hear(r, "begun");
    kitr_adopt(r, "a");
    kit_expect_int(k, kitr_n_final(r, "a"), 0, "final events of one that still runs");
    kitr_go(r);
    const struct ff_run_event *end = kitr_end(r, "a");

    kitr_expect_exit(r, end, 7);
    kit_expect_int(k, end->log_bytes, 6, "bytes of output of one whose starter died");
    kitr_quiet(r);
    kit_expect_int(k, kitr_n_final(r, "a"), 1, "final events after the adoption");
    kitr_close(r);
}

static void ended_meanwhile(struct kit *k)
{
    static char script[] = "echo value >$FF_OUT/name; echo text; exit 8";
    struct buf out = {0};
    struct ff_err err;

    start_by_one_who_dies(k, script);
    struct kitr *r = kitr_open(k);

    kitr_adopt(r, "a");
    const struct ff_run_event *end = kitr_end(r, "a");

    kitr_expect_exit(r, end, 8);
    kit_expect_int(k, end->log_bytes, 5, "bytes of output of one that ended alone");
    kit_expect_code(k, kitr_output(r, "a", "name", &out, &err), FF_OK, &err,
                    "the output of one that ended alone");
    kit_expect_text(k, buf_text(&out), "value\n", "the output of one that ended alone");
    buf_done(&out);
    kitr_close(r);
}

/* Who says UNKNOWN is sure that it never ran: then it may be started under its name. */
static void unknown(struct kit *k)
{
    struct kitr *r = kitr_open(k);
    struct kitr_op op;

    kitr_begin_adopt(r, &op, NULL, 0);
    kit_expect_code(k, kitr_wait_op(&op), FF_OK, &op.err, "adopting nothing");
    kitr_adopt(r, "a");
    const uint32_t state = kitr_end(r, "a")->state;

    kitr_expect_nobody(r, kitr_end(r, "a"));
    kit_expect(k, kitr_end(r, "a")->started_us == 0,
               "one that is unknown is told to have begun");
    if (state == FF_RUN_UNKNOWN) {
        kitr_sh(r, "a", "exit 9");
        kitr_quiet(r);
        kitr_expect_exit(r, kitr_end(r, "a"), 9);
    }
    kitr_close(r);
}

static bool has_two(void *arg)
{
    return kitr_n_final(arg, "a") >= 2;
}

/* What was called lost is lost: a start on its way must not make it run. */
static void lost_stays(struct kit *k)
{
    struct kitr *r = kitr_open(k);

    kitr_adopt(r, "a");
    if (kitr_end(r, "a")->state != FF_RUN_LOST)
        kit_skip(k, "the driver calls an attempt that it does not know unknown");
    kitr_adopt(r, "a");
    if (!kit_wait(k, has_two, r))
        kit_fail(k, "the second adoption of a lost attempt told nothing");
    kit_expect_int(k, kitr_end(r, "a")->state, FF_RUN_LOST,
                   "the state of a lost attempt, adopted again");
    kitr_close(r);
}

/* Known and unknown, running and ended, in one call. */
static void many(struct kit *k)
{
    enum { N = 60 };
    struct kitr *r = kitr_open(k);
    const char *ids[N];
    char texts[N][24];
    struct kitr_op op;

    for (int i = 0; i < N; i++) {
        snprintf(texts[i], sizeof(texts[i]), "m/%d", i);
        ids[i] = texts[i];
        if (i % 3 == 0)
            kitr_run_sh(r, ids[i], "exit 5");
        else if (i % 30 == 1)
            kitr_sh(r, ids[i], KITR_WAIT_GO "exit 6");
    }
    kitr_close(r);
    r = kitr_open(k);
    kitr_begin_adopt(r, &op, ids, N);
    kit_expect_code(k, kitr_wait_op(&op), FF_OK, &op.err, "adopting %d attempts", N);
    for (int i = 0; i < N; i += 3)
        kit_expect_int(k, kitr_n_final(r, ids[i]), 1,
                       "final events of %s, which had ended, when adopt completed",
                       ids[i]);
    for (int i = 1; i < N; i += 30)
        kitr_go(r);
    for (int i = 0; i < N; i++) {
        if (i % 3 == 0 || i % 30 == 1)
            kitr_expect_exit(r, kitr_end(r, ids[i]), i % 3 == 0 ? 5 : 6);
        else
            kitr_expect_nobody(r, kitr_end(r, ids[i]));
    }
    kitr_close(r);
}

static void close_leaves_running(struct kit *k)
{
    struct kitr *r = kitr_open(k);

    kitr_sh(r, "a", KITR_TELL("begun 1") KITR_WAIT_GO "exit 4");
    kitr_hear(r, "begun");
    kitr_close(r);
    kit_drop(k); /* the loop and the instance, too */

    r = kitr_open(k);
    kitr_adopt(r, "a");
    kitr_go(r);
    kitr_expect_exit(r, kitr_end(r, "a"), 4);
    kitr_close(r);
}

/* Whoever adopts may do all that the starter could. */
static void cancel_adopted(struct kit *k)
{
    static char script[] = KITR_TELL("begun $$") KITR_WAIT_GO "exit 7";

    start_by_one_who_dies(k, script);
    struct kitr *r = kitr_open(k);
    const int64_t pid = kitr_hear(r, "begun");

    kitr_adopt(r, "a");
    kitr_cancel(r, "a", 0);
    kit_expect_int(k, kitr_end(r, "a")->reason, FF_REASON_CANCELLED,
                   "the reason of an adopted attempt that was cancelled");
    kitr_expect_gone(r, pid, "the adopted process");
    kitr_close(r);
}

const struct kit_check kit_runtime_adopt_checks[] = {
    {"adopt/running", "One that still runs is taken charge of; its end is told once.",
     .run = running, .caps = FF_RUNTIME_LOCAL_FILES},
    {"adopt/ended", "One that ended meanwhile is told with its exit, log and outputs.",
     .run = ended_meanwhile},
    {"adopt/unknown", "One that is not known is lost, or surely never ran.",
     .run = unknown},
    {"adopt/lost-stays", "An attempt that was called lost stays so.",
     .run = lost_stays},
    {"adopt/many", "Of many, those that ended are told before adopt completes.",
     .run = many, .caps = FF_RUNTIME_LOCAL_FILES},
    {"adopt/cancel", "An adopted attempt can be cancelled.", .run = cancel_adopted,
     .caps = FF_RUNTIME_LOCAL_FILES},
    {"close/leaves-running", "Attempts go on when the session is closed.",
     .run = close_leaves_running, .caps = FF_RUNTIME_LOCAL_FILES},
    {0},
};
