/* kit/kit_auth_parallel.c - checks of calls that overlap, for drivers that say that
 * theirs may. */
#include "kit/kit_auth.h"

#include "kit/kit_priv.h"

#include <string.h>

#define N_THREADS 4
#define N_CALLS   50
#define N_REFRESH 20

struct crowd {
    struct kit_auth a;
    const char *good;
    struct kit_answer wanted;
};

static void need_parallel(struct kit *k)
{
    if (kit_info(k)->d.threads != FF_PARALLEL)
        kit_skip(k, "the driver does not declare FF_PARALLEL");
}

static void ask_both(struct kit *k, void *arg)
{
    const struct crowd *c = arg;
    struct kit_answer answer;

    for (int i = 0; i < N_CALLS; i++) {
        kit_verify(&c->a, c->good, &answer);
        kit_expect_code(k, answer.code, FF_OK, &answer.err,
                        "a known credential, others being asked about meanwhile");
        kit_expect_int(k, answer.n_calls, 1, "calls of fn, meanwhile");
        kit_expect_text(k, answer.subject, c->wanted.subject, "the subject, meanwhile");
        kit_expect_text(k, answer.roles, c->wanted.roles, "the roles, meanwhile");
        kit_must_deny(&c->a, "no-such-credential", "an unknown one, meanwhile");
    }
}

static void start(struct kit *k, struct crowd *c)
{
    *c = (struct crowd){.good = kit_good(k)};
    need_parallel(k);
    kit_auth_open(k, &c->a);
    kit_verify(&c->a, c->good, &c->wanted);
    kit_expect_code(k, c->wanted.code, FF_OK, &c->wanted.err, "a known credential");
}

static void calls_may_overlap(struct kit *k)
{
    struct kit_thread *threads[N_THREADS];
    struct crowd c;

    start(k, &c);
    for (int i = 0; i < N_THREADS; i++)
        threads[i] = kit_thread(k, ask_both, &c);
    for (int i = 0; i < N_THREADS; i++)
        kit_join(threads[i]);
    kit_auth_close(&c.a);
}

static void refresh_often(struct kit *k, void *arg)
{
    struct crowd *c = arg;
    struct ff_err err = {0};

    for (int i = 0; i < N_REFRESH; i++) {
        const int code = c->a.ops->refresh(c->a.session, &err);

        kit_expect_code(k, code, FF_OK, &err,
                        "refresh, while credentials are asked about");
    }
}

static void refresh_may_overlap(struct kit *k)
{
    struct kit_thread *threads[N_THREADS];
    struct crowd c;

    start(k, &c);
    for (int i = 0; i < N_THREADS; i++)
        threads[i] = kit_thread(k, i < 2 ? refresh_often : ask_both, &c);
    for (int i = 0; i < N_THREADS; i++)
        kit_join(threads[i]);
    kit_auth_close(&c.a);
}

const struct kit_check kit_auth_parallel[] = {
    {.name = "parallel/verify",
     .what = "with FF_PARALLEL calls of verify overlap and each gets its own answer",
     .run = calls_may_overlap},
    {.name = "parallel/refresh",
     .what = "with FF_PARALLEL refresh overlaps with verify and no answer changes",
     .run = refresh_may_overlap,
     .slot = KIT_SLOT(ff_auth_ops, refresh)},
    {0},
};
