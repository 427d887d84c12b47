/* kit/kit_runtime_event.c - final events: once, repeated by adopt until release, never
 * inside a call (kit_runtime_use.c judges that at each). */
#include "kit/kit_runtime.h"

static void once(struct kit *k)
{
    struct kitr *r = kitr_open(k);

    kitr_expect_exit(r, kitr_run_sh(r, "a", "exit 1"), 1);
    kitr_quiet(r);
    kitr_quiet(r);
    kit_expect_int(k, kitr_n_final(r, "a"), 1, "final events of one attempt");
    kitr_close(r);
}

/* FF_RUN_STARTED may be told, once and first: kit_runtime_use.c judges it where it
 * comes, so enough attempts must go by, and one that is long over. */
static void in_order(struct kit *k)
{
    enum { N = 20 };
    struct kitr *r = kitr_open(k);
    char ids[N][24];

    for (int i = 0; i < N; i++) {
        snprintf(ids[i], sizeof(ids[i]), "order-%d", i);
        kitr_sh(r, ids[i], ":");
    }
    for (int i = 0; i < N; i++)
        kitr_expect_exit(r, kitr_end(r, ids[i]), 0);
    kitr_quiet(r);
    kitr_close(r);
}

static void outside_of_calls(struct kit *k)
{
    struct kitr *r = kitr_open(k);
    struct kitr_job job;
    struct kitr_op ops[4];
    const char *const nobody = "nobody";
    const char *const ended = "ended";

    kitr_run_sh(r, ended, ":");
    kitr_job(&job, r, "refused", ":");
    job.argv[0] = "/no/such/program";
    kitr_begin_adopt(r, &ops[0], &nobody, 1);
    kitr_begin_adopt(r, &ops[1], &ended, 1);
    kitr_begin_start(r, &ops[2], &job.spec);
    kitr_begin_cancel(r, &ops[3], "ended", 0);
    for (size_t i = 0; i < COUNT_OF(ops); i++)
        kitr_wait_op(&ops[i]);
    kitr_end(r, "refused");
    kitr_end(r, nobody);
    kitr_close(r);
}

static bool told_again(void *arg)
{
    return kitr_n_final(arg, "a") >= 3;
}

static void repeated(struct kit *k)
{
    struct kitr *r = kitr_open(k);

    kitr_expect_exit(r, kitr_run_sh(r, "a", "exit 2"), 2);
    kitr_adopt(r, "a");
    kitr_adopt(r, "a");
    /* One that has ended is told before adopt completes. */
    if (!told_again(r))
        kit_fail(k,
                 "after two adoptions of an ended attempt %zu final events had come, "
                 "not 3",
                 kitr_n_final(r, "a"));
    kitr_expect_exit(r, kitr_end(r, "a"), 2);
    kitr_close(r);

    r = kitr_open(k); /* another session */
    kitr_adopt(r, "a");
    kitr_expect_exit(r, kitr_end(r, "a"), 2);
    kitr_release(r, "a");
    kitr_close(r);

    r = kitr_open(k);
    kitr_adopt(r, "a");
    kitr_expect_nobody(r, kitr_end(r, "a"));
    kitr_close(r);
}

/* As it was told first, so it is told again. */
static void the_same_again(struct kit *k)
{
    struct kitr *r = kitr_open(k);
    const struct ff_run_event *first = kitr_run_sh(r, "a", "echo text; exit 3");

    kitr_adopt(r, "a");
    const struct ff_run_event *second = kitr_end(r, "a");

    kit_expect_int(k, second->started_us, first->started_us, "started_us, told again");
    kit_expect_int(k, second->ended_us, first->ended_us, "ended_us, told again");
    kit_expect_int(k, second->log_bytes, first->log_bytes, "log_bytes, told again");
    kit_expect_int(k, second->log_chunks, first->log_chunks, "log_chunks, told again");
    kit_expect_int(k, second->reason, first->reason, "reason, told again");
    kitr_close(r);
}

/* Operations that are open at close are completed, and nothing is told after it. */
static void close_while_open(struct kit *k)
{
    enum { N = 10 };
    struct kitr *r = kitr_open(k);
    struct kitr_op ops[N];
    struct kitr_job jobs[N];
    char ids[N][24];
    const char *id = "nobody";

    kitr_run_sh(r, "first", ":"); /* whatever it starts for itself is there */
    for (int i = 0; i < N; i++) {
        snprintf(ids[i], sizeof(ids[i]), "open-%d", i);
        kitr_job(&jobs[i], r, ids[i], ":");
        if (i < N - 1)
            kitr_begin_start(r, &ops[i], &jobs[i].spec);
        else
            kitr_begin_adopt(r, &ops[i], &id, 1);
    }
    kitr_shut(r);
    for (int i = 0; i < N; i++)
        kitr_wait_op(&ops[i]); /* with whatever code, but once */
    kitr_close(r);

    /* What they became can be found out, each by its name. */
    r = kitr_open(k);
    for (int i = 0; i < N - 1; i++) {
        kitr_start(r, &jobs[i].spec);
        kitr_expect_exit(r, kitr_end(r, ids[i]), 0);
    }
    kitr_close(r);
}

const struct kit_check kit_runtime_event_checks[] = {
    {"event/once", "A final event comes once.", .run = once},
    {"event/in-order", "That it started is told once at most, and before its end.",
     .run = in_order},
    {"event/outside-of-calls",
     "No event comes inside start, cancel, adopt or release, whatever it could tell.",
     .run = outside_of_calls},
    {"event/repeated", "adopt repeats a final event until release, in each session.",
     .run = repeated},
    {"event/the-same", "A final event that is repeated tells the same.",
     .run = the_same_again},
    {"close/while-open", "Operations that are open at close are completed.",
     .run = close_while_open},
    {0},
};
