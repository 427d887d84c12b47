/* loop/lane.c - a lane: one worker thread with a queue, for what may block. */
#include "loop/loop_priv.h"

#include "base/base.h"
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define NAME_SIZE 16 /* what the kernel keeps of a thread's name */
#define KEEP_CAP  1024

struct job {
    ff_call_fn *fn;
    ff_call_fn *after;
    void *arg;
};

struct jobs {
    struct job *items;
    size_t n, cap;
};

struct lane {
    struct loop *loop;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct jobs waiting; /* by mutex, as ending */
    bool ending;
    struct jobs running; /* the lane's thread */
    bool is_virtual;     /* no thread: work is done where it is asked for */
};

/* Takes all that waits; false when the lane ends and nothing is left to do. */
static bool take(struct lane *ln)
{
    pthread_mutex_lock(&ln->mutex);
    while (ln->waiting.n == 0 && !ln->ending)
        pthread_cond_wait(&ln->changed, &ln->mutex);
    const struct jobs taken = ln->waiting;

    ln->waiting = ln->running;
    ln->running = taken;
    pthread_mutex_unlock(&ln->mutex);
    return taken.n > 0;
}

static void *work(void *arg)
{
    struct lane *ln = arg;

    while (take(ln)) {
        for (size_t i = 0; i < ln->running.n; i++) {
            const struct job job = ln->running.items[i];

            job.fn(job.arg);
            if (job.after)
                loop_post(ln->loop, job.after, job.arg);
        }
        ln->running.n = 0;
        if (ln->running.cap > KEEP_CAP)
            ARRAY_DONE(&ln->running);
    }
    return NULL;
}

/* With all signals blocked: those of the process are the loop thread's business. */
static int start(struct lane *ln)
{
    sigset_t all;
    sigset_t before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failed = pthread_create(&ln->thread, NULL, work, ln);

    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

static void done(struct lane *ln)
{
    ARRAY_DONE(&ln->waiting);
    ARRAY_DONE(&ln->running);
    pthread_cond_destroy(&ln->changed);
    pthread_mutex_destroy(&ln->mutex);
    mem_free(ln);
}

struct lane *lane_new(struct loop *l, const char *name, struct ff_err *err)
{
    struct lane *ln = mem_alloc(sizeof(*ln));
    char short_name[NAME_SIZE];

    ln->loop = l;
    pthread_mutex_init(&ln->mutex, NULL);
    pthread_cond_init(&ln->changed, NULL);
    ln->is_virtual = loop_is_virtual(l);
    const int failed = ln->is_virtual ? 0 : start(ln);

    if (failed) {
        ff_fail(err, FF_UNAVAILABLE, failed, "thread %s: %s", name, strerror(failed));
        done(ln);
        return NULL;
    }
    snprintf(short_name, sizeof(short_name), "%s", name);
    if (!ln->is_virtual)
        pthread_setname_np(ln->thread, short_name);
    return ln;
}

void lane_do(struct lane *ln, ff_call_fn *fn, ff_call_fn *after, void *arg)
{
    const struct job job = {.fn = fn, .after = after, .arg = arg};

    if (ln->is_virtual) {
        fn(arg);
        if (after)
            loop_post(ln->loop, after, arg);
        return;
    }
    pthread_mutex_lock(&ln->mutex);
    ARRAY_ADD(&ln->waiting, job);
    pthread_cond_signal(&ln->changed);
    pthread_mutex_unlock(&ln->mutex);
}

void lane_free(struct lane *ln)
{
    if (!ln)
        return;
    if (ln->is_virtual) {
        done(ln);
        return;
    }
    pthread_mutex_lock(&ln->mutex);
    ln->ending = true;
    pthread_cond_signal(&ln->changed);
    pthread_mutex_unlock(&ln->mutex);
    pthread_join(ln->thread, NULL);
    done(ln);
}
