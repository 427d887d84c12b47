/* kit/kit_runtime_start.c - starting attempts: once each, and how their ends are told.
 */
#include "kit/kit_runtime.h"

#include <signal.h>
#include <string.h>

#define MANY_DEADLINE_S 120 /* where each attempt is a pod */

/* Every exit code, and all of them at a time. */
static void exit_codes(struct kit *k)
{
    enum { N = 256 };
    struct kitr *r = kitr_open(k);
    struct kitr_op *ops = mem_array(N, sizeof(*ops));
    char id[32];
    char script[32];

    for (int i = 0; i < N; i++) {
        struct kitr_job job;

        snprintf(id, sizeof(id), "exit/%d", i);
        snprintf(script, sizeof(script), "exit %d", i);
        kitr_job(&job, r, id, script);
        kitr_begin_start(r, &ops[i], &job.spec);
    }
    for (int i = 0; i < N; i++)
        kit_expect_code(k, kitr_wait_op(&ops[i]), FF_OK, &ops[i].err, "start %d", i);
    for (int i = 0; i < N; i++) {
        snprintf(id, sizeof(id), "exit/%d", i);
        kitr_expect_exit(r, kitr_end(r, id), i);
        kit_expect_int(k, kitr_end(r, id)->signal, 0, "the signal of attempt %s", id);
        kit_expect_int(k, kitr_end(r, id)->reason, FF_REASON_NONE,
                       "the reason of attempt %s", id);
    }
    kitr_quiet(r);
    for (int i = 0; i < N; i++) {
        snprintf(id, sizeof(id), "exit/%d", i);
        kit_expect_int(k, kitr_n_final(r, id), 1, "final events of attempt %s", id);
    }
    mem_free(ops);
    kitr_close(r);
}

static void signals(struct kit *k)
{
    static const int numbers[] = {SIGKILL, SIGTERM, SIGSEGV, SIGABRT, SIGUSR1, SIGPIPE};
    struct kitr *r = kitr_open(k);

    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        char id[32];
        char script[64];

        snprintf(id, sizeof(id), "signal-%d", numbers[i]);
        snprintf(script, sizeof(script), "ulimit -c 0; kill -%d $$; exit 3",
                 numbers[i]);
        const struct ff_run_event *end = kitr_run_sh(r, id, script);

        kitr_expect_exit(r, end, 128 + numbers[i]);
        kit_expect_int(k, end->signal, numbers[i], "the signal that ended %s", id);
    }
    kitr_close(r);
}

static void times(struct kit *k)
{
    struct kitr *r = kitr_open(k);
    /* Another clock than ours may tell them: a pod's host. */
    const int64_t slack_us = INT64_C(60) * 1000000;
    const int64_t before_us = loop_wall_us(r->loop) - slack_us;
    const struct ff_run_event *end = kitr_run_sh(r, "a", ":");
    const int64_t after_us = loop_wall_us(r->loop) + slack_us;

    kit_expect(k, end->started_us >= before_us && end->ended_us <= after_us,
               "an attempt between %lld and %lld is told to have run from %lld to %lld",
               (long long)before_us, (long long)after_us, (long long)end->started_us,
               (long long)end->ended_us);
    kitr_close(r);
}

/* The memory is the caller's again as soon as the call returns. */
static void copies(struct kit *k)
{
    struct kitr *r = kitr_open(k);
    struct kitr_job *job = mem_alloc(sizeof(*job));
    char *id = mem_text("a");
    char *script = mem_text("read word; [ \"$word\" = word ] || exit 1; exit $CODE");
    char *input = mem_text("word\n");
    char *variable = mem_text("CODE=7");
    struct kitr_op op;

    kitr_job(job, r, id, script);
    job->env[2] = variable;
    job->spec.input = input;
    job->spec.input_len = 5;
    kitr_begin_start(r, &op, &job->spec);
    memset(id, 'x', 1);
    memset(script, 'x', strlen(script));
    memset(input, 'x', 5);
    memset(variable, 'x', 6);
    mem_free(id);
    mem_free(script);
    mem_free(input);
    mem_free(variable);
    memset(job, 0, sizeof(*job));
    mem_free(job);
    kit_expect_code(k, kitr_wait_op(&op), FF_OK, &op.err, "start");
    kitr_expect_exit(r, kitr_end(r, "a"), 7);
    kitr_close(r);
}

static void refused(struct kit *k)
{
    static const char *const programs[] = {"/no/such/program", "no-such-program"};
    struct kitr *r = kitr_open(k);

    for (size_t i = 0; i < COUNT_OF(programs); i++) {
        struct kitr_job job;

        kitr_job(&job, r, programs[i] + (programs[i][0] == '/'), ":");
        job.argv[0] = programs[i];
        kitr_start(r, &job.spec);
        const struct ff_run_event *end = kitr_end(r, job.spec.attempt_id);

        kit_expect_int(k, end->state, FF_RUN_REFUSED,
                       "the state of %s, which is missing", programs[i]);
        kit_expect(k, strstr(end->message, programs[i]),
                   "the message does not name %s but says: %s", programs[i],
                   end->message);
        kit_expect_int(k, end->started_us, 0, "when %s, which is missing, began",
                       programs[i]);
    }
    kitr_expect_exit(r, kitr_run_sh(r, "after", "exit 4"), 4);
    kitr_close(r);
}

static void count_runs(struct kitr *r, int64_t expected, const char *when)
{
    struct buf ran = {0};
    MEM_AUTO char *path = kitr_path(r, "ran");

    kitr_read(r, path, &ran);
    kit_expect_int(r->k, ran.len, expected, "how often it ran, started twice %s", when);
    buf_done(&ran);
}

static void twice(struct kit *k)
{
    struct kitr *r = kitr_open(k);
    struct kitr_job job;
    struct kitr_op ops[2];

    kitr_job(&job, r, "a",
             "printf x >>$D/ran; " KITR_TELL("begun 1") KITR_WAIT_GO "exit 5");
    kitr_begin_start(r, &ops[0], &job.spec); /* in one turn */
    kitr_begin_start(r, &ops[1], &job.spec);
    for (int i = 0; i < 2; i++)
        kit_expect_code(k, kitr_wait_op(&ops[i]), FF_OK, &ops[i].err, "start %d",
                        i + 1);
    kitr_hear(r, "begun");
    kitr_start(r, &job.spec); /* while it runs */
    kitr_go(r);
    kitr_expect_exit(r, kitr_end(r, "a"), 5);
    kitr_quiet(r);
    count_runs(r, 1, "while it ran");
    kitr_start(r, &job.spec); /* it has ended and is not released */
    kitr_quiet(r);
    count_runs(r, 1, "after its end");
    kitr_adopt(r, "a");
    kitr_expect_exit(r, kitr_end(r, "a"), 5);
    kitr_close(r);
}

static void begin_and_wait(struct kit *k, void *arg)
{
    struct kitr *r = kitr_open(k);
    struct kitr_job job;

    kitr_job(&job, r, "a", arg);
    kitr_start(r, &job.spec);
    kit_tell(k, 1);
    kit_turn(k, kit_left_us(k));
}

/* The second process does not know that the first one started it. */
static void twice_by_two(struct kit *k)
{
    static char script[] = "printf x >>$D/ran; " KITR_WAIT_GO "exit 6";
    struct kit_child first;
    struct kitr_job job;
    int64_t number;

    kit_start(k, &first, begin_and_wait, script);
    kit_let_go(&first);
    if (!kit_hear(&first, &number))
        kit_end(k, &first);
    kit_kill(&first);

    struct kitr *r = kitr_open(k);

    kitr_job(&job, r, "a", script);
    kitr_start(r, &job.spec);
    kitr_go(r);
    kitr_expect_exit(r, kitr_end(r, "a"), 6);
    count_runs(r, 1, "by two processes");
    kitr_close(r);
}

#define N_IDS 16

/* What may be told apart, must be: each has its own outputs. */
static void ids_apart(struct kit *k)
{
    static const char *const short_ids[N_IDS - 2] = {
        "a",  "A", "a/b", "a/B",    "a+b",  "a%2fb", "a.b",
        "..", ".", "-rf", "a/../b", "a//b", "/a",    "a;b|c&d'e\"f`g$h",
    };
    struct kitr *r = kitr_open(k);
    const char *ids[N_IDS];
    char longest[2][256];
    struct ff_err err;

    for (int i = 0; i < 2; i++) {
        memset(longest[i], 'x', 255);
        longest[i][127] = '/';
        longest[i][254] = (char)('0' + i);
        longest[i][255] = '\0';
    }
    for (int i = 0; i < N_IDS; i++) {
        char script[64];

        ids[i] = i < N_IDS - 2 ? short_ids[i] : longest[i - (N_IDS - 2)];
        snprintf(script, sizeof(script), "printf %d >$FF_OUT/own; exit %d", i, i);
        kitr_sh(r, ids[i], script);
    }
    for (int i = 0; i < N_IDS; i++) {
        struct buf out = {0};
        char own[16];

        kitr_expect_exit(r, kitr_end(r, ids[i]), i);
        snprintf(own, sizeof(own), "%d", i);
        kit_expect_code(k, kitr_output(r, ids[i], "own", &out, &err), FF_OK, &err,
                        "the output of attempt %s", ids[i]);
        kit_expect_text(k, buf_text(&out), own, "the output of attempt %s", ids[i]);
        buf_done(&out);
    }
    kitr_close(r);
}

static void close_null(struct kit *k)
{
    driver_runtime_ops(kit_instance(k))->close(NULL);
}

const struct kit_check kit_runtime_start_checks[] = {
    {"start/exit-codes",
     "Each exit code from 0 to 255 is told, once, of many at a time.",
     .run = exit_codes, .deadline_s = MANY_DEADLINE_S},
    {"start/signals", "One that was killed by a signal has it, and exit code 128 + it.",
     .run = signals},
    {"start/times",
     "The event tells when the attempt began and ended, by the wall clock.",
     .run = times},
    {"start/copies", "What is passed is borrowed until the call returns.",
     .run = copies},
    {"start/refused",
     "A program that cannot be run is refused, and the message says why.",
     .run = refused},
    {"start/twice", "Starting an attempt twice starts it once.", .run = twice,
     .caps = FF_RUNTIME_LOCAL_FILES},
    {"start/twice-by-two",
     "... whoever asks: another process after the first one died.", .run = twice_by_two,
     .caps = FF_RUNTIME_LOCAL_FILES},
    {"start/ids-apart", "Attempt ids are any printable text up to 255 bytes.",
     .run = ids_apart},
    {"close/null", "close takes NULL.", .run = close_null},
    {0},
};
